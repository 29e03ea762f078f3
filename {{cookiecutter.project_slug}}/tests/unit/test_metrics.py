"""Each metric against scikit-learn, against a count by hand, and weighted against repetition."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score

from flight_delay.contract import DAY, TARGET
from flight_delay.evaluate import (
    CALIBRATION_BINS,
    METRICS,
    Floats,
    Scored,
    auc,
    brier,
    calibration_bins,
    calibration_curve,
    calibration_error,
    point,
    scored,
)

from .scores import drawn_rows, made, random_rows


def once(rows: Scored) -> Floats:
    """Return weights by which every day counts once."""
    return np.ones((1, rows.days))


def repeated(rows: Scored, weights: list[int]) -> Scored:
    """Return the rows of each day as often as the day's weight says."""
    chosen = np.repeat(np.arange(len(rows.day)), np.array(weights)[rows.day])
    return Scored(rows.outcome[chosen], rows.probability[chosen], rows.day[chosen])


@given(drawn_rows())
@settings(deadline=None)
def test_auc_and_brier_are_scikit_learns_ties_included(rows: Scored) -> None:
    figures = point(rows)
    expected = roc_auc_score(rows.outcome, rows.probability)
    assert figures["auc"] == pytest.approx(expected, abs=1e-12)
    expected = brier_score_loss(rows.outcome, rows.probability)
    assert figures["brier"] == pytest.approx(expected, abs=1e-12)


@given(drawn_rows(), st.lists(st.integers(0, 3), min_size=4, max_size=4))
@settings(deadline=None)
def test_a_weight_is_as_good_as_repeating_the_day(rows: Scored, weights: list[int]) -> None:
    chosen = repeated(rows, weights)
    weighting = np.array([weights[: rows.days]], float)
    if len(chosen.outcome):
        expected = brier_score_loss(chosen.outcome, chosen.probability, pos_label=1)
        assert brier(rows, weighting)[0] == pytest.approx(expected, abs=1e-12)
    if len(set(chosen.outcome)) == 2:
        expected = roc_auc_score(chosen.outcome, chosen.probability)
        assert auc(rows, weighting)[0] == pytest.approx(expected, abs=1e-12)
    elif len(chosen.outcome):
        assert np.isnan(auc(rows, weighting)[0]), "one outcome alone has no AUC"


def test_each_weighting_is_measured_for_itself() -> None:
    rows = random_rows(days=5, rows_a_day=40, seed=1)
    weights = np.array([[1.0, 1, 1, 1, 1], [0, 0, 3, 0, 1], [2, 2, 2, 2, 2]])
    for metric in METRICS.values():
        together = metric(rows, weights)
        alone = [metric(rows, weight[None, :])[0] for weight in weights]
        assert together.shape == (3,)
        assert together == pytest.approx(alone, abs=1e-12)
        assert together[0] == pytest.approx(together[2], abs=1e-12)
        assert together[0] != pytest.approx(together[1], abs=1e-6)


def test_auc_by_hand() -> None:
    # Three late, two on time, six pairs: .9 beats both, .5 beats .2 and ties, .2 ties and loses.
    rows = made([1, 1, 1, 0, 0], [0.9, 0.5, 0.2, 0.5, 0.2], [0] * 5)
    assert auc(rows, once(rows))[0] == (2 + 1.5 + 0.5) / 6


def test_calibration_error_by_hand() -> None:
    # Two rows a bin; the last two bins are off by .5 and by .1, the others not at all.
    said = [0.0] * 16 + [0.5, 0.5, 0.9, 0.9]
    said = [level + 1e-6 * place for place, level in enumerate(said)]
    rows = made([0] * 16 + [1, 1, 1, 1], said, [0] * 20)
    assert np.bincount(calibration_bins(rows.probability)).tolist() == [2] * 10
    expected = (2 * 0.5 + 2 * 0.1) / 20
    assert calibration_error(rows, once(rows))[0] == pytest.approx(expected, abs=2e-5)


def test_calibration_errors_of_one_bin_cancel_and_of_two_do_not() -> None:
    early = made([1, 0] * 10, [0.5] * 20, [0] * 20)
    assert calibration_error(early, once(early))[0] == 0
    apart = made([1] * 10 + [0] * 10, [0.4] * 10 + [0.6] * 10, [0] * 20)
    assert calibration_error(apart, once(apart))[0] == pytest.approx(0.6)


def test_calibration_error_under_weights_by_hand() -> None:
    # Day 0 is off by .4 upwards and day 1 by .2 downwards, all in one bin.
    rows = made([0] * 10 + [1] * 10, [0.4] * 10 + [0.4] * 10, [0] * 10 + [1] * 10)
    weights = np.array([[1.0, 0], [0, 1], [3, 1], [1, 1]])
    expected = [0.4, 0.6, abs(3 * 0.4 - 0.6) / 4, abs(0.4 - 0.6) / 2]
    assert calibration_error(rows, weights) == pytest.approx(expected)


@given(drawn_rows())
@settings(deadline=None)
def test_the_calibration_curve_adds_up_to_the_rows_and_to_the_error(rows: Scored) -> None:
    curve = calibration_curve(rows)
    counts = np.array([bin_["rows"] for bin_ in curve])
    gaps = np.array([abs(bin_["predicted"] - bin_["observed"]) for bin_ in curve])
    assert counts.sum() == len(rows.outcome)
    assert len(curve) <= CALIBRATION_BINS
    assert counts @ gaps / counts.sum() == pytest.approx(point(rows)["calibration_error"])
    predicted = [bin_["predicted"] for bin_ in curve]
    assert predicted == sorted(predicted)


def test_equal_probabilities_share_a_bin_and_distinct_ones_fill_bins_of_equal_count() -> None:
    distinct = np.random.default_rng(1).permutation(np.linspace(0, 1, 1000))
    assert np.bincount(calibration_bins(distinct)).tolist() == [100] * CALIBRATION_BINS
    tied = np.repeat([0.1, 0.2], [700, 300])
    assert len(set(calibration_bins(tied)[:700])) == len(set(calibration_bins(tied)[700:])) == 1


def test_scored_numbers_the_days_in_order_of_the_calendar(table: pl.DataFrame) -> None:
    rows = table.filter(pl.col(TARGET).is_not_null() & (pl.col(DAY).dt.month() == 4))
    facts = scored(rows, np.zeros(rows.height))
    assert facts.days == 30
    assert (facts.day == rows[DAY].dt.day().cast(pl.Int64).to_numpy() - 1).all()
    assert facts.outcome.mean() == pytest.approx(0.226, abs=5e-4)
    assert facts.outcome.dtype == facts.probability.dtype == np.float64
