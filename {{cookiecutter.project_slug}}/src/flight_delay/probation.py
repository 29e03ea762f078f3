"""A challenger on trial: how long each stage lasts, and whether it did well enough to go on.

In shadow both models score the same rows, so they are paired row by row. As a canary each answers
requests of its own, drawn at random, so they are paired by day. Too few days show nothing, and so
does a day on which the canary answered a handful; what shows nothing is not promoted.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import polars as pl

from flight_delay.contract import DAY, TARGET
from flight_delay.evaluate import compare_daily
from flight_delay.settings import Settings
from flight_delay.trial import Trial

Stage = Literal["shadow", "canary"]

LEAST_CANARY_ROWS = 30
"""Labelled rows of a canary that make a day count; fewer where `least_day_rows` is less."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a challenger passed a stage of its trial, and why."""

    passed: bool
    reason: str


def next_stage(version: str, after: Stage | None, today: date, settings: Settings) -> Trial | None:
    """Return the stage of a trial that comes after one, or the first; None when none is left."""
    stages: list[tuple[Stage, int, float]] = [
        ("shadow", settings.shadow_days, 0.0),
        ("canary", settings.canary_days, settings.canary_share),
    ]
    names = [name for name, _, _ in stages]
    for name, days, share in stages[names.index(after) + 1 if after else 0 :]:
        if days:
            until = today + timedelta(days=days)
            return Trial(version=version, stage=name, share=share, since=today, until=until)
    return None


def is_due(trial: Trial, today: date, settings: Settings) -> bool:
    """Return whether a stage is over and the outcomes of its days have come in."""
    return today >= trial.until + timedelta(days=settings.label_delay_days)


def judge_trial(trial: Trial, champion: str, rows: pl.DataFrame, settings: Settings) -> Finding:
    """Say whether the challenger did no worse than the champion.

    Args:
        trial: the stage that is over.
        champion: the version that it has to match.
        rows: of the prediction log since the stage began; see `read_window`.
        settings: what makes a day count, and the seed.
    """
    known = rows.filter(pl.col("outcome").is_not_null()).rename({"outcome": TARGET})
    if trial.stage == "shadow":
        daily = _paired(known, trial, champion, settings)
        words = "which it scored unheard"
        least = f"{settings.least_day_rows} labelled rows {words}"
    else:
        daily = _by_version(known, trial, champion, settings)
        words = "of which it answered a share"
        least = (
            f"{settings.least_day_rows} labelled rows of the champion and "
            f"{_least_canary_rows(settings)} of the challenger"
        )
    days = daily.height
    needed = min(settings.least_labelled_days, (trial.until - trial.since).days)
    if days < needed:
        reason = f"{trial.stage}: {days} days have {least}, and {needed} are needed"
        return Finding(passed=False, reason=reason)
    ours, theirs, counts = (daily[name].to_numpy() for name in ("ours", "theirs", "rows"))
    difference = compare_daily(ours, theirs, counts, settings.resamples, settings.seed)
    reason = (
        f"{trial.stage}: Brier score less the champion's over {days} days {words}: "
        f"{difference.estimate:+.4f} ({difference.low:+.4f} to {difference.high:+.4f}), must not "
        f"be wholly above 0"
    )
    return Finding(difference.low <= 0, reason)


def _paired(known: pl.DataFrame, trial: Trial, champion: str, settings: Settings) -> pl.DataFrame:
    """Sum up, by day, the squared errors of both answers to each row."""
    pairs = known.filter(
        pl.col("model_version") == champion, pl.col("shadow_version") == trial.version
    )
    return (
        pairs.group_by(DAY)
        .agg(
            ours=_squared_error("shadow_probability").sum(),
            theirs=_squared_error("probability").sum(),
            rows=pl.len().cast(pl.Float64),
        )
        .filter(pl.col("rows") >= settings.least_day_rows)
        .sort(DAY)
    )


def _by_version(
    known: pl.DataFrame, trial: Trial, champion: str, settings: Settings
) -> pl.DataFrame:
    """Sum up, by day, the challenger's squared errors and the champion's on as many of its rows."""
    ours, theirs = (
        known.filter(pl.col("model_version") == version)
        .group_by(DAY)
        .agg(error=_squared_error("probability").mean(), rows=pl.len().cast(pl.Float64))
        .filter(pl.col("rows") >= least)
        for version, least in (
            (trial.version, _least_canary_rows(settings)),
            (champion, settings.least_day_rows),
        )
    )
    both = ours.join(theirs, on=DAY, suffix="_of_champion").sort(DAY)
    return both.select(
        DAY,
        "rows",
        ours=pl.col("error") * pl.col("rows"),
        theirs=pl.col("error_of_champion") * pl.col("rows"),
    )


def _least_canary_rows(settings: Settings) -> int:
    return min(LEAST_CANARY_ROWS, settings.least_day_rows)


def _squared_error(probability: str) -> pl.Expr:
    return (pl.col(probability) - pl.col(TARGET).cast(pl.Float64)) ** 2
