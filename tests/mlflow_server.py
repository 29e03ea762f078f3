"""An MLflow server of the tests' own, on loopback."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from monitoring_stack import free_port
from shell import environment

START_SECONDS = 60


@contextlib.contextmanager
def mlflow(project: Path, folder: Path) -> Iterator[str]:
    """Run the MLflow of an installed project until the block ends, with its state in a folder."""
    port = free_port()
    command = [str(project / ".venv/bin/python"), "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "kept"]
    with (folder / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
        try:
            address = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + START_SECONDS
            while not _answers(f"{address}/health"):
                assert process.poll() is None, (folder / "mlflow.log").read_text()
                assert time.monotonic() < deadline, (folder / "mlflow.log").read_text()
                time.sleep(0.2)
            yield address
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=START_SECONDS)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - loopback
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
