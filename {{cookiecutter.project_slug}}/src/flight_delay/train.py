"""Fit, choose, refit, measure: the recipe, in the order in which time passes.

January and February fit the model and the baseline. March, which neither has seen, chooses the
threshold and decides whether the model is better. Then the same recipe is fitted again on January
to March. That is all there is on launch day: what happens afterwards is measured by `measure` on
its own, and no part of what was trained.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from sklearn.pipeline import Pipeline

from flight_delay.contract import DAY, TARGET
from flight_delay.evaluate import (
    Floats,
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
    """What one window says about the model and the baseline; `advantage` is model less baseline.

    What is about the baseline is empty where there is none.
    """

    model: dict[str, Interval]
    decisions: dict[str, float]
    slices: list[dict[str, str | float]]
    curve: list[dict[str, float]]
    daily: list[dict[str, Any]]
    baseline: dict[str, Interval] = field(default_factory=dict)
    advantage: dict[str, Interval] = field(default_factory=dict)
    baseline_curve: list[dict[str, float]] = field(default_factory=list)

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
    """The model before and after the last fit, threshold and figures."""

    candidate: Pipeline
    final: Pipeline
    threshold: float
    validation: Measured


@dataclass(frozen=True, slots=True)
class TrainedFirst(Trained):
    """The first model, with the baseline that it has to beat, after the last fit too."""

    baseline: Pipeline


def train(windows: Windows, settings: Settings, say: Say) -> TrainedFirst:
    """Run the recipe; the same history and seed give the same model, bit for bit."""
    seed = settings.seed
    say(f"fitting on {windows.fit.height:,} flights")
    candidate = fit(gradient_boosting(seed, windows.fit.height), windows.fit)
    baseline = fit(logistic_baseline(seed), windows.fit)

    say(f"choosing on {windows.validation.height:,} flights it has not seen")
    threshold = choose_threshold(
        scored(windows.validation, probabilities(candidate, windows.validation))
    )
    validation = measure(candidate, baseline, windows.validation, threshold, settings)

    say(f"fitting the same recipe on all {windows.history.height:,} flights before launch")
    final = fit(gradient_boosting(seed, windows.history.height), windows.history)
    baseline = fit(logistic_baseline(seed), windows.history)
    return TrainedFirst(candidate, final, threshold, validation, baseline)


def fit(pipeline: Pipeline, table: pl.DataFrame, half_life_days: int | None = None) -> Pipeline:
    """Fit a pipeline on the labelled rows of a validated table and return it.

    Args:
        pipeline: its last step is the classifier.
        table: n rows.
        half_life_days: a row weighs half as much as one so many days later; by default all weigh
            the same.
    """
    weights = {}
    if half_life_days:
        weights["classifier__sample_weight"] = _recency(table, half_life_days)
    return pipeline.fit(inputs(table), table[TARGET].to_numpy(), **weights)


def probabilities(pipeline: Pipeline, table: pl.DataFrame) -> Floats:
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
    theirs = scored(table, probabilities(baseline, table))
    draw = {"resamples": settings.resamples, "seed": settings.seed}
    return replace(
        measure_alone(table, probability, threshold, settings),
        baseline=evaluate(theirs, **draw),
        advantage=compare(scored(table, probability), theirs, **draw),
        baseline_curve=calibration_curve(theirs),
    )


def measure_alone(
    table: pl.DataFrame, probability: Floats, threshold: float, settings: Settings
) -> Measured:
    """Measure probabilities, shape (n,), of labelled rows; there is no baseline."""
    rows = scored(table, probability)
    return Measured(
        model=evaluate(rows, resamples=settings.resamples, seed=settings.seed),
        decisions=at_threshold(rows, threshold),
        slices=by_slice(table, probability),
        curve=calibration_curve(rows),
        daily=_daily(table, rows),
    )


def _recency(table: pl.DataFrame, half_life_days: int) -> Floats:
    """Return the weight of each row by its age, 1 on the last day, shape (n,)."""
    age = table.select((pl.col(DAY).max() - pl.col(DAY)).dt.total_days()).to_series()
    return np.asarray(0.5 ** (age.to_numpy() / half_life_days), dtype=np.float64)


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
