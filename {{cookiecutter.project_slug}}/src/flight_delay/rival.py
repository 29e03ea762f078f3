"""A model against the champion, on days that neither has seen: paired, all in all and by slice."""

from dataclasses import asdict

import numpy as np
import polars as pl

from flight_delay.bundle import Bundle, Difference, Rival, SliceDifference
from flight_delay.contract import DAY, SLICES
from flight_delay.evaluate import (
    SMALLEST_SLICE,
    Floats,
    Interval,
    Scored,
    compare,
    compare_daily,
    scored,
)
from flight_delay.model import as_arrays
from flight_delay.settings import Settings


def meet(champion: Bundle, table: pl.DataFrame, probability: Floats, settings: Settings) -> Rival:
    """Let the champion score the same rows, and return the differences, model less champion.

    Args:
        champion: verified.
        table: n labelled rows that neither model was fitted on.
        probability: what the model says of them, shape (n,).
        settings: how often days are drawn, and the seed.
    """
    theirs = champion.probabilities(as_arrays(table))
    difference = compare(
        scored(table, probability),
        scored(table, theirs),
        resamples=settings.resamples,
        seed=settings.seed,
    )
    return Rival(
        version=champion.version,
        first=str(table[DAY].min()),
        last=str(table[DAY].max()),
        days=table[DAY].n_unique(),
        rows=table.height,
        difference={
            metric: Difference(**asdict(interval)) for metric, interval in difference.items()
        },
        slices=_by_slice(table, probability, theirs, settings),
    )


def _by_slice(
    table: pl.DataFrame, ours: Floats, theirs: Floats, settings: Settings
) -> list[SliceDifference]:
    """Return the difference in Brier score for each value of each slice, in order of names."""
    answered = table.with_columns(ours=pl.Series(ours), theirs=pl.Series(theirs))
    found = [
        SliceDifference(
            slice=name,
            value=str(part[name][0]),
            rows=part.height,
            **asdict(_paired(part, settings)),
        )
        for name in SLICES
        for part in answered.partition_by(name)
        if part.height >= SMALLEST_SLICE
    ]
    return sorted(found, key=lambda one: (one.slice, one.value))


def _paired(part: pl.DataFrame, settings: Settings) -> Interval:
    ours, theirs = (scored(part, part[name].to_numpy()) for name in ("ours", "theirs"))
    counts = np.bincount(ours.day).astype(np.float64)
    return compare_daily(
        _squared(ours), _squared(theirs), counts, settings.resamples, settings.seed
    )


def _squared(rows: Scored) -> Floats:
    """Add up the squared errors of each day, shape (d,)."""
    # In the order of rows: a sum in parallel differs in its last digit from time to time.
    return np.bincount(rows.day, (rows.probability - rows.outcome) ** 2).astype(np.float64)
