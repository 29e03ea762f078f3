"""Rows for a prediction log, and what is in one."""

import uuid
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from flight_delay.contract import example
from flight_delay.monitoring.window import WITH_OUTCOMES
from flight_delay.prediction_log import (
    Entry,
    PredictionLog,
    open_log,
    outcomes,
    predictions,
)
from flight_delay.settings import Settings

Row = sa.Row[Any]
NOON = datetime(2013, 4, 1, 12, tzinfo=UTC)


def new_id() -> str:
    """Return a request id as the service makes them."""
    return uuid.uuid4().hex


def entry(asked_at: datetime = NOON, probability: float = 0.25) -> Entry:
    """Return an answered row."""
    return Entry(new_id(), asked_at, "aaaaaaaaaaaa", probability, probability > 0.5, example())


def entries(count: int, asked_at: datetime = NOON) -> list[Entry]:
    """Return so many answered rows."""
    return [entry(asked_at) for _ in range(count)]


def rows(log: PredictionLog) -> Sequence[Row]:
    """Return every row of a log, with its `outcome`, in the order of arrival."""
    query = sa.select(predictions, outcomes.c.outcome).select_from(WITH_OUTCOMES)
    with log.engine.connect() as connection:
        return connection.execute(query.order_by(predictions.c.id)).all()


def outcomes_of(log: PredictionLog) -> dict[str, bool | None]:
    """Return, for every row of a log, what turned out to be true."""
    return {row.request_id: row.outcome for row in rows(log)}


def logged(settings: Settings) -> dict[str, bool | None]:
    """Return, for every row of the log of a project, what turned out to be true."""
    with closing(open_log(settings)) as log:
        return outcomes_of(log)
