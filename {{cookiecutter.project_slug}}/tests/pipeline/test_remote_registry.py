"""The same commands against an MLflow server, and against one that does not answer."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flight_delay.bundle import load
from flight_delay.promotion import run_promote
from flight_delay.registry import register
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, client, log_run

from ..conftest import RESAMPLES, champion_of, free_port  # noqa: TID252 - what the tests share
from .mlflow_server import started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a real MLflow server on loopback and return its address."""
    with started(tmp_path_factory.mktemp("remote") / "server") as server:
        yield server.address


def test_train_on_one_machine_and_promote_on_another(
    server: str, trained: Settings, tmp_path: Path
) -> None:
    first = Settings(home=tmp_path / "first", resamples=RESAMPLES, tracking_uri=server)
    version = champion_of(trained)
    bundle = load(trained.models / version)
    register(first, bundle, log_run(first, bundle, {}, {}))
    assert not (first.home / "mlflow.db").exists()

    second = Settings(home=tmp_path / "second", resamples=RESAMPLES, tracking_uri=server)
    verdict = run_promote(second)
    assert verdict.champion is not None
    assert champion_of(second) == version
    assert load(second.models / version).version == version
    entry = client(second).get_model_version_by_alias(NAME, "champion")
    assert entry.tags["bundle"] == version


def test_a_server_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": address,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "APP_HOME": str(tmp_path),
    }
    process = subprocess.run(
        [sys.executable, "-m", NAME, "status"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 1
    assert f"error: MLflow at {address} does not answer" in process.stderr
    assert "Traceback" not in process.stderr
