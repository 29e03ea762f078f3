"""What a retraining may learn from: all of the past, as it was asked, and nothing still open."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from flight_delay.contract import DAY, TARGET, example, field_names
from flight_delay.data import load_table
from flight_delay.monitoring.watched import open_bundle
from flight_delay.past import blocked_days, past
from flight_delay.prediction_log import (
    Entry,
    PredictionLog,
    open_log,
    predictions,
)
from flight_delay.settings import Settings
from flight_delay.validation import ContractError

from ..conftest import champion_of  # noqa: TID252 - what the tests share
from .production import TODAY, traffic

NOON = datetime(2013, 4, 5, 12, tzinfo=UTC)
COLUMNS = [DAY, *field_names(), TARGET]


@pytest.fixture
def log(alive: Settings) -> Iterator[PredictionLog]:
    """Return the log of the project in production."""
    opened = open_log(alive)
    yield opened
    opened.close()


def labelled(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with an outcome as a training sees them."""
    return rows.filter(pl.col(TARGET).is_not_null()).select(COLUMNS)


def learned(settings: Settings, log: PredictionLog, today: date) -> pl.DataFrame:
    """Return what a training learns from, with the profile of the present champion."""
    rows, _ = past(settings, log, today, reference(settings))
    return rows


def reference(settings: Settings) -> dict[str, Any]:
    """Return the profile of what the champion was trained on."""
    _, profile = open_bundle(settings.models / champion_of(settings))
    return profile


def test_it_is_the_history_and_what_the_service_saw_to_the_last_digit(
    alive: Settings, log: PredictionLog, table: pl.DataFrame
) -> None:
    found = learned(alive, log, TODAY)
    history, seen = labelled(load_table(alive)), labelled(traffic(alive, table))
    assert found.equals(pl.concat([history, seen]))
    assert (history.height, seen.height) == (9781, 11_576)
    assert found.schema == history.schema


def test_days_whose_outcomes_are_not_complete_are_left_out(
    alive: Settings, log: PredictionLog
) -> None:
    found = learned(alive, log, date(2013, 4, 20))
    assert found[DAY].max() == date(2013, 4, 16), "outcomes take three days, and today is not over"
    sooner = alive.model_copy(update={"label_delay_days": 0})
    assert learned(sooner, log, date(2013, 4, 20))[DAY].max() == date(2013, 4, 19)


def test_history_begins_where_the_settings_say(alive: Settings, log: PredictionLog) -> None:
    later = alive.model_copy(update={"fit_from": date(2013, 2, 1)})
    assert learned(later, log, TODAY)[DAY].min() == date(2013, 2, 1)


def test_days_that_a_broken_contract_blocks_are_not_learned_from(
    alive: Settings, log: PredictionLog
) -> None:
    broken = {date(2013, 4, 9): True, date(2013, 4, 10): False, date(2013, 4, 8): True}
    for day, blocks in broken.items():
        event = {"day": str(day), "blocks": blocks, "reasons": ["a sensor is dead"]}
        log.record_event("broken_day", event, NOON)
    assert blocked_days(log) == [date(2013, 4, 8), date(2013, 4, 9)]
    days = set(learned(alive, log, TODAY)[DAY])
    assert days.isdisjoint({date(2013, 4, 8), date(2013, 4, 9)})
    assert date(2013, 4, 10) in days


def test_a_broken_day_that_no_monitor_saw_is_not_learned_from_either(
    alive: Settings, log: PredictionLog
) -> None:
    broken = date(2013, 4, 9)
    with log.engine.begin() as connection:
        silent = sa.func.json_set(predictions.c.features, "$.wind_speed", sa.null())
        connection.execute(
            sa.update(predictions).where(predictions.c.day == broken).values(features=silent)
        )
    assert blocked_days(log) == []
    rows, blocked = past(alive, log, TODAY, reference(alive))
    assert blocked == [broken]
    assert broken not in set(rows[DAY])
    assert date(2013, 4, 8) in set(rows[DAY])


def test_a_logged_row_that_breaks_the_contract_is_found_before_anything_is_fitted(
    alive: Settings, log: PredictionLog
) -> None:
    entry = Entry("far", NOON, "a" * 12, 0.2, prediction=False, features=example())
    log.record([entry._replace(features=example() | {"distance": 1e6})])
    log.record_outcomes({"far": True}, NOON + timedelta(days=1))
    with pytest.raises(ContractError, match=r"column 'distance': value '1000000.0' breaks"):
        learned(alive, log, TODAY)
