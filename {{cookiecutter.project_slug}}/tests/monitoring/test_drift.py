"""Drift counts days, compares with how much days differ, and says so when it cannot tell."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from flight_delay.contract import DAY, field_names
from flight_delay.incidents import INCIDENTS
from flight_delay.monitoring.drift import SIGNIFICANT, drift, drifted
from flight_delay.reference import (
    daily_counts,
    day_numbers,
    expected_shares,
    stability_index,
)
from flight_delay.settings import Settings

from .logged import between

SETTINGS = Settings(drift_days=7)
MONDAY = date(2013, 4, 8)
SUNDAY = date(2013, 4, 14)


@pytest.fixture(scope="module")
def week(production: pl.DataFrame) -> pl.DataFrame:
    """Return a clean week of April."""
    return between(production, MONDAY, SUNDAY)


def foggy(week: pl.DataFrame, days: int) -> pl.DataFrame:
    """Return a week whose first days are all fog."""
    fog = pl.when(pl.col(DAY) < MONDAY + timedelta(days=days)).then(pl.lit(0.25, pl.Float32))
    return week.with_columns(visibility=fog.otherwise("visibility"))


def by_field(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what was compared by its name."""
    return {one["field"]: one for one in [*report["fields"], report["prediction"]]}


def test_every_field_and_the_probability_are_compared(
    week: pl.DataFrame, reference: dict[str, Any]
) -> None:
    report = drift(week, reference, SETTINGS)
    assert report["enough"]
    assert [one["field"] for one in report["fields"]] == list(field_names())
    assert report["prediction"]["field"] == "probability"
    for name, one in by_field(report).items():
        assert set(one) == {
            "field",
            "psi",
            "usual_psi",
            "unusual_days",
            "days",
            "statistic",
            "distance",
            "p_value",
            "adjusted_p",
            "drifted",
            "null_share",
            "reference_null_share",
            "unseen_share",
        }
        assert one["statistic"] == ("chi2" if week.schema[name] == pl.String else "ks")
        assert one["days"] == 7
        assert one["null_share"] == pytest.approx(week[name].null_count() / week.height)
        assert one["p_value"] <= one["adjusted_p"] <= 1


def test_a_clean_week_has_not_drifted(week: pl.DataFrame, reference: dict[str, Any]) -> None:
    report = drift(week, reference, SETTINGS)
    assert drifted(report) == []
    assert report["said"] == f"7 days, {week.height:,} flights: nothing drifted from training"


def test_copies_of_rows_change_nothing(week: pl.DataFrame, reference: dict[str, Any]) -> None:
    once = by_field(drift(foggy(week, 7), reference, SETTINGS))
    copies = by_field(drift(pl.concat([foggy(week, 7)] * 10), reference, SETTINGS))
    assert once["visibility"]["p_value"] < 0.001
    for name, one in copies.items():
        for figure in ("days", "psi", "distance", "p_value", "adjusted_p", "null_share"):
            assert one[figure] == pytest.approx(once[name][figure], rel=1e-9), name


def test_more_days_of_the_same_make_a_smaller_p_value(
    week: pl.DataFrame, reference: dict[str, Any]
) -> None:
    first = foggy(week, 4)
    second = first.with_columns(pl.col(DAY) + timedelta(days=7))
    once = by_field(drift(first, reference, SETTINGS))["visibility"]
    twice = by_field(drift(pl.concat([first, second]), reference, SETTINGS))["visibility"]
    assert twice["distance"] == pytest.approx(once["distance"])
    assert (once["days"], twice["days"]) == (7, 14)
    assert twice["p_value"] < 0.1 * once["p_value"] < 0.1


def test_the_index_is_that_of_the_middle_day_and_days_are_counted_against_training(
    week: pl.DataFrame, reference: dict[str, Any]
) -> None:
    described = reference["fields"]["visibility"]
    rows = foggy(week, 4)
    one = by_field(drift(rows, reference, SETTINGS))["visibility"]
    counts = daily_counts(described, rows["visibility"], day_numbers(rows))
    index = stability_index(counts / counts.sum(axis=1, keepdims=True), expected_shares(described))
    assert one["psi"] == pytest.approx(np.median(index))
    assert one["usual_psi"] == pytest.approx(described["usual_psi"], rel=0.01)
    assert one["unusual_days"] == (index > described["usual_psi"]).sum() == 4


