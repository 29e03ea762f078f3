"""The Docker Engine of this machine: found and asked, or why it is of no use, and what to do."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flight_delay.errors import ProjectError

ASK_SECONDS = 30
"""An engine that is there answers within two."""
INSTALL = "https://docs.docker.com/engine/install/"
WITHOUT = "without it: `make serve` runs the same service"
GIGABYTE = 1e9


class DockerError(ProjectError):
    """There is no Docker Engine to work with, or it refused."""


def engine(needed_gigabytes: float) -> dict[str, Any]:
    """Return what the Docker Engine says of itself, once it is sure that it can work.

    Args:
        needed_gigabytes: the room that is to be free where it keeps images.

    Raises:
        DockerError: naming what is in the way, and the way around it.
    """
    done = run("info", "--format", "{{json .}}", seconds=ASK_SECONDS)
    facts: dict[str, Any] = json.loads(done.stdout or "{}") if done.returncode == 0 else {}
    problems = facts.get("ServerErrors") or []  # with some versions, and the exit code 0
    if done.returncode or problems:
        raise DockerError(_unreachable("\n".join([done.stderr, *problems])))
    if facts["Name"] == socket.gethostname():  # else its disk is another machine's
        _leave_room(Path(facts["DockerRootDir"]), needed_gigabytes)
    return facts


def fetch(image: str, say: Callable[[str], None]) -> str:
    """Have an image on this machine, from its registry if need be; return what is in the way."""
    if run("image", "inspect", image).returncode == 0:
        return ""
    say(f"fetching {image}")
    done = run("pull", "--quiet", image)
    if done.returncode == 0:
        return ""
    return (
        f"{image} is not on this machine and cannot be fetched: {last_line(done.stderr)}: look at "
        f"the network, the name and `docker login`"
    )


def ask(*arguments: str) -> str:
    """Run a docker command and return what it printed.

    Raises:
        DockerError: with its last line, when it fails.
    """
    done = run(*arguments)
    if done.returncode:
        message = f"`docker {' '.join(arguments[:2])}` failed: {last_line(done.stderr)}"
        raise DockerError(message)
    return done.stdout.strip()


def run(*arguments: str, seconds: float | None = None) -> subprocess.CompletedProcess[str]:
    """Run a docker command to its end, whatever that is.

    Raises:
        DockerError: when there is no such program, or no answer in time.
    """
    try:
        return subprocess.run(  # noqa: S603 - our own command
            [program(), *arguments],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = (
            f"the Docker Engine has not answered in {seconds:g} s: restart it, or go on {WITHOUT}"
        )
        raise DockerError(message) from None


def follow(say: Callable[[str], None], *arguments: str) -> int:
    """Run a docker command, say each line that it prints as it comes, and return its exit code."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [program(), *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            for line in process.stdout or ():
                say(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    return process.returncode


def program() -> str:
    """Return the path of the docker command.

    Raises:
        DockerError: when it is not installed.
    """
    found = shutil.which("docker")
    if found is None:
        message = f"docker is not on this machine: install it ({INSTALL}), or go on {WITHOUT}"
        raise DockerError(message)
    return found


def environment() -> dict[str, str]:
    """Return this process's environment; older engines have to be told to build with BuildKit."""
    return os.environ | {"DOCKER_BUILDKIT": "1"}


def last_line(said: str) -> str:
    """Return the last line of what a command said, without its `ERROR:`."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR: ") if lines else "it said nothing"


def _unreachable(said: str) -> str:
    if "permission denied while trying to connect" in said:
        return (
            "this user may not talk to the Docker Engine: run `sudo usermod -aG docker $USER` and "
            f"log in again, or go on {WITHOUT}"
        )
    return (
        f"the Docker Engine is not running ({last_line(said)}): start Docker Desktop, or run "
        f"`sudo systemctl start docker`, or go on {WITHOUT}"
    )


def _leave_room(root: Path, needed_gigabytes: float) -> None:
    free = shutil.disk_usage(root).free / GIGABYTE
    if free < needed_gigabytes:
        message = (
            f"the disk is nearly full: {free:.1f} GB are free in {root}, where the Docker Engine "
            f"keeps its images, and this takes {needed_gigabytes:g}: make room, for example with "
            f"`docker system prune`"
        )
        raise DockerError(message)
