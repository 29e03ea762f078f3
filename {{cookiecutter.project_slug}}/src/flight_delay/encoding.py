"""From rows of the contract to the arrays the model reads: one function for training and serving.

Two implementations of this step are how train/serve skew is born, so there is one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flight_delay.contract import FIELDS, MISSING, Numeric

Arrays = dict[str, NDArray[Any]]


def encode(columns: Mapping[str, Iterable[Any]]) -> Arrays:
    """Encode columns into one array a field.

    Args:
        columns: for each field of the contract, n values; None stands for a null.

    Returns:
        For each field, in contract order, an array of shape (n, 1): float32 with NaN for a null
        number, or object (str) with `MISSING` for a null string.

    Raises:
        KeyError: when a field of the contract is absent.
    """
    return {
        field.name: (
            _numbers(columns[field.name])
            if isinstance(field, Numeric)
            else _strings(columns[field.name])
        )
        for field in FIELDS
    }


def encode_rows(rows: Iterable[Mapping[str, Any]]) -> Arrays:
    """Encode a list of rows (mappings of field name to value); see `encode`."""
    rows = list(rows)
    return encode({field.name: [row[field.name] for row in rows] for field in FIELDS})


def _numbers(values: Iterable[Any]) -> NDArray[np.float32]:
    source = values if isinstance(values, np.ndarray) else list(values)
    return np.asarray(source, dtype=np.float32).reshape(-1, 1)


def _strings(values: Iterable[Any]) -> NDArray[np.object_]:
    tokens = [MISSING if value is None else str(value) for value in values]
    return np.array(tokens, dtype=object).reshape(-1, 1)
