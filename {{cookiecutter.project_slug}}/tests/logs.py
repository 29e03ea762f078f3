"""Rows for a prediction log, and what is in one."""

import uuid
from contextlib import closing
from datetime import UTC, date, datetime

from flight_delay.contract import example
from flight_delay.prediction_log import Entry, Logged, PredictionLog, open_log
from flight_delay.settings import Settings

NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)
ALWAYS = (date(1970, 1, 1), date(9999, 1, 1))


def new_id() -> str:
    """Return a request id as the service makes them."""
    return uuid.uuid4().hex


def entry(asked_at: datetime = NOON, probability: float = 0.25) -> Entry:
    """Return an answered row."""
    return Entry(new_id(), asked_at, "aaaaaaaaaaaa", probability, probability > 0.5, example())


def entries(count: int, asked_at: datetime = NOON) -> list[Entry]:
    """Return so many answered rows."""
    return [entry(asked_at) for _ in range(count)]


def rows(log: PredictionLog, *, labelled: bool = False) -> list[Logged]:
    """Return every row of a log."""
    return list(log.read(*ALWAYS, labelled=labelled))


def outcomes_of(log: PredictionLog) -> dict[str, bool | None]:
    """Return, for every row of a log, what turned out to be true."""
    return {row.request_id: row.outcome for row in rows(log)}


def logged(settings: Settings) -> dict[str, bool | None]:
    """Return, for every row of the log of a project, what turned out to be true."""
    with closing(open_log(settings)) as log:
        return outcomes_of(log)
