"""The distances and tests of drift, by hand and against the textbook's own implementations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from flight_delay.monitoring.drift import chi_squared, kolmogorov_smirnov
from flight_delay.reference import FLOOR, Floats, stability_index


def shares(*values: float) -> Floats:
    """Return shares of bins."""
    return np.array(values)


@st.composite
def two_shares(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Draw the shares of two groups in the same bins."""
    bins = draw(st.integers(2, 12))
    counts = st.lists(st.integers(0, 50), min_size=bins, max_size=bins).filter(any)
    first, second = (np.array(draw(counts), float) for _ in range(2))
    return first / first.sum(), second / second.sum()


def test_stability_index_by_hand() -> None:
    # 0.3 ln(0.5 / 0.2) - 0.3 ln(0.5 / 0.8)
    assert stability_index(shares(0.5, 0.5), shares(0.2, 0.8)) == pytest.approx(0.41589, abs=1e-5)
    assert stability_index(shares(0.2, 0.8), shares(0.2, 0.8)) == 0


def test_an_empty_bin_counts_as_the_floor() -> None:
    expected = (0.5 - FLOOR) * np.log(0.5 / FLOOR) + 0.5 * np.log(2)
    assert stability_index(shares(0, 1), shares(0.5, 0.5)) == pytest.approx(expected)


def test_stability_index_of_many_days_at_once() -> None:
    days = np.array([[0.5, 0.5], [0.2, 0.8]])
    index = stability_index(days, shares(0.2, 0.8))
    assert index.shape == (2,)
    assert index == pytest.approx([0.41589, 0], abs=1e-5)


@given(two_shares())
def test_no_distance_is_negative_and_the_same_has_none(pair: tuple[Floats, Floats]) -> None:
    ours, theirs = pair
    assert stability_index(ours, theirs) >= 0
    assert stability_index(ours, theirs) == pytest.approx(stability_index(theirs, ours))
    for test in (kolmogorov_smirnov, chi_squared):
        distance, p_value = test(ours, theirs, 7, 90)
        assert distance >= 0
        assert 0 <= p_value <= 1
        assert test(ours, ours, 7, 90) == (0, 1)


@pytest.mark.parametrize(
    ("ours", "theirs", "sample"),
    [(7, 90, 6), (5, 90, 5), (1, 1, 1)],
    ids=["6.49 days", "4.74 days", "half a day"],
)
def test_kolmogorov_smirnov_by_hand(ours: int, theirs: int, sample: int) -> None:
    # Distribution functions 0.5, 0.6, 1 and 0.1, 0.4, 1.
    groups = shares(0.5, 0.1, 0.4), shares(0.1, 0.3, 0.6)
    distance, p_value = kolmogorov_smirnov(*groups, ours, theirs)
    assert distance == pytest.approx(0.4)
    assert p_value == pytest.approx(stats.kstwo.sf(0.4, sample))


def test_with_a_row_a_day_it_is_the_textbooks_test() -> None:
    random = np.random.default_rng(1)
    ours, theirs = random.integers(0, 8, 40), random.integers(2, 10, 60)
    groups = [np.bincount(values, minlength=10) for values in (ours, theirs)]
    first, second = (counts / counts.sum() for counts in groups)

    expected = stats.ks_2samp(ours, theirs, method="asymp")
    distance, p_value = kolmogorov_smirnov(first, second, 40, 60)
    assert (distance, p_value) == pytest.approx((expected.statistic, expected.pvalue))

    expected = stats.chi2_contingency(np.array(groups), correction=False)
    distance, p_value = chi_squared(first, second, 40, 60)
    assert distance * 40 * 60 / 100 == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue)


def test_chi_squared_by_hand() -> None:
    # Pooled 0.35 and 0.65: 0.09 / 0.35 + 0.09 / 0.65, times 10 * 10 / 20, one degree of freedom.
    distance, p_value = chi_squared(shares(0.5, 0.5), shares(0.2, 0.8), 10, 10)
    assert distance == pytest.approx(0.395604, abs=1e-6)
    assert p_value == pytest.approx(stats.chi2.sf(1.97802, 1), abs=1e-6)


def test_bins_that_are_empty_in_both_cost_no_degree_of_freedom() -> None:
    wide = chi_squared(shares(0.5, 0.5, 0, 0), shares(0.2, 0.8, 0, 0), 10, 10)
    assert wide == chi_squared(shares(0.5, 0.5), shares(0.2, 0.8), 10, 10)


@given(two_shares(), st.integers(2, 60))
def test_more_days_never_raise_a_p_value(pair: tuple[Floats, Floats], days: int) -> None:
    ours, theirs = pair
    for test in (kolmogorov_smirnov, chi_squared):
        assert test(ours, theirs, 2 * days, 90)[1] <= test(ours, theirs, days, 90)[1] + 1e-12
