"""The recipe: what each window is for, and how it is measured."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from flight_delay.contract import DAY, OUTCOME, ROWS, TARGET
from flight_delay.evaluate import (
    at_threshold,
    choose_threshold,
    compare,
    scored,
)
from flight_delay.model import gradient_boosting, logistic_baseline
from flight_delay.plots import figures
from flight_delay.settings import Settings
from flight_delay.splits import Windows
from flight_delay.train import (
    Measured,
    TrainedFirst,
    fit,
    measure,
    measure_alone,
    probabilities,
    train,
)

QUICK = Settings(resamples=100)


@pytest.fixture(scope="module")
def few(windows: Windows) -> Windows:
    """Return an eighth of each window: the recipe does not depend on the number of rows."""
    parts = (windows.fit, windows.validation, windows.launch)
    return Windows(*(part.gather_every(8) for part in parts))


@pytest.fixture(scope="module")
def result(few: Windows) -> TrainedFirst:
    """Return what the recipe makes of few rows."""
    return train(few, QUICK, lambda _: None)


@pytest.fixture(scope="module")
def measured(few: Windows) -> Measured:
    """Return what the launch window says of two models that are only fitted on February."""
    learn = few.fit.filter(pl.col(DAY) >= date(2013, 2, 1))
    model, baseline = fit(gradient_boosting(1), learn), fit(logistic_baseline(1), learn)
    return measure(model, baseline, few.launch, 0.2, QUICK)


def test_the_steps_are_said_in_the_order_of_time(few: Windows) -> None:
    said: list[str] = []
    train(few, QUICK, said.append)
    assert [line.split()[0] for line in said] == ["fitting", "choosing", "fitting"]
    counts = [few.fit.height, few.validation.height, few.history.height]
    assert all(f"{count:,}" in line for count, line in zip(counts, said, strict=True))


def test_the_candidate_has_not_seen_validation_and_the_final_model_has(
    few: Windows, result: TrainedFirst
) -> None:
    rows = few.launch
    candidate = fit(gradient_boosting(QUICK.seed), few.fit)
    final = fit(gradient_boosting(QUICK.seed), few.history)
    assert np.array_equal(probabilities(result.candidate, rows), probabilities(candidate, rows))
    assert np.array_equal(probabilities(result.final, rows), probabilities(final, rows))
    assert not np.array_equal(probabilities(candidate, rows), probabilities(final, rows))


def test_validation_chooses_the_threshold_and_launch_does_not(
    few: Windows, result: TrainedFirst
) -> None:
    rows = scored(few.validation, probabilities(result.candidate, few.validation))
    assert result.threshold == choose_threshold(rows)
    assert result.validation.decisions == at_threshold(rows, result.threshold)

    other = Windows(few.fit, few.validation, few.launch.clear())
    again = train(other, QUICK, lambda _: None)
    assert again.threshold == result.threshold
    assert again.validation == result.validation
    assert np.array_equal(
        probabilities(again.final, few.launch), probabilities(result.final, few.launch)
    )


def test_validation_is_measured_by_the_model_that_has_not_seen_it(
    few: Windows, result: TrainedFirst
) -> None:
    rows = few.validation
    expected = roc_auc_score(rows[TARGET], probabilities(result.candidate, rows))
    assert result.validation.model["auc"].estimate == pytest.approx(expected, abs=1e-12)


def test_the_baseline_after_launch_is_that_of_all_history(
    few: Windows, result: TrainedFirst
) -> None:
    baseline = fit(logistic_baseline(QUICK.seed), few.history)
    theirs = probabilities(baseline, few.launch)
    assert np.array_equal(probabilities(result.baseline, few.launch), theirs)


def test_the_baseline_is_measured_on_the_same_rows_and_paired(
    few: Windows, result: TrainedFirst
) -> None:
    rows = few.launch
    found = measure(result.final, result.baseline, rows, result.threshold, QUICK)
    theirs = scored(rows, probabilities(result.baseline, rows))
    expected = brier_score_loss(rows[TARGET], theirs.probability)
    assert found.baseline["brier"].estimate == pytest.approx(expected, abs=1e-12)
    ours = scored(rows, probabilities(result.final, rows))
    assert found.advantage == compare(ours, theirs, QUICK.resamples, QUICK.seed)
    assert found.decisions == at_threshold(ours, result.threshold)


def test_an_old_day_weighs_less_if_that_is_asked_for(few: Windows) -> None:
    # Before March all was late, and since then nothing is.
    turned = few.history.with_columns((pl.col(DAY) < date(2013, 3, 1)).alias(TARGET))
    means = [
        probabilities(fit(gradient_boosting(1), turned, half_life), few.launch).mean()
        for half_life in (None, 90, 14, 1)
    ]
    assert means == sorted(means, reverse=True)
    assert means[0] - means[-1] > 0.1


def test_figures_have_a_name_each(measured: Measured) -> None:
    found = measured.figures()
    brier = measured.advantage["brier"]
    expected = {"estimate": brier.estimate, "low": brier.low, "high": brier.high}
    assert found["advantage_brier"] == expected
    assert found["auc"]["estimate"] == measured.model["auc"].estimate
    assert found["baseline_auc"]["estimate"] == measured.baseline["auc"].estimate
    assert found["recall"] == {"estimate": measured.decisions["recall"]}
    assert len(found) == 3 * 3 + 3


def test_without_a_baseline_there_are_only_the_figures_of_the_model(
    few: Windows, result: TrainedFirst
) -> None:
    probability = probabilities(result.candidate, few.validation)
    alone = measure_alone(few.validation, probability, result.threshold, QUICK)
    assert (
        replace(
            alone,
            baseline=result.validation.baseline,
            advantage=result.validation.advantage,
            baseline_curve=result.validation.baseline_curve,
        )
        == result.validation
    )
    assert set(alone.figures()) == {
        "auc",
        "brier",
        "calibration_error",
        "precision",
        "recall",
        "flagged",
    }


def test_days_add_up_to_the_window(few: Windows, measured: Measured) -> None:
    days = measured.daily
    assert [day["day"] for day in days] == [f"2013-04-{day:02}" for day in range(1, 31)]
    rows = sum(day["rows"] for day in days)
    assert rows == few.launch.height
    brier = sum(day["squared_error"] for day in days) / rows
    assert brier == pytest.approx(measured.model["brier"].estimate, abs=1e-12)
    late = sum(day["observed"] * day["rows"] for day in days)
    assert late == pytest.approx(few.launch[TARGET].sum())


def test_what_was_measured_is_plain_json(trained: Settings) -> None:
    path = trained.reports / "train.json"
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert report["rows"] == {
        "fit": 50_173,
        "validation": 27_973,
        "history": 78_146,
        "launch": 27_662,
    }
    assert sum(bin_["rows"] for bin_ in report["launch"]["curve"]) == 27_662
    assert {row["slice"] for row in report["launch"]["slices"]} == {"carrier", "month", "origin"}


def test_plots_show_what_was_measured(measured: Measured) -> None:
    drawn = figures(measured, "production")
    assert list(drawn) == ["calibration", "days", "slices"]
    titles = [figure.axes[0].get_title(loc="left") for figure in drawn.values()]
    assert titles == [
        f"{what} in production, 2013-04-01 to 2013-04-30"
        for what in ("Calibration", "Each day", "Quality by slice")
    ]
    (axes,) = drawn["days"].axes
    heights = [bar.get_height() for bar in axes.patches]  # type: ignore[attr-defined]
    assert heights == [day["observed"] for day in measured.daily]
    lines = {line.get_label(): line for line in drawn["calibration"].axes[0].lines}
    assert set(lines) == {"perfect", "logistic baseline", "gradient boosting"}
    said = np.asarray(lines["gradient boosting"].get_xdata()).tolist()
    assert said == [bin_["predicted"] for bin_ in measured.curve]
    names = [label.get_text() for label in drawn["slices"].axes[0].get_yticklabels()]
    assert names[-1] == "month 2013-04", "the largest slice is on top"


def test_plots_name_the_outcome_as_the_contract_does(measured: Measured) -> None:
    drawn = figures(measured, "production")
    assert drawn["calibration"].axes[0].get_ylabel() == f"share that {OUTCOME}"
    assert drawn["days"].axes[0].get_ylabel() == f"share of the day's {ROWS}"
    assert OUTCOME in drawn["days"].axes[0].get_legend_handles_labels()[1]
    assert drawn["slices"].axes[0].get_xlabel() == f"AUC (dotted: all {ROWS})"
