"""What was found out today: as facts for the policy, and as the report."""

from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl

from flight_delay.contract import DAY, ROWS
from flight_delay.monitoring.checks import BrokenCheck
from flight_delay.monitoring.drift import days_needed, drifted
from flight_delay.monitoring.policy import (
    BrokenDay,
    Decision,
    Facts,
    QualityWindow,
    Rivalry,
    breached,
)
from flight_delay.monitoring.spans import Span
from flight_delay.monitoring.watched import Watched
from flight_delay.settings import Settings

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was measured.

    `asked` and `known` are the days of traffic and of quality; `rows` are those of `asked`, and
    `counting` those of the days among them that count; `totals` are of more days.
    """

    today: date
    watched: Watched
    asked: Span
    known: Span
    totals: pl.DataFrame
    rows: pl.DataFrame
    counting: pl.DataFrame
    broken: list[BrokenCheck]
    drift: Report
    quality: Report
    windows: tuple[QualityWindow, ...]
    rivalry: tuple[Rivalry, int] | None
    last_training: date | None


def as_facts(found: Findings, settings: Settings) -> Facts:
    """Return what the policy may know."""
    return Facts(
        today=found.today,
        champion=found.watched.version,
        trained_until=found.watched.trained_until,
        last_training=found.last_training,
        labelled_days=_labelled_days(found, settings),
        windows=found.windows,
        broken_days=broken_days(found.broken),
        predecessor=found.rivalry[0] if found.rivalry else None,
        drifted=tuple(drifted(found.drift)),
    )


def as_report(found: Findings, decision: Decision, settings: Settings) -> Report:
    """Return the monitoring report, of plain values."""
    return {
        "today": str(found.today),
        "champion": found.watched.version,
        "traffic": _traffic(found, settings),
        "checks": {
            "days": found.counting[DAY].n_unique(),
            "broken": [asdict(check) | {"day": str(check.day)} for check in found.broken],
        },
        "drift": found.drift,
        "quality": _named(found.known) | found.quality,
        "windows": [_window(window, settings) for window in found.windows],
        "predecessor": _predecessor(found),
        "decision": {
            "action": decision.action,
            "reasons": list(decision.reasons),
            "blocked_days": [str(day) for day in decision.blocked_days],
        },
    }


def _labelled_days(found: Findings, settings: Settings) -> int:
    """Count the days after the champion's training whose outcomes are in."""
    days = found.totals.filter(
        pl.col("labelled") >= settings.least_day_rows, pl.col(DAY) <= found.known.last
    )
    until = found.watched.trained_until
    return days.filter(pl.col(DAY) > until).height if until else days.height


def broken_days(broken: list[BrokenCheck]) -> tuple[BrokenDay, ...]:
    """Sum up the broken checks, which come by day."""
    days = ((day, list(checks)) for day, checks in groupby(broken, key=lambda check: check.day))
    return tuple(
        BrokenDay(
            day=day,
            blocks=any(check.blocks for check in checks),
            reasons=tuple(check.said for check in checks),
        )
        for day, checks in days
    )


def _traffic(found: Findings, settings: Settings) -> Report:
    days, needed = found.counting[DAY].n_unique(), days_needed(settings)
    enough = days >= needed
    said = f"{days} of {settings.drift_days} days have at least {settings.least_day_rows} {ROWS}"
    return _named(found.asked) | {
        "days": days,
        "rows": found.rows.height,
        "enough": enough,
        "said": said if enough else f"{said}, and {needed} are needed",
    }


def _window(window: QualityWindow, settings: Settings) -> Report:
    return _named(Span(window.first, window.last)) | {
        "days": window.days,
        "bias": window.bias,
        "standard_error": window.standard_error,
        "breached": breached(window, settings),
    }


def _predecessor(found: Findings) -> Report | None:
    if found.rivalry is None:
        return None
    rivalry, rows = found.rivalry
    return {
        "version": rivalry.version,
        "days": rivalry.days,
        "rows": rows,
        "estimate": rivalry.estimate,
        "low": rivalry.low,
        "high": rivalry.high,
    }


def _named(span: Span) -> dict[str, str]:
    return {"from": str(span.first), "to": str(span.last)}
