"""Live quality: by hand, over days and not rows, and silent where too little is known."""

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from flight_delay.contract import DAY, ROWS, SLICES, TARGET
from flight_delay.evaluate import METRICS, point, scored
from flight_delay.monitoring.quality import live_quality, quality_windows
from flight_delay.settings import Settings

from .logged import between

FIRST = date(2013, 4, 1)
SMALL = Settings(
    least_day_rows=2, least_labelled_days=2, breach_days=2, breach_windows=3, breaches_needed=2
)


def answered(*days: list[tuple[float, bool | None]], threshold: float = 0.5) -> pl.DataFrame:
    """Return rows with a probability and an outcome, day by day."""
    rows = [
        {
            DAY: FIRST + timedelta(days=number),
            "probability": probability,
            "prediction": probability >= threshold,
            "outcome": outcome,
            **dict.fromkeys(SLICES, "X"),
        }
        for number, day in enumerate(days)
        for probability, outcome in day
    ]
    types = {DAY: pl.Date, "outcome": pl.Boolean}
    return pl.DataFrame(rows, schema_overrides=types)


def totals(*days: tuple[int, float, int]) -> pl.DataFrame:
    """Return labelled rows, sum of probabilities and of outcomes, of days in a row."""
    labelled, probability, outcome = zip(*days, strict=True)
    return pl.DataFrame(
        {
            DAY: [FIRST + timedelta(days=number) for number in range(len(days))],
            "labelled": labelled,
            "probability": probability,
            "outcome": outcome,
        }
    )


def test_metrics_by_hand() -> None:
    rows = answered(
        [(0.9, True), (0.6, False), (0.1, False), (0.3, None)], [(0.8, True), (0.2, True)]
    )
    quality = live_quality(rows, SMALL)
    assert quality["enough"]
    assert (quality["days"], quality["rows"], quality["labelled"]) == (2, 6, 5)
    assert quality["unlabelled_share"] == pytest.approx(1 / 6)
    assert "16.7% of those asked about have none" in quality["said"]
    metrics = quality["metrics"]
    # The pairs of a late and a punctual one: 0.9 and 0.8 are over both, 0.2 over one of them.
    assert metrics["auc"] == pytest.approx(5 / 6)
    assert metrics["brier"] == pytest.approx((0.01 + 0.36 + 0.01 + 0.04 + 0.64) / 5)
    assert metrics["bias"] == pytest.approx(2.6 / 5 - 3 / 5)
    assert metrics["base_rate"] == pytest.approx(0.6)
    assert (metrics["precision"], metrics["recall"]) == pytest.approx((2 / 3, 2 / 3))
    assert set(quality["intervals"]) == set(METRICS)


def test_each_row_is_judged_by_the_decision_it_was_given() -> None:
    # A bundle with a low threshold on the first day, and one with a high one on the second.
    rows = pl.concat(
        [
            answered([(0.3, True), (0.3, True)], threshold=0.2),
            answered([(0.3, True), (0.3, False)], threshold=0.9).with_columns(
                pl.col(DAY) + timedelta(days=1)
            ),
        ]
    )
    metrics = live_quality(rows, SMALL)["metrics"]
    assert (metrics["precision"], metrics["recall"]) == pytest.approx((1, 2 / 3))


def test_it_is_what_evaluation_says_of_real_rows(production: pl.DataFrame) -> None:
    fortnight = between(production, FIRST, FIRST + timedelta(days=13))
    rows = fortnight.rename({TARGET: "outcome"}).with_columns(
        prediction=pl.col("probability") >= 0.3
    )
    quality = live_quality(rows, Settings())
    known = fortnight.filter(pl.col(TARGET).is_not_null())
    expected = point(scored(known, known["probability"].to_numpy()))
    assert {name: quality["metrics"][name] for name in expected} == pytest.approx(expected)
    for name, interval in quality["intervals"].items():
        assert interval["low"] < quality["metrics"][name] < interval["high"]
    assert {row["slice"] for row in quality["slices"]} == {*SLICES, "month"}
    (april,) = (row for row in quality["slices"] if row["slice"] == "month")
    for name in ("precision", "recall"):
        assert april[name] == quality["metrics"][name] > 0
    assert quality["labelled"] == known.height < quality["rows"] == fortnight.height
    json.dumps(quality, allow_nan=False)


