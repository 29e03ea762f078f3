"""The data hash names the data: it changes with anything that is data, and with nothing else."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from flight_delay.data import data_hash


@pytest.fixture
def frame() -> pl.DataFrame:
    """Return a small frame with every type of the table, and nulls."""
    return pl.DataFrame(
        {
            "day": [date(2013, 1, 1), date(2013, 1, 2), date(2013, 1, 3)],
            "carrier": ["UA", None, "AA"],
            "wind": pl.Series([1.5, None, 0.0], dtype=pl.Float32),
            "late": [True, None, False],
        }
    )


Change = Callable[[pl.DataFrame], pl.DataFrame]

CHANGES: dict[str, Change] = {
    "a number": lambda frame: frame.with_columns(wind=pl.col("wind") + 1e-6),
    "a string": lambda frame: frame.with_columns(carrier=pl.col("carrier").replace("AA", "AB")),
    "a day": lambda frame: frame.with_columns(day=pl.col("day").dt.offset_by("1d")),
    "an outcome": lambda frame: frame.with_columns(late=~pl.col("late")),
    "zero for a null number": lambda frame: frame.with_columns(wind=pl.col("wind").fill_null(0)),
    "empty for a null string": lambda frame: frame.with_columns(
        carrier=pl.col("carrier").fill_null("")
    ),
    "false for a null outcome": lambda frame: frame.with_columns(
        late=pl.col("late").fill_null(value=False)
    ),
    "a name": lambda frame: frame.rename({"wind": "gust"}),
    "a type": lambda frame: frame.with_columns(pl.col("wind").cast(pl.Float64)),
    "the order of rows": lambda frame: frame.reverse(),
    "the order of columns": lambda frame: frame.select(reversed(frame.columns)),
    "a row less": lambda frame: frame.head(2),
    "a column less": lambda frame: frame.drop("wind"),
    "values moved within a column": lambda frame: frame.with_columns(
        carrier=pl.Series(["U", None, "AAA"])
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_hash_changes_with(change: Change, frame: pl.DataFrame) -> None:
    assert data_hash(change(frame)) != data_hash(frame)


def test_the_hash_is_that_of_these_bytes(frame: pl.DataFrame) -> None:
    # Fixed, so that a new release of polars cannot change what a stored hash means.
    assert data_hash(frame) == ("868325a6e3b23cc9330caf04239e45274df61b4b53006c4a224984a1115cbbfc")


def test_the_hash_does_not_change_with_how_the_frame_is_held(
    frame: pl.DataFrame, tmp_path: Path
) -> None:
    expected = data_hash(frame)
    path = tmp_path / "frame.parquet"
    for compression in ("zstd", "uncompressed"):
        frame.write_parquet(path, compression=compression)
        assert data_hash(pl.read_parquet(path)) == expected
    in_pieces = pl.concat([frame.head(1), frame.tail(2)], rechunk=False)
    assert in_pieces.n_chunks() == 2
    assert data_hash(in_pieces) == expected
    assert data_hash(frame.clone()) == expected
