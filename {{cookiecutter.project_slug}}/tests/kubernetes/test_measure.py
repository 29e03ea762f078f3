"""Measuring runs a real service and counts its work alone."""

import contextlib
import sqlite3
import subprocess
import sys

import pytest

from flight_delay.errors import ProjectError
from flight_delay.kubernetes.measure import Measured, MeasureError, measure
from flight_delay.settings import Settings

from ..conftest import silent  # noqa: TID252 - what the tests share

FEW = {1: 160, 100: 16}


@pytest.fixture(scope="module")
def measured(trained: Settings) -> Measured:
    return measure(trained, silent, FEW)


def test_a_row_in_a_batch_costs_a_fraction_of_a_request(measured: Measured) -> None:
    single, batch = (measured.cost(rows) for rows in FEW)
    assert 0 < batch.microseconds / 100 < single.microseconds / 2
    assert 0 < measured.log_row_microseconds < single.microseconds
    assert single.bytes_in > 300
    assert single.bytes_out > 100
    assert 50 * single.bytes_in < batch.bytes_in < 100 * single.bytes_in


def test_the_log_the_memory_and_the_day_are_those_of_this_project(measured: Measured) -> None:
    assert 400 < measured.log_row_bytes < 1500
    assert 60 < measured.resident_mb < 500
    assert sum(measured.hourly_share) == pytest.approx(1, abs=1e-3)
    assert max(measured.hourly_share) == measured.hourly_share[12]
    assert measured.hourly_share[6] == 0


def test_the_projects_own_log_is_left_alone(measured: Measured, trained: Settings) -> None:
    assert measured.cores > 0
    with contextlib.closing(sqlite3.connect(trained.home / "predictions.db")) as log:
        assert log.execute("SELECT count(*) FROM predictions").fetchone() == (0,)


def test_without_a_table_or_a_champion_it_says_what_to_run(
    trained: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("empty")
    with pytest.raises(ProjectError, match="run the command `data` first"):
        measure(Settings(home=home), silent)
    (home / "data").symlink_to(trained.data)
    with pytest.raises(MeasureError, match="no champion to measure: run the command `promote`"):
        measure(Settings(home=home), silent)


def test_the_commands_are_there() -> None:
    command = [sys.executable, "-m", "flight_delay.kubernetes", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "measure" in shown
    assert "write" in shown
