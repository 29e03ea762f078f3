"""Frames that keep the contract, for a test to break."""

from datetime import date, datetime
from typing import Any

import polars as pl

from flight_delay.contract import (
    DAY,
    FIELDS,
    SCHEDULED_AT,
    TARGET,
    Numeric,
    example,
)

SCHEMA: dict[str, Any] = {
    SCHEDULED_AT: pl.Datetime("us"),
    DAY: pl.Date,
    **{field.name: pl.Float32 if isinstance(field, Numeric) else pl.String for field in FIELDS},
    TARGET: pl.Boolean,
}


def frame(*changes: dict[str, Any]) -> pl.DataFrame:
    """Return a valid table with one row for each change that is applied to the example."""
    row = {
        SCHEDULED_AT: datetime(2013, 4, 1, 21, 45),  # noqa: DTZ001 - UTC by convention
        DAY: date(2013, 4, 1),
        **example(),
        TARGET: False,
    }
    return pl.DataFrame([row | change for change in changes or ({},)], schema=SCHEMA)
