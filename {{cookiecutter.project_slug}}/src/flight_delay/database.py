"""The database behind the prediction log: how it is opened, and how its errors are told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from flight_delay.errors import ProjectError

BUSY_SECONDS = 5
"""How long a statement waits for another process that writes, and for a server to answer."""

POSTGRESQL = {"connect_timeout": BUSY_SECONDS, "tcp_user_timeout": 1000 * BUSY_SECONDS}
"""Without the second, a server that vanished from the network would be waited for for minutes."""
STATEMENT_SECONDS = 300
"""How long a statement may take in all, such as the monitor's that reads days of a busy service."""
BOUNDS = f"-c lock_timeout={BUSY_SECONDS}s -c statement_timeout={STATEMENT_SECONDS}s"
"""Without the first, PostgreSQL waits for a lock until it is given, and a stop waits with it."""
CHUNK = 500
"""Values in one statement; SQLite bounds the number of parameters."""


class LogError(ProjectError):
    """The prediction log cannot be opened, read or written."""


def open_engine(url: str | sa.URL) -> sa.Engine:
    """Return an engine that waits a bounded time for the database, and stores safely.

    Raises:
        LogError: when the URL cannot be read or its driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
            # Of an option that is given twice the last holds: the address has the last word.
            options = {"options": f"{BOUNDS} {parsed.query.get('options', '')}"}
            return sa.create_engine(parsed, pool_pre_ping=True, connect_args=POSTGRESQL | options)
        if parsed.get_backend_name() == "sqlite":
            engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
            sa.event.listen(engine, "connect", _set_up_sqlite)
            return engine
    except ModuleNotFoundError:
        message = (
            "APP_LOG_URL names PostgreSQL, whose driver is an extra: `uv sync --extra postgres`"
        )
        raise LogError(message) from None
    except sa.exc.ArgumentError as error:
        message = f"APP_LOG_URL cannot be read: {error}"
        raise LogError(message) from None
    message = (
        f"APP_LOG_URL names {parsed.get_backend_name()}, and the log can be kept in SQLite "
        f"(sqlite:///predictions.db) or PostgreSQL (postgresql://user@host/name)"
    )
    raise LogError(message)


def _set_up_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - of the driver
    # With a write-ahead log readers do not hold up the writer; what was committed survives a
    # power cut.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def create_tables(engine: sa.Engine, tables: sa.MetaData) -> None:
    """Make the tables that are absent, though other processes may be at it at the same moment."""
    try:
        _create(engine, tables)
    except sa.exc.DBAPIError:  # PostgreSQL lets the later of two fail, who then finds the tables
        _create(engine, tables)


def _create(engine: sa.Engine, tables: sa.MetaData) -> None:
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            connection.execute(sa.schema.CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))


@contextmanager
def explained(engine: sa.Engine) -> Iterator[None]:
    """Turn the errors of a database into one line that names it, without its password."""
    try:
        yield
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        message = f"the prediction log at {engine.url!r} refuses: {reason}"
        raise LogError(message) from error


def among(
    connection: sa.Connection,
    column: sa.Column[str],
    values: Sequence[str],
    value: sa.Column[Any] | None = None,
) -> dict[str, Any]:
    """Return which values a column holds, each with what another column says of it."""
    query = sa.select(column, column if value is None else value)
    return {
        row[0]: row[1]
        for part in chunks(values)
        for row in connection.execute(query.where(column.in_(part)))
    }


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the values in parts that fit into one statement."""
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))
