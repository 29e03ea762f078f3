"""A challenger on trial: how long each stage lasts, and whether it did well enough to go on.

In shadow both models score the same rows, so they are paired row by row. As a canary each answers
requests of its own, drawn at random, so they are paired by day. Too few days show nothing, and what
shows nothing is not promoted.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import polars as pl

from flight_delay.contract import DAY, TARGET
from flight_delay.evaluate import Interval, compare, compare_daily, scored
from flight_delay.settings import Settings
from flight_delay.trial import Trial

Stage = Literal["shadow", "canary"]


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
    of_champion = pl.col("model_version") == champion
    if trial.stage == "shadow":
        pairs = known.filter(of_champion, pl.col("shadow_version") == trial.version)
        compared = pairs.filter(pl.len().over(DAY) >= settings.least_day_rows)
        words = "which it scored unheard"
    else:
        both = known.filter(of_champion | (pl.col("model_version") == trial.version))
        compared = both.filter(
            pl.len().over(DAY) >= settings.least_day_rows,
            pl.col("model_version").n_unique().over(DAY) == 2,  # noqa: PLR2004 - it and the champion
        )
        words = "of which it answered a share"
    days = compared[DAY].n_unique()
    needed = min(settings.least_labelled_days, (trial.until - trial.since).days)
    if days < needed:
        reason = (
            f"{trial.stage}: {days} days have {settings.least_day_rows} labelled rows {words}, "
            f"and {needed} are needed"
        )
        return Finding(passed=False, reason=reason)
    difference = (_paired if trial.stage == "shadow" else _by_version)(compared, trial, settings)
    reason = (
        f"{trial.stage}: Brier score less the champion's over {days} days {words}: "
        f"{difference.estimate:+.4f} ({difference.low:+.4f} to {difference.high:+.4f}), must not "
        f"be wholly above 0"
    )
    return Finding(difference.low <= 0, reason)


def _paired(rows: pl.DataFrame, _: Trial, settings: Settings) -> Interval:
    """Compare both answers to each row."""
    late = pl.col(TARGET).cast(pl.Float64)
    daily = (
        rows.group_by(DAY)
        .agg(
            ours=((pl.col("shadow_probability") - late) ** 2).sum(),
            theirs=((pl.col("probability") - late) ** 2).sum(),
            rows=pl.len().cast(pl.Float64),
        )
        .sort(DAY)
    )
    ours, theirs, counts = (daily[name].to_numpy() for name in ("ours", "theirs", "rows"))
    return compare_daily(ours, theirs, counts, settings.resamples, settings.seed)


def _by_version(rows: pl.DataFrame, trial: Trial, settings: Settings) -> Interval:
    """Compare the rows that each answered, on the same days."""
    ours, theirs = (
        rows.filter(condition)
        for condition in (
            pl.col("model_version") == trial.version,
            pl.col("model_version") != trial.version,
        )
    )
    return compare(
        scored(ours, ours["probability"].to_numpy()),
        scored(theirs, theirs["probability"].to_numpy()),
        settings.resamples,
        settings.seed,
    )["brier"]
