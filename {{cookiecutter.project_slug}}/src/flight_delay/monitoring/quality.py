"""Live quality: what the answers were worth, on the days whose outcomes are in.

Intervals and errors are over days, never rows, and too few days give no figure at all.
"""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from flight_delay.contract import DAY, ROWS, TARGET
from flight_delay.evaluate import by_slice, decided, evaluate, scored
from flight_delay.monitoring.policy import QualityWindow
from flight_delay.settings import Settings

RESAMPLES = 200
"""Enough for the bounds of an interval that is drawn every day."""


def live_quality(rows: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    """Measure the labelled rows of whole days; see the monitoring report for the form.

    Args:
        rows: every row of the window, with `outcome` null where it is not known.
        settings: what makes a day count and how many are needed.
    """
    labelled = rows.filter(pl.col("outcome").is_not_null()).rename({"outcome": TARGET})
    counting = labelled.filter(pl.len().over(DAY) >= settings.least_day_rows)
    days = counting[DAY].n_unique()
    unlabelled = 1 - labelled.height / rows.height if rows.height else None
    enough = days >= settings.least_labelled_days and counting[TARGET].n_unique() == 2  # noqa: PLR2004
    facts = {
        "days": days,
        "rows": rows.height,
        "labelled": labelled.height,
        "unlabelled_share": unlabelled,
        "enough": enough,
    }
    if not enough:
        said = (
            f"no verdict: {days} days with at least {settings.least_day_rows} known outcomes, and "
            f"{settings.least_labelled_days} are needed, with both outcomes among them"
        )
        return facts | {"said": said, "metrics": None, "intervals": None, "slices": []}
    metrics, intervals = _metrics(counting, settings)
    said = (
        f"{days} days, {labelled.height:,} {ROWS} with an outcome; {unlabelled:.1%} of those asked "
        f"about have none"
    )
    return facts | {
        "said": said,
        "metrics": metrics,
        "intervals": intervals,
        "slices": by_slice(counting, counting["probability"].to_numpy()),
    }


def _metrics(rows: pl.DataFrame, settings: Settings) -> tuple[dict[str, float], dict[str, Any]]:
    answers = scored(rows, rows["probability"].to_numpy())
    intervals = evaluate(answers, RESAMPLES, settings.seed)
    metrics = {name: interval.estimate for name, interval in intervals.items()} | {
        "bias": float(answers.probability.mean() - answers.outcome.mean()),
        "base_rate": float(answers.outcome.mean()),
        **decided(rows),
    }
    return metrics, {name: asdict(interval) for name, interval in intervals.items()}


def quality_windows(
    totals: pl.DataFrame, newest: date, settings: Settings, since: date | None = None
) -> tuple[QualityWindow, ...]:
    """Cut the days up to the newest complete one into windows, oldest first; empty ones are left.

    So are those that began under another champion: its breaches are not those of this one.

    Args:
        totals: of each day; see `daily_totals`.
        newest: the newest day whose outcomes are complete; the last window ends with it.
        settings: how long a window is, how many there are, and what makes a day count.
        since: the day from which the champion answered, if it is known.
    """
    counting = totals.filter(pl.col("labelled") >= settings.least_day_rows)
    windows = []
    for back in reversed(range(settings.breach_windows)):
        last = newest - timedelta(days=back * settings.breach_days)
        first = last - timedelta(days=settings.breach_days - 1)
        days = counting.filter(pl.col(DAY).is_between(first, last))
        if days.height and (since is None or first >= since):
            bias, error = _bias(days)
            windows.append(QualityWindow(first, last, days.height, bias, error))
    return tuple(windows)


def _bias(days: pl.DataFrame) -> tuple[float, float]:
    """Return mean probability less share of outcomes, and its standard error over days.

    The error is that of a ratio of sums over days (Cochran, 1977, chapter 6); 0 for a single day,
    whose scatter nobody knows.
    """
    gap = (days["probability"] - days["outcome"]).to_numpy()
    rows = days["labelled"].to_numpy()
    bias = gap.sum() / rows.sum()
    if days.height == 1:
        return float(bias), 0.0
    scatter = ((gap - bias * rows) ** 2).sum() * days.height / (days.height - 1)
    return float(bias), float(np.sqrt(scatter) / rows.sum())
