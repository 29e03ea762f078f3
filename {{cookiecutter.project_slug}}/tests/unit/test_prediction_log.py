"""The prediction log holds what it was given, all or nothing, in SQLite and in PostgreSQL alike."""

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from flight_delay.contract import example
from flight_delay.database import LogError
from flight_delay.prediction_log import (
    ConflictingOutcomeError,
    PredictionLog,
    Recorded,
    UnknownRequestError,
)

from ..logs import NOON, Row, entries, entry, new_id, outcomes_of, rows  # noqa: TID252 - shared
from ..postgres import Cluster, cluster  # noqa: TID252 - what the tests share

THREADS = 8
LOCKED_SECONDS = 30
"""Far more than the log may wait for a lock, on a machine that has other things to do."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    """Return a running cluster."""
    with cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'predictions.db'}"
    running: Cluster = request.getfixturevalue("postgres")
    return running.new_database(new_id())


@pytest.fixture
def log(url: str) -> Iterator[PredictionLog]:
    """Return an empty log."""
    log = PredictionLog(url)
    log.create()
    yield log
    log.close()


def test_a_row_is_read_as_it_was_recorded(log: PredictionLog) -> None:
    third = entry(probability=1 / 3)
    tried = entry()._replace(shadow_version="bbbbbbbbbbbb", shadow_probability=0.1 + 0.2)
    log.record([third, tried])
    first, second = rows(log)
    assert first._asdict() == {
        "id": 1,
        "asked_at": NOON.replace(tzinfo=None),
        "request_id": third.request_id,
        "day": date(2013, 4, 1),
        "model_version": "aaaaaaaaaaaa",
        "probability": 1 / 3,
        "prediction": False,
        "features": first.features,
        "shadow_version": None,
        "shadow_probability": None,
        "outcome": None,
    }
    assert json.loads(first.features) == example()
    assert (second.shadow_version, second.shadow_probability) == ("bbbbbbbbbbbb", 0.1 + 0.2)


def test_a_row_that_comes_again_is_there_once_and_the_others_are_added(log: PredictionLog) -> None:
    first, second = entries(2)
    log.record([first])
    log.record([first._replace(probability=0.9), second])
    assert [row.probability for row in rows(log)] == [0.25, 0.25]


def test_days_are_those_of_utc(log: PredictionLog) -> None:
    new_york = timezone(timedelta(hours=-4))
    late_evening = datetime(2013, 4, 1, 21, tzinfo=new_york)
    log.record([entry(NOON - timedelta(days=1)), entry(NOON), entry(late_evening)])
    assert [row.day.day for row in rows(log)] == [31, 1, 2]


def test_outcomes_are_recorded_once_and_may_be_sent_again(log: PredictionLog) -> None:
    first, second, third = (one.request_id for one in _recorded(log, 3))
    assert log.record_outcomes({first: True, second: False}, NOON) == Recorded(new=2, known=0)
    assert log.record_outcomes({first: True, third: True}, NOON) == Recorded(new=1, known=1)
    assert log.record_outcomes({first: True}, NOON) == Recorded(new=0, known=1)
    assert outcomes_of(log) == {first: True, second: False, third: True}


def test_an_unknown_request_is_named_and_nothing_is_recorded(log: PredictionLog) -> None:
    (known,) = (one.request_id for one in _recorded(log, 1))
    absent = new_id()
    with pytest.raises(UnknownRequestError, match=absent) as caught:
        log.record_outcomes({known: True, absent: True}, NOON)
    assert caught.value.request_ids == (absent,)
    assert outcomes_of(log) == {known: None}


def test_another_outcome_is_named_and_nothing_is_recorded(log: PredictionLog) -> None:
    first, second = (one.request_id for one in _recorded(log, 2))
    log.record_outcomes({first: True}, NOON)
    for record in (log.record_outcomes, lambda given, _: log.check_outcomes(given)):
        with pytest.raises(ConflictingOutcomeError, match=first) as caught:
            record({second: True, first: False}, NOON)
        assert caught.value.recorded == {first: True}
    assert outcomes_of(log) == {first: True, second: None}


def test_a_check_records_nothing(log: PredictionLog) -> None:
    (known,) = (one.request_id for one in _recorded(log, 1))
    log.check_outcomes({known: True})
    with pytest.raises(UnknownRequestError):
        log.check_outcomes({known: True, new_id(): True})
    assert outcomes_of(log) == {known: None}


def test_more_ids_than_fit_into_one_statement(log: PredictionLog) -> None:
    ids = [one.request_id for one in _recorded(log, 1201)]
    given = dict.fromkeys(ids, True)
    assert log.record_outcomes(given, NOON) == Recorded(new=1201, known=0)
    assert log.record_outcomes(given, NOON) == Recorded(new=0, known=1201)
    assert outcomes_of(log) == given


def test_of_conflicting_senders_one_wins_and_only_those_who_agree_hear_so(
    log: PredictionLog,
) -> None:
    ids = [one.request_id for one in _recorded(log, 5)]
    told: list[tuple[bool, Recorded]] = []
    refused: list[bool] = []
    together = threading.Barrier(THREADS)

    def send(number: int) -> None:
        outcome = number % 2 == 0
        # In another order each, which must not make them wait for one another for ever.
        given = dict.fromkeys(ids if number % 4 < 2 else reversed(ids), outcome)
        together.wait()
        try:
            told.append((outcome, log.record_outcomes(given, NOON)))
        except ConflictingOutcomeError:
            refused.append(outcome)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send, range(THREADS)))
    (winner,) = {outcome for outcome, _ in told}
    assert outcomes_of(log) == dict.fromkeys(ids, winner)
    assert refused == [not winner] * (THREADS // 2)
    assert sum(recorded.new for _, recorded in told) == len(ids)
    assert sum(recorded.known for _, recorded in told) == len(ids) * (THREADS // 2 - 1)


def test_events_of_a_kind_come_newest_first(log: PredictionLog) -> None:
    for number in range(3):
        log.record_event("monitor", {"number": number}, NOON + timedelta(hours=number))
    log.record_event("retrain", {"version": None}, NOON)
    (newest,) = log.events("monitor")
    assert (newest.kind, newest.content, newest.at) == (
        "monitor",
        {"number": 2},
        NOON + timedelta(hours=2),
    )
    assert [event.content["number"] for event in log.events("monitor", last=10)] == [2, 1, 0]
    assert log.events("rollback") == []


def test_old_rows_go_in_steps_with_their_outcomes(log: PredictionLog) -> None:
    new, *old = [*entries(1), *entries(5, NOON - timedelta(days=3))]
    log.record([*old, new])
    log.record_outcomes(dict.fromkeys([one.request_id for one in [*old, new]], True), NOON)
    assert [log.prune(date(2013, 4, 1), limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert outcomes_of(log) == {new.request_id: True}
    log.record(old)
    assert set(outcomes_of(log).values()) == {True, None}


def test_the_day_before_which_is_pruned_is_kept(log: PredictionLog) -> None:
    _recorded(log, 1)
    assert log.prune(date(2013, 4, 1)) == 0
    assert log.prune(date(2013, 4, 2)) == 1


def test_many_may_make_the_tables_at_once(url: str) -> None:
    together = threading.Barrier(THREADS)

    def make(_: int) -> None:
        log = PredictionLog(url)
        together.wait()
        log.create()
        log.record(entries(1))
        log.close()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(make, range(THREADS)))
    log = PredictionLog(url)
    assert len(rows(log)) == THREADS
    log.close()


def test_nobody_waits_for_ever_for_a_table_that_is_locked(postgres: Cluster) -> None:
    database = new_id()
    log = PredictionLog(postgres.new_database(database))
    log.create()
    with ThreadPoolExecutor() as pool, postgres.locked("predictions", database):
        asked: list[Future[Any]] = [
            pool.submit(log.record, entries(1)),
            pool.submit(log.record_outcomes, {new_id(): True}, NOON),
            pool.submit(log.create),
        ]
        for one in asked:
            with pytest.raises(LogError, match="refuses: canceling statement due to lock timeout"):
                one.result(LOCKED_SECONDS)
    log.record(entries(1))
    assert len(rows(log)) == 1
    log.close()


def test_the_address_may_have_options_of_its_own(postgres: Cluster) -> None:
    log = PredictionLog(f"{postgres.url}&options=-c%20lock_timeout%3D1s")
    with log.engine.connect() as connection:
        bounds = [
            connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("lock_timeout", "statement_timeout")
        ]
    log.close()
    assert bounds == ["1s", "5min"]


def _recorded(log: PredictionLog, count: int) -> Sequence[Row]:
    log.record(entries(count))
    return rows(log)
