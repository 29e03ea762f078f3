"""On real days: few false alarms, and every incident found and named, on days not tuned on.

The thresholds were chosen on April to June; what is asserted here is of July to December.
"""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from flight_delay.contract import DAY
from flight_delay.incidents import INCIDENTS
from flight_delay.monitoring.checks import BrokenCheck, broken_checks
from flight_delay.splits import Windows

from .logged import between

FIRST = date(2013, 7, 2)
LAST = date(2013, 12, 30)
"""The next day is one on which no weather was reported at all."""
STARTS = 20
SEED = 71

NAMED = {
    "unit_change": ("range", "visibility"),
    "dead_sensor": ("nulls", "wind_speed"),
    "closed_airport": ("vanished", "origin"),
    "frozen_feed": ("constant", "wind_speed"),
    "new_carrier": ("unseen", "carrier"),
}

BLOCKING = {"unit_change", "dead_sensor", "frozen_feed"}


@pytest.fixture(scope="module")
def starts() -> list[date]:
    """Return the days on which incidents begin."""
    choice = np.random.default_rng(SEED).choice((LAST - FIRST).days, STARTS, replace=False)
    return [FIRST + timedelta(days=int(ahead)) for ahead in choice]


@pytest.fixture(scope="module")
def clean(production: pl.DataFrame, reference: dict[str, Any]) -> list[BrokenCheck]:
    """Return the checks that clean days broke, from April to December."""
    return broken_checks(production, reference)


def found(
    incident: str, start: date, production: pl.DataFrame, reference: dict[str, Any]
) -> list[BrokenCheck]:
    """Return the checks that the first two days of an incident break."""
    end = start + timedelta(days=2)
    rows = between(production, start - timedelta(days=1), end - timedelta(days=1))
    injured = INCIDENTS[incident](rows, start, end)
    return broken_checks(injured.filter(pl.col(DAY) >= start), reference)


def test_no_day_of_training_would_have_broken_a_check(
    windows: Windows, reference: dict[str, Any]
) -> None:
    assert broken_checks(windows.history, reference) == []


def test_at_most_3_percent_of_clean_days_alarm(
    clean: list[BrokenCheck], production: pl.DataFrame
) -> None:
    alarms = {check.day for check in clean}
    later = {day for day in production[DAY].unique() if day >= date(2013, 7, 1)}
    assert len(later) == 184
    assert len(alarms & later) <= 0.03 * len(later), clean
    assert len(alarms) <= 0.03 * production[DAY].n_unique()


def test_a_real_outage_is_found(clean: list[BrokenCheck]) -> None:
    # On the last day of the year no weather was reported.
    silent = {check.field for check in clean if check.day == date(2013, 12, 31)}
    assert silent == {"wind_speed", "precipitation", "visibility"}


@pytest.mark.parametrize("incident", NAMED)
def test_every_incident_is_named_within_two_days(
    incident: str, starts: list[date], production: pl.DataFrame, reference: dict[str, Any]
) -> None:
    for start in starts:
        broken = found(incident, start, production, reference)
        named = [check for check in broken if (check.check, check.field) == NAMED[incident]]
        assert named, start
        assert all(check.blocks is (incident in BLOCKING) for check in named)
        assert all(NAMED[incident][1] in check.said for check in named)


def test_a_scale_error_is_nothing_that_a_contract_can_see(
    starts: list[date],
    clean: list[BrokenCheck],
    production: pl.DataFrame,
    reference: dict[str, Any],
) -> None:
    for start in starts:
        broken = found("scale_error", start, production, reference)
        usual = [check for check in clean if start <= check.day < start + timedelta(days=2)]
        assert broken == usual
