"""The writer behind the answers: bounded in memory, in time, and in what a log may grow to."""

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from flight_delay.clock import ClockError, set_clock
from flight_delay.contract import example
from flight_delay.prediction_log import open_log, unopened_log
from flight_delay.service.app import create_app
from flight_delay.service.metrics import Metrics
from flight_delay.service.recorder import COMMIT_ROWS, PRUNE_ROWS, Recorder
from flight_delay.settings import Settings

from ..logs import NOON, entries, logged, rows  # noqa: TID252 - what the tests share
from ..postgres import cluster  # noqa: TID252 - what the tests share
from .running import PATIENCE_SECONDS, wait_until

RETENTION_DAYS = 60
WAITING_SECONDS = 0.2
"""In which a thread gets as far as a lock that another one holds."""


def clock() -> datetime:
    """Return what time it is in these tests."""
    return NOON


@contextlib.contextmanager
def recorder(settings: Settings) -> Iterator[tuple[Recorder, Metrics]]:
    """Give a recorder that does not write by itself, and its metrics."""
    metrics = Metrics()
    with contextlib.closing(unopened_log(settings)) as log:
        yield Recorder(log, metrics, settings, clock), metrics


def counted(metrics: Metrics, name: str) -> float:
    """Return a sample of the metrics."""
    value = metrics.registry.get_sample_value(name)
    assert value is not None
    return value


@pytest.mark.parametrize(("seconds", "count"), [(0.01, 3), (600, COMMIT_ROWS)])
def test_rows_are_written_soon_or_at_once_when_they_are_many(
    tmp_path: Path, seconds: float, count: int
) -> None:
    settings = Settings(home=tmp_path, log_flush_seconds=seconds, log_url=None)
    with recorder(settings) as (writer, metrics):
        writer.start()
        writer.add(entries(count))
        wait_until(lambda: counted(metrics, "prediction_log_buffered_rows") == 0)
        assert len(logged(settings)) == count
        writer.stop()


def test_a_flush_commits_everything_that_waits_in_its_order(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, log_url=None)
    given = [entries(700) for _ in range(5)]
    with recorder(settings) as (writer, metrics):
        for some in given:
            writer.add(some)
        assert counted(metrics, "prediction_log_buffered_rows") == 3500
        writer.flush()
        assert counted(metrics, "prediction_log_buffered_rows") == 0
        writer.flush()
    expected = [entry.request_id for some in given for entry in some]
    assert list(logged(settings)) == expected


def test_the_newest_rows_are_dropped_when_there_is_no_room(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, log_buffer_rows=5, log_url=None)
    first, second, third = entries(3), entries(4), entries(1)
    with recorder(settings) as (writer, metrics):
        for some in (first, second, third):
            writer.add(some)
        assert counted(metrics, "prediction_log_dropped_total") == 3
        assert counted(metrics, "prediction_log_buffered_rows") == 5
        assert writer._dropped == 3, "the writer will say so"  # noqa: SLF001
        waiting = [len(one.entries) for one in writer._waiting]  # noqa: SLF001
        assert waiting == [3, 2], "of the third nothing was kept"
        writer.flush()
        writer.add(third)
        writer.flush()
        assert counted(metrics, "prediction_log_dropped_total") == 3
    kept = [*first, *second[:2], *third]
    assert list(logged(settings)) == [entry.request_id for entry in kept]


def test_room_that_another_request_took_meanwhile_is_not_taken_twice(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, log_buffer_rows=5, log_url=None)
    with recorder(settings) as (writer, _), ThreadPoolExecutor() as pool:
        with writer._lock:  # noqa: SLF001 - as another request
            adding = pool.submit(writer.add, entries(3))
            wait([adding], WAITING_SECONDS)
            writer._rows = 4  # noqa: SLF001
        adding.result(PATIENCE_SECONDS)
        left = writer._rows, [len(one.entries) for one in writer._waiting]  # noqa: SLF001
        assert left == (5, [1]), "one place was left, as a look under the lock shows"


