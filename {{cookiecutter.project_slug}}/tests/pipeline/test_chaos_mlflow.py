"""MLflow goes away for a while: one line, the champion answers on, and the next run works."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flight_delay.bundle import load
from flight_delay.loop import run_retrain, tend
from flight_delay.prediction_log import open_log
from flight_delay.registry import promote, pull, register
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, TrackingError, client, log_run

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share
from .mlflow_server import Server, started


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Run a real MLflow server."""
    with started(tmp_path / "server") as server:
        yield server


def test_while_mlflow_is_away_nothing_is_promoted_and_then_all_goes_on(
    alive: Settings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    remote = alive.model_copy(update={"tracking_uri": server.address})
    first = champion_of(remote)
    bundle = load(remote.models / first)
    register(remote, bundle, log_run(remote, bundle, {}, {}))
    promote(remote, first)
    before = (remote.models / "champion.json").read_bytes()

    # It goes away in the middle: the challenger is trained and cannot be registered.
    def go_away(line: str) -> None:
        if line.startswith("logging"):
            server.stop()

    failed = tend(remote, go_away)
    assert failed["result"] == "failed"
    assert f"MLflow at {server.address} does not answer" in failed["said"]
    assert "\n" not in failed["said"]
    assert (remote.models / "champion.json").read_bytes() == before

    # While it is away a training is refused before the work, and the service reads on.
    said: list[str] = []
    with pytest.raises(TrackingError, match=f"MLflow at {server.address} does not answer"):
        run_retrain(remote, said.append)
    assert said == []
    assert load(remote.models / champion_of(remote)).version == first
    with closing(open_log(remote)) as log:
        results = [event.content["result"] for event in log.events("retrain", last=9)]
    assert results == ["failed", "failed"]

    server.start()
    report = run_retrain(remote, silent)
    second = champion_of(remote)
    assert (report["result"], report["version"]) == ("promoted", second)
    assert client(remote).get_model_version_by_alias(NAME, "champion").tags["bundle"] == second

    elsewhere = Settings(home=remote.home.parent / "elsewhere", tracking_uri=server.address)
    assert pull(elsewhere).version == champion_of(elsewhere) == second
    assert load(elsewhere.models / second).version == second
