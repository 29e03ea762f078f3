"""What a service fetches from a registry that it follows, how often, and when it is refused."""

import resource
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from flight_delay.registry_client import ALIAS_PATH
from flight_delay.service.app import create_app
from flight_delay.settings import Settings

from ..conftest import champion_of  # noqa: TID252 - what the tests share
from .following import (
    environment_of,
    reason_of,
    version_of,
    wait_for,
    wait_for_polls,
)
from .processes import running
from .registry_stand_in import (
    Held,
    Registry,
    Weather,
    cut_off,
    status,
    without_a_file,
    wrong_bytes,
)
from .running import sample, serving, wait_until

POLLS = 40


def test_a_poll_is_one_request_on_a_connection_that_is_kept(
    registry: Registry, follower: Settings
) -> None:
    assert registry.champion is not None
    with TestClient(create_app(follower)) as client:
        wait_for(client, registry.champion)
        assert registry.downloads() == 1
        wait_for_polls(registry, POLLS)
        assert registry.asked[-POLLS:] == [ALIAS_PATH] * POLLS
        assert registry.connections == 1


def test_what_was_taken_once_is_not_fetched_again(
    registry: Registry, follower: Settings, second: Path
) -> None:
    first = registry.champion
    assert first is not None
    with TestClient(create_app(follower)) as client:
        for champion in (first, second, first, second):
            registry.champion = champion
            wait_for(client, champion)
    assert registry.downloads() == 2


UNTAKEN: dict[str, tuple[Weather, str]] = {
    "cut off": (cut_off, "peer closed connection without sending complete message body"),
    "wrong bytes": (wrong_bytes, "model.onnx is not the file that was exported"),
    "a missing file": (without_a_file, "has not golden.json of bundle"),
}


@pytest.mark.parametrize(("weather", "said"), UNTAKEN.values(), ids=UNTAKEN)
def test_a_bundle_that_is_not_whole_is_refused_and_taken_when_it_is(
    registry: Registry, follower: Settings, second: Path, weather: Weather, said: str
) -> None:
    first = registry.champion
    assert first is not None
    with TestClient(create_app(follower)) as client:
        wait_for(client, first)
        registry.weather, registry.champion = weather, second
        wait_until(lambda: sample(client, "model_champion_mismatch") == 1)
        before = registry.downloads()
        wait_for_polls(registry, POLLS)
        assert registry.downloads() - before < POLLS / 2, "at every poll it would cost too much"
        ready = client.get("/health/ready").json()
        assert ready["version"] == version_of(client) == first.name
        assert said in ready["warning"]
        assert sample(client, "model_swaps_total", result="rejected") == 1
        assert champion_of(follower) == first.name
        kept = {path.name for path in follower.models.iterdir()}
        assert {name for name in kept if not name.startswith(".")} == {"champion.json", first.name}
        registry.weather = None
        wait_for(client, second)
        assert champion_of(follower) == second.name


def test_without_an_old_one_the_service_says_what_is_wrong_with_the_bundle(
    registry: Registry, follower: Settings
) -> None:
    registry.weather = wrong_bytes
    with TestClient(create_app(follower)) as client:
        wait_until(lambda: "model.onnx is not the file that was exp" in reason_of(client))
        registry.weather = status(500)
        wait_until(lambda: "answers 500" in reason_of(client))


def test_a_bundle_that_was_damaged_here_is_fetched_again(
    registry: Registry, follower: Settings
) -> None:
    assert registry.champion is not None
    with TestClient(create_app(follower)) as client:
        wait_for(client, registry.champion)
    (follower.models / registry.champion.name / "model.onnx").write_bytes(b"rotten")
    with TestClient(create_app(follower)) as client:
        wait_for(client, registry.champion)


def test_requests_are_answered_while_a_bundle_is_fetched(
    registry: Registry, follower: Settings, second: Path
) -> None:
    first, held = registry.champion, Held()
    assert first is not None
    with TestClient(create_app(follower)) as client:
        wait_for(client, first)
        registry.weather, registry.champion = held, second
        wait_until(held.begun.is_set)
        try:
            assert {version_of(client) for _ in range(10)} == {first.name}
            assert sample(client, "model_champion_mismatch") == 0, "it was given up meanwhile"
        finally:
            held.let_go.set()
        wait_for(client, second)


def test_a_stop_does_not_wait_for_a_download(registry: Registry, follower: Settings) -> None:
    registry.weather = held = Held(drip=True)
    try:
        with serving(follower):  # fails when the service goes on for too long
            wait_until(held.begun.is_set)
    finally:
        held.let_go.set()
    assert not [path for path in follower.models.iterdir() if path.is_dir()]


def test_a_full_disk_is_said_and_the_bundle_is_taken_when_there_is_room(
    registry: Registry, follower: Settings
) -> None:
    registry.weather = status(500)
    environment = environment_of(follower, registry.address)
    with (
        running(follower.home, **environment) as service,
        httpx2.Client(base_url=service.url) as client,
    ):
        wait_until(lambda: "answers 500" in reason_of(client))
        # The database of the log takes less than this, and the model takes more.
        fill = (100_000, resource.RLIM_INFINITY)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, fill)
        registry.weather = None
        wait_until(lambda: "cannot be taken: [Errno 27] File too large" in reason_of(client))
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, unlimited)
        wait_until(lambda: client.get("/health/ready").status_code == 200)
