"""The reference profile: what the training data looked like, for later comparison."""

from typing import Any

import numpy as np
import polars as pl

from flight_delay.contract import FIELDS, TARGET, Numeric

BINS = 10


def reference_profile(table: pl.DataFrame, probability: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Summarize each field, the target and the probabilities, shape (n,), of the training rows.

    A number is described by the edges of bins of about equal count, the share in each, and its
    null share; a string by the share of each category.
    """
    return {
        "rows": table.height,
        "base_rate": float(table[TARGET].mean()),  # type: ignore[arg-type]
        "fields": {
            field.name: (
                _number(table[field.name])
                if isinstance(field, Numeric)
                else _category(table[field.name])
            )
            for field in FIELDS
        },
        "probability": _number(pl.Series(probability)),
    }


def _number(values: pl.Series) -> dict[str, Any]:
    present = values.drop_nulls().to_numpy().astype(np.float64)
    edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1)
    return {
        "edges": edges.tolist(),
        "shares": (counts / counts.sum()).tolist(),
        "null_share": values.null_count() / len(values),
        "mean": float(present.mean()),
        "deviation": float(present.std()),
    }


def _category(values: pl.Series) -> dict[str, Any]:
    counts = values.drop_nulls().value_counts(sort=False).sort(values.name)
    shares = dict(zip(counts[values.name], counts["count"] / counts["count"].sum(), strict=True))
    return {"shares": shares, "null_share": values.null_count() / len(values)}
