"""A server that answers like MLflow's registry, as far as a service asks, and as badly as told."""

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flight_delay.registry_client import (
    ALIAS_PATH,
    ARTIFACT_PATH,
    BUNDLE_ARTIFACTS,
)

from .running import LOOPBACK

USER, PASSWORD = "bob", "hunter2/@"
MODEL = f"{BUNDLE_ARTIFACTS}/model.onnx"


@dataclass
class Registry:
    """What it holds, how it behaves, and what it was asked."""

    port: int = 0
    champion: Path | None = None
    """The folder of a bundle; its name is the tag."""
    tag: str | None = None
    """Another tag than that."""
    locked: bool = False
    """Whether it wants `USER` and `PASSWORD`."""
    weather: "Weather | None" = None
    asked: list[str] = field(default_factory=list)
    """The path of every request, that of the file for files."""
    connections: int = 0

    @property
    def address(self) -> str:
        """Return where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def with_credentials(self, credentials: str) -> str:
        """Return where it answers, with credentials in it."""
        return f"http://{credentials}@{LOOPBACK}:{self.port}"

    def downloads(self) -> int:
        """Return how many times somebody began to fetch a bundle."""
        return self.asked.count(f"{BUNDLE_ARTIFACTS}/manifest.json")


class Answer(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    registry: Registry

    def setup(self) -> None:
        """Count it."""
        super().setup()
        self.registry.connections += 1

    def do_GET(self) -> None:
        """Answer, unless the weather does."""
        url = urlsplit(self.path)
        self.asked_for = parse_qs(url.query).get("path", [url.path])[0]
        self.registry.asked.append(self.asked_for)
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.registry.locked and self.headers["Authorization"] != f"Basic {expected}":
            self.say(HTTPStatus.UNAUTHORIZED, b"You are not authenticated.")
        elif self.registry.weather is not None and self.registry.weather(self):
            return
        elif url.path == ALIAS_PATH:
            self.say(*self.champion())
        else:
            self.say(*self.file())

    def champion(self) -> tuple[int, bytes]:
        """Return the answer to who has the alias."""
        folder = self.registry.champion
        if folder is None:
            return 404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST"}).encode()
        tags = [{"key": "gates", "value": "passed"}]
        tag = folder.name if self.registry.tag is None else self.registry.tag
        tags += [{"key": "bundle", "value": tag}] if tag else []
        version: dict[str, Any] = {"version": "3", "run_id": "f00", "tags": tags}
        return 200, json.dumps({"model_version": version}).encode()

    def file(self) -> tuple[int, bytes]:
        """Return the answer to what is in a file of the bundle."""
        assert urlsplit(self.path).path == ARTIFACT_PATH
        assert parse_qs(urlsplit(self.path).query)["run_uuid"] == ["f00"]
        assert self.registry.champion is not None
        path = self.registry.champion / Path(self.asked_for).name
        return (200, path.read_bytes()) if path.is_file() else (404, b"{}")

    def say(self, status: int, body: bytes, length: int | None = None) -> None:
        """Send an answer, maybe one that is announced to be longer than it is."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Weather = Callable[[Answer], bool]
"""Answers in place of the server, or does not and returns False."""


def status(code: int, body: bytes = b"") -> Weather:
    """Return the weather in which everything is answered with a status."""

    def answer(connection: Answer) -> bool:
        connection.say(code, body)
        return True

    return answer


def hung_up(connection: Answer) -> bool:
    """Close the connection without an answer."""
    connection.close_connection = True
    return True


def cut_off(connection: Answer) -> bool:
    """Close the connection in the middle of the model."""
    if connection.asked_for != MODEL:
        return False
    _, content = connection.file()
    connection.say(200, content[: len(content) // 2], len(content))
    connection.close_connection = True
    return True


def wrong_bytes(connection: Answer) -> bool:
    """Send a model with one bit flipped."""
    if connection.asked_for != MODEL:
        return False
    content = bytearray(connection.file()[1])
    content[len(content) // 2] ^= 1
    connection.say(200, bytes(content))
    return True


def without_a_file(connection: Answer) -> bool:
    """Know nothing of the golden rows."""
    if not connection.asked_for.endswith("golden.json"):
        return False
    connection.say(404, b"{}")
    return True


@dataclass
class Held:
    """The weather in which the second half of the model is held back until it is let go."""

    begun: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    drip: bool = False
    """Whether a byte comes now and then meanwhile, so that no bound of silence is reached."""

    def __call__(self, connection: Answer) -> bool:
        """Answer in two halves."""
        if connection.asked_for != MODEL:
            return False
        _, content = connection.file()
        sent = len(content) // 2
        connection.say(200, content[:sent], len(content))
        self.begun.set()
        with contextlib.suppress(ConnectionError):
            while not self.let_go.wait(0.05):
                if self.drip:
                    connection.wfile.write(content[sent : sent + 1])
                    sent += 1
            connection.wfile.write(content[sent:])
        return True


@contextlib.contextmanager
def stand_in(port: int = 0) -> Iterator[Registry]:
    """Answer on loopback until the block ends."""
    registry = Registry()
    handler = type(Answer.__name__, (Answer,), {"registry": registry})
    with ThreadingHTTPServer((LOOPBACK, port), handler) as server:
        server.daemon_threads = True
        registry.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()
