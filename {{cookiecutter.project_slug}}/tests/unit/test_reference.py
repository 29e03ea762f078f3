"""The reference profile says of the training data what it was."""

import json
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight_delay.bundle import load
from flight_delay.champion import read_champion
from flight_delay.contract import (
    DAY,
    FIELDS,
    TARGET,
    Categorical,
    Numeric,
    example,
    field_names,
)
from flight_delay.encoding import encode
from flight_delay.reference import (
    BINS,
    SAMPLE,
    bin_names,
    daily_counts,
    day_numbers,
    expected_shares,
    reference_profile,
    spread,
    stability_index,
)
from flight_delay.settings import Settings
from flight_delay.splits import Windows


@pytest.fixture(scope="module")
def profile(trained: Settings) -> dict[str, Any]:
    """Return the champion's reference profile."""
    champion = read_champion(trained.models)
    assert champion is not None
    path = trained.models / champion.version / "reference.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def small(**columns: list[Any]) -> dict[str, Any]:
    """Return the profile of two days: the example again and again but for some columns."""
    height = len(next(iter(columns.values())))
    base: dict[str, Any] = {name: [value] * height for name, value in example().items()}
    keys: dict[str, list[Any]] = {
        DAY: [date(2013, 1, 1 + number * 2 // height) for number in range(height)],
        TARGET: [True] + [False] * (height - 1),
    }
    table = pl.DataFrame(base | keys | columns)
    return reference_profile(table, np.linspace(0, 1, height))


def test_every_field_of_the_contract_is_described(profile: dict[str, Any]) -> None:
    assert set(profile["fields"]) == set(field_names())
    for field in FIELDS:
        described = profile["fields"][field.name]
        expected = {"shares", "null_share", "most_null", "median_psi", "usual_psi"}
        if isinstance(field, Numeric):
            expected |= {"edges", "mean", "deviation", "minimum", "maximum", "fewest_distinct"}
        else:
            expected |= {"least_shares"}
        assert set(described) == expected


def test_shares_add_up_to_one(profile: dict[str, Any]) -> None:
    for described in (*profile["fields"].values(), profile["probability"]):
        shares = described["shares"]
        values = shares.values() if isinstance(shares, dict) else shares
        assert sum(values) == pytest.approx(1, abs=1e-12)
        assert min(values) >= 0
        assert 0 <= described["null_share"] < 1


def test_it_describes_the_rows_that_the_model_was_fitted_on(
    profile: dict[str, Any], windows: Windows
) -> None:
    history = windows.history
    assert profile["rows"] == history.height
    assert profile["days"] == history[DAY].n_unique() == 90
    assert 800 < profile["rows_a_day"] < 1000
    assert profile["base_rate"] == pytest.approx(history[TARGET].mean(), abs=1e-12)
    for field in FIELDS:
        described, column = profile["fields"][field.name], history[field.name]
        assert described["null_share"] == column.null_count() / history.height
        if isinstance(field, Categorical):
            assert set(described["shares"]) == set(column.unique())
            (first, share), *_ = described["shares"].items()
            assert share == pytest.approx((column == first).mean())
        else:
            assert described["mean"] == pytest.approx(column.cast(pl.Float64).mean(), rel=1e-6)
            assert (described["minimum"], described["maximum"]) == (column.min(), column.max())


def test_it_describes_the_answers_of_the_shipped_model(
    profile: dict[str, Any], windows: Windows, trained: Settings
) -> None:
    champion = read_champion(trained.models)
    assert champion is not None
    history = windows.history
    arrays = encode({name: history[name] for name in field_names()})
    answers = load(trained.models / champion.version).probabilities(arrays)
    assert profile["probability"]["mean"] == pytest.approx(answers.mean(), abs=1e-6)
    deciles = np.quantile(answers, np.arange(1, 10) / 10)
    assert profile["probability"]["edges"] == pytest.approx(deciles, abs=1e-5)
    assert profile["probability"]["shares"] == pytest.approx([0.1] * BINS, abs=1e-3)


def test_numbers_by_hand() -> None:
    values = [float(value) for value in range(1, 21)]
    described = small(wind_speed=values)["fields"]["wind_speed"]
    assert described["shares"] == [0.1] * 10
    assert described["edges"] == pytest.approx([2.9, 4.8, 6.7, 8.6, 10.5, 12.4, 14.3, 16.2, 18.1])
    assert described["mean"] == 10.5
    assert described["deviation"] == pytest.approx(np.std(values))
    assert described["null_share"] == 0


def test_nulls_are_a_share_of_all_rows_and_no_part_of_the_rest() -> None:
    fields = small(wind_speed=[1.0, 3.0, None, None, None], carrier=["UA", None, "UA", "AA", "UA"])[
        "fields"
    ]
    assert fields["wind_speed"]["null_share"] == 0.6
    assert fields["wind_speed"]["mean"] == 2
    assert sum(fields["wind_speed"]["shares"]) == 1
    assert fields["carrier"]["shares"] == {"AA": 0.25, "UA": 0.75}
    assert fields["carrier"]["null_share"] == 0.2


def test_a_frequent_value_has_a_bin_of_its_own() -> None:
    described = small(precipitation=[0.0] * 28 + [1.0, 2.0])["fields"]["precipitation"]
    assert described["edges"] == [1.0]
    assert described["shares"] == pytest.approx([28 / 30, 2 / 30])
    constant = small(precipitation=[0.0] * 20)["fields"]["precipitation"]
    assert (constant["edges"], constant["shares"]) == ([], [1.0])


def test_the_order_of_the_rows_does_not_matter() -> None:
    carriers = ["UA", "AA", "B6", "AA"]
    forwards, backwards = small(carrier=carriers), small(carrier=[*carriers[1::-1], "AA", "B6"])
    assert forwards == backwards
    assert list(forwards["fields"]["carrier"]["shares"]) == ["AA", "B6", "UA"]


def test_what_days_kept_by_hand() -> None:
    # The first ten rows are one day, the last ten another.
    fields = small(
        carrier=["UA"] * 6 + ["AA"] * 4 + ["UA"] * 10,
        wind_speed=[1.0, 2.0, 3.0, *[4.0] * 7, None, None, *[5.0] * 8],
    )["fields"]
    assert fields["carrier"]["least_shares"] == {"UA": 0.6}
    assert fields["carrier"]["most_null"] == 0
    assert fields["wind_speed"]["fewest_distinct"] == 1
    assert fields["wind_speed"]["most_null"] == 0.2
    assert (fields["wind_speed"]["minimum"], fields["wind_speed"]["maximum"]) == (1, 5)

    # Shares 0.6 and 0.4, then 1 and 0, of 0.8 and 0.2 in all.
    index = [
        stability_index(np.array(shares), np.array([0.8, 0.2])) for shares in ([0.6, 0.4], [1, 0])
    ]
    assert fields["carrier"]["median_psi"] == pytest.approx(np.median(index))
    assert fields["carrier"]["usual_psi"] == pytest.approx(np.quantile(index, 0.95))


@pytest.mark.parametrize("name", field_names())
def test_training_rows_fall_into_the_bins_as_expected(
    name: str, profile: dict[str, Any], windows: Windows
) -> None:
    history, described = windows.history, profile["fields"][name]
    day = day_numbers(history)
    counts = daily_counts(described, history[name], day)
    expected = expected_shares(described)
    assert counts.shape == (90, len(expected)) == (90, len(bin_names(described)))
    assert counts.sum(axis=1) == pytest.approx(np.bincount(day))
    assert counts.sum(axis=0) / counts.sum() == pytest.approx(expected, abs=1e-12)
    index = stability_index(counts / counts.sum(axis=1, keepdims=True), expected)
    assert described["usual_psi"] == pytest.approx(np.quantile(index, 0.95))


def test_what_training_never_saw_has_bins_of_its_own() -> None:
    described = small(wind_speed=[float(value) for value in range(1, 21)])["fields"]["wind_speed"]
    values = pl.Series([None, 0.5, 1.0, 20.0, 20.5], dtype=pl.Float32)
    (counts,) = daily_counts(described, values, np.zeros(5, np.int64))
    names = bin_names(described)
    assert dict(zip(names, counts, strict=True)) == {
        **dict.fromkeys(names, 0),
        "null": 1,
        "under 1": 1,
        "1 to 2.9": 1,
        "18.1 to 20": 1,
        "over 20": 1,
    }


def test_rare_and_unseen_categories_are_counted_together() -> None:
    described = small(carrier=["UA"] * 60 + ["AA"] * 39 + ["HA"])["fields"]["carrier"]
    values = pl.Series(["UA", "HA", "ZZ", None, "UA"])
    counts = daily_counts(described, values, np.array([0, 0, 0, 1, 1]))
    assert bin_names(described) == ["null", "AA", "UA", "others"]
    assert counts.tolist() == [[0, 0, 1, 2], [1, 0, 1, 0]]
    assert expected_shares(described) == pytest.approx([0, 0.39, 0.6, 0.01])


@given(st.integers(1, 3000), st.integers(2, 60))
def test_a_spread_is_of_about_so_many_rows_and_has_no_period(rows: int, period: int) -> None:
    table = pl.DataFrame({DAY: [date(2013, 1, 1)] * rows, "value": np.arange(rows) % period})
    picked = table.filter(spread())
    if rows <= SAMPLE:
        assert picked.height == rows
        return
    assert abs(picked.height - SAMPLE) < 0.2 * SAMPLE
    drawn_at_random = period * (1 - (1 - 1 / period) ** picked.height)
    assert picked["value"].n_unique() > 0.75 * min(drawn_at_random, rows)


def test_a_spread_is_of_each_day() -> None:
    days = [date(2013, 1, 1)] * 500 + [date(2013, 1, 2)] * 50
    picked = pl.DataFrame({DAY: days}).filter(spread())
    assert picked.filter(pl.col(DAY) == days[-1]).height == 50
    assert abs(picked.filter(pl.col(DAY) == days[0]).height - SAMPLE) < 0.2 * SAMPLE


def test_days_are_numbered_in_order_of_time() -> None:
    days = [date(2013, 5, 9), date(2013, 5, 1), date(2013, 5, 9), date(2013, 5, 4)]
    assert day_numbers(pl.DataFrame({DAY: days})).tolist() == [2, 0, 2, 1]
