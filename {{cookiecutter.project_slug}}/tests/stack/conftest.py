"""What the tests of the stack share: a project's files, and a stand-in for Docker."""

import shutil
from pathlib import Path

import pytest

from flight_delay.settings import Settings
from flight_delay.stack import watch

from ..conftest import free_port  # noqa: TID252 - what the tests share
from .docker_stand_in import PORTS, Docker

ROOT = Path(__file__).parents[2]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Return the stand-in, first on the PATH, and free ports for all."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    for name in PORTS:
        monkeypatch.setenv(name, str(free_port()))
    # A test that fails should not take a quarter of an hour.
    monkeypatch.setattr(watch, "PATIENCE_SECONDS", 30)
    return Docker(folder)


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """Return the settings of a folder that holds the project's files for the stack."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("compose.yaml", "Dockerfile", "pyproject.toml"):
        shutil.copy(ROOT / name, home)
    return Settings(home=home)
