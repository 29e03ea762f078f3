"""The monitor records what it found, each broken day once, and writes the same as JSON."""

import json
from datetime import date, timedelta

import polars as pl
import pytest

from flight_delay.clock import now, set_clock
from flight_delay.contract import DAY
from flight_delay.incidents import INCIDENTS
from flight_delay.monitoring.run import run_monitor
from flight_delay.prediction_log import PredictionLog
from flight_delay.settings import Settings

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share
from .logged import between, record

TODAY = date(2013, 4, 22)
BROKEN = date(2013, 4, 19)


@pytest.fixture
def filled(home: Settings, log: PredictionLog, production: pl.DataFrame) -> Settings:
    """Return the settings of a folder whose log holds ten days, two of which are broken."""
    days = between(production, date(2013, 4, 14), date(2013, 4, 23))
    rows = days.filter(pl.int_range(pl.len()).shuffle(seed=1).over(DAY) < 300)
    injured = INCIDENTS["dead_sensor"](rows, BROKEN, BROKEN + timedelta(days=1))
    closed = BROKEN + timedelta(days=2)
    injured = INCIDENTS["closed_airport"](injured, closed, closed + timedelta(days=1))
    record(log, injured, champion_of(home))
    assert home.clock_file is not None
    set_clock(home.clock_file, TODAY)
    return home


def test_the_report_is_returned_recorded_and_written(filled: Settings, log: PredictionLog) -> None:
    said: list[str] = []
    report = run_monitor(filled, said.append)
    (event,) = log.events("monitor", last=5)
    assert event.content == report
    assert event.at == now(filled.clock_file)
    assert json.loads((filled.reports / "monitor.json").read_bytes()) == report
    assert "2013-04-22" in (filled.reports / "monitor.html").read_text(encoding="utf-8")
    assert said


def test_each_broken_day_is_recorded_once(filled: Settings, log: PredictionLog) -> None:
    run_monitor(filled, silent)
    run_monitor(filled, silent)
    assert filled.clock_file is not None
    set_clock(filled.clock_file, TODAY + timedelta(days=1))
    run_monitor(filled, silent)
    found = {event.content["day"]: event.content for event in log.events("broken_day", last=99)}
    assert len(log.events("broken_day", last=99)) == len(found) == 2
    assert found["2013-04-19"]["blocks"] is True
    assert found["2013-04-21"]["blocks"] is False
    (reason,) = found["2013-04-21"]["reasons"]
    assert "none of JFK" in reason
    assert len(log.events("monitor", last=99)) == 3


def test_a_folder_without_a_log_gets_a_report(home: Settings) -> None:
    assert home.clock_file is not None
    set_clock(home.clock_file, TODAY)
    assert run_monitor(home, silent)["traffic"]["rows"] == 0
    assert (home.reports / "monitor.html").is_file()
