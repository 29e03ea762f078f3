"""The trained champion and real days of production, answered by it."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flight_delay.bundle import Bundle
from flight_delay.contract import DAY
from flight_delay.model import as_arrays
from flight_delay.monitoring.watched import open_bundle
from flight_delay.prediction_log import PredictionLog, open_log
from flight_delay.settings import Settings

from ..conftest import champion_of  # noqa: TID252 - what the tests share


@pytest.fixture(scope="session")
def bundle(trained: Settings) -> Bundle:
    """Return the trained champion."""
    return open_bundle(trained.models / champion_of(trained))[0]


@pytest.fixture(scope="session")
def reference(trained: Settings) -> dict[str, Any]:
    """Return its profile of January to March."""
    return open_bundle(trained.models / champion_of(trained))[1]


@pytest.fixture(scope="session")
def production(table: pl.DataFrame, bundle: Bundle) -> pl.DataFrame:
    """Return the rows of the table from launch on, with the champion's `probability`."""
    rows = table.filter(pl.col(DAY) >= date(2013, 4, 1))
    return rows.with_columns(probability=bundle.probabilities(as_arrays(rows)))


@pytest.fixture
def home(trained: Settings, tmp_path: Path) -> Settings:
    """Return the settings of a folder with the bundles, an empty log and a clock of its own."""
    shutil.copytree(trained.models, tmp_path / "models")
    return Settings(home=tmp_path, clock_file=tmp_path / "clock")


@pytest.fixture
def log(home: Settings) -> Iterator[PredictionLog]:
    """Return the log of that folder."""
    log = open_log(home)
    yield log
    log.close()
