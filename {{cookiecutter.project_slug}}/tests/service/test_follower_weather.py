"""A registry that does not say who is champion: what answered answers on, and one line says why."""

import json
import signal
from urllib.parse import quote

import httpx2
import pytest
from fastapi.testclient import TestClient

from flight_delay.service.app import create_app
from flight_delay.settings import Settings

from .following import environment_of, reason_of, wait_for, wait_for_polls
from .processes import running
from .registry_stand_in import PASSWORD, USER, Registry, Weather, hung_up, status
from .running import sample, wait_until

SILENT: dict[str, tuple[Weather, str]] = {
    "an error": (status(500, b"boom"), "answers 500 when asked for the champion: its own log"),
    "credentials": (status(401), "does not know these credentials (401): set MLFLOW_TRACKING_URI"),
    "no permission": (status(403, b"Permission denied\n"), "forbids it (403, Permission denied)"),
    "another server": (status(404, b"<html>nothing here"), "has not the champion (404)"),
    "a page": (status(200, b"<html>hello"), "is no MLflow server: set MLFLOW_TRACKING_URI"),
    "other words": (status(200, b'{"model_version": 1}'), "is no MLflow server"),
    "a redirection": (status(302), "answers 302"),
    "no answer": (hung_up, "does not answer (Server disconnected without sending a response.)"),
    "no model": (
        status(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}'),
        "has no champion yet: run the commands `train` and `promote`",
    ),
    "no alias": (status(400, b'{"error_code": "INVALID_PARAMETER_VALUE"}'), "has no champion yet"),
}


@pytest.mark.parametrize(("weather", "said"), SILENT.values(), ids=SILENT)
def test_a_registry_that_does_not_say_leaves_the_champion_and_says_why_there_is_none(
    registry: Registry, follower: Settings, weather: Weather, said: str
) -> None:
    assert registry.champion is not None
    registry.weather = weather
    with TestClient(create_app(follower)) as client:
        wait_until(lambda: said in reason_of(client))
        assert registry.address in reason_of(client)
        assert "\n" not in reason_of(client)
        registry.weather = None
        wait_for(client, registry.champion)
        failures = sample(client, "registry_failures_total")
        registry.weather = weather
        wait_until(lambda: sample(client, "registry_failures_total") > failures + 2)
        wait_for(client, registry.champion)
        assert sample(client, "model_swaps_total") == 1
    # A service that starts now answers from what was taken before.
    with TestClient(create_app(follower)) as client:
        wait_for(client, registry.champion)


@pytest.mark.parametrize("tag", ["", "../elsewhere", "a b", "/tmp"])  # noqa: S108 - a tag, no file
def test_a_tag_that_is_no_version_never_becomes_a_path(
    registry: Registry, follower: Settings, tag: str
) -> None:
    registry.tag = tag
    with TestClient(create_app(follower)) as client:
        wait_until(lambda: f"names no bundle (its tag 'bundle' is {tag!r})" in reason_of(client))
    assert registry.downloads() == 0


def test_credentials_are_sent_and_never_shown_and_a_reason_is_said_once(
    registry: Registry, follower: Settings
) -> None:
    registry.locked = True
    credentials = f"{USER}:{quote(PASSWORD, safe='')}"
    environment = environment_of(follower, registry.with_credentials(credentials))
    with (
        running(follower.home, **environment) as service,
        httpx2.Client(base_url=service.url) as client,
    ):
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        for weather in (status(401), status(500, PASSWORD.encode()), hung_up, None):
            registry.weather = weather
            wait_for_polls(registry, 5)
        shown = [client.get(path).text for path in ("/health/ready", "/metrics", "/v1/model")]
        assert service.end(signal.SIGTERM) == 0
    said = [json.loads(line) for line in service.lines]
    results = [one["result"] for one in said if one["event"] == "registry"]
    assert results == ["failing", "failing", "failing", "working again"]
    for text in (*service.lines, *shown):
        assert PASSWORD not in text
        assert quote(PASSWORD, safe="") not in text
    assert len(said) < 15, "not a line for each request"


def test_wrong_credentials_are_a_reason_without_them(
    registry: Registry, follower: Settings
) -> None:
    registry.locked = True
    uri = registry.with_credentials("bob:wrong-one")
    with TestClient(create_app(follower.model_copy(update={"tracking_uri": uri}))) as client:
        wait_until(lambda: "does not know these credentials (401)" in reason_of(client))
        assert "wrong-one" not in reason_of(client)
