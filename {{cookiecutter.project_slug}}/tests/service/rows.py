"""Rows as a caller sends them."""

from typing import Any

import polars as pl
from hypothesis import strategies as st

from flight_delay.contract import FIELDS, Field, Numeric, field_names

Row = dict[str, Any]


def http_rows(table: pl.DataFrame, count: int) -> list[Row]:
    """Pick rows of a table evenly in time, as JSON objects of the contract's fields."""
    picked = table.gather_every(table.height // count).head(count)
    rows = picked.select(field_names()).to_dicts()
    assert len(rows) == count
    return rows


def valid_values(field: Field) -> st.SearchStrategy[Any]:
    """Return every value that the contract allows for a field."""
    if isinstance(field, Numeric):
        numbers = st.floats(field.minimum, field.maximum)
        whole = st.integers(int(field.minimum), int(field.maximum))
        values: st.SearchStrategy[Any] = numbers | whole
    elif field.categories:
        values = st.sampled_from(field.categories)
    else:
        values = st.from_regex(field.pattern.rstrip("$"), fullmatch=True)
    return values | st.none() if field.nullable else values


def valid_rows() -> st.SearchStrategy[Row]:
    """Return every row that the contract allows."""
    return st.fixed_dictionaries({field.name: valid_values(field) for field in FIELDS})
