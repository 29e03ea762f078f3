"""Callers that keep a service busy, and remember what they were told."""

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx2

from flight_delay.contract import example

CALLERS = 3
PAUSE_SECONDS = 0.003
"""Between two requests of a caller: a busy service, on a machine that has other things to do."""


@dataclass
class Told:
    """What callers were told; lists, since appending to one is safe in threads."""

    answered: list[str] = field(default_factory=list)
    """Request ids."""
    acknowledged: list[tuple[str, bool]] = field(default_factory=list)
    """Outcomes that were sent and answered with 200."""
    refused: list[int] = field(default_factory=list)
    """Statuses of predictions that were not answered with 200."""

    def ids(self) -> set[str]:
        """Return the request ids of the answers."""
        return set(self.answered)


@contextlib.contextmanager
def asking(url: str, *, with_outcomes: bool = False) -> Iterator[Told]:
    """Ask for predictions until the block ends or the service does."""
    told = Told()
    enough = threading.Event()
    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(_ask, url, told, enough, with_outcomes) for _ in range(CALLERS)]
        try:
            yield told
        finally:
            enough.set()
    for call in calls:
        call.result()


def _ask(url: str, told: Told, enough: threading.Event, with_outcomes: bool) -> None:  # noqa: FBT001
    with (
        contextlib.suppress(httpx2.TransportError),  # the service was stopped
        httpx2.Client(base_url=url, timeout=30) as client,
    ):
        while not enough.is_set():
            answer = client.post("/v1/predict", json=example())
            if answer.status_code != 200:
                told.refused.append(answer.status_code)
                continue
            request_id = answer.json()["request_id"]
            told.answered.append(request_id)
            if with_outcomes:
                _tell(client, told, request_id, outcome=len(told.answered) % 2 == 0)
            time.sleep(PAUSE_SECONDS)


def _tell(client: httpx2.Client, told: Told, request_id: str, *, outcome: bool) -> None:
    said = {"request_id": request_id, "outcome": outcome}
    if client.post("/v1/feedback", json=said).status_code == 200:
        told.acknowledged.append((request_id, outcome))
