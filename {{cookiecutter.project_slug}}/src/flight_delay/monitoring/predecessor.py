"""Whether the champion does better than the one before it would have done, on the same rows."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from flight_delay.bundle import Bundle, BundleError
from flight_delay.champion import Champion
from flight_delay.contract import field_names, numeric_fields
from flight_delay.encoding import encode
from flight_delay.evaluate import compare_daily
from flight_delay.monitoring.policy import Rivalry
from flight_delay.monitoring.quality import RESAMPLES
from flight_delay.monitoring.watched import open_bundle
from flight_delay.monitoring.window import DAYS_KEPT, Day
from flight_delay.settings import Settings


def predecessor_of(champion: Champion, settings: Settings) -> Bundle | None:
    """Return the champion that this one replaced; None after a rollback, or if it is gone."""
    if champion.changes[-1].action != "promote" or len(champion.line) == 1:
        return None
    try:
        bundle, _ = open_bundle(settings.models / champion.line[-2])
    except BundleError:
        return None
    return bundle


def compare_with(
    bundle: Bundle, version: str, days: Sequence[Day], settings: Settings
) -> tuple[Rivalry, int] | None:
    """Let another bundle score again what a version answered, paired by day.

    Args:
        bundle: the other one, the champion before.
        version: whose rows with an outcome are taken.
        days: those since its promotion whose outcomes are complete.
        settings: how many rows make a day count, and the seed.

    Returns:
        Brier score of the version less that of the bundle, and the number of rows; None when no
        day counts.
    """
    errors = np.array([_squared_errors(bundle, version, day) for day in days]).reshape(-1, 3)
    ours, theirs, rows = errors[errors[:, 2] >= settings.least_day_rows].T
    if not len(rows):
        return None
    difference = compare_daily(ours, theirs, rows, RESAMPLES, settings.seed)
    rivalry = Rivalry(
        version=bundle.version,
        days=len(rows),
        estimate=difference.estimate,
        low=difference.low,
        high=difference.high,
    )
    return rivalry, int(rows.sum())


@lru_cache(DAYS_KEPT)
def _squared_errors(bundle: Bundle, version: str, day: Day) -> tuple[float, float, int]:
    """Return the sums of squared errors of the version and of the bundle, and the rows."""
    rows = day.rows.filter(pl.col("model_version") == version, pl.col("outcome").is_not_null())
    if rows.is_empty():
        return 0.0, 0.0, 0
    outcome = rows["outcome"].cast(pl.Float64).to_numpy()
    theirs = bundle.probabilities(encode(_columns(rows)))
    ours = rows["probability"].to_numpy()
    return ((ours - outcome) ** 2).sum(), ((theirs - outcome) ** 2).sum(), rows.height


def _columns(rows: pl.DataFrame) -> dict[str, Any]:
    # Numbers as arrays: the encoding need not go through them one by one.
    numbers = {field.name: rows[field.name].to_numpy() for field in numeric_fields()}
    return {name: numbers.get(name, rows[name]) for name in field_names()}
