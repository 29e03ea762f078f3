"""The prediction log: what was asked, what was answered, and what turned out to be true.

SQLite in the project's folder by default, PostgreSQL by `APP_LOG_URL`. The features are one JSON
text a row, so that a change of the contract needs no change of a table. Times are stored in UTC.
Nothing here buffers: what a method was given is committed when it returns.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy.dialects import postgresql, sqlite

from flight_delay.database import (
    LogError,
    among,
    chunks,
    create_tables,
    explained,
    open_engine,
)
from flight_delay.settings import Settings

REQUEST_ID_FORM = r"^[0-9a-f]{32}$"
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # 64 bits in both

tables = sa.MetaData()
predictions = sa.Table(
    "predictions",
    tables,
    sa.Column("id", ROW_NUMBER, primary_key=True),
    sa.Column("request_id", sa.String(32), nullable=False, unique=True),
    sa.Column("asked_at", sa.DateTime, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("model_version", sa.String(64), nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("prediction", sa.Boolean, nullable=False),
    sa.Column("features", sa.Text, nullable=False),
    sa.Column("shadow_version", sa.String(64)),
    sa.Column("shadow_probability", sa.Float),
    # With what a day is summed up from, so that the rows themselves need not be read for it.
    sa.Index("ix_predictions_day", "day", "request_id", "probability"),
)
outcomes = sa.Table(
    "outcomes",
    tables,
    sa.Column("request_id", sa.String(32), primary_key=True),
    sa.Column("outcome", sa.Boolean, nullable=False),
    sa.Column("received_at", sa.DateTime, nullable=False),
)
events = sa.Table(
    "events",
    tables,
    sa.Column("id", ROW_NUMBER, primary_key=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False, index=True),
    sa.Column("content", sa.Text, nullable=False),
)


class UnknownRequestError(LogError):
    """Outcomes came for requests that the log does not hold; none of them was recorded."""

    def __init__(self, request_ids: Sequence[str]) -> None:
        """Name the requests."""
        self.request_ids = tuple(request_ids)
        super().__init__(f"no prediction is logged for request_id {_some(self.request_ids)}")


class ConflictingOutcomeError(LogError):
    """Outcomes came that contradict recorded ones; none of them was recorded."""

    def __init__(self, recorded: Mapping[str, bool]) -> None:
        """Name the requests, each with the outcome that is recorded."""
        self.recorded = dict(recorded)
        self.request_ids = tuple(recorded)
        super().__init__(
            f"another outcome is already recorded for request_id {_some(self.request_ids)}"
        )


class Entry(NamedTuple):
    """One answered row."""

    request_id: str
    asked_at: datetime
    model_version: str
    probability: float
    prediction: bool
    features: Mapping[str, Any]
    shadow_version: str | None = None
    shadow_probability: float | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many outcomes were new, and how many were known already and agree."""

    new: int
    known: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was observed or decided, such as what a monitoring run found."""

    at: datetime
    kind: str
    content: dict[str, Any]


class PredictionLog:
    """The tables behind one URL; safe to share between threads."""

    def __init__(self, url: str | sa.URL) -> None:
        """Prepare to connect; nothing is opened before the first use.

        Raises:
            LogError: when the URL cannot be read or its driver is not installed.
        """
        self.engine = open_engine(url)
        self._insert: Callable[[sa.Table], sqlite.Insert | postgresql.Insert] = (
            sqlite.insert if self.engine.dialect.name == "sqlite" else postgresql.insert
        )

    def create(self) -> None:
        """Make the tables where they are absent.

        Raises:
            LogError: when the database cannot be reached.
        """
        with explained(self.engine):
            create_tables(self.engine, tables)

    def record(self, entries: Sequence[Entry]) -> None:
        """Commit answered rows in one transaction; a row that is there already is left alone.

        Raises:
            LogError: when the database refuses; nothing was recorded.
        """
        rows = [
            {
                "request_id": entry.request_id,
                "asked_at": _naive(entry.asked_at),
                "day": entry.asked_at.astimezone(UTC).date(),
                "model_version": entry.model_version,
                "probability": entry.probability,
                "prediction": entry.prediction,
                "features": to_json(entry.features).decode(),
                "shadow_version": entry.shadow_version,
                "shadow_probability": entry.shadow_probability,
            }
            for entry in entries
        ]
        with explained(self.engine), self.engine.begin() as connection:
            connection.execute(self._insert(predictions).on_conflict_do_nothing(), rows)

    def record_outcomes(self, given: Mapping[str, bool], received_at: datetime) -> Recorded:
        """Commit outcomes by request id, all or none; a repeated one changes nothing.

        Raises:
            UnknownRequestError: when a request is not in the log.
            ConflictingOutcomeError: when another outcome is recorded for one.
            LogError: when the database refuses.
        """
        # In one order, so that two callers with the same ids never wait for one another.
        rows = [
            {"request_id": name, "outcome": given[name], "received_at": _naive(received_at)}
            for name in sorted(given)
        ]
        new = 0
        with explained(self.engine), self.engine.begin() as connection:
            if len(_known(connection, given)) < len(given):
                insert = self._insert(outcomes).on_conflict_do_nothing()
                returned = connection.execute(insert.returning(outcomes.c.request_id), rows)
                new = len(returned.all())
                _known(connection, given)  # again: another caller may have come in between
        return Recorded(new=new, known=len(given) - new)

    def check_outcomes(self, given: Mapping[str, bool]) -> None:
        """Raise what `record_outcomes` would raise, and record nothing."""
        with explained(self.engine), self.engine.connect() as connection:
            _known(connection, given)

    def record_event(self, kind: str, content: Mapping[str, Any], at: datetime) -> None:
        """Commit something that was observed or decided."""
        row = {"at": _naive(at), "kind": kind, "content": json.dumps(content)}
        with explained(self.engine), self.engine.begin() as connection:
            connection.execute(sa.insert(events), row)

    def events(self, kind: str, last: int = 1) -> list[Event]:
        """Return the newest events of a kind, the newest first."""
        query = (
            sa.select(events.c.at, events.c.kind, events.c.content)
            .where(events.c.kind == kind)
            .order_by(events.c.id.desc())
            .limit(last)
        )
        with explained(self.engine), self.engine.connect() as connection:
            return [
                Event(row.at.replace(tzinfo=UTC), row.kind, json.loads(row.content))
                for row in connection.execute(query)
            ]

    def prune(self, before: date, limit: int = 10_000) -> int:
        """Delete at most `limit` rows of days before a day, with outcomes; return how many."""
        oldest = (
            sa.select(predictions.c.request_id)
            .where(predictions.c.day < before)
            .order_by(predictions.c.day)  # not by id, which would look at every row
            .limit(limit)
        )
        with explained(self.engine), self.engine.begin() as connection:
            ids = list(connection.scalars(oldest))
            for table in (outcomes, predictions):
                for part in chunks(ids):
                    connection.execute(sa.delete(table).where(table.c.request_id.in_(part)))
        return len(ids)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def open_log(settings: Settings) -> PredictionLog:
    """Return the log of `APP_LOG_URL`, or `predictions.db` in the project's folder, ready for use.

    Raises:
        LogError: when it cannot be opened.
    """
    log = unopened_log(settings)
    log.create()
    return log


def unopened_log(settings: Settings) -> PredictionLog:
    """Return the same log for a service, which goes on answering while it cannot be reached."""
    file = sa.URL.create("sqlite", database=str(settings.home / "predictions.db"))
    return PredictionLog(settings.log_url or file)


def _known(connection: sa.Connection, given: Mapping[str, bool]) -> dict[str, bool]:
    """Return the outcomes that are recorded already, after a look at whether these may be."""
    ids = list(given)
    logged = among(connection, predictions.c.request_id, ids)
    if unknown := [name for name in ids if name not in logged]:
        raise UnknownRequestError(unknown)
    known = among(connection, outcomes.c.request_id, ids, outcomes.c.outcome)
    if conflicts := {name: known[name] for name in known if known[name] != given[name]}:
        raise ConflictingOutcomeError(conflicts)
    return known


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _some(names: Sequence[str], shown: int = 3) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
