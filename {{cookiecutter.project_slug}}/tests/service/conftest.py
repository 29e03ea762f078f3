"""The trained champion behind HTTP."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from flight_delay.bundle import Bundle, load
from flight_delay.champion import read_champion
from flight_delay.service.app import create_app
from flight_delay.settings import Settings

POLL_SECONDS = 0.02
"""So that a test need not wait for the service to look again."""


@pytest.fixture(scope="package", autouse=True)
def _log_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the services of these tests log out of the trained folder, which others copy."""
    with pytest.MonkeyPatch.context() as patch:
        log = tmp_path_factory.mktemp("log") / "predictions.db"
        patch.setenv("APP_LOG_URL", f"sqlite:///{log}")
        yield


@pytest.fixture(scope="session")
def bundle(trained: Settings) -> Bundle:
    """Return the trained champion."""
    champion = read_champion(trained.models)
    assert champion is not None
    return load(trained.models / champion.version)


@pytest.fixture(scope="module")
def client(trained: Settings) -> Iterator[TestClient]:
    """Return a client of a service that answers from the trained champion."""
    with TestClient(create_app(Settings(home=trained.home))) as client:
        yield client


@pytest.fixture
def home(trained: Settings, tmp_path: Path) -> Settings:
    """Return the settings of a folder with a copy of the bundles and a log of its own."""
    shutil.copytree(trained.models, tmp_path / "models")
    return Settings(home=tmp_path, poll_seconds=POLL_SECONDS, log_url=None)
