"""What a service that follows a registry is seen to do."""

from pathlib import Path

import httpx2
from fastapi.testclient import TestClient

from flight_delay.contract import example
from flight_delay.registry_client import ALIAS_PATH
from flight_delay.settings import Settings

from .problems import assert_problem
from .registry_stand_in import Registry
from .running import sample, wait_until


def version_of(client: TestClient) -> str:
    """Return the version that answers a prediction."""
    version: str = client.post("/v1/predict", json=example()).json()["model_version"]
    return version


def wait_for(client: TestClient, folder: Path) -> None:
    """Wait until a bundle answers and there is nothing to warn of."""
    wait_until(lambda: sample(client, "model_info", version=folder.name) == 1)
    assert version_of(client) == folder.name
    assert client.get("/health/ready").json() == {"status": "ok"}
    assert sample(client, "model_champion_mismatch") == 0


def wait_for_polls(registry: Registry, count: int = 3) -> None:
    """Wait until the registry was asked some more times."""
    before = registry.asked.count(ALIAS_PATH)
    wait_until(lambda: registry.asked.count(ALIAS_PATH) >= before + count)


def reason_of(client: TestClient | httpx2.Client) -> str:
    """Return why there is no model."""
    detail: str = assert_problem(client.get("/health/ready"), 503)["detail"]
    return detail


def environment_of(follower: Settings, uri: str) -> dict[str, str]:
    """Return the settings of a service in a process of its own."""
    return {
        "APP_FOLLOW_REGISTRY": "true",
        "APP_POLL_SECONDS": str(follower.poll_seconds),
        "APP_LOG_URL": "",
        "MLFLOW_TRACKING_URI": uri,
    }
