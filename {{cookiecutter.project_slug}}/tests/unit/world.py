"""A tiny world of flights in which every feature can be worked out by hand."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from flight_delay.features import build_table

NOON = datetime(2013, 4, 1, 12)  # noqa: DTZ001 - UTC by convention
"""When the flight that is asked about is scheduled; it is asked about at ten."""

FLIGHT_TYPES: dict[str, Any] = {
    "carrier": pl.String,
    "flight_number": pl.Int64,
    "origin": pl.String,
    "destination": pl.String,
    "tail_number": pl.String,
    "distance": pl.Int64,
    "scheduled_at": pl.Datetime("us"),
    "day": pl.Date,
    "scheduled_minute": pl.Int64,
    "delay": pl.Int64,
}


def at(hour: int, minute: int = 0) -> datetime:
    """Return a time of the day, UTC."""
    return NOON + timedelta(hours=hour - NOON.hour, minutes=minute)


def flight(
    scheduled_at: datetime, delay: int | None, carrier: str = "UA", origin: str = "EWR"
) -> dict[str, Any]:
    """Return one flight."""
    return {
        "carrier": carrier,
        "flight_number": 1,
        "origin": origin,
        "destination": "ORD",
        "tail_number": "N1",
        "distance": 719,
        "scheduled_at": scheduled_at,
        "day": scheduled_at.date(),
        "scheduled_minute": (scheduled_at.hour - 4) * 60 + scheduled_at.minute,
        "delay": delay,
    }


def reading(observed_at: datetime, wind_speed: float, origin: str = "EWR") -> dict[str, Any]:
    """Return one reading of the weather."""
    return {
        "origin": origin,
        "observed_at": observed_at,
        "wind_speed": wind_speed,
        "wind_gust": None,
        "precipitation": 0.0,
        "visibility": 10.0,
    }


def asked(
    *others: dict[str, Any],
    weather: tuple[dict[str, Any], ...] = (),
    carrier: str = "UA",
    origin: str = "EWR",
    day: date | None = None,
) -> dict[str, Any]:
    """Return the row of the table for a flight scheduled at 12:30, given the other flights."""
    own = flight(at(12, 30), 0, carrier, origin) | {"destination": "ASK"}
    flights = pl.DataFrame([own | ({"day": day} if day else {}), *others], schema=FLIGHT_TYPES)
    readings = pl.DataFrame([reading(at(0), 1.0), *weather])
    readings = readings.with_columns(pl.col("observed_at").cast(pl.Datetime("us")))
    planes = pl.DataFrame({"tail_number": ["N1"], "aircraft_seats": [149]})
    table = build_table(flights, readings, planes)
    (row,) = table.filter(destination="ASK").to_dicts()
    return row
