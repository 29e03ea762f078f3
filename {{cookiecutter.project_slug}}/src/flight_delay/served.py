"""A service in a process of its own, for as long as a block runs."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import IO

import httpx2

from flight_delay.errors import ProjectError
from flight_delay.service.address import listen, url

PACKAGE = __name__.split(".")[0]
START_SECONDS = 30


class ServedError(ProjectError):
    """A service that was started did not come up."""


@contextlib.contextmanager
def served(
    home: Path, host: str, port: int, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Serve the champion of a folder until the block ends; give the address.

    Args:
        home: the folder that holds the state.
        host: where to listen.
        port: the port; 0 takes a free one.
        environment: settings of the service beside those of this process.

    Raises:
        ServedError: when it ends or stays silent instead of answering.
    """
    port = port or _free_port(host)
    address = url(host, port)
    command = [sys.executable, "-m", PACKAGE, "serve", "--host", host, "--port", str(port)]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=home,
            env=os.environ | {"APP_HOME": str(home)} | dict(environment or {}),
            stderr=log,
        )
        try:
            _wait(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS)


def connect(address: str, headers: Mapping[str, str] | None = None) -> httpx2.Client:
    """Return a client of a service on this machine; no proxy of the environment knows it."""
    return httpx2.Client(base_url=address, headers=dict(headers or {}), trust_env=False)


def answers(address: str, path: str = "/health/live") -> bool:
    """Return whether a service answers on an address, by default whether it lives."""
    try:
        response = httpx2.get(f"{address}{path}", timeout=2, trust_env=False)
    except httpx2.TransportError:
        return False
    return response.status_code == HTTPStatus.OK


def _free_port(host: str) -> int:
    with listen(host, 0) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait(address: str, process: subprocess.Popen[bytes], log: IO[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(address):
        if process.poll() is not None:
            log.seek(0)
            said = log.read().strip().splitlines()
            message = f"the service did not start: {said[-1] if said else 'it said nothing'}"
            raise ServedError(message)
        if time.monotonic() > deadline:
            message = f"the service did not answer on {address} within {START_SECONDS} s"
            raise ServedError(message)
        time.sleep(0.05)
