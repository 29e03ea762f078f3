"""Real data, a real training run and a real champion, made once and shared by every test."""

# ruff: noqa: PLC0415 - a fixture imports what it needs: half of the tests train nothing, and wait
# for nothing that does
import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flight_delay.champion import read_champion
from flight_delay.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from flight_delay.data import RawTables
    from flight_delay.splits import Windows

RESAMPLES = 200
"""Fewer than in earnest: the tests do not depend on the last digit of an interval."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def champion_of(settings: Settings) -> str:
    """Return the champion's version; there must be one."""
    champion = read_champion(settings.models)
    assert champion is not None
    return champion.version


def silent(_line: str) -> None:
    """Receive the lines that long steps say."""


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> None:
    """Keep the settings of the person's shell out of the tests."""
    for name in list(os.environ):
        if name.startswith("APP_") or name == "MLFLOW_TRACKING_URI":
            del os.environ[name]


@pytest.fixture(scope="session")
def raw() -> "RawTables":
    """Return the raw tables, with impossible weather readings nulled as the pipeline does."""
    from flight_delay.data import RawTables, drop_impossible, read_raw

    tables = read_raw()
    weather, _ = drop_impossible(tables.weather)
    return RawTables(tables.flights, weather, tables.planes)


@pytest.fixture(scope="session")
def table(raw: "RawTables") -> "pl.DataFrame":
    """Return the table of the contract for the whole year."""
    from flight_delay.features import build_table

    return build_table(raw.flights, raw.weather, raw.planes)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a folder in which a challenger was trained and promoted; read only."""
    from flight_delay import pipeline, promotion

    settings = Settings(home=tmp_path_factory.mktemp("trained"), resamples=RESAMPLES)
    pipeline.run_data(settings, silent)
    pipeline.run_train(settings, silent)
    assert promotion.run_promote(settings).champion is not None
    return settings


@pytest.fixture(scope="session")
def windows(trained: Settings) -> "Windows":
    """Return the windows in time of the stored table."""
    from flight_delay.data import load_table
    from flight_delay.splits import split

    return split(load_table(trained), trained)


@pytest.fixture
def project(trained: Settings, tmp_path: Path) -> Settings:
    """Return the settings of a copy of the trained folder, for a test to change."""
    home = tmp_path / "project"
    shutil.copytree(trained.home, home, ignore=shutil.ignore_patterns("mlartifacts"))
    return Settings(home=home, resamples=RESAMPLES)
