"""What a replay shows: the model left alone against the model that was kept alive."""

from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from flight_delay.bundle import load
from flight_delay.contract import DAY, TARGET, field_names
from flight_delay.encoding import encode
from flight_delay.evaluate import Floats, compare, point, scored
from flight_delay.replay.day import DayLine
from flight_delay.replay.plan import Plan

RESAMPLES = 200


def tell_story(plan: Plan, answered: pl.DataFrame, lines: list[DayLine]) -> dict[str, Any]:
    """Compare, on the rows whose outcome is known, what was answered with the first model alone.

    Args:
        plan: what was replayed.
        answered: rows of the table with `probability`, as the service answered them.
        lines: the days.
    """
    rows = answered.with_columns(alone=pl.Series(_alone(plan, answered))).filter(
        pl.col(TARGET).is_not_null()
    )
    kept, alone = (scored(rows, rows[name].to_numpy()) for name in ("probability", "alone"))
    difference = compare(kept, alone, RESAMPLES, plan.settings.seed)
    return {
        "from": str(plan.first),
        "to": str(plan.last),
        "whole": plan.whole,
        "version": plan.version,
        "injected": [f"{one.name}@{one.day}" for one in plan.injections],
        "label_delay_days": plan.settings.label_delay_days,
        "summary": {"left_alone": point(alone), "kept_alive": point(kept)},
        "difference": {name: asdict(interval) for name, interval in difference.items()},
        "months": _months(rows),
        "daily": _daily(rows),
        "days": [asdict(line) | {"day": str(line.day)} for line in lines],
    }


def worse(month: dict[str, Any]) -> str:
    """Say in what the model that was kept alive did worse in a month; nothing if in neither."""
    alone, kept = month["left_alone"], month["kept_alive"]
    words = {"brier": "worse Brier score", "calibration_error": "worse calibrated"}
    return ", ".join(said for metric, said in words.items() if kept[metric] > alone[metric])


def _alone(plan: Plan, answered: pl.DataFrame) -> Floats:
    """Return what the first champion says of every row, shape (n,)."""
    bundle = load(plan.settings.models / plan.version)
    parts = [
        bundle.probabilities(encode({name: part[name] for name in field_names()}))
        for part in answered.iter_slices(10_000)
    ]
    return np.concatenate(parts)


def _months(rows: pl.DataFrame) -> list[dict[str, Any]]:
    months = rows.with_columns(month=pl.col(DAY).dt.strftime("%Y-%m"))
    return [
        {
            "month": part["month"][0],
            "rows": part.height,
            "base_rate": float(part[TARGET].mean()),  # type: ignore[arg-type]
            "left_alone": point(scored(part, part["alone"].to_numpy())),
            "kept_alive": point(scored(part, part["probability"].to_numpy())),
        }
        for part in months.partition_by("month", maintain_order=True)
    ]


def _daily(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return, for each day, what was said and what happened: the bias is their difference."""
    return (
        rows.group_by(DAY, maintain_order=True)
        .agg(
            rows=pl.len(),
            observed=pl.col(TARGET).mean(),
            left_alone=pl.col("alone").mean(),
            kept_alive=pl.col("probability").mean(),
        )
        .with_columns(pl.col(DAY).cast(pl.String))
        .to_dicts()
    )
