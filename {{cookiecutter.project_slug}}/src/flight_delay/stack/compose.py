"""Docker Compose on this machine: found, run in the project's folder, and what became of it."""

import json
import os
import re
import shutil
import stat
import subprocess
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Literal

from flight_delay.docker import (
    INSTALL,
    WITHOUT,
    DockerError,
    ask,
    environment,
    last_line,
    program,
    run,
)
from flight_delay.errors import ProjectError
from flight_delay.stack.passwords import ENV_FILE, NAME, own_name, read

COMPOSE_FILE = "compose.yaml"
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
VARIABLE = re.compile(r"\$\{(\w+):([-?])([^}]*)\}")
"""`${NAME:-default}`, or `${NAME:?what to do when it is not set}`."""
COLUMNS = f'{{{{.ID}}}}\t{{{{.Label "{SERVICE_LABEL}"}}}}\t{{{{.State}}}}\t{{{{.Status}}}}'
FAILED = frozenset({"restarting", "exited", "dead"})
SETTLE_SECONDS = 3
"""How long a container may take to appear that was asked for before."""
WORDS = 200
"""The last lines of a container that are looked at."""
MOUNTED = re.compile(r"^ +- \./([^:\s]+):\S+:ro$", re.MULTILINE)
"""A file or folder of the project that a container reads."""


class StackError(ProjectError):
    """The stack cannot be started or stopped; the message says what is in the way."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of the stack, in Docker's words, such as running and Up 2 seconds (healthy)."""

    name: str
    service: str
    state: str
    status: str

    @property
    def condition(self) -> str:
        """What it is, in a word."""
        for health in ("unhealthy", "healthy"):
            if f"({health})" in self.status:
                return health
        return "starting" if self.state in {"created", "running"} else self.state

    @property
    def failed(self) -> bool:
        """Whether it will not become healthy by waiting."""
        return self.state in FAILED or self.condition == "unhealthy"

    def words(self, since: str, most: int | Literal["all"] = WORDS) -> list[str]:
        """Return the last lines that it has said since a time."""
        options = ("--since", since, "--tail", str(most))
        done = run("logs", *options, self.name)
        return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]

    def last_words(self, since: str) -> str:
        """Return the last thing that its failed health check said, or else the container itself."""
        checks = run("inspect", "--format", "{{json .State.Health.Log}}", self.name).stdout.strip()
        said = [check["Output"] for check in json.loads(checks or "null") or []]
        if self.condition != "unhealthy" or not said or not said[-1].strip():
            said = self.words(since)
        return last_line("\n".join(said))


class Compose:
    """The command, for the project in a folder."""

    def __init__(self, home: Path) -> None:
        """Find the command.

        Raises:
            StackError: when the folder has no compose.yaml.
            DockerError: when there is no Compose on this machine.
        """
        if not (home / COMPOSE_FILE).is_file():
            message = f"{home} has no {COMPOSE_FILE}: run this in the project's folder"
            raise StackError(message)
        self._home = home
        self._command = _found()
        self._starting: subprocess.Popen[str] | None = None

    @property
    def name(self) -> str:
        """What Compose calls the stack; volumes, networks and containers are told apart by it."""
        given = os.environ.get(NAME) or read(self._home / ENV_FILE).get(NAME)
        return given or own_name(self._home)

    @cached_property
    def _text(self) -> str:
        return (self._home / COMPOSE_FILE).read_text(encoding="utf-8")

    @cached_property
    def _variables(self) -> list[tuple[str, ...]]:
        return VARIABLE.findall(self._text)

    @property
    def _environment(self) -> dict[str, str]:
        return environment() | {NAME: self.name}

    def unreadable(self) -> list[str]:
        """Return the mounted files and folders that users other than the owner cannot read."""
        mounted = sorted({self._home / name for name in MOUNTED.findall(self._text)})
        there = [inner for path in mounted for inner in (path, *path.rglob("*")) if inner.exists()]
        closed = [path for path in there if not _readable_by_others(path)]
        return [str(path.relative_to(self._home)) for path in closed]

    def chosen(self, suffix: str) -> dict[str, str]:
        """Return the variables whose names end so, as the environment, `.env` or default have it.

        The order is that of compose.yaml; an empty value is none, as it is there.
        """
        file = read(self._home / ENV_FILE)
        return {
            name: os.environ.get(name) or file.get(name) or default
            for name, kind, default in self._variables
            if kind == "-" and name.endswith(suffix)
        }

    def start(self, output: IO[str]) -> subprocess.Popen[str]:
        """Begin to start what does not run; images are not made, and have to be there."""
        self._starting = subprocess.Popen(  # noqa: S603 - our own command
            [*self._command, "up", "--detach", "--no-build"],
            cwd=self._home,
            env=self._environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for us, who then know what to do
        )
        return self._starting

    def give_up(self) -> None:
        """Start nothing more, and let the engine finish what it was asked for last."""
        if self._starting and self._starting.poll() is None:
            self._starting.terminate()
            self._starting.wait()
            time.sleep(SETTLE_SECONDS)

    def run(self, *arguments: str) -> None:
        """Run a command that needs no password.

        Raises:
            StackError: with its last line, when it fails.
        """
        needed = {name: "-" for name, kind, _ in self._variables if kind == "?"}
        done = subprocess.run(  # noqa: S603 - our own command
            [*self._command, *arguments],
            cwd=self._home,
            env=needed | self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            message = f"`docker compose {arguments[0]}` failed: {last_line(done.stderr)}"
            raise StackError(message)

    def containers(self) -> list[Container]:
        """Return the containers that there are, whatever state they are in."""
        ours = f"label={PROJECT_LABEL}={self.name}"
        lines = ask("ps", "--all", "--filter", ours, "--format", COLUMNS).splitlines()
        return [Container(*line.split("\t")) for line in lines]


def _readable_by_others(path: Path) -> bool:
    needed = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
    return path.stat().st_mode & needed == needed


def _found() -> list[str]:
    """Return the command: Docker's plugin, or the program of its own that it once was."""
    if run("compose", "version").returncode == 0:
        return [program(), "compose"]
    if alone := shutil.which("docker-compose"):
        return [alone]
    message = (
        f"Docker Compose is not on this machine: install its plugin ({INSTALL}), or go on {WITHOUT}"
    )
    raise DockerError(message)
