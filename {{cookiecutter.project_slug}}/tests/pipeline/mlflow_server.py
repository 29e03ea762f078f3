"""A real MLflow server on loopback, which can go away and come back at the same address."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from ..conftest import free_port  # noqa: TID252 - what the tests share

START_SECONDS = 60


class Server:
    """The server; what it holds stays in its folder while it is away."""

    def __init__(self, folder: Path) -> None:
        """Choose an address."""
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", str(self._port)]
        command += ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "kept"]
        output = self._folder / "log"
        with output.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            os.killpg(self._process.pid, 15)
            self._process.wait(timeout=START_SECONDS)
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.address}/health", timeout=2).text == "OK"
        except httpx2.TransportError:
            return False


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Server]:
    """Run a server in a new folder until the block ends; a test may stop and start it."""
    folder.mkdir()
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
