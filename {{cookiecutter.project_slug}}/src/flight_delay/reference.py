"""The reference profile: what the training data looked like, and how much its days differ.

Rows of one day hang together, so a day of traffic is nearly always unlike the whole of training.
What can be said is whether it is further off than single days of training are, and for that the
profile keeps the bounds that training days kept. Everything is derived from the contract.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flight_delay.contract import DAY, FIELDS, TARGET

Described = dict[str, Any]
"""What the profile says of one field, or of the probability."""
Floats = NDArray[np.float64]

BINS = 10
RARE = 0.02
"""Share under which categories are compared together: by themselves they are noise."""
ALWAYS = 0.01
"""Share that a category has on every training day, to be missed on a day without it."""
FLOOR = 1e-4
"""Least share in the stability index, which would be infinite for an empty bin."""
USUAL = 0.95
"""Share of the training days that are nearer to the whole of them than the usual limit."""
SAMPLE = 100
"""Rows of a day, from all over it, among which distinct values are counted: about so many."""
GOLDEN_RATIO = 0.6180339887498949


def reference_profile(table: pl.DataFrame, probability: Floats) -> Described:
    """Summarize each field, the target and the probabilities, shape (n,), of the training rows.

    A number is described by the edges of bins of about equal count and the share in each, a string
    by the share of each category. What is said of days is of the days in the table's key.
    """
    table = table.with_columns(probability=pl.Series(probability))
    day = day_numbers(table)
    columns = ["probability", *(field.name for field in FIELDS)]
    profiles = {name: _profile(table, name, day) for name in columns}
    return {
        "rows": table.height,
        "days": int(day.max()) + 1,
        "rows_a_day": float(np.median(np.bincount(day))),
        "base_rate": float(table[TARGET].mean()),  # type: ignore[arg-type]
        "probability": profiles.pop("probability"),
        "fields": profiles,
    }


def day_numbers(table: pl.DataFrame) -> NDArray[np.int64]:
    """Number the day of each row from 0, without a gap, in order of time; shape (n,)."""
    _, number = np.unique(table[DAY].to_physical().to_numpy(), return_inverse=True)
    return number.astype(np.int64)


def daily_counts(described: Described, values: pl.Series, day: NDArray[np.int64]) -> Floats:
    """Count the rows of each day that fall into each bin, shape (days, bins).

    The first bin is of nulls. For a number follow what is under its range in training, the bins
    of the profile, and what is over that range; for a string its categories by name, but for the
    rare ones, which are in the last bin with those never seen.
    """
    if isinstance(described["shares"], dict):
        common = _common(described)
        codes = values.replace_strict(common, range(1, len(common) + 1), default=len(common) + 1)
        bins = len(common) + 2
    else:
        inner = [described["minimum"], *described["edges"]]
        edges = [*inner, np.nextafter(described["maximum"], np.inf)]
        found = np.searchsorted(edges, values.to_numpy(), side="right")
        codes, bins = pl.Series(found + 1), len(edges) + 2
    code = np.where(values.is_null(), 0, codes.to_numpy())
    days = int(day.max()) + 1
    counts = np.bincount(day * bins + code, minlength=days * bins)
    return counts.reshape(days, bins).astype(np.float64)


def bin_names(described: Described) -> list[str]:
    """Name each bin of `daily_counts`."""
    if isinstance(described["shares"], dict):
        return ["null", *_common(described), "others"]
    low, high = described["minimum"], described["maximum"]
    edges = [f"{edge:,.4g}" for edge in (low, *described["edges"], high)]
    within = [f"{first} to {last}" for first, last in pairwise(edges)]
    return ["null", f"under {edges[0]}", *within, f"over {edges[-1]}"]


def expected_shares(described: Described) -> Floats:
    """Return the share of training rows in each bin of `daily_counts`; they add up to 1."""
    shares = described["shares"]
    if isinstance(shares, dict):
        common = [shares[name] for name in _common(described)]
        present = np.array([*common, 1 - sum(common)])
    else:
        present = np.array([0.0, *shares, 0.0])
    null = described["null_share"]
    return np.array([null, *(present.clip(0) * (1 - null))])


def stability_index(shares: Floats, expected: Floats) -> Floats:
    """Population stability index over the last axis, shape (..., bins) to (...)."""
    ours, theirs = np.maximum(shares, FLOOR), np.maximum(expected, FLOOR)
    return np.asarray(((ours - theirs) * np.log(ours / theirs)).sum(axis=-1))


def spread() -> pl.Expr:
    """Pick about `SAMPLE` rows of each day, all over it, so that days of any size compare.

    Every tenth row would do unless the source has a period too. Multiples of an irrational number
    by squares have none and are spread evenly (Weyl, 1916).
    """
    place = pl.int_range(pl.len(), dtype=pl.Int64).over(DAY)
    return place * place * GOLDEN_RATIO % 1 < SAMPLE / pl.len().over(DAY)


def _profile(table: pl.DataFrame, name: str, day: NDArray[np.int64]) -> Described:
    values = table[name]
    described = _category(table, name) if values.dtype == pl.String else _number(table, name)
    described["null_share"] = values.null_count() / len(values)
    counts = daily_counts(described, values, day)
    shares = counts / counts.sum(axis=1, keepdims=True)
    index = stability_index(shares, expected_shares(described))
    return described | {
        "most_null": float(shares[:, 0].max()),
        "median_psi": float(np.median(index)),
        "usual_psi": float(np.quantile(index, USUAL)),
    }


def _number(table: pl.DataFrame, name: str) -> Described:
    present = np.sort(table[name].drop_nulls().to_numpy().astype(np.float64))
    edges = _edges(present)
    counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1)
    distinct = table.group_by(DAY).agg(pl.col(name).filter(spread()).drop_nulls().n_unique())
    return {
        "edges": edges.tolist(),
        "shares": (counts / counts.sum()).tolist(),
        "minimum": float(present[0]),
        "maximum": float(present[-1]),
        "mean": float(present.mean()),
        "deviation": float(present.std()),
        "fewest_distinct": int(distinct[name].min()),  # type: ignore[arg-type]
    }


def _edges(present: Floats) -> Floats:
    """Return the inner edges between bins of sorted values, shape (n,).

    A value so frequent that it holds several quantiles gets a bin of its own.
    """
    quantiles = np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1])
    frequent = np.unique(quantiles[1:][np.diff(quantiles) == 0])
    after = np.searchsorted(present, frequent, side="right")
    edges = np.unique([*quantiles, *present[after[after < len(present)]]])
    return np.asarray(edges[edges > present[0]])


def _category(table: pl.DataFrame, name: str) -> Described:
    present = table.select(DAY, name).drop_nulls()
    counts = present[name].value_counts(sort=False).sort(name)
    days = table.group_by(DAY).agg(rows=pl.len())
    least = (
        present.group_by(DAY, name)
        .agg(count=pl.len())
        .join(days, on=DAY)
        .group_by(name)
        .agg(days=pl.len(), least=(pl.col("count") / pl.col("rows")).min())
        .filter(pl.col("days") == days.height, pl.col("least") >= ALWAYS)
        .sort(name)
    )
    return {
        "shares": dict(zip(counts[name], counts["count"] / present.height, strict=True)),
        "least_shares": dict(least.select(name, "least").iter_rows()),
    }


def _common(described: Described) -> list[str]:
    return [name for name, share in described["shares"].items() if share >= RARE]
