"""Each check of the data contract, at its limit and beyond, and what it says."""

from datetime import date
from typing import Any, NamedTuple

import polars as pl
import pytest

from flight_delay.contract import DAY, ROWS
from flight_delay.monitoring.checks import BrokenCheck, broken_checks
from flight_delay.reference import SAMPLE

from .logged import between

TUESDAY = date(2013, 4, 9)


@pytest.fixture(scope="module")
def tuesday(production: pl.DataFrame) -> pl.DataFrame:
    """Return 1,000 rows of a clean day."""
    return between(production, TUESDAY, TUESDAY).sample(n=1000, with_replacement=True, seed=1)


def first_rows(count: int, name: str, value: pl.Expr) -> pl.Expr:
    """Return a column with another value in its first rows."""
    return pl.when(pl.int_range(pl.len()) < count).then(value).otherwise(name).alias(name)


def only(rows: pl.DataFrame, reference: dict[str, Any]) -> BrokenCheck | None:
    """Return the one check that was broken, or None when there is none."""
    broken = broken_checks(rows, reference)
    assert len(broken) <= 1, broken
    return broken[0] if broken else None


def test_a_clean_day_breaks_nothing(tuesday: pl.DataFrame, reference: dict[str, Any]) -> None:
    assert broken_checks(tuesday, reference) == []
    assert broken_checks(tuesday.clear(), reference) == []


class Limit(NamedTuple):
    """A check, a value that breaks it, and how many of 1,000 rows may have that value."""

    check: str
    field: str
    value: pl.Expr
    kept: int
    blocks: bool


@pytest.mark.parametrize(
    "limit",
    [
        # 6 % on the worst day of training and 50 points
        Limit("nulls", "wind_speed", pl.lit(None), 556, blocks=True),
        # 1 % and two standard errors of 0.31 points
        Limit("unseen", "carrier", pl.lit("ZZ"), 16, blocks=False),
        # 5 % and two standard errors of 0.69 points
        Limit("range", "visibility", pl.lit(15.1), 63, blocks=True),
        Limit("relation", "wind_gust", pl.col("wind_speed") - 1, 16, blocks=True),
    ],
    ids=lambda limit: limit.check,
)
def test_a_share_is_broken_beyond_its_limit(
    tuesday: pl.DataFrame, reference: dict[str, Any], limit: Limit
) -> None:
    rows = tuesday.with_columns(wind_speed=pl.col("wind_speed").fill_null(9))
    rows = rows.with_columns(wind_gust=pl.col("wind_speed") + 5)

    def checked(count: int) -> BrokenCheck | None:
        return only(rows.with_columns(first_rows(count, limit.field, limit.value)), reference)

    assert checked(limit.kept) is None
    check = checked(limit.kept + 1)
    assert check is not None
    assert (check.day, check.check, check.field) == (TUESDAY, limit.check, limit.field)
    assert check.value == (limit.kept + 1) / 1000
    assert limit.kept / 1000 <= check.limit < check.value
    assert check.blocks is limit.blocks
    assert check.said.startswith(f"{TUESDAY}, {limit.field}: ")
    assert ROWS in check.said


def test_a_value_a_little_out_of_range_is_weather(
    tuesday: pl.DataFrame, reference: dict[str, Any]
) -> None:
    described = reference["fields"]["visibility"]
    assert (described["minimum"], described["maximum"]) == (0, 10)
    for value, broken in ((15.0, False), (15.1, True), (-5.0, False), (-5.1, True)):
        rows = tuesday.with_columns(first_rows(500, "visibility", pl.lit(value)))
        found = {check.check for check in broken_checks(rows, reference)}
        assert ("range" in found) is broken, value


def test_few_distinct_values_are_a_frozen_feed(
    tuesday: pl.DataFrame, reference: dict[str, Any]
) -> None:
    fewest = reference["fields"]["wind_speed"]["fewest_distinct"]
    assert fewest >= 8
    for distinct, broken in ((fewest // 2 + 1, False), (fewest // 2, True), (1, True)):
        values = (pl.int_range(pl.len()) % distinct + 10).cast(pl.Float32)
        rows = tuesday.with_columns(wind_speed=values, wind_gust=None)
        check = only(rows, reference)
        assert (check is not None) is broken
        if check is not None:
            assert (check.check, check.value, check.blocks) == ("constant", distinct, True)
            assert f"{distinct} distinct values in {SAMPLE} {ROWS}" in check.said


def test_a_field_that_is_rightly_constant_on_some_days_is_never_frozen(
    tuesday: pl.DataFrame, reference: dict[str, Any]
) -> None:
    rows = tuesday.with_columns(precipitation=0.0, visibility=10.0, wind_gust=None)
    assert broken_checks(rows, reference) == []


def test_a_silent_source_is_not_called_frozen_too(
    tuesday: pl.DataFrame, reference: dict[str, Any]
) -> None:
    rows = tuesday.with_columns(wind_speed=pl.lit(None, pl.Float32), wind_gust=None)
    check = only(rows, reference)
    assert check is not None
    assert (check.check, check.field, check.value) == ("nulls", "wind_speed", 1)
    assert "100% of flights have none" in check.said


def test_a_category_that_was_always_there_is_missed(
    tuesday: pl.DataFrame, reference: dict[str, Any]
) -> None:
    check = only(tuesday.filter(pl.col("origin") != "JFK"), reference)
    assert check is not None
    assert (check.check, check.field, check.value, check.limit) == ("vanished", "origin", 0, 0)
    assert not check.blocks
    assert "none of JFK" in check.said


def test_a_rare_category_may_be_absent(tuesday: pl.DataFrame, reference: dict[str, Any]) -> None:
    assert reference["fields"]["carrier"]["shares"]["HA"] > 0
    assert broken_checks(tuesday.filter(pl.col("carrier") != "HA"), reference) == []


def test_on_a_small_day_chance_is_no_fault(
    tuesday: pl.DataFrame, reference: dict[str, Any]
) -> None:
    # 2 % of WN are 2 of 110 rows, which may well be none; 3 of 110 are 2.7 % unseen.
    few = tuesday.filter(pl.col("carrier") != "WN").head(110)
    few = few.with_columns(first_rows(3, "carrier", pl.lit("ZZ")))
    assert [check for check in broken_checks(few, reference) if check.field == "carrier"] == []


def test_days_are_checked_each_by_itself_and_come_in_order(
    production: pl.DataFrame, reference: dict[str, Any]
) -> None:
    days = [date(2013, 4, number) for number in (9, 10, 11)]
    rows = between(production, days[0], days[-1])
    rows = rows.with_columns(
        wind_speed=pl.when(pl.col(DAY) != days[1]).then("wind_speed"), wind_gust=None
    )
    injured = rows.filter((pl.col(DAY) != days[2]) | (pl.col("origin") != "LGA")).reverse()
    found = [(check.day, check.check) for check in broken_checks(injured, reference)]
    assert found == [(days[1], "nulls"), (days[2], "vanished")]
