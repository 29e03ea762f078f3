"""A service that follows a real MLflow server: the first champion, the next, and the way back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from flight_delay.bundle import Bundle, load
from flight_delay.contract import example
from flight_delay.registry import promote, register, rollback
from flight_delay.settings import Settings
from flight_delay.tracking import log_run

from ..conftest import RESAMPLES, champion_of  # noqa: TID252 - what the tests share
from ..pipeline.mlflow_server import Server, started  # noqa: TID252 - what the tests share
from .bundles import sibling
from .callers import asking
from .problems import assert_problem
from .running import sample, serving, wait_until

POLL_SECONDS = 0.1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Run a real MLflow server."""
    with started(tmp_path / "server") as server:
        yield server


@pytest.fixture
def trainer(trained: Settings, server: Server, tmp_path: Path) -> Settings:
    """Return the settings of the machine that trains: its champion is not registered yet."""
    home = tmp_path / "trainer"
    shutil.copytree(trained.models, home / "models")
    return Settings(home=home, resamples=RESAMPLES, tracking_uri=server.address)


@pytest.fixture
def follower(server: Server, tmp_path: Path) -> Settings:
    """Return the settings of a machine that serves, and has no model."""
    home = tmp_path / "follower"
    home.mkdir()
    return Settings(
        home=home, poll_seconds=POLL_SECONDS, tracking_uri=server.address, follow_registry=True
    )


def crown(trainer: Settings) -> None:
    """Promote the challenger whatever the gates say."""
    assert promote(trainer, force="it is a test").champion is not None


def publish(trainer: Settings, bundle: Bundle) -> None:
    """Register a bundle and promote it."""
    register(trainer, bundle, log_run(trainer, bundle, {}, {}))
    crown(trainer)


def wait_for(client: httpx2.Client, version: str) -> None:
    """Wait until a version answers."""
    wait_until(lambda: client.get("/v1/model").json().get("version") == version, 30)


def test_promotion_rollback_and_an_outage_reach_a_service_that_loses_no_request(
    trainer: Settings, follower: Settings, server: Server, bundle: Bundle
) -> None:
    with serving(follower) as url, httpx2.Client(base_url=url) as client:
        absent = f"the registry at {server.address} has no champion yet"
        # The first request to a server that is new takes it seconds.
        wait_until(lambda: absent in assert_problem(client.get("/health/ready"), 503)["detail"], 30)
        publish(trainer, bundle)
        wait_for(client, bundle.version)
        assert champion_of(follower) == bundle.version

        second = load(trainer.models / sibling(trainer.models / bundle.version, threshold=0.99))
        register(trainer, second, log_run(trainer, second, {}, {}))
        with asking(url) as told:
            crown(trainer)
            wait_for(client, second.version)
            rollback(trainer, "it answers oddly")
            wait_for(client, bundle.version)
        assert told.refused == []

        server.stop()
        wait_until(lambda: sample(client, "registry_failures_total") > 2)
        answer = client.post("/v1/predict", json=example())
        assert answer.json()["model_version"] == bundle.version
        server.start()
        crown(trainer)
        wait_for(client, second.version)
        assert client.get("/health/ready").json() == {"status": "ok"}
    assert champion_of(follower) == champion_of(trainer) == second.version
    assert load(follower.models / second.version).version == second.version
