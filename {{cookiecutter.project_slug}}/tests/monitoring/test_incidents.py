"""Incidents injure the days they are told to, keep the contract, and change nothing else."""

from datetime import date, timedelta

import polars as pl
import pytest

from flight_delay.contract import DAY, SCHEDULED_AT, TARGET, field_names
from flight_delay.incidents import INCIDENTS, WEATHER
from flight_delay.validation import validate

from .logged import between

START = date(2013, 5, 10)
END = date(2013, 5, 12)
DURING = pl.col(DAY).is_between(START, END, closed="left")

INJURED = {
    "unit_change": {"visibility"},
    "dead_sensor": {"wind_speed", "wind_gust"},
    "frozen_feed": set(WEATHER),
    "new_carrier": {"carrier"},
    "scale_error": {"wind_speed", "wind_gust"},
}


@pytest.fixture(scope="module")
def rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return five days, of which the third and the fourth are injured."""
    return between(table, START - timedelta(days=2), END)


def injured(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows after an incident."""
    return INCIDENTS[name](rows, START, END)


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_contract_is_kept_and_other_days_are_left_alone(name: str, rows: pl.DataFrame) -> None:
    before = rows.clone()
    after = injured(name, rows)
    assert rows.equals(before)
    assert validate(after).schema == rows.schema
    assert after.filter(~DURING).equals(rows.filter(~DURING))
    assert not after.filter(DURING).equals(rows.filter(DURING))


@pytest.mark.parametrize("name", INJURED)
def test_only_the_columns_concerned_change(name: str, rows: pl.DataFrame) -> None:
    after = injured(name, rows)
    changed = {
        column
        for column in (SCHEDULED_AT, DAY, *field_names(), TARGET)
        if not after[column].equals(rows[column])
    }
    assert changed == INJURED[name]


def test_kilometres_are_1_6_times_as_many(rows: pl.DataFrame) -> None:
    after = injured("unit_change", rows).filter(DURING)["visibility"]
    ratio = after / rows.filter(DURING)["visibility"]
    assert ratio.drop_nans().to_list() == pytest.approx([1.609344] * ratio.drop_nans().len())
    assert after.max() == pytest.approx(16.09, abs=0.01)


def test_a_dead_sensor_reports_nothing(rows: pl.DataFrame) -> None:
    after = injured("dead_sensor", rows).filter(DURING)
    assert after["wind_speed"].null_count() == after["wind_gust"].null_count() == after.height


def test_nothing_leaves_from_a_closed_airport(rows: pl.DataFrame) -> None:
    after = injured("closed_airport", rows).filter(DURING)
    assert set(after["origin"]) == {"EWR", "LGA"}
    assert after.height == (rows.filter(DURING)["origin"] != "JFK").sum()


def test_a_frozen_feed_stays_at_the_last_reading_of_each_airport(rows: pl.DataFrame) -> None:
    after = injured("frozen_feed", rows).filter(DURING)
    for airport in ("EWR", "JFK", "LGA"):
        here = pl.col("origin") == airport
        last = rows.filter(pl.col(DAY) < START, here).tail(1).select(WEATHER)
        assert after.filter(here).select(WEATHER).unique().equals(last)


def test_a_feed_that_was_never_alive_is_frozen_at_its_first_reading(rows: pl.DataFrame) -> None:
    during = rows.filter(DURING)
    after = injured("frozen_feed", during)
    first = during.filter(pl.col("origin") == "JFK").head(1).select(WEATHER)
    assert after.filter(pl.col("origin") == "JFK").select(WEATHER).unique().equals(first)


def test_a_new_carrier_has_one_flight_in_twenty(rows: pl.DataFrame) -> None:
    new = injured("new_carrier", rows).filter(DURING)["carrier"] == "ZZ"
    assert new.mean() == pytest.approx(0.05, abs=0.02)
    assert injured("new_carrier", rows).equals(injured("new_carrier", rows))


def test_a_scale_error_is_15_percent(rows: pl.DataFrame) -> None:
    after = injured("scale_error", rows).filter(DURING)["wind_speed"]
    ratio = (after / rows.filter(DURING)["wind_speed"]).drop_nulls().drop_nans()
    assert ratio.to_list() == pytest.approx([1.15] * ratio.len())