@pytest.mark.parametrize(
    ("incident", "field"), [("unit_change", "visibility"), ("dead_sensor", "wind_speed")]
)
def test_a_field_that_is_quite_another_has_drifted(
    production: pl.DataFrame, reference: dict[str, Any], incident: str, field: str
) -> None:
    injured = INCIDENTS[incident](production, MONDAY, SUNDAY + timedelta(days=1))
    report = drift(between(injured, MONDAY, SUNDAY), reference, SETTINGS)
    one = by_field(report)[field]
    assert drifted(report) == [field]
    assert one["unusual_days"] == 7
    assert one["adjusted_p"] < SIGNIFICANT
    assert report["said"].endswith(f": {field} drifted from training")


def test_a_test_alone_is_not_enough_and_neither_are_unusual_days(
    week: pl.DataFrame, reference: dict[str, Any]
) -> None:
    # The days of a single weekday, again and again: a test sees it, and each day is a usual one.
    mondays = pl.concat(
        between(week, MONDAY, MONDAY).with_columns(pl.col(DAY) + timedelta(days=ahead))
        for ahead in range(14)
    )
    one = by_field(drift(mondays, reference, SETTINGS))["weekday"]
    assert one["adjusted_p"] < SIGNIFICANT
    assert (one["unusual_days"], one["drifted"]) == (0, False)

    # No airport has ever closed, so every such day is unusual, and a week of them is too short.
    end = SUNDAY + timedelta(days=1)
    closed = INCIDENTS["closed_airport"](week, MONDAY, end)
    one = by_field(drift(closed, reference, SETTINGS))["origin"]
    assert one["adjusted_p"] > SIGNIFICANT
    assert (one["unusual_days"], one["drifted"]) == (7, False)


def test_unseen_categories_are_a_share(week: pl.DataFrame, reference: dict[str, Any]) -> None:
    new = pl.int_range(pl.len()) % 10 == 0
    rows = week.with_columns(carrier=pl.when(new).then(pl.lit("ZZ")).otherwise("carrier"))
    one = by_field(drift(rows, reference, SETTINGS))["carrier"]
    assert one["unseen_share"] == pytest.approx(0.1, abs=0.001)


def test_small_days_are_allowed_their_chance(week: pl.DataFrame, reference: dict[str, Any]) -> None:
    few = week.sample(n=7 * 150, seed=1)
    one = by_field(drift(few, reference, SETTINGS))["origin"]
    described = reference["fields"]["origin"]
    assert one["usual_psi"] > 3 * described["usual_psi"]
    assert one["unusual_days"] <= 1


@pytest.mark.parametrize(("days", "enough"), [(0, False), (3, False), (4, True), (7, True)])
def test_a_window_of_too_few_days_gives_no_verdict(
    week: pl.DataFrame, reference: dict[str, Any], days: int, *, enough: bool
) -> None:
    rows = week.filter(pl.col(DAY) < MONDAY + timedelta(days=days))
    report = drift(rows, reference, SETTINGS)
    assert report["enough"] is enough
    assert bool(report["fields"]) is enough
    if not enough:
        assert report["prediction"] is None
        assert report["said"] == (
            f"no verdict: {days} days of at least 100 flights, and 4 are needed"
        )


def test_clean_weeks_of_the_whole_year_do_not_drift(
    production: pl.DataFrame, reference: dict[str, Any]
) -> None:
    starts = [date(2013, 4, 1) + timedelta(days=7 * number) for number in range(39)]
    found = [
        drifted(drift(between(production, start, start + timedelta(days=6)), reference, SETTINGS))
        for start in starts
    ]
    assert sum(map(bool, found)) <= 1, found
