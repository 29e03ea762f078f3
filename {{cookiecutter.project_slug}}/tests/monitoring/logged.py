"""Real rows in a prediction log, as a service would have written them."""

from datetime import UTC, date, datetime, time
from uuid import uuid4

import polars as pl

from flight_delay.contract import DAY, TARGET, field_names
from flight_delay.prediction_log import Entry, PredictionLog

NOON = time(12, tzinfo=UTC)


def noon(day: date) -> datetime:
    """Return noon of a day, UTC."""
    return datetime.combine(day, NOON)


def record(
    log: PredictionLog,
    rows: pl.DataFrame,
    version: str,
    threshold: float = 0.5,
    known_until: date = date.max,
) -> None:
    """Record rows with their `probability`, and the outcomes of those up to a day.

    Args:
        log: where to.
        rows: of the contract, with the keys, the target and `probability`.
        version: what answered them.
        threshold: from which on the answer was yes.
        known_until: the last day whose outcomes have arrived.
    """
    rows = rows.with_columns(request_id=pl.Series([uuid4().hex for _ in range(rows.height)]))
    entries = [
        Entry(
            request_id=row["request_id"],
            asked_at=noon(row[DAY]),
            model_version=version,
            probability=row["probability"],
            prediction=row["probability"] >= threshold,
            features={name: row[name] for name in field_names()},
        )
        for row in rows.iter_rows(named=True)
    ]
    log.record(entries)
    known = rows.filter(pl.col(TARGET).is_not_null(), pl.col(DAY) <= known_until)
    if known.height:
        newest: date = known[DAY].to_list()[-1]
        log.record_outcomes(dict(known.select("request_id", TARGET).iter_rows()), noon(newest))


def between(rows: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Return the rows of the days from `first` to `last`."""
    return rows.filter(pl.col(DAY).is_between(first, last))