@pytest.mark.parametrize(
    ("rows", "days"),
    [
        (answered([(0.5, True), (0.4, False)]), 1),
        (answered([(0.5, True), (0.4, False)], [(0.5, True), (0.4, None)]), 1),
        (answered([(0.5, True), (0.4, True)], [(0.5, True), (0.4, True)]), 2),
        (answered([(0.5, None), (0.4, None)], [(0.5, None)]), 0),
        (answered([(0.5, True)]).clear(), 0),
    ],
)
def test_too_few_days_or_one_outcome_alone_give_no_figure(rows: pl.DataFrame, days: int) -> None:
    quality = live_quality(rows, SMALL)
    assert quality["enough"] is False
    assert (quality["metrics"], quality["intervals"], quality["slices"]) == (None, None, [])
    assert quality["days"] == days
    assert f"no verdict: {days} days with at least 2 known outcomes" in quality["said"]
    assert (quality["unlabelled_share"] is None) == rows.is_empty()


def test_days_with_few_outcomes_are_left_out_of_the_metrics() -> None:
    days: list[list[tuple[float, bool | None]]] = [[(0.9, True), (0.1, False)]] * 2
    quality = live_quality(answered(*days, [(0.0, True)]), SMALL)
    assert quality["metrics"]["brier"] == pytest.approx(0.01)
    assert (quality["days"], quality["labelled"]) == (2, 5)


def test_windows_do_not_overlap_and_the_newest_ends_with_the_newest_day() -> None:
    newest = FIRST + timedelta(days=6)
    windows = quality_windows(totals(*[(10, 3.0, 2)] * 9), newest, SMALL)
    spans = [((window.first - FIRST).days, (window.last - FIRST).days) for window in windows]
    assert spans == [(1, 2), (3, 4), (5, 6)]
    assert [window.days for window in windows] == [2, 2, 2]
    assert [window.bias for window in windows] == pytest.approx([0.1] * 3)


def test_windows_that_began_under_another_champion_are_left_out() -> None:
    newest = FIRST + timedelta(days=6)
    days = totals(*[(10, 3.0, 2)] * 9)
    for crowned, expected in ((3, [3, 5]), (4, [5]), (6, [])):
        windows = quality_windows(days, newest, SMALL, FIRST + timedelta(days=crowned))
        assert [(window.first - FIRST).days for window in windows] == expected


def test_bias_and_its_error_by_hand() -> None:
    # 10 rows with 2 late too many foreseen, and 30 rows with 3 too few: -1 of 40.
    (window,) = quality_windows(
        totals((10, 5.0, 3), (30, 6.0, 9)), FIRST + timedelta(days=1), SMALL
    )
    assert window.bias == pytest.approx(-1 / 40)
    residuals = 2 + 10 / 40, -3 + 30 / 40
    expected = np.sqrt(2 * (residuals[0] ** 2 + residuals[1] ** 2)) / 40
    assert window.standard_error == pytest.approx(expected)


def test_copies_of_rows_change_neither_bias_nor_error() -> None:
    days = [(10, 5.0, 3), (30, 6.0, 9)]
    copies = [(10 * rows, 10 * said, 10 * late) for rows, said, late in days]
    newest = FIRST + timedelta(days=1)
    (once,), (ten,) = (quality_windows(totals(*some), newest, SMALL) for some in (days, copies))
    assert (ten.bias, ten.standard_error) == pytest.approx((once.bias, once.standard_error))


def test_more_days_make_a_smaller_error() -> None:
    days = [(100, 30.0, 20), (100, 20.0, 24)]
    long = SMALL.model_copy(update={"breach_days": 8, "breach_windows": 1})
    (short,) = quality_windows(totals(*days), FIRST + timedelta(days=1), long)
    (more,) = quality_windows(totals(*days * 4), FIRST + timedelta(days=7), long)
    assert more.bias == pytest.approx(short.bias)
    assert more.standard_error < 0.6 * short.standard_error


def test_days_that_do_not_count_and_windows_without_one_are_left_out() -> None:
    newest = FIRST + timedelta(days=5)
    days = [(10, 3.0, 2), (1, 1.0, 0), (0, 0.0, 0), (0, 0.0, 0), (10, 3.0, 2), (10, 5.0, 2)]
    old, new = quality_windows(totals(*days), newest, SMALL)
    assert (old.first, old.days, new.days) == (FIRST, 1, 2)
    assert (old.bias, old.standard_error, new.bias) == pytest.approx((0.1, 0, 0.2))


def test_the_words_name_what_a_row_is() -> None:
    days: list[list[tuple[float, bool | None]]] = [[(0.9, True), (0.1, False)]] * 2
    said: Any = live_quality(answered(*days), SMALL)["said"]
    assert said == f"2 days, 4 {ROWS} with an outcome; 0.0% of those asked about have none"
