"""A service on a real socket, and ways to ask it what happened."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx2
import uvicorn
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from flight_delay.service.app import create_app
from flight_delay.service.server import server_config
from flight_delay.settings import Settings

LOOPBACK = "127.0.0.1"
IPV6_LOOPBACK = "::1"
PATIENCE_SECONDS = 10


def _loopbacks() -> list[str]:
    """Return this machine's own addresses; containers often have no IPv6."""
    try:
        with socket.create_server((IPV6_LOOPBACK, 0), family=socket.AF_INET6):
            return [LOOPBACK, IPV6_LOOPBACK]
    except OSError:
        return [LOOPBACK]


LOOPBACKS = _loopbacks()


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve on a free port of this machine, in a thread, until the block ends; give the URL."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        server = uvicorn.Server(server_config(create_app(settings), settings))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def wait_until(happened: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something has happened; fail when it has not in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen in {seconds} s"
        time.sleep(0.01)


def sample(client: TestClient | httpx2.Client, name: str, **labels: str) -> float:
    """Return a sample of the service's metrics, summed over the labels that are not given."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return sum(
        one.value
        for family in families
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    )


def labels_of(client: TestClient | httpx2.Client, name: str) -> list[dict[str, str]]:
    """Return the labels of every series of a sample's name."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return [dict(one.labels) for family in families for one in family.samples if one.name == name]
