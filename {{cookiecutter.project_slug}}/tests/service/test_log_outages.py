"""A log that cannot be written costs no answer, and no row that there is room to keep."""

import contextlib
import json
import resource
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from flight_delay.contract import example
from flight_delay.settings import Settings

from ..logs import logged, new_id  # noqa: TID252 - what the tests share
from ..postgres import cluster  # noqa: TID252 - what the tests share
from .callers import Told, asking
from .problems import assert_problem
from .processes import Running, running
from .running import sample, serving, wait_until

OWN_LOG = {"APP_LOG_URL": ""}
FLUSH_SECONDS = 0.1
CALLERS = 20
"""More than there are threads, of any kind."""
OUTAGE_SECONDS = 30
"""How long a test waits for a write to fail, or for the log to have caught up."""


def failures(client: httpx2.Client) -> float:
    """Return how many writes have failed."""
    return sample(client, "prediction_log_failures_total")


def dropped(client: httpx2.Client) -> float:
    """Return how many rows are lost to the log."""
    return sample(client, "prediction_log_dropped_total")


def wait_for_failures(client: httpx2.Client, told: Told) -> None:
    """Wait until a write has failed, and predictions were answered after that."""
    wait_until(lambda: failures(client) > 0, OUTAGE_SECONDS)
    before = len(told.answered)
    wait_until(lambda: len(told.answered) > before + 50)


def wait_until_written(client: httpx2.Client) -> None:
    """Wait until no row waits to be written."""
    wait_until(lambda: sample(client, "prediction_log_buffered_rows") == 0, OUTAGE_SECONDS)


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the write lock of a SQLite database until the block ends."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_predictions_are_answered_while_the_database_is_locked_and_logged_afterwards(
    home: Settings,
) -> None:
    quick = home.model_copy(update={"log_flush_seconds": FLUSH_SECONDS})
    with serving(quick) as url, httpx2.Client(base_url=url, timeout=30) as client:
        request_id = client.post("/v1/predict", json=example()).json()["request_id"]
        said = {"request_id": request_id, "outcome": True}
        wait_until_written(client)
        with ThreadPoolExecutor(CALLERS) as pool, asking(url) as told:
            with locked(home.home / "predictions.db"):
                waiting = [
                    pool.submit(client.post, "/v1/feedback", json=said) for _ in range(CALLERS)
                ]
                # Scored in a thread: callers who wait for the log must not keep it from that.
                batch = client.post("/v1/predict/batch", json={"instances": [example()] * 100})
                assert batch.status_code == 200
                assert not any(one.done() for one in waiting)
                wait_for_failures(client, told)
                refused = [one.result() for one in waiting]
            for answer in refused:
                assert "predictions.db" not in assert_problem(answer, 503)["detail"]
                assert answer.headers["Retry-After"] == "2"
            # One that was sent and refused before may have been recorded since.
            assert sum(client.post("/v1/feedback", json=said).json().values()) == 1
        wait_until_written(client)
        assert dropped(client) == 0
    ids = {one["request_id"] for one in batch.json()["predictions"]} | told.ids()
    assert told.refused == []
    assert logged(home) == dict.fromkeys(ids) | {request_id: True}


def test_a_log_that_is_out_of_reach_at_the_start_is_used_when_it_appears(
    home: Settings, tmp_path: Path
) -> None:
    late = tmp_path / "late"
    address = f"sqlite:///{late / 'predictions.db'}"
    elsewhere = home.model_copy(update={"log_url": address, "log_flush_seconds": FLUSH_SECONDS})
    with serving(elsewhere) as url, httpx2.Client(base_url=url) as client:
        with asking(url) as told:
            wait_for_failures(client, told)
            unknown = {"request_id": new_id(), "outcome": True}
            assert_problem(client.post("/v1/feedback", json=unknown), 503)
            late.mkdir()
            wait_until((late / "predictions.db").is_file, OUTAGE_SECONDS)
        wait_until_written(client)
        assert_problem(client.post("/v1/feedback", json=unknown), 404)
    assert told.refused == []
    assert logged(elsewhere).keys() == told.ids()


def test_a_server_that_goes_away_and_comes_back_has_every_row(home: Settings) -> None:
    with cluster() as server:
        at_server = home.model_copy(
            update={"log_url": server.url, "log_flush_seconds": FLUSH_SECONDS}
        )
        with serving(at_server) as url, httpx2.Client(base_url=url) as client:
            with asking(url, with_outcomes=True) as told:
                wait_until(lambda: len(told.acknowledged) > 20)
                server.stop()
                wait_for_failures(client, told)
                server.start()
                before = len(told.acknowledged)
                wait_until(lambda: len(told.acknowledged) > before + 20)
            wait_until_written(client)
            assert dropped(client) == 0
        log = logged(at_server)
    assert told.refused == []
    assert log.keys() == told.ids()
    assert {name: log[name] for name, _ in told.acknowledged} == dict(told.acknowledged)


def fill_disk(service: Running) -> None:
    """Let a process write to no file any more, as on a full disk."""
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def free_disk(service: Running) -> None:
    """Let a process write to files again."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, unlimited)


@contextlib.contextmanager
def full_disk(home: Settings, **environment: str) -> Iterator[tuple[Running, Told]]:
    """Give a service in a process of its own that answered while its disk was full."""
    given = {"APP_LOG_URL": "", "APP_LOG_FLUSH_SECONDS": str(FLUSH_SECONDS)} | environment
    with running(home.home, **given) as service, httpx2.Client(base_url=service.url) as client:
        with asking(service.url, with_outcomes=True) as told:
            wait_until(lambda: len(told.acknowledged) > 20)
            fill_disk(service)
            wait_for_failures(client, told)
        yield service, told
    said = [json.loads(line) for line in service.lines]
    outage = [one["result"] for one in said if one["event"] == "prediction_log"]
    assert outage[:1] == ["failing"]
    assert told.refused == []


def test_a_full_disk_costs_no_answer_and_no_row_that_finds_room(home: Settings) -> None:
    with full_disk(home) as (service, told), httpx2.Client(base_url=service.url) as client:
        free_disk(service)
        wait_until_written(client)
        assert dropped(client) == 0
        assert service.end(signal.SIGTERM) == 0
    log = logged(home)
    assert log.keys() == told.ids()
    assert {name: log[name] for name, _ in told.acknowledged} == dict(told.acknowledged)


def test_what_finds_no_room_is_counted_and_said_and_no_acknowledged_outcome_is_lost(
    home: Settings,
) -> None:
    with (
        full_disk(home, APP_LOG_BUFFER_ROWS="20") as (service, told),
        httpx2.Client(base_url=service.url) as client,
    ):
        assert sample(client, "prediction_log_buffered_rows") == 20
        lost = dropped(client)
        free_disk(service)
        wait_until_written(client)
        assert service.end(signal.SIGTERM) == 0
    log = logged(home)
    assert lost > 0
    assert len(told.ids()) == len(log) + lost
    assert {name: log[name] for name, _ in told.acknowledged} == dict(told.acknowledged)
    said = [json.loads(line) for line in service.lines]
    assert sum(one["rows"] for one in said if one["event"] == "prediction_log_dropped") == lost
    assert len(said) < 20, "not a line for each row"
