"""The models take what the contract allows: nulls, categories never seen, and float32."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.pipeline import Pipeline

from flight_delay.contract import (
    DAY,
    FIELDS,
    MISSING,
    TARGET,
    Numeric,
    categorical_fields,
    example,
    field_names,
    numeric_fields,
)
from flight_delay.encoding import encode_rows
from flight_delay.evaluate import point, scored
from flight_delay.model import (
    MANY_ROWS,
    UNSEEN,
    as_frame,
    gradient_boosting,
    inputs,
    logistic_baseline,
)
from flight_delay.splits import Windows
from flight_delay.train import fit, probabilities

SEED = 7


@pytest.fixture(scope="module")
def few(windows: Windows) -> pl.DataFrame:
    """Return a sixth of the history: enough to learn something from, quickly."""
    return windows.history.gather_every(6)


@pytest.fixture(scope="module", params=[gradient_boosting, logistic_baseline])
def fitted(request: pytest.FixtureRequest, few: pl.DataFrame) -> Pipeline:
    """Return each kind of model, fitted."""
    return fit(request.param(SEED), few)


@pytest.fixture(scope="module")
def boosted(few: pl.DataFrame) -> Pipeline:
    """Return the model that is shipped, fitted."""
    return fit(gradient_boosting(SEED), few)


def ask(model: Pipeline, *rows: dict[str, Any]) -> list[float]:
    """Return the probability for each row."""
    answers = model.predict_proba(as_frame(encode_rows(rows)))[:, 1]
    return [float(answer) for answer in answers]


def test_a_frame_has_a_column_a_field_of_the_right_type() -> None:
    frame = as_frame(encode_rows([example(), dict.fromkeys(field_names())]))
    assert frame.columns == list(field_names())
    for field in FIELDS:
        kind = pl.Float32() if isinstance(field, Numeric) else pl.String()
        assert frame[field.name].dtype == kind
    assert frame["carrier"].to_list() == ["UA", MISSING]
    assert frame["distance"][0] == 719
    assert np.isnan(frame["distance"][1])


def test_inputs_of_a_table_are_its_fields_without_key_or_target(few: pl.DataFrame) -> None:
    frame = inputs(few)
    assert sorted(frame.columns) == sorted(field_names())
    assert frame.height == few.height
    assert frame["distance"].equals(few["distance"])
    assert frame["wind_gust"].is_nan().sum() == few["wind_gust"].null_count() > 0
    assert frame["carrier"].equals(few["carrier"])
    assert {frame[field.name].dtype for field in numeric_fields()} == {pl.Float32()}


def test_columns_are_found_by_name_and_not_by_place(boosted: Pipeline, few: pl.DataFrame) -> None:
    frame = inputs(few.head(50))
    turned = frame.select(reversed(frame.columns))
    assert np.array_equal(boosted.predict_proba(frame), boosted.predict_proba(turned))


def test_both_models_learn_more_than_the_base_rate(fitted: Pipeline, windows: Windows) -> None:
    launch = windows.launch
    figures = point(scored(launch, probabilities(fitted, launch)))
    guess = np.full(launch.height, windows.history[TARGET].mean())
    assert figures["auc"] > 0.7
    assert figures["brier"] < point(scored(launch, guess))["brier"] - 0.01


def test_the_shipped_model_beats_the_baseline(
    boosted: Pipeline, few: pl.DataFrame, windows: Windows
) -> None:
    launch = windows.launch
    baseline = fit(logistic_baseline(SEED), few)
    ours = point(scored(launch, probabilities(boosted, launch)))
    theirs = point(scored(launch, probabilities(baseline, launch)))
    assert ours["auc"] > theirs["auc"]
    assert ours["brier"] < theirs["brier"]


def test_probabilities_are_one_number_a_row(fitted: Pipeline, few: pl.DataFrame) -> None:
    answers = probabilities(fitted, few.head(100))
    assert answers.shape == (100,)
    assert answers.dtype == np.float64
    assert ((answers > 0) & (answers < 1)).all()


def test_any_null_is_answered(fitted: Pipeline) -> None:
    rows = [example() | {name: None} for name in field_names()]
    answers = ask(fitted, *rows, dict.fromkeys(field_names()))
    assert all(0 < answer < 1 for answer in answers)


def test_categories_never_seen_are_answered_and_alike(fitted: Pipeline) -> None:
    for field in categorical_fields():
        first, second, none = ask(
            fitted, *(example() | {field.name: code} for code in ("Q1", "??", None))
        )
        assert 0 < first < 1
        assert first == second == none


def test_a_category_never_seen_has_the_code_of_the_unseen(boosted: Pipeline) -> None:
    encoder = boosted["columns"].named_transformers_["categorical"]
    columns = [field.name for field in categorical_fields()]
    rows = as_frame(encode_rows([example(), dict.fromkeys(field_names())])).select(columns)
    seen, unseen = encoder.transform(rows)
    assert (seen >= 0).all()
    assert (unseen == UNSEEN).all()
    assert seen.dtype == np.float32


def test_a_seed_fixes_the_model_and_another_changes_it(few: pl.DataFrame) -> None:
    some, april = few.head(4000), few.tail(200)
    first = probabilities(fit(gradient_boosting(SEED), some), april)
    again = probabilities(fit(gradient_boosting(SEED), some), april)
    other = probabilities(fit(gradient_boosting(SEED + 1), some), april)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_a_model_may_learn_follows_the_number_of_rows() -> None:
    iterations = [
        gradient_boosting(SEED, rows)["classifier"].max_iter
        for rows in (0, 78_146, MANY_ROWS - 1, MANY_ROWS, 10 * MANY_ROWS)
    ]
    assert iterations == [100, 100, 100, 150, 150]


def test_more_delay_at_the_airport_makes_lateness_likelier(boosted: Pipeline) -> None:
    quiet = {"airport_delay": -3, "airport_late_share": 0.05, "city_delay": -2}
    bad = {"airport_delay": 70, "airport_late_share": 0.8, "city_delay": 60}
    on_quiet, on_bad = ask(boosted, example() | quiet, example() | bad)
    assert on_bad > on_quiet + 0.2


def test_the_windows_do_not_share_days_with_what_they_are_measured_on(windows: Windows) -> None:
    assert not set(windows.history[DAY]) & set(windows.launch[DAY])
