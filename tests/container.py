"""A container of the project's image, run by the line that the command `image` prints."""

import contextlib
import functools
import hashlib
import json
import shlex
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from docker_engine import Engine
from monitoring_stack import free_port, wait_until
from shell import run

KEY = "a key of the tests"
HASH = hashlib.sha256(KEY.encode()).hexdigest()
LOGGED = """
import sqlite3
for row in sqlite3.connect("/state/predictions.db").execute("SELECT request_id FROM predictions"):
    print(*row)
"""


@dataclass(frozen=True)
class Image:
    """An image that was built, what was printed meanwhile, and what was reported."""

    engine: Engine
    project: Path
    printed: str
    report: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called."""
        name: str = self.report["image"]
        return name

    def inspect(self, part: str, of: str | None = None) -> Any:  # noqa: ANN401 - of any form
        """Return a part of what the engine knows of it, or of another image."""
        template = f"{{{{json .{part}}}}}"
        return json.loads(self.engine.docker("image", "inspect", "-f", template, of or self.name))

    def run(self, *command: str) -> str:
        """Run a command in it, with as few rights as the service has, and return what it says."""
        safe = ("--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp")  # noqa: S108 - its own
        return self.engine.docker("run", "--rm", *safe, self.name, *command)


@dataclass
class Container:
    """A container of an image that serves."""

    image: Image
    name: str
    port: int
    volume: str
    client: httpx2.Client
    """Somebody who has a key."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @functools.cached_property
    def example(self) -> dict[str, Any]:
        """A row, as the documentation shows it."""
        page = self.client.get("/openapi.json").json()
        row: dict[str, Any] = page["components"]["schemas"]["Instance"]["examples"][0]
        return row

    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Ask for predictions; all have to be answered."""
        answer = self.client.post("/v1/predict/batch", json={"instances": rows})
        predictions: list[dict[str, Any]] = answer.raise_for_status().json()["predictions"]
        return predictions

    def lives(self) -> bool:
        """Tell whether it answers."""
        return self._agrees("/health/live")

    def ready(self) -> bool:
        """Tell whether it has a verified champion."""
        return self._agrees("/health/ready")

    def _agrees(self, path: str) -> bool:
        try:
            return self.client.get(path).is_success
        except httpx2.TransportError:
            return False

    def state(self, part: str) -> Any:  # noqa: ANN401 - of any form
        """Return a part of what the engine knows of it."""
        template = f"{{{{json .{part}}}}}"
        return json.loads(self.image.engine.docker("inspect", "-f", template, self.name))

    def stop(self) -> None:
        """Stop it as `docker stop` does, and keep it."""
        self.image.engine.docker("stop", self.name)

    def logged(self) -> list[str]:
        """Return the ids of the predictions in its volume, read by a container of its own."""
        mount = ("--volume", f"{self.volume}:/state", self.image.name)
        return self.image.engine.docker("run", "--rm", *mount, "python", "-c", LOGGED).split()


def build(project: Path, engine: Engine, command: str = "make image") -> Image:
    """Build an image as a person would."""
    done = run(command, project, code=0, seconds=600, **engine.variables)
    report = json.loads((project / "reports" / "image.json").read_text("utf-8"))
    return Image(engine, project, done.stdout + done.stderr, report)


def refused(project: Path, verb: str, **variables: str) -> str:
    """Ask for what cannot be had; return the one line that says why."""
    said = run(f".venv/bin/flight-delay {verb}", project, code=1, seconds=120, **variables)
    [line] = [line for line in said.stderr.splitlines() if line.startswith("error: ")]
    assert said.stderr.endswith(f"{line}\n")
    assert said.stdout == ""
    return line.removeprefix("error: ")


@contextlib.contextmanager
def running(image: Image, *options: str, volume: str | None = None) -> Iterator[Container]:
    """Run the line that the image came with until the block ends, but for port, key and volume.

    Args:
        image: which one.
        options: more of them for `docker run`.
        volume: the name of its state, by default a new one, which goes with it.
    """
    name = f"service-{uuid.uuid4().hex[:8]}"
    port = free_port()
    line = image.report["run"].replace("-p 127.0.0.1:8000:", f"-p 127.0.0.1:{port}:")
    words = shlex.split(line.replace("=HASH", f"={HASH}"))
    assert words[:3] == ["docker", "run", "--rm"]
    place = words.index("-v") + 1
    words[place] = f"{volume or name}:/state"
    image.engine.docker("run", "--detach", "--name", name, *options, *words[3:])
    try:
        address = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=address, headers={"X-API-Key": KEY}, trust_env=False) as client:
            yield Container(image, name, port, volume or name, client)
    except BaseException:
        print(image.engine.run("logs", name).stderr)
        raise
    finally:
        image.engine.docker("rm", "--force", name)
        if volume is None:
            image.engine.docker("volume", "rm", name)


@contextlib.contextmanager
def serving(image: Image, *options: str, volume: str | None = None) -> Iterator[Container]:
    """Run a container as `running` does, and wait until it is ready."""
    with running(image, *options, volume=volume) as container:
        wait_until(container.ready, "the container is ready")
        yield container


def asked_until_it_ends(container: Container) -> list[str]:
    """Ask for predictions, stop the container meanwhile, and return the ids that were answered."""
    answered: list[str] = []
    stopping: subprocess.Popen[bytes] | None = None
    started = time.monotonic()
    with contextlib.suppress(httpx2.TransportError):
        while True:
            answered += [one["request_id"] for one in container.predict([container.example] * 5)]
            if stopping is None and time.monotonic() > started + 1:
                stopping = subprocess.Popen(
                    [container.image.engine.folder / "bin" / "docker", "stop", container.name],
                    env=container.image.engine.environment(),
                    stdout=subprocess.DEVNULL,
                )
    assert stopping is not None
    assert stopping.wait(60) == 0
    return answered