def test_the_lock_is_not_held_over_the_counter_and_the_wake_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path, log_buffer_rows=COMMIT_ROWS, log_url=None)
    held: list[bool] = []
    with recorder(settings) as (writer, metrics):

        def note(*_: object, **__: object) -> None:
            held.append(writer._lock.locked())  # noqa: SLF001

        monkeypatch.setattr(metrics.log_dropped, "inc", note)
        monkeypatch.setattr(writer._wake, "set", note)  # noqa: SLF001
        writer.add(entries(COMMIT_ROWS + 1))
    assert held == [False, False], "both are done, and neither while others wait for the lock"


def test_what_cannot_be_written_at_a_stop_is_counted(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "absent", log_url=None)
    with recorder(settings) as (writer, metrics):
        writer.start()
        writer.add(entries(7))
        writer.stop(seconds=0.3)
        assert counted(metrics, "prediction_log_dropped_total") == 7
        assert counted(metrics, "prediction_log_failures_total") > 0


def test_rows_wait_while_another_session_locks_the_table_and_are_written_then(
    tmp_path: Path,
) -> None:
    given = entries(3)
    with cluster() as server:
        settings = Settings(home=tmp_path, log_flush_seconds=0.01, log_url=server.url)
        open_log(settings).close()  # which makes the tables
        with recorder(settings) as (writer, metrics):
            with server.locked("predictions"):
                writer.start()
                writer.add(given)
                wait_until(lambda: counted(metrics, "prediction_log_failures_total") > 0, 30)
                assert counted(metrics, "prediction_log_buffered_rows") == len(given)
            wait_until(lambda: counted(metrics, "prediction_log_buffered_rows") == 0, 30)
            writer.stop()
        assert logged(settings).keys() == {entry.request_id for entry in given}


def test_old_rows_are_deleted_while_new_ones_are_written(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path, log_flush_seconds=0.01, log_retention_days=RETENTION_DAYS, log_url=None
    )
    old = NOON - timedelta(days=RETENTION_DAYS + 1)
    kept = [*entries(1, NOON - timedelta(days=RETENTION_DAYS)), *entries(2)]
    with contextlib.closing(open_log(settings)) as log:
        log.record([*entries(PRUNE_ROWS + 1, old), *kept])
        log.record_outcomes({entry.request_id: True for entry in kept}, NOON)
    with recorder(settings) as (writer, metrics):
        writer.start()
        new = entries(1)
        writer.add(new)
        expected = {entry.request_id for entry in [*kept, *new]}
        wait_until(lambda: logged(settings).keys() == expected)
        writer.stop()
        assert counted(metrics, "prediction_log_failures_total") == 0


def test_rows_are_logged_as_they_were_asked_and_answered(home: Settings) -> None:
    asked = [example() | {"weekday": day} for day in (1, 2, 3)]
    with TestClient(create_app(home)) as client:
        batch = client.post("/v1/predict/batch", json={"instances": asked}).json()
    with contextlib.closing(open_log(home)) as log:
        found = rows(log)
    assert [
        {
            "request_id": row.request_id,
            "probability": row.probability,
            "prediction": row.prediction,
        }
        for row in found
    ] == batch["predictions"]
    assert {row.model_version for row in found} == {batch["model_version"]}
    assert [json.loads(row.features) for row in found] == asked


def test_rows_are_logged_on_the_day_of_the_clock(home: Settings) -> None:
    moved = home.model_copy(update={"clock_file": home.home / "clock"})
    assert moved.clock_file is not None
    set_clock(moved.clock_file, date(2013, 4, 1))
    with TestClient(create_app(moved)) as client:
        client.post("/v1/predict", json=example())
        set_clock(moved.clock_file, date(2013, 4, 2))
        client.post("/v1/predict", json=example())
    with contextlib.closing(open_log(home)) as log:
        assert [row.day for row in rows(log)] == [date(2013, 4, 1), date(2013, 4, 2)]


def test_a_clock_that_cannot_be_read_is_refused_at_the_start(home: Settings) -> None:
    with pytest.raises(ClockError, match="APP_CLOCK_FILE"):
        create_app(home.model_copy(update={"clock_file": home.home / "absent"}))
