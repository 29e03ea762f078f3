"""The data contract: the one place that names a field.

Frame validation, the request schema, the ONNX inputs, the MLflow signature and the model card
are all derived from `FIELDS` and the words about the target, so this module is plain data and
imports none of them. To bring other data, edit this file and `data.py` and `features.py`; the rest
follows.
"""

from dataclasses import dataclass
from typing import Any

MISSING = "missing"
"""The token that stands for an absent string, in training and in serving alike."""


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number, stored and served as float32, in an inclusive range of what is possible at all."""

    name: str
    description: str
    unit: str
    minimum: float
    maximum: float
    example: float | None
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Categorical:
    """A string.

    With `categories` the set is closed and any other value is an error. Without, the set is
    open: a value must only look right (`pattern`, a regular expression for the whole string), and
    one that training never saw is accepted and scored as unknown.
    """

    name: str
    description: str
    example: str | None
    pattern: str
    categories: tuple[str, ...] = ()
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A number that is never under another one of the same row; `words` say why."""

    greater: str
    lesser: str
    words: str


Field = Numeric | Categorical

AIRLINE_CODE = r"^[A-Z0-9]{2}$"
AIRPORT_CODE = r"^[A-Z]{3}$"

FIELDS: tuple[Field, ...] = (
    Categorical("carrier", "Airline, IATA code", "UA", AIRLINE_CODE),
    Categorical(
        "origin", "Airport of departure, IATA code", "EWR", AIRPORT_CODE, ("EWR", "JFK", "LGA")
    ),
    Categorical("destination", "Airport of arrival, IATA code", "ORD", AIRPORT_CODE),
    Numeric("scheduled_minute", "Scheduled departure, local time", "min of day", 0, 1439, 1065),
    Numeric("weekday", "Day of the week, local: 1 Monday to 7 Sunday", "day", 1, 7, 5),
    Numeric("distance", "Great-circle distance to the destination", "mi", 10, 10_000, 719),
    Numeric("aircraft_seats", "Seats of the aircraft", "seat", 1, 900, 149, nullable=True),
    Numeric(
        "flights_in_hour", "Flights scheduled at this airport in this hour", "flight", 1, 200, 24
    ),
    Numeric(
        "airport_delay",
        "Mean delay so far at this airport, three full hours before the cut-off",
        "min",
        -60,
        3000,
        18.5,
        nullable=True,
    ),
    Numeric(
        "airport_late_share",
        "Share of those flights already more than 15 minutes late",
        "share",
        0,
        1,
        0.31,
        nullable=True,
    ),
    Numeric(
        "carrier_delay",
        "Mean delay so far of this airline at this airport, same hours",
        "min",
        -60,
        3000,
        22.0,
        nullable=True,
    ),
    Numeric(
        "city_delay",
        "Mean delay so far at all three airports, same hours",
        "min",
        -60,
        3000,
        15.2,
        nullable=True,
    ),
    Numeric("wind_speed", "Wind speed", "mph", 0, 150, 13.8, nullable=True),
    Numeric("wind_gust", "Speed of gusts", "mph", 0, 200, 24.2, nullable=True),
    Numeric("precipitation", "Rain or snow in the hour", "in", 0, 6, 0.0, nullable=True),
    Numeric("visibility", "Visibility", "mi", 0, 20, 10.0, nullable=True),
)
"""What the model is asked, in the order in which it is asked."""

RELATIONS: tuple[AtLeast, ...] = (
    AtLeast("wind_gust", "wind_speed", "a gust is at least as fast as the wind"),
)
"""What holds between fields of a row by their nature; where it fails, a source is broken."""

TARGET = "late"
TARGET_DESCRIPTION = "the flight leaves more than 15 minutes after its scheduled time"
LATE_AFTER_MINUTES = 15

ROWS = "flights"
"""What a row of the table is, in the plural."""
OUTCOME = "left late"
"""What a row with the target did, in words that may follow "that"."""
SUBJECT = "flights from New York (EWR, JFK, LGA), two hours ahead of the scheduled hour"
"""What is predicted for and when, for the model card; the period comes from the data."""
LIMITS: tuple[str, ...] = (
    "Cancelled flights have no outcome and are not learned from.",
    "Three airports: nothing is known of departures from another one.",
    "Two hours ahead, with no weather forecast: a storm that arrives later is not foreseen.",
    "The aircraft and the schedule of the day are assumed known.",
    "Meant for planning by passengers and staff. Not meant for decisions about safety or people.",
)
"""What the model card warns of, a sentence or two each."""

SCHEDULED_AT = "scheduled_at"
"""Key column of the table: scheduled departure, UTC. Never an input of the model."""
DAY = "day"
"""Key column of the table: local date of departure, the unit that is resampled."""

SLICES: tuple[str, ...] = ("carrier", "origin")
"""Fields by which quality is reported separately; month is added from `DAY`."""


def numeric_fields() -> tuple[Numeric, ...]:
    """Return the numeric fields in contract order."""
    return tuple(field for field in FIELDS if isinstance(field, Numeric))


def categorical_fields() -> tuple[Categorical, ...]:
    """Return the categorical fields in contract order."""
    return tuple(field for field in FIELDS if isinstance(field, Categorical))


def field_names() -> tuple[str, ...]:
    """Return every input name in contract order."""
    return tuple(field.name for field in FIELDS)


def example() -> dict[str, Any]:
    """Return one valid row, as a caller of the service would send it."""
    return {field.name: field.example for field in FIELDS}
