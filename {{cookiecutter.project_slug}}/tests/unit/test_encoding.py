"""One encoding for training and serving: shapes, types, nulls, and every source agrees."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flight_delay.contract import FIELDS, MISSING, Numeric, example, field_names
from flight_delay.encoding import Arrays, encode, encode_rows


def same(first: Arrays, second: Arrays) -> bool:
    """Say whether names, order, types and values are the same, NaN included."""
    return list(first) == list(second) and all(
        first[name].dtype == second[name].dtype
        and np.array_equal(first[name], second[name], equal_nan=first[name].dtype != object)
        for name in first
    )


def rows() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Return rows of any values, nulls among them."""
    numbers = st.floats(width=32, allow_nan=False) | st.none()
    strings = st.text(max_size=3) | st.none()
    fields = {field.name: numbers if isinstance(field, Numeric) else strings for field in FIELDS}
    return st.lists(st.fixed_dictionaries(fields), min_size=1, max_size=5)


def test_one_array_a_field_in_order_with_one_column() -> None:
    arrays = encode_rows([example()] * 3)
    assert list(arrays) == list(field_names())
    assert {array.shape for array in arrays.values()} == {(3, 1)}
    for field in FIELDS:
        kind = np.float32 if isinstance(field, Numeric) else object
        assert arrays[field.name].dtype == kind


def test_values_are_kept() -> None:
    arrays = encode_rows([example(), example() | {"carrier": "9E", "wind_speed": 7}])
    assert arrays["carrier"][:, 0].tolist() == ["UA", "9E"]
    assert arrays["wind_speed"][:, 0].tolist() == [np.float32(13.8), 7]


def test_nulls_become_nan_and_the_token() -> None:
    (row,) = [dict.fromkeys(field_names())]
    arrays = encode_rows([row])
    for field in FIELDS:
        (value,) = arrays[field.name][0].tolist()
        assert np.isnan(value) if isinstance(field, Numeric) else value == MISSING == "missing"


@given(rows())
@settings(max_examples=50, deadline=None)
def test_rows_columns_and_frames_are_encoded_alike(rows: list[dict[str, Any]]) -> None:
    expected = encode_rows(rows)
    columns = {name: [row[name] for row in rows] for name in field_names()}
    assert same(encode(columns), expected)
    assert same(encode({name: tuple(column) for name, column in columns.items()}), expected)
    assert same(encode_rows(iter(rows)), expected)
    types = {
        field.name: pl.Float32 if isinstance(field, Numeric) else pl.String for field in FIELDS
    }
    frame = pl.DataFrame(columns, schema=types)
    assert same(encode({name: frame[name] for name in field_names()}), expected)


def test_the_real_table_is_encoded_as_its_rows_are(table: pl.DataFrame) -> None:
    some = table.sample(500, seed=1)
    from_frame = encode({name: some[name] for name in field_names()})
    assert same(from_frame, encode_rows(some.to_dicts()))
    assert np.isnan(from_frame["wind_gust"]).sum() == some["wind_gust"].null_count() > 0


def test_numbers_in_an_array_are_encoded_too() -> None:
    columns: dict[str, Any] = {name: [value, value] for name, value in example().items()}
    columns["wind_speed"] = np.array([1.5, np.nan])
    encoded = encode(columns)["wind_speed"]
    assert encoded.dtype == np.float32
    assert encoded[0, 0] == 1.5
    assert np.isnan(encoded[1, 0])


def test_no_rows_make_empty_arrays() -> None:
    assert {array.shape for array in encode_rows([]).values()} == {(0, 1)}


@pytest.mark.parametrize("name", field_names())
def test_a_missing_field_is_named(name: str) -> None:
    row = example()
    del row[name]
    with pytest.raises(KeyError, match=f"^'{name}'$"):
        encode_rows([row])
    with pytest.raises(KeyError, match=f"^'{name}'$"):
        encode({other: [value] for other, value in row.items()})


def test_what_is_not_a_field_is_left_out() -> None:
    assert list(encode_rows([example() | {"late": True}])) == list(field_names())
