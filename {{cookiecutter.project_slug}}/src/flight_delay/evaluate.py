"""Honest evaluation: metrics with intervals, paired comparisons, calibration and slices.

Flights of one day share weather and delays, so the unit that is resampled is the day, not the
row: every interval here comes from drawing whole days with replacement (the block bootstrap of
Kunsch, 1989, with days as blocks), and comparisons draw the same days for both models.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flight_delay.contract import DAY, SLICES, TARGET

Floats = NDArray[np.float64]
CALIBRATION_BINS = 10
CONFIDENCE = 0.95
SMALLEST_SLICE = 200
"""Rows under which a slice is left out: its figures would be noise."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the bounds of its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scored:
    """Outcomes and probabilities of n rows; `day` numbers their days from 0."""

    outcome: Floats
    probability: Floats
    day: NDArray[np.int64]

    @property
    def days(self) -> int:
        """How many days the rows span."""
        return int(self.day.max()) + 1


def scored(table: pl.DataFrame, probability: Floats) -> Scored:
    """Pair the labelled rows of a table with the probabilities given for them, shape (n,)."""
    return Scored(
        outcome=table[TARGET].cast(pl.Float64).to_numpy(),
        probability=np.asarray(probability, dtype=np.float64),
        day=(table[DAY].rank("dense") - 1).cast(pl.Int64).to_numpy(),
    )


def brier(rows: Scored, weights: Floats) -> Floats:
    """Brier score, the mean squared error of the probability (Brier, 1950).

    Args:
        rows: n rows over d days.
        weights: how often each day counts, shape (resamples, d).

    Returns:
        The score under each weighting, shape (resamples,).
    """
    errors = np.bincount(rows.day, (rows.probability - rows.outcome) ** 2, rows.days)
    counts = np.bincount(rows.day, minlength=rows.days)
    return np.asarray((weights @ errors) / (weights @ counts))


def auc(rows: Scored, weights: Floats) -> Floats:
    """Area under the ROC curve as the Mann-Whitney statistic, ties counted half; see `brier`."""
    late = rows.outcome == 1
    order = np.argsort(rows.probability[late])
    positive, positive_day = rows.probability[late][order], rows.day[late][order]
    negative, negative_day = rows.probability[~late], rows.day[~late]
    # Pairs are counted once for each two days; a draw of days only weighs those counts.
    won = np.zeros(len(weights))
    for day in range(rows.days):
        of_day = np.sort(negative[negative_day == day])
        sides = (np.searchsorted(of_day, positive, side) for side in ("left", "right"))
        below = sum(sides) / 2
        won += weights[:, day] * (weights @ np.bincount(positive_day, below, rows.days))
    positives = weights @ np.bincount(positive_day, minlength=rows.days)
    pairs = positives * (weights @ np.bincount(negative_day, minlength=rows.days))
    # A draw of few days can be all late or all on time: it has no AUC, `_interval` skips it.
    return np.divide(won, pairs, out=np.full_like(won, np.nan), where=pairs > 0)


def calibration_error(rows: Scored, weights: Floats) -> Floats:
    """Expected calibration error over bins of equal count (Naeini et al., 2015); see `brier`."""
    bins = calibration_bins(rows.probability)
    size = rows.days * CALIBRATION_BINS
    cell = rows.day * CALIBRATION_BINS + bins
    gap = np.bincount(cell, rows.probability - rows.outcome, size)
    by_bin = weights @ gap.reshape(rows.days, CALIBRATION_BINS)
    counts = np.bincount(rows.day, minlength=rows.days)
    return np.asarray(np.abs(by_bin).sum(axis=1) / (weights @ counts))


METRICS: dict[str, Callable[[Scored, Floats], Floats]] = {
    "auc": auc,
    "brier": brier,
    "calibration_error": calibration_error,
}


def calibration_bins(probability: Floats) -> NDArray[np.int64]:
    """Number the bin of each row, 0 to `CALIBRATION_BINS` - 1, by quantiles of the probability."""
    edges = np.quantile(probability, np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1])
    return np.searchsorted(edges, probability, side="right")


def evaluate(rows: Scored, resamples: int, seed: int) -> dict[str, Interval]:
    """Return every metric with its interval over resampled days."""
    weights = _day_weights(rows.days, resamples, seed)
    return {
        name: _interval(estimate, METRICS[name](rows, weights))
        for name, estimate in point(rows).items()
    }


