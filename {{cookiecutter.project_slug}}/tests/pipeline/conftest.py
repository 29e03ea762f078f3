"""A small project in production: few flights, a champion, and a log of forty labelled days."""

import shutil
import sys
from pathlib import Path

import polars as pl
import pytest

from flight_delay.cli import main
from flight_delay.pipeline import run_train
from flight_delay.promotion import run_promote
from flight_delay.settings import Settings

from ..conftest import silent  # noqa: TID252 - what the tests share
from .production import RESAMPLES, TODAY, fill_log, on, store_table
from .typed import Ran, Run


@pytest.fixture(scope="session")
def in_production(tmp_path_factory: pytest.TempPathFactory, table: pl.DataFrame) -> Path:
    """Return the folder of a project that has answered for forty days; no test may change it."""
    home = tmp_path_factory.mktemp("production")
    settings = Settings(home=home, resamples=RESAMPLES)
    store_table(settings, table)
    run_train(settings, silent)
    assert run_promote(settings).champion is not None
    fill_log(settings, table)
    return home


@pytest.fixture
def alive(in_production: Path, tmp_path: Path) -> Settings:
    """Return the settings of a copy of that project, on the day on which it is to be retrained."""
    home = tmp_path / "alive"
    shutil.copytree(in_production, home)
    return on(Settings(home=home, resamples=RESAMPLES, clock_file=home / "clock"), TODAY)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that types a command in a folder, with settings in the environment."""

    def typed(home: Path, *arguments: str, **environment: str) -> Ran:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(home)
            patch.setattr(sys, "argv", ["the-program", *arguments])
            for name, value in ({"APP_HOME": str(home)} | environment).items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as exited:
                main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return Ran(int(exited.value.code or 0), printed.out, printed.err)

    return typed
