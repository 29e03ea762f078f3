"""What a service would have logged: real flights after launch, and what became of them."""

import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import repeat

import polars as pl

from flight_delay.bundle import load
from flight_delay.champion import read_champion
from flight_delay.clock import set_clock
from flight_delay.contract import DAY, TARGET, field_names
from flight_delay.data import FACTS_FILE, TABLE_FILE, data_hash
from flight_delay.model import as_arrays
from flight_delay.prediction_log import Entry, PredictionLog, open_log
from flight_delay.settings import Settings

RESAMPLES = 100
THINNED = 8
"""Of so many rows of the history one is kept: what is tested does not hang on their number."""
A_DAY = 300
DAYS = 40
TODAY = date(2013, 5, 14)
"""Outcomes are complete for the days before 11 May: forty of them since launch."""


def store_table(settings: Settings, table: pl.DataFrame) -> None:
    """Store a part of the history, as the command `data` would store the whole."""
    history = table.filter(pl.col(DAY) < settings.launch).gather_every(THINNED)
    settings.data.mkdir(parents=True)
    history.write_parquet(settings.data / TABLE_FILE)
    facts = json.dumps({"data_hash": data_hash(history), "last_day": "2013-12-31"})
    (settings.data / FACTS_FILE).write_text(facts, encoding="utf-8")


def on(settings: Settings, day: date) -> Settings:
    """Set the clock of a project and return its settings."""
    assert settings.clock_file is not None
    set_clock(settings.clock_file, day)
    return settings


def traffic(settings: Settings, table: pl.DataFrame) -> pl.DataFrame:
    """Return the first flights of each day after launch, in order."""
    end = settings.launch + timedelta(days=DAYS)
    after = table.filter(pl.col(DAY).is_between(settings.launch, end, closed="left"))
    return after.filter(pl.int_range(pl.len()).over(DAY) % 3 == 0).filter(
        pl.int_range(pl.len()).over(DAY) < A_DAY
    )


def fill_log(settings: Settings, table: pl.DataFrame) -> None:
    """Log the traffic as the champion answers it, with the outcomes of all but the cancelled."""
    champion = read_champion(settings.models)
    assert champion is not None
    bundle = load(settings.models / champion.version)
    log = open_log(settings)
    for rows in traffic(settings, table).partition_by(DAY, maintain_order=True):
        probability = bundle.probabilities(as_arrays(rows)).tolist()
        log_day(log, rows, champion.version, probability)
    log.close()


def log_day(
    log: PredictionLog,
    rows: pl.DataFrame,
    version: str,
    probability: list[float],
    shadow: tuple[str, list[float]] | None = None,
) -> None:
    """Log the rows of one day as a version answered them, with their outcomes.

    `shadow` is another version and what it would have said.
    """
    day: date = rows[DAY][0]
    noon = datetime.combine(day, time(12), UTC)
    unheard, guesses = shadow or (None, repeat(None, rows.height))
    entries = [
        Entry(f"{version}-{day}-{row}", noon, version, said, said >= 0.25, features, unheard, guess)
        for row, (said, guess, features) in enumerate(
            zip(probability, guesses, rows.select(field_names()).to_dicts(), strict=True)
        )
    ]
    log.record(entries)
    outcomes = dict(zip((entry.request_id for entry in entries), rows[TARGET], strict=True))
    known = {name: outcome for name, outcome in outcomes.items() if outcome is not None}
    log.record_outcomes(known, noon + timedelta(days=3))