def compare(first: Scored, second: Scored, resamples: int, seed: int) -> dict[str, Interval]:
    """Return the paired difference, first minus second, of every metric on the same rows."""
    weights = _day_weights(first.days, resamples, seed)
    ours, theirs = point(first), point(second)
    return {
        name: _interval(ours[name] - theirs[name], metric(first, weights) - metric(second, weights))
        for name, metric in METRICS.items()
    }


def compare_daily(
    first: Floats, second: Floats, counts: Floats, resamples: int, seed: int
) -> Interval:
    """Return the paired difference in Brier score from daily sums of squared errors.

    Args:
        first: sum of squared errors of one model by day, shape (d,).
        second: the same of the other model, for the same days and rows.
        counts: rows by day, shape (d,).
        resamples: how often days are drawn.
        seed: of the draw.
    """
    weights = _day_weights(len(counts), resamples, seed)
    difference = first - second
    return _interval(difference.sum() / counts.sum(), (weights @ difference) / (weights @ counts))


def point(rows: Scored) -> dict[str, float]:
    """Return every metric without an interval."""
    # Nothing is drawn, so that all rows may count as one day, which is quicker.
    whole = replace(rows, day=np.zeros_like(rows.day))
    return {name: float(metric(whole, np.ones((1, 1)))[0]) for name, metric in METRICS.items()}


def calibration_curve(rows: Scored) -> list[dict[str, float]]:
    """Return, by bin, the mean probability, the share that was late and the number of rows."""
    bins = calibration_bins(rows.probability)
    return [
        {
            "predicted": float(rows.probability[bins == index].mean()),
            "observed": float(rows.outcome[bins == index].mean()),
            "rows": int((bins == index).sum()),
        }
        for index in range(CALIBRATION_BINS)
        if (bins == index).any()
    ]


def choose_threshold(rows: Scored) -> float:
    """Return the threshold with 4 places that has the best F1 score on these rows."""
    thresholds = np.unique(np.round(rows.probability, 4))[::-1]
    order = np.argsort(rows.probability, kind="stable")
    first = np.searchsorted(rows.probability[order], thresholds)
    caught = rows.outcome.sum() - np.append(0, np.cumsum(rows.outcome[order]))[first]
    flagged = len(order) - first
    f1 = 2 * caught / (flagged + rows.outcome.sum())
    return float(thresholds[np.argmax(f1)])


def at_threshold(rows: Scored, threshold: float) -> dict[str, float]:
    """Return precision, recall and the share flagged when rows at or over the threshold are."""
    flagged = rows.probability >= threshold
    caught = float(rows.outcome[flagged].sum())
    return {
        "precision": caught / max(int(flagged.sum()), 1),
        "recall": caught / max(float(rows.outcome.sum()), 1.0),
        "flagged": float(flagged.mean()),
    }


def by_slice(table: pl.DataFrame, probability: Floats) -> list[dict[str, str | float]]:
    """Return metrics by value of each slice field and by month, largest slice first.

    Where the table says by `prediction` how each row was decided, precision and recall are added.
    """
    table = table.with_columns(
        probability=pl.Series(probability), month=pl.col(DAY).dt.strftime("%Y-%m")
    )
    rows: list[dict[str, str | float]] = []
    for name in (*SLICES, "month"):
        for part in table.partition_by(name):
            if part.height < SMALLEST_SLICE or part[TARGET].n_unique() == 1:
                continue
            facts = scored(part, part["probability"].to_numpy())
            rows.append(
                {
                    "slice": name,
                    "value": str(part[name][0]),
                    "rows": part.height,
                    "base_rate": float(facts.outcome.mean()),
                    **point(facts),
                    **(decided(part) if "prediction" in part.columns else {}),
                }
            )
    return sorted(rows, key=lambda row: (str(row["slice"]), -float(row["rows"]), str(row["value"])))


def decided(table: pl.DataFrame) -> dict[str, float]:
    """Return precision and recall of labelled rows, each by the `prediction` that it was given.

    That was made at the threshold of whichever bundle answered the row.
    """
    facts = at_threshold(scored(table, table["prediction"].cast(pl.Float64).to_numpy()), 1.0)
    return {name: facts[name] for name in ("precision", "recall")}


def _day_weights(days: int, resamples: int, seed: int) -> Floats:
    draw = np.random.default_rng(seed).multinomial(days, np.full(days, 1 / days), resamples)
    return draw.astype(np.float64)


def _interval(estimate: float, samples: Floats) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(samples, [tail, 1 - tail])
    return Interval(float(estimate), float(low), float(high))
