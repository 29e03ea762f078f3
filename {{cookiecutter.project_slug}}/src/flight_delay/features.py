"""From flights, weather and aircraft to features: pure functions, point in time.

A flight is scored two hours ahead: the *cut-off* is its scheduled hour minus `HORIZON`. Nothing
that happens later may reach a feature, so a flight that has not left by the cut-off counts with
the delay it has so far, whatever becomes of it, and weather is the last complete hourly reading.

Two things are assumed known ahead: the schedule of the day and which aircraft will fly.
"""

from datetime import timedelta

import polars as pl

from flight_delay.contract import (
    DAY,
    LATE_AFTER_MINUTES,
    SCHEDULED_AT,
    TARGET,
    field_names,
    numeric_fields,
)

HORIZON = timedelta(hours=2)
HISTORY_HOURS = 3
AIRLINE = ["origin", "carrier"]
ORDER = [SCHEDULED_AT, "origin", "carrier", "destination", "flight_number"]
"""An order without ties, so that the same flights always make the same table."""
WEATHER_LAG = timedelta(hours=1)
"""A reading is labelled with the hour in which it is made, so that hour has to be over."""


def build_table(
    flights: pl.DataFrame,
    weather: pl.DataFrame,
    planes: pl.DataFrame,
    horizon: timedelta = HORIZON,
) -> pl.DataFrame:
    """Build the table of the contract: keys, features and target, one row a flight.

    Args:
        flights: one row a scheduled flight: carrier, flight_number, origin, destination,
            tail_number, distance (mi), scheduled_at (UTC), day and scheduled_minute (local),
            delay (min, null when the flight never left).
        weather: one row an airport and hour: origin, observed_at (UTC), then readings.
        planes: one row an aircraft: tail_number, aircraft_seats.
        horizon: how long before the scheduled hour the question is asked.

    Returns:
        A frame with `scheduled_at`, `day`, the fields of the contract (numbers as float32) and
        `late` (null when the flight never left), ordered by time.

    Raises:
        polars.exceptions.ComputeError: when a reading or an aircraft is there twice.
    """
    hour = pl.col(SCHEDULED_AT).dt.truncate("1h")
    asked = flights.with_columns(hour=hour, cutoff=hour - horizon)
    seen = _seen_at_cutoff(asked)
    table = (
        asked.with_columns(
            weekday=pl.col(DAY).dt.weekday(),
            flights_in_hour=pl.len().over("origin", "hour"),
            observed_at=pl.col("cutoff") - WEATHER_LAG,
            late=pl.col("delay") > LATE_AFTER_MINUTES,
        )
        .join(_recent(seen, "airport", ["origin"]), on=["origin", "cutoff"], how="left")
        .join(_recent(seen, "carrier", AIRLINE), on=[*AIRLINE, "cutoff"], how="left")
        .join(_recent(seen, "city", []), on=["cutoff"], how="left")
        .join(weather, on=["origin", "observed_at"], how="left", validate="m:1")
        .join(planes, on="tail_number", how="left", validate="m:1")
        .sort(ORDER)
    )
    return as_contract(table)


def as_contract(frame: pl.DataFrame) -> pl.DataFrame:
    """Select keys, fields and target in order, with numbers as float32."""
    table = frame.select(SCHEDULED_AT, DAY, *field_names(), TARGET)
    return table.with_columns(pl.col(field.name).cast(pl.Float32) for field in numeric_fields())


def _seen_at_cutoff(flights: pl.DataFrame) -> pl.DataFrame:
    """Return each flight once for every cut-off that looks back on it, with its delay so far."""
    copies = [
        flights.select(
            "origin",
            "carrier",
            "delay",
            SCHEDULED_AT,
            cutoff=pl.col("hour") + timedelta(hours=ago),
        )
        for ago in range(1, HISTORY_HOURS + 1)
    ]
    waited = (pl.col("cutoff") - pl.col(SCHEDULED_AT)).dt.total_minutes()
    # min_horizontal skips nulls: a flight that never leaves is one that is still waiting.
    return pl.concat(copies).with_columns(delay_so_far=pl.min_horizontal("delay", waited))


def _recent(seen: pl.DataFrame, scope: str, keys: list[str]) -> pl.DataFrame:
    """Aggregate delays so far by cut-off and the given keys, in columns named after the scope."""
    late_so_far = pl.col("delay_so_far") > LATE_AFTER_MINUTES
    return seen.group_by(*keys, "cutoff").agg(
        pl.col("delay_so_far").mean().alias(f"{scope}_delay"),
        late_so_far.mean().alias(f"{scope}_late_share"),
    )
