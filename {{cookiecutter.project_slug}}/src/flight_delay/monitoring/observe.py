"""Observe: everything that the log says of the model today, and what the policy makes of it.

Nothing is recorded here and nothing is changed; `run.py` does that.
"""

from datetime import date, timedelta

import polars as pl

from flight_delay.clock import now
from flight_delay.contract import DAY
from flight_delay.monitoring.checks import broken_checks
from flight_delay.monitoring.drift import drift, no_verdict
from flight_delay.monitoring.findings import Findings, Report, as_facts, as_report
from flight_delay.monitoring.policy import Rivalry, decide
from flight_delay.monitoring.predecessor import (
    compare_with,
    predecessor_of,
)
from flight_delay.monitoring.quality import live_quality, quality_windows
from flight_delay.monitoring.spans import ONE_DAY, back
from flight_delay.monitoring.watched import Watched, read_watched
from flight_delay.monitoring.window import Day, daily_totals, read_days, rows_of
from flight_delay.prediction_log import PredictionLog
from flight_delay.settings import Settings

LOOKED_AT = 30
"""Events of training among which the last that did not fail is looked for."""


def observe(settings: Settings, log: PredictionLog) -> Report:
    """Return the monitoring report of today, with the decision."""
    return judged(look(settings, log), settings)


def judged(found: Findings, settings: Settings) -> Report:
    """Return the report of what was found, with what the policy decides."""
    return as_report(found, decide(as_facts(found, settings), settings), settings)


def look(settings: Settings, log: PredictionLog) -> Findings:
    """Measure the days that are over, and those of them whose outcomes are complete."""
    today = now(settings.clock_file).date()
    watched = read_watched(settings)
    yesterday = today - ONE_DAY
    asked = back(yesterday, settings.drift_days)
    newest = yesterday - timedelta(days=settings.label_delay_days)
    known = back(newest, settings.quality_days)
    windows = back(newest, settings.breach_days * settings.breach_windows)
    # More days than these would change no decision: so many labelled ones are enough for any.
    labelled = back(newest, settings.retrain_every_days + settings.least_holdout_days)

    totals = daily_totals(log, min(span.first for span in (asked, known, windows, labelled)), today)
    known_days = read_days(log, totals, known)
    rows = rows_of(read_days(log, totals, asked))
    counting = rows.filter(pl.len().over(DAY) >= settings.least_day_rows)
    reference = watched.reference
    return Findings(
        today=today,
        watched=watched,
        asked=asked,
        known=known,
        totals=totals,
        rows=rows,
        counting=counting,
        broken=broken_checks(counting, reference) if reference else [],
        drift=drift(counting, reference, settings) if reference else no_verdict(watched.problem),
        quality=live_quality(rows_of(known_days), settings),
        windows=quality_windows(totals, newest, settings, _crowned_on(watched, today)),
        rivalry=_rivalry(watched, known_days, settings),
        last_training=_last_training(log),
    )


def _crowned_on(watched: Watched, today: date) -> date | None:
    """Return since when the champion answers; None if a clock that is ahead of this one says so."""
    if watched.champion is None:
        return None
    day = watched.champion.changes[-1].at.date()
    return day if day <= today else None


def _rivalry(watched: Watched, known: list[Day], settings: Settings) -> tuple[Rivalry, int] | None:
    """Compare with the champion before, on the days of live quality since the promotion."""
    if watched.champion is None:
        return None
    bundle = predecessor_of(watched.champion, settings)
    if bundle is None:
        return None
    promoted = watched.champion.changes[-1].at.date()
    since = [day for day in known if day.day >= promoted]
    return compare_with(bundle, watched.champion.version, since, settings)


def _last_training(log: PredictionLog) -> date | None:
    # One that failed, since MLflow was away or so, trained nothing: it may be tried again at once.
    events = log.events("retrain", LOOKED_AT)
    return next((one.at.date() for one in events if one.content.get("result") != "failed"), None)
