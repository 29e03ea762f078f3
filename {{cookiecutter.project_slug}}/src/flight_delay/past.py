"""What a retraining may learn from: history before launch, and what the service was asked since.

Rows since launch come from the prediction log with the very features that were scored, so that no
skew can arise between training and serving. The log knows the day of a row and not its scheduled
minute in UTC, which no model reads, so that key is left out.
"""

import sys
from datetime import date, timedelta
from typing import Any

import polars as pl

from flight_delay.contract import DAY, TARGET, field_names
from flight_delay.data import load_table
from flight_delay.monitoring.checks import broken_checks
from flight_delay.monitoring.window import read_window
from flight_delay.prediction_log import PredictionLog
from flight_delay.settings import Settings
from flight_delay.validation import validate


def past(
    settings: Settings, log: PredictionLog, today: date, reference: dict[str, Any]
) -> tuple[pl.DataFrame, list[date]]:
    """Return every labelled row of the past, day, fields and target, and the days that are blocked.

    Rows are in order of days. Days whose outcomes are not complete as yet are left out, and so are
    those on which a broken data contract blocks learning, whether the monitor was there to see it
    on the day or not.

    Args:
        settings: of the project.
        log: what the service was asked.
        today: on the clock of the project.
        reference: profile of what the champion was trained on; see `broken_checks`.

    Raises:
        DataError: when the stored table is absent or damaged.
        LogError: when the log cannot be read.
        ContractError: when a row breaks the contract.
    """
    columns = [DAY, *field_names(), TARGET]
    complete_until = today - timedelta(days=settings.label_delay_days)
    history = load_table(settings).filter(
        pl.col(DAY).is_between(settings.fit_from, settings.launch, closed="left")
    )
    logged = read_window(log, settings.launch, complete_until).rename({"outcome": TARGET})
    counting = logged.filter(pl.len().over(DAY) >= settings.least_day_rows)
    found = {check.day for check in broken_checks(counting, reference) if check.blocks}
    blocked = sorted(found.union(blocked_days(log)))
    rows = pl.concat([history.select(columns), logged.select(columns)]).filter(
        pl.col(TARGET).is_not_null(), ~pl.col(DAY).is_in(blocked)
    )
    return validate(rows, keys=(DAY,)), blocked


def blocked_days(log: PredictionLog) -> list[date]:
    """Return the days that the monitor blocked, in order.

    Raises:
        LogError: when the log cannot be read.
    """
    events = log.events("broken_day", last=sys.maxsize)
    blocked = {event.content["day"] for event in events if event.content["blocks"]}
    return sorted(date.fromisoformat(day) for day in blocked)
