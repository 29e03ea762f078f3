"""The trained champion behind HTTP."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from flight_delay.bundle import Bundle, load
from flight_delay.champion import read_champion
from flight_delay.service.app import create_app
from flight_delay.settings import Settings

from .bundles import sibling
from .registry_stand_in import Registry, stand_in

OUTSIDE = os.environ.get("SERVICE_URL", "")
"""A service that runs elsewhere, such as in a container, and is to be asked instead."""
OUTSIDE_KEY = os.environ.get("SERVICE_KEY", "")
"""A key of it."""
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
def client(request: pytest.FixtureRequest) -> Iterator[TestClient | httpx2.Client]:
    """Return a client of a service that answers from the trained champion, or of one outside."""
    if OUTSIDE:
        with httpx2.Client(base_url=OUTSIDE, headers={"X-API-Key": OUTSIDE_KEY}) as outside:
            yield outside
        return
    trained: Settings = request.getfixturevalue("trained")
    with TestClient(create_app(Settings(home=trained.home))) as client:
        yield client


@pytest.fixture
def home(trained: Settings, tmp_path: Path) -> Settings:
    """Return the settings of a folder with a copy of the bundles and a log of its own."""
    shutil.copytree(trained.models, tmp_path / "models")
    return Settings(home=tmp_path, poll_seconds=POLL_SECONDS, log_url=None)


@pytest.fixture
def registry(home: Settings, bundle: Bundle) -> Iterator[Registry]:
    """Return a registry whose champion is the trained one."""
    with stand_in() as registry:
        registry.champion = home.models / bundle.version
        yield registry


@pytest.fixture
def follower(registry: Registry, tmp_path: Path) -> Settings:
    """Return the settings of a service with a folder of its own that has no model yet."""
    own = tmp_path / "follower"
    own.mkdir()
    return Settings(
        home=own,
        poll_seconds=POLL_SECONDS,
        log_url=None,
        tracking_uri=registry.address,
        follow_registry=True,
    )


@pytest.fixture
def second(home: Settings, bundle: Bundle) -> Path:
    """Return a second valid bundle, which the registry does not name yet."""
    return home.models / sibling(home.models / bundle.version, threshold=0.4)
