"""Spans of whole days."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from flight_delay.contract import DAY

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A span of days, both ends included."""

    first: date
    last: date

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of these days."""
        return rows.filter(pl.col(DAY).is_between(self.first, self.last))


def back(last: date, days: int) -> Span:
    """Return the span of so many days that ends with `last`."""
    return Span(last - timedelta(days=days - 1), last)
