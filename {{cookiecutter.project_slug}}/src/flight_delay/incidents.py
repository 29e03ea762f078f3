"""Incidents that befall data in production, to see whether monitoring finds them and names them.

Each takes rows of the table in order of time and injures those of the days from `start` until
before `end`. What comes out still keeps the contract, so no service refuses it.
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from flight_delay.contract import DAY

Incident = Callable[[pl.DataFrame, date, date], pl.DataFrame]

STATION = "origin"
"""The weather is read at each airport of departure."""
WIND = ("wind_speed", "wind_gust")
WEATHER = (*WIND, "precipitation", "visibility")

KILOMETRES_IN_A_MILE = 1.609344
CLOSED = "JFK"
UNSEEN = "ZZ"
UNSEEN_SHARE = 0.05
TOO_HIGH = 1.15
SEED = 2013


def unit_change(rows: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Let visibility come in kilometres instead of miles."""
    return _injure(rows, start, end, visibility=pl.col("visibility") * KILOMETRES_IN_A_MILE)


def dead_sensor(rows: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Let no wind be reported."""
    return _injure(rows, start, end, **dict.fromkeys(WIND, pl.lit(None)))


def closed_airport(rows: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Let nothing leave from one of the airports."""
    return rows.filter(~(_during(start, end) & (pl.col(STATION) == CLOSED)))


def frozen_feed(rows: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Let every reading of the weather stay what it last was at its airport."""
    before = rows.filter(pl.col(DAY) < start).group_by(STATION).last()
    last = before if before.height else rows.group_by(STATION).first()
    names = {name: f"last_{name}" for name in WEATHER}
    last = last.select(STATION, *WEATHER).rename(names)
    joined = rows.join(last, STATION, how="left", maintain_order="left")
    stuck = {name: pl.col(stale) for name, stale in names.items()}
    return _injure(joined, start, end, **stuck).drop(names.values())


def new_carrier(rows: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Let a share of the flights be those of an airline that was never seen."""
    drawn = np.random.default_rng(SEED).random(rows.height) < UNSEEN_SHARE
    carrier = pl.when(pl.Series(drawn)).then(pl.lit(UNSEEN)).otherwise("carrier")
    return _injure(rows, start, end, carrier=carrier)


def scale_error(rows: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Let wind be reported 15 % too high, which looks like weather to any contract."""
    return _injure(rows, start, end, **{name: pl.col(name) * TOO_HIGH for name in WIND})


INCIDENTS: dict[str, Incident] = {
    incident.__name__: incident
    for incident in (
        unit_change,
        dead_sensor,
        closed_airport,
        frozen_feed,
        new_carrier,
        scale_error,
    )
}


def _during(start: date, end: date) -> pl.Expr:
    return pl.col(DAY).is_between(start, end, closed="left")


def _injure(rows: pl.DataFrame, start: date, end: date, **injured: pl.Expr) -> pl.DataFrame:
    """Replace the values of columns on the days of the incident."""
    during = _during(start, end)
    return rows.with_columns(
        pl.when(during).then(value.cast(rows.schema[name])).otherwise(name).alias(name)
        for name, value in injured.items()
    )
