"""The prediction log as frames: what each day adds up to, and every row of the days looked at.

A monitor that runs every day sees the same days again and again. Rows and outcomes are only ever
added to a day, so their numbers tell whether it has changed since it was last read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import polars as pl
import sqlalchemy as sa

from flight_delay.contract import DAY, FIELDS, Numeric
from flight_delay.database import LogError, explained
from flight_delay.monitoring.spans import ONE_DAY, Span
from flight_delay.prediction_log import PredictionLog, outcomes, predictions

DAYS_KEPT = 32
"""Days that are kept in memory once they are read."""

LOGGED = {
    "request_id": pl.String,
    DAY: pl.Date,
    "model_version": pl.String,
    "probability": pl.Float64,
    "prediction": pl.Boolean,
    "features": pl.String,
    "shadow_version": pl.String,
    "shadow_probability": pl.Float64,
    "outcome": pl.Boolean,
}
"""What is read of each row of the log: the columns and their types."""
WITH_OUTCOMES = predictions.join(
    outcomes, predictions.c.request_id == outcomes.c.request_id, isouter=True
)
FEATURES = pl.Struct(
    {each.name: pl.Float32 if isinstance(each, Numeric) else pl.String for each in FIELDS}
)
TOTALS = {
    DAY: pl.Date,
    "rows": pl.Int64,
    "labelled": pl.Int64,
    "probability": pl.Float64,
    "outcome": pl.Int64,
    "first": pl.String,
}


@dataclass(frozen=True, eq=False, slots=True)
class Day:
    """The rows of a day, the fields of the contract typed as in the table; equal to itself only."""

    day: date
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Content:
    """Where a day is and what it holds, by which it is known again."""

    url: str
    day: date
    rows: int
    labelled: int
    first: str
    log: PredictionLog = field(compare=False)


def daily_totals(log: PredictionLog, start: date, end: date) -> pl.DataFrame:
    """Return, for each day with traffic, its rows and what its labelled ones add up to.

    `labelled` counts the rows with an outcome; `probability` and `outcome` are sums over them;
    `first` is the least request id of the day, by which it is told from that of another log.
    """
    known = outcomes.c.outcome.is_not(None)
    columns = (
        predictions.c.day,
        sa.func.count(),
        sa.func.count(outcomes.c.outcome),
        sa.func.sum(sa.case((known, predictions.c.probability), else_=0.0)),
        sa.func.sum(sa.case((outcomes.c.outcome, 1), else_=0)),
        sa.func.min(predictions.c.request_id),
    )
    query = _of_days(columns, start, end).group_by(predictions.c.day).order_by(predictions.c.day)
    with explained(log.engine), log.engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(query)]
    return pl.DataFrame(found, schema=TOTALS, orient="row")


def read_window(log: PredictionLog, start: date, end: date) -> pl.DataFrame:
    """Return the rows of the days from `start` until before `end`, fields typed as in the table.

    They are in the order of arrival, days are those of UTC, and `outcome` is null until known.

    Raises:
        LogError: when the log cannot be read, or its rows are of another contract.
    """
    columns = ((outcomes if name == "outcome" else predictions).c[name] for name in LOGGED)
    query = _of_days(columns, start, end).order_by(predictions.c.id)
    with explained(log.engine), log.engine.connect() as connection:
        rows = pl.read_database(query, connection, schema_overrides=LOGGED)
    try:
        decoded = rows.with_columns(pl.col("features").str.json_decode(FEATURES))
    except pl.exceptions.ComputeError:
        message = (
            f"what was logged from {start} until before {end} does not fit the data contract: "
            f"after a change of a field's type, start a new log (APP_LOG_URL, or move "
            f"predictions.db away)"
        )
        raise LogError(message) from None
    return decoded.unnest("features")


def read_days(log: PredictionLog, totals: pl.DataFrame, span: Span) -> list[Day]:
    """Return the days of a span that have traffic, oldest first; see `read_window`.

    Args:
        log: where they are read, unless they were read before and have not changed.
        totals: of at least these days.
        span: which days.
    """
    url = str(log.engine.url)
    return [
        _read(_Content(url, day[DAY], day["rows"], day["labelled"], day["first"], log))
        for day in span.of(totals).iter_rows(named=True)
    ]


def rows_of(days: Sequence[Day]) -> pl.DataFrame:
    """Return the rows of days in one frame, which may be empty."""
    empty = pl.DataFrame(schema=LOGGED).with_columns(pl.col("features").cast(FEATURES))
    return pl.concat([empty.unnest("features"), *(day.rows for day in days)])


def _of_days(
    columns: Iterable[sa.ColumnElement[Any]], start: date, end: date
) -> sa.Select[tuple[Any, ...]]:
    """Return a query for columns of the rows of the days from `start` until before `end`."""
    joined = sa.select(*columns).select_from(WITH_OUTCOMES)
    return joined.where(predictions.c.day >= start, predictions.c.day < end)


@lru_cache(DAYS_KEPT)
def _read(content: _Content) -> Day:
    rows = read_window(content.log, content.day, content.day + ONE_DAY)
    return Day(content.day, rows)
