"""Fit, choose, refit, measure: the recipe, in the order in which time passes.

January and February fit the model and the baseline. March, which neither has seen, chooses the
threshold and decides whether the model is better. Then the same recipe is fitted again on January
to March. That is all there is on launch day: what happens afterwards is measured by `measure` on
its own, and no part of what was trained.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.pipeline import Pipeline

from flight_delay.contract import DAY, TARGET
from flight_delay.evaluate import (
    Interval,
    Scored,
    at_threshold,
    by_slice,
    calibration_curve,
    choose_threshold,
    compare,
    evaluate,
    scored,
)
from flight_delay.model import gradient_boosting, inputs, logistic_baseline
from flight_delay.settings import Settings
from flight_delay.splits import Windows

Say = Callable[[str], None]
"""Receives one line at the start of each long step."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one window says about the model and the baseline; `advantage` is model less baseline."""

    model: dict[str, Interval]
    baseline: dict[str, Interval]
    advantage: dict[str, Interval]
    decisions: dict[str, float]
    slices: list[dict[str, str | float]]
    curve: list[dict[str, float]]
    baseline_curve: list[dict[str, float]]
    daily: list[dict[str, Any]]

    def figures(self) -> dict[str, dict[str, float]]:
        """Return every figure by name; the baseline's and the advantage's have a prefix."""
        intervals = {
            **self.model,
            **{f"baseline_{name}": value for name, value in self.baseline.items()},
            **{f"advantage_{name}": value for name, value in self.advantage.items()},
        }
        decisions = {name: {"estimate": value} for name, value in self.decisions.items()}
        return {name: asdict(interval) for name, interval in intervals.items()} | decisions


@dataclass(frozen=True, slots=True)
class Trained:
    """The model before and after the last fit, the baseline after it, threshold and figures."""

    candidate: Pipeline
    final: Pipeline
    baseline: Pipeline
    threshold: float
    validation: Measured


def train(windows: Windows, settings: Settings, say: Say) -> Trained:
    """Run the recipe; the same history and seed give the same model, bit for bit."""
    seed = settings.seed
    say(f"fitting on {windows.fit.height:,} flights")
    candidate = fit(gradient_boosting(seed), windows.fit)
    baseline = fit(logistic_baseline(seed), windows.fit)

    say(f"choosing on {windows.validation.height:,} flights it has not seen")
    threshold = choose_threshold(
        scored(windows.validation, probabilities(candidate, windows.validation))
    )
    validation = measure(candidate, baseline, windows.validation, threshold, settings)

    say(f"fitting the same recipe on all {windows.history.height:,} flights before launch")
    final = fit(gradient_boosting(seed), windows.history)
    baseline = fit(logistic_baseline(seed), windows.history)
    return Trained(candidate, final, baseline, threshold, validation)


def fit(pipeline: Pipeline, table: pl.DataFrame) -> Pipeline:
    """Fit a pipeline on the labelled rows of a validated table and return it."""
    return pipeline.fit(inputs(table), table[TARGET].to_numpy())


def probabilities(pipeline: Pipeline, table: pl.DataFrame) -> np.ndarray[Any, Any]:
    """Return the probability of a late departure for each row, shape (n,), float64."""
    return np.asarray(pipeline.predict_proba(inputs(table))[:, 1], dtype=np.float64)


def measure(
    model: Pipeline,
    baseline: Pipeline,
    table: pl.DataFrame,
    threshold: float,
    settings: Settings,
) -> Measured:
    """Measure the model and the baseline on the same rows, paired."""
    probability = probabilities(model, table)
    ours = scored(table, probability)
    theirs = scored(table, probabilities(baseline, table))
    draw = {"resamples": settings.resamples, "seed": settings.seed}
    return Measured(
        model=evaluate(ours, **draw),
        baseline=evaluate(theirs, **draw),
        advantage=compare(ours, theirs, **draw),
        decisions=at_threshold(ours, threshold),
        slices=by_slice(table, probability),
        curve=calibration_curve(ours),
        baseline_curve=calibration_curve(theirs),
        daily=_daily(table, ours),
    )


def _daily(table: pl.DataFrame, rows: Scored) -> list[dict[str, Any]]:
    """Return rows, squared errors, share late and mean probability of each day."""
    return (
        table.select(
            DAY,
            outcome=pl.Series(rows.outcome),
            probability=pl.Series(rows.probability),
        )
        .group_by(DAY, maintain_order=True)
        .agg(
            rows=pl.len(),
            squared_error=((pl.col("probability") - pl.col("outcome")) ** 2).sum(),
            observed=pl.col("outcome").mean(),
            predicted=pl.col("probability").mean(),
        )
        .sort(DAY)
        .with_columns(pl.col(DAY).cast(pl.String))
        .to_dicts()
    )
