"""Where nothing changes, nothing is done: the rows of the whole year in a random order."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from flight_delay.bundle import load
from flight_delay.champion import crown
from flight_delay.clock import set_clock
from flight_delay.contract import DAY, TARGET, field_names
from flight_delay.export import export_bundle
from flight_delay.model import as_arrays
from flight_delay.monitoring.drift import drifted
from flight_delay.monitoring.observe import observe
from flight_delay.prediction_log import open_log
from flight_delay.settings import Settings
from flight_delay.splits import split
from flight_delay.train import train

from ..conftest import RESAMPLES, silent  # noqa: TID252 - what the tests share
from .logged import noon, record

WINDOWS = 30
APART = 8
ROWS_A_DAY = 200
FIRST = date(2013, 5, 6)


@pytest.fixture(scope="module")
def shuffled(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with its rows dealt to the days anew, so that no day is like another."""
    columns = [*field_names(), TARGET]
    order = np.random.default_rng(1).permutation(table.height)
    return table.drop(columns).hstack(table.select(columns)[order])


@pytest.fixture(scope="module")
def reports(
    shuffled: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """Return what the monitor reports of thirty weeks, a training always having been recent."""
    home = tmp_path_factory.mktemp("shuffled")
    settings = Settings(home=home, resamples=RESAMPLES, clock_file=home / "clock")
    windows = split(shuffled, settings)
    bundle = load(export_bundle(train(windows, settings, silent), windows, settings))
    crown(settings.models, bundle.version, "the first")
    rows = shuffled.filter(pl.col(DAY) >= settings.launch)
    rows = rows.filter(pl.int_range(pl.len()).over(DAY) < ROWS_A_DAY)
    rows = rows.with_columns(probability=bundle.probabilities(as_arrays(rows)))
    log = open_log(settings)
    record(log, rows, bundle.version, bundle.manifest.threshold)
    found = []
    for number in range(WINDOWS):
        today = FIRST + timedelta(days=APART * number)
        set_clock(home / "clock", today)
        # Neither due by the schedule nor within the cooldown: whatever is done now is done early.
        log.record_event("retrain", {}, noon(today - timedelta(days=settings.cooldown_days + 1)))
        found.append(observe(settings, log))
    log.close()
    return found


def test_there_is_no_early_retraining_and_at_most_one_warning(
    reports: list[dict[str, Any]],
) -> None:
    actions = Counter(report["decision"]["action"] for report in reports)
    assert all(report["quality"]["enough"] for report in reports)
    assert set(actions) <= {"nothing", "warn"}
    assert actions["warn"] <= 1


def test_nothing_drifts(reports: list[dict[str, Any]]) -> None:
    assert all(report["drift"]["enough"] for report in reports)
    assert [drifted(report["drift"]) for report in reports] == [[]] * WINDOWS


def test_no_window_of_quality_is_breached(reports: list[dict[str, Any]]) -> None:
    windows = [window for report in reports for window in report["windows"]]
    assert len(windows) == 3 * WINDOWS
    assert not any(window["breached"] for window in windows)
