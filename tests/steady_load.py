"""Callers that ask a service for predictions at a steady pace, and remember what they were told."""

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx2
from monitoring_stack import wait_until

CALLERS = 5
REQUESTS_A_SECOND = 50
MOST_REQUESTS = 5000
"""Of one load, whatever happens."""


@dataclass(frozen=True)
class Answer:
    """What a caller was told, by whom, and when it was asked and answered."""

    asked: float
    at: float
    status: int
    replica: str
    request_id: str = ""
    version: str = ""


@dataclass
class Load:
    """What callers were told; lists and sets, since each operation on one is safe in threads."""

    answers: list[Answer] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    """The callers that have asked and wait for their answer."""

    @property
    def failed(self) -> list[Answer]:
        """Return what was not answered with 200."""
        return [answer for answer in self.answers if answer.status != 200]

    @property
    def ids(self) -> set[str]:
        """Return the ids of what was answered."""
        return {answer.request_id for answer in self.answers if answer.status == 200}

    def goes_on(self, count: int = REQUESTS_A_SECOND) -> None:
        """Wait until so many more requests were answered."""
        until = len(self.answers) + count
        wait_until(lambda: len(self.answers) >= until, "requests are answered")


@contextlib.contextmanager
def asking(url: str) -> Iterator[Load]:
    """Ask for predictions until the block ends; it begins when some were answered."""
    load, enough = Load(), threading.Event()
    page = httpx2.get(f"{url}/openapi.json").json()
    row = page["components"]["schemas"]["Instance"]["examples"][0]
    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(_ask, url, row, load, enough, number) for number in range(CALLERS)]
        try:
            load.goes_on()
            yield load
        finally:
            enough.set()
    for call in calls:
        call.result()


def _ask(url: str, row: dict[str, Any], load: Load, enough: threading.Event, number: int) -> None:
    with httpx2.Client(base_url=url, timeout=30) as client:
        while not enough.wait(CALLERS / REQUESTS_A_SECOND) and len(load.answers) < MOST_REQUESTS:
            load.waiting.add(number)
            asked = time.monotonic()
            answer = client.post("/v1/predict", json=row)
            load.waiting.discard(number)
            told = answer.json() if answer.status_code == 200 else {}
            *_, replica = answer.headers["X-Replica"].split(", ")
            ids = (told.get("request_id", ""), told.get("model_version", ""))
            at = time.monotonic()
            load.answers.append(Answer(asked, at, answer.status_code, replica, *ids))
