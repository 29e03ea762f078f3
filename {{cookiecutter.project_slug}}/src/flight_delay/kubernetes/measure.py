"""What a replica costs, measured: CPU a request and a row, memory, bytes on the wire and logged.

The service runs in a process of its own, with a log of its own, and its CPU is read from its own
metrics, so that neither the clients nor a busy machine are counted.
"""

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

import httpx2
from pydantic import BaseModel, ConfigDict

from flight_delay.champion import read_champion
from flight_delay.contract import SCHEDULED_AT, example
from flight_delay.data import load_table
from flight_delay.errors import ProjectError
from flight_delay.prediction_log import Entry, PredictionLog
from flight_delay.served import connect, served
from flight_delay.settings import Settings

CONNECTIONS = 8
WARM_UP = 50
REQUESTS = {1: 4000, 100: 200, 1000: 40}
"""How many requests are sent with so many rows each."""
LOGGED_ROWS = 20_000
COMMIT_ROWS = 2000
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.05


class MeasureError(ProjectError):
    """A figure could not be measured."""


class Cost(BaseModel):
    """What a request with a number of rows costs: CPU in microseconds, bytes both ways."""

    model_config = ConfigDict(frozen=True)

    rows: int
    microseconds: float
    bytes_in: int
    bytes_out: int


class Measured(BaseModel):
    """Everything that the planning rests on; `hourly_share` is of the table's rows, by UTC hour."""

    model_config = ConfigDict(frozen=True)

    day: date
    cores: int
    costs: tuple[Cost, ...]
    log_row_microseconds: float
    log_row_bytes: int
    resident_mb: float
    hourly_share: tuple[float, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what `measure` wrote."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def cost(self, rows: int) -> Cost:
        """Return the cost of a request with so many rows."""
        return next(cost for cost in self.costs if cost.rows == rows)


def measure(
    settings: Settings, tell: Callable[[str], None], requests: Mapping[int, int] = REQUESTS
) -> Measured:
    """Measure the champion's service.

    Args:
        settings: of the project that has the table and the champion.
        tell: hears what is being measured.
        requests: how many are sent with so many rows each.

    Raises:
        ProjectError: when there is no table or no champion, or the service does not answer.
    """
    hourly_share = _hourly_share(settings)
    with _service(settings) as address, connect(address) as client:
        _send(client, 1, WARM_UP)
        costs = []
        for rows, count in requests.items():
            tell(f"{count} requests of {rows} rows")
            costs.append(_cost(address, rows, count))
        resident = _metric(client, "process_resident_memory_bytes")
    tell(f"{LOGGED_ROWS} rows of the log")
    microseconds, size = _log_costs()
    return Measured(
        day=datetime.now(UTC).date(),
        cores=os.cpu_count() or 1,
        costs=tuple(costs),
        log_row_microseconds=round(microseconds, 1),
        log_row_bytes=round(size),
        resident_mb=round(resident / 2**20, 1),
        hourly_share=hourly_share,
    )


def _hourly_share(settings: Settings) -> tuple[float, ...]:
    hours = load_table(settings)[SCHEDULED_AT].dt.hour()
    return tuple(round(int((hours == hour).sum()) / len(hours), 5) for hour in range(24))


@contextmanager
def _service(settings: Settings) -> Iterator[str]:
    """Serve the champion, and log into a file that is thrown away."""
    if read_champion(settings.models) is None:
        message = "there is no champion to measure: run the command `promote` first"
        raise MeasureError(message)
    with tempfile.TemporaryDirectory() as scratch:
        log = {"APP_LOG_URL": f"sqlite:///{scratch}/log.db", "APP_ENV": "development"}
        with served(settings.home, "127.0.0.1", 0, log) as address, connect(address) as client:
            _until(lambda: client.get("/health/ready").is_success, "the champion is not served")
            yield address


def _cost(address: str, rows: int, count: int) -> Cost:
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(address)) for _ in range(CONNECTIONS)]
        before = _metric(clients[0], "process_cpu_seconds_total")
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            share = count // CONNECTIONS
            answers = list(pool.map(lambda client: _send(client, rows, share), clients))
        _until(lambda: _metric(clients[0], "prediction_log_buffered_rows") == 0, "rows wait")
        used = _metric(clients[0], "process_cpu_seconds_total") - before
    answer = answers[0]
    return Cost(
        rows=rows,
        microseconds=round(used / (share * CONNECTIONS) * 1e6, 1),
        bytes_in=_size(answer.request.headers, answer.request.content),
        bytes_out=_size(answer.headers, answer.content),
    )


def _send(client: httpx2.Client, rows: int, count: int) -> httpx2.Response:
    """Send so many requests, one after the other, and return the last answer."""
    route = "/v1/predict" if rows == 1 else "/v1/predict/batch"
    body = example() if rows == 1 else {"instances": [example()] * rows}
    for _ in range(count):
        answer = client.post(route, json=body)
        if not answer.is_success:
            message = f"{route} answered {answer.status_code}: {answer.text[:200]}"
            raise MeasureError(message)
    return answer


def _size(headers: httpx2.Headers, content: bytes) -> int:
    return len(content) + sum(len(name) + len(value) + 4 for name, value in headers.raw)


def _metric(client: httpx2.Client, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    if found is None:
        message = f"the service has no metric {name}, which it has on Linux alone"
        raise MeasureError(message)
    return float(found[1])


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            message = f"{otherwise} after {PATIENCE_SECONDS} s"
            raise MeasureError(message)
        time.sleep(POLL_SECONDS)


def _log_costs() -> tuple[float, float]:
    """Return CPU in microseconds and bytes on disk that a row of the log takes."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "log.db")
        log = PredictionLog(f"sqlite:///{path}")
        log.create()
        now = datetime.now(UTC)
        entries = [
            Entry(f"{number:032x}", now, "0" * 12, 0.25, prediction=False, features=example())
            for number in range(LOGGED_ROWS)
        ]
        empty, started = path.stat().st_size, time.process_time()
        for part in _parts(entries):
            log.record(part)
        seconds = time.process_time() - started
        log.close()
        return seconds / LOGGED_ROWS * 1e6, (path.stat().st_size - empty) / LOGGED_ROWS


def _parts(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    return (entries[at : at + COMMIT_ROWS] for at in range(0, len(entries), COMMIT_ROWS))
