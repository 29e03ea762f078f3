"""Intervals come from whole days, and comparisons are paired on the same days."""

import numpy as np
import pytest
from hypothesis import given, settings

from flight_delay.evaluate import (
    METRICS,
    Floats,
    Interval,
    Scored,
    compare,
    compare_daily,
    evaluate,
    point,
)

from .scores import drawn_rows, made, random_rows

RESAMPLES = 400


def width(interval: Interval) -> float:
    """Return how wide an interval is."""
    return interval.high - interval.low


def each_row_a_day(rows: Scored) -> Scored:
    """Return the same rows as if each had a day of its own: the bootstrap by rows."""
    return Scored(rows.outcome, rows.probability, np.arange(len(rows.day)))


def squared_errors(rows: Scored) -> Floats:
    """Return the sum of squared errors of each day."""
    errors = (rows.probability - rows.outcome) ** 2
    return np.array([errors[rows.day == day].sum() for day in range(rows.days)])


def with_noise(rows: Scored, seed: int) -> Scored:
    """Return the rows with probabilities of another, worse model."""
    noise = np.random.default_rng(seed).normal(0, 0.15, len(rows.day))
    return Scored(rows.outcome, np.clip(rows.probability + noise, 0, 1), rows.day)


def test_every_metric_has_an_interval_around_its_estimate() -> None:
    rows = random_rows(days=30, rows_a_day=60, seed=1)
    measured = evaluate(rows, RESAMPLES, seed=1)
    assert list(measured) == list(METRICS) == ["auc", "brier", "calibration_error"]
    for name, interval in measured.items():
        assert interval.estimate == pytest.approx(point(rows)[name], abs=1e-12)
        assert interval.low < interval.high
    for name in ("auc", "brier"):
        assert measured[name].low < measured[name].estimate < measured[name].high


def test_copies_of_rows_within_their_days_do_not_narrow_the_interval() -> None:
    rows = random_rows(days=30, rows_a_day=40, seed=2)
    copies = Scored(np.tile(rows.outcome, 9), np.tile(rows.probability, 9), np.tile(rows.day, 9))
    once, copied = (evaluate(these, RESAMPLES, seed=1) for these in (rows, copies))
    for name in ("auc", "brier"):
        assert width(copied[name]) == pytest.approx(width(once[name]), rel=1e-9)

    # A bootstrap by rows takes the copies for news: nine times the rows, a third of the width.
    once, copied = (evaluate(each_row_a_day(these), RESAMPLES, seed=1) for these in (rows, copies))
    assert width(copied["brier"]) < 0.45 * width(once["brier"])


def test_days_that_differ_make_a_wider_interval_than_rows_would() -> None:
    rows = random_rows(days=30, rows_a_day=200, seed=3)
    by_day = evaluate(rows, RESAMPLES, seed=1)["brier"]
    by_row = evaluate(each_row_a_day(rows), RESAMPLES, seed=1)["brier"]
    assert by_day.estimate == pytest.approx(by_row.estimate, abs=1e-12)
    assert width(by_day) > 2 * width(by_row)


def test_the_interval_is_about_that_of_the_textbook() -> None:
    # With days of equal size the Brier score is a mean of daily means: 1.96 standard errors.
    rows = random_rows(days=200, rows_a_day=20, seed=4)
    daily = squared_errors(rows) / 20
    expected = 2 * 1.96 * daily.std() / np.sqrt(200)
    assert width(evaluate(rows, 2000, seed=1)["brier"]) == pytest.approx(expected, rel=0.08)


def test_a_seed_fixes_every_figure_and_another_changes_only_the_bounds() -> None:
    rows = random_rows(days=20, rows_a_day=30, seed=5)
    first = evaluate(rows, RESAMPLES, seed=1)
    assert evaluate(rows, RESAMPLES, seed=1) == first
    other = evaluate(rows, RESAMPLES, seed=2)
    assert other["brier"].estimate == first["brier"].estimate
    assert other["brier"].low != first["brier"].low


@given(drawn_rows())
@settings(max_examples=30, deadline=None)
def test_a_model_compared_with_itself_differs_by_exactly_nothing(rows: Scored) -> None:
    for difference in compare(rows, rows, 100, seed=1).values():
        assert (difference.estimate, difference.low, difference.high) == (0, 0, 0)


def test_a_comparison_turned_round_has_the_other_sign() -> None:
    rows = random_rows(days=30, rows_a_day=60, seed=6)
    worse = with_noise(rows, seed=6)
    there = compare(rows, worse, RESAMPLES, seed=1)
    back = compare(worse, rows, RESAMPLES, seed=1)
    for name, difference in there.items():
        assert difference.estimate == point(rows)[name] - point(worse)[name]
        assert back[name].estimate == -difference.estimate
        assert back[name].low == pytest.approx(-difference.high, abs=1e-12)
        assert back[name].high == pytest.approx(-difference.low, abs=1e-12)


def test_a_comparison_is_paired() -> None:
    rows = random_rows(days=30, rows_a_day=60, seed=7)
    worse = with_noise(rows, seed=7)
    paired = compare(rows, worse, RESAMPLES, seed=1)["brier"]
    assert paired.high < 0, "the noise is found"
    alone = evaluate(rows, RESAMPLES, seed=1)["brier"]
    other = evaluate(worse, RESAMPLES, seed=1)["brier"]
    assert alone.high > other.low, "though the two intervals overlap"
    assert width(paired) < 0.3 * width(alone)


def test_daily_sums_give_the_comparison_of_the_rows() -> None:
    rows = random_rows(days=31, rows_a_day=50, seed=8)
    chosen = np.random.default_rng(8).random(len(rows.day)) < 0.7
    rows = Scored(rows.outcome[chosen], rows.probability[chosen], rows.day[chosen])
    worse = with_noise(rows, seed=8)
    counts = np.bincount(rows.day).astype(np.float64)
    assert len(set(counts)) > 1, "days of different sizes"
    daily = compare_daily(squared_errors(rows), squared_errors(worse), counts, RESAMPLES, seed=1)
    expected = compare(rows, worse, RESAMPLES, seed=1)["brier"]
    assert daily.estimate == pytest.approx(expected.estimate, abs=1e-12)
    assert daily.low == pytest.approx(expected.low, abs=1e-12)
    assert daily.high == pytest.approx(expected.high, abs=1e-12)


def test_a_draw_of_days_with_one_outcome_has_no_auc_and_is_skipped() -> None:
    # Two days, one of them all late: a quarter of all draws have nobody on time.
    rows = made([1, 1, 1, 0, 1], [0.2, 0.9, 0.7, 0.4, 0.6], [0, 0, 0, 1, 1])
    interval = evaluate(rows, 200, seed=1)["auc"]
    assert interval.estimate == 0.75
    assert (interval.low, interval.high) == (0.75, 1)
