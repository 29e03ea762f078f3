"""Rows come out of the log as they went in, typed as in the table, and anew when they changed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pytest
import sqlalchemy as sa

from flight_delay.contract import DAY, FIELDS, Numeric, example, field_names
from flight_delay.database import LogError
from flight_delay.monitoring import window
from flight_delay.monitoring.spans import Span, back
from flight_delay.monitoring.window import (
    daily_totals,
    read_days,
    read_window,
    rows_of,
)
from flight_delay.prediction_log import Entry, PredictionLog, predictions

from ..postgres import Cluster, cluster  # noqa: TID252 - what the tests share
from .logged import between, noon, record

FIRST = date(2013, 4, 1)
NEXT = date(2013, 4, 2)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    """Return a running cluster."""
    with cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PredictionLog]:
    """Return an empty log, in either database."""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    if request.param == "postgresql":
        running: Cluster = request.getfixturevalue("postgres")
        url = running.new_database(uuid4().hex)
    log = new_log(url)
    yield log
    log.close()


def new_log(url: str) -> PredictionLog:
    """Return the log of an empty database."""
    log = PredictionLog(url)
    log.create()
    return log


def entry(name: str, day: date = FIRST, probability: float = 0.25, **changes: Any) -> Entry:  # noqa: ANN401 - values
    """Return the example of the contract, answered on a day."""
    return Entry(name, noon(day), "v1", probability, False, example() | changes)  # noqa: FBT003


def test_rows_come_back_with_the_types_of_the_table(
    log: PredictionLog, production: pl.DataFrame
) -> None:
    rows = between(production, FIRST, NEXT)
    record(log, rows, "v1")
    read = read_window(log, FIRST, NEXT + timedelta(days=1))
    assert read.select(field_names()).equals(rows.select(field_names()))
    assert read[DAY].equals(rows[DAY])
    assert read["probability"].equals(rows["probability"])
    assert read["outcome"].equals(rows["late"].alias("outcome"))
    for field in FIELDS:
        assert read.schema[field.name] == (pl.Float32 if isinstance(field, Numeric) else pl.String)


def test_the_span_is_half_open(log: PredictionLog) -> None:
    log.record([entry("a"), entry("b", NEXT)])
    assert read_window(log, FIRST, NEXT)["request_id"].to_list() == ["a"]
    assert read_window(log, NEXT, NEXT + timedelta(days=1))["request_id"].to_list() == ["b"]


def test_an_empty_span_has_every_column(log: PredictionLog) -> None:
    log.record([entry("a")])
    read, empty = read_window(log, FIRST, NEXT), read_window(log, NEXT, date(2013, 5, 1))
    assert empty.height == 0
    assert empty.schema == read.schema == rows_of([]).schema


def test_nulls_stay_nulls(log: PredictionLog) -> None:
    log.record([entry("a", wind_speed=None, carrier="B6")])
    (row,) = read_window(log, FIRST, NEXT).iter_rows(named=True)
    assert (row["wind_speed"], row["carrier"], row["outcome"]) == (None, "B6", None)


def test_rows_of_another_contract_are_an_error_in_words(log: PredictionLog) -> None:
    log.record([entry("a", wind_speed="strong")])
    with pytest.raises(LogError, match="2013-04-01 until before 2013-04-02 does not fit"):
        read_window(log, FIRST, NEXT)


def test_totals_add_up_by_day_over_what_is_labelled(log: PredictionLog) -> None:
    log.record([entry("a", probability=0.5), entry("b", probability=0.25), entry("c", NEXT)])
    log.record([entry("d", probability=0.75)])
    log.record_outcomes({"a": True, "d": False}, noon(NEXT))
    totals = daily_totals(log, FIRST, date(2013, 5, 1))
    assert totals.rows(named=True) == [
        {DAY: FIRST, "rows": 3, "labelled": 2, "probability": 1.25, "outcome": 1, "first": "a"},
        {DAY: NEXT, "rows": 1, "labelled": 0, "probability": 0.0, "outcome": 0, "first": "c"},
    ]
    assert daily_totals(log, NEXT, date(2013, 5, 1)).height == 1
    assert daily_totals(log, date(2013, 6, 1), date(2013, 7, 1)).height == 0


def days_of(log: PredictionLog) -> list[Any]:
    """Return the days of the log."""
    return read_days(log, daily_totals(log, FIRST, date(2013, 5, 1)), Span(FIRST, NEXT))


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """Return a list of the days that are read from now on."""
    days = []

    def counted(log: PredictionLog, start: date, end: date) -> pl.DataFrame:
        days.append(start)
        return read_window(log, start, end)

    monkeypatch.setattr(window, "read_window", counted)
    return days


def test_a_day_is_read_once_until_it_changes(
    log: PredictionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.record([entry("a"), entry("b", NEXT)])
    reads = count_reads(monkeypatch)
    assert rows_of(days_of(log))["request_id"].to_list() == ["a", "b"]
    assert days_of(log) == days_of(log)
    assert reads == [FIRST, NEXT]

    log.record_outcomes({"b": True}, noon(NEXT))
    assert rows_of(days_of(log))["outcome"].to_list() == [None, True]
    log.record([entry("c")])
    assert rows_of(days_of(log))["request_id"].to_list() == ["a", "c", "b"]
    assert reads == [FIRST, NEXT, NEXT, FIRST]


def test_days_of_two_logs_are_not_confused(tmp_path: Path) -> None:
    first, second = (new_log(f"sqlite:///{tmp_path / name}") for name in ("1.db", "2.db"))
    first.record([entry("a", distance=100.0)])
    second.record([entry("a", distance=200.0)])
    assert [rows_of(days_of(log))["distance"][0] for log in (first, second)] == [100, 200]
    first.close()
    second.close()


def test_a_log_that_was_begun_anew_is_read_anew(log: PredictionLog) -> None:
    log.record([entry("a", distance=100.0)])
    assert rows_of(days_of(log))["distance"].to_list() == [100]
    with log.engine.begin() as connection:
        connection.execute(sa.delete(predictions))
    log.record([entry("z", distance=200.0)])
    assert rows_of(days_of(log))["distance"].to_list() == [200]


def test_a_span_counts_back_and_has_both_its_ends() -> None:
    span = back(NEXT, 2)
    assert span == Span(FIRST, NEXT)
    days = pl.DataFrame({DAY: [FIRST - timedelta(days=1), FIRST, NEXT, NEXT + timedelta(days=1)]})
    assert span.of(days)[DAY].to_list() == [FIRST, NEXT]


def test_a_day_is_that_of_the_question_in_utc(log: PredictionLog) -> None:
    late = datetime(2013, 4, 1, 23, 30, tzinfo=UTC)
    log.record([Entry("a", late, "v1", 0.5, True, example())])  # noqa: FBT003
    assert read_window(log, FIRST, NEXT)[DAY].to_list() == [FIRST]
