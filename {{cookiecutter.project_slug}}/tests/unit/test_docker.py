"""What is said when there is no Docker Engine to work with: one line, and the way around it."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flight_delay.docker import DockerError, ask, engine, last_line, run

from ..machine import require  # noqa: TID252 - what the tests share

WITHOUT = "or go on without it: `make serve` runs the same service"


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return where the command line looks for an engine; its path is short, as sockets need it."""
    require("docker", "https://docs.docker.com/engine/install/")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "engine.sock")
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        monkeypatch.setenv("DOCKER_CONFIG", folder)
        yield path


def test_docker_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DockerError) as caught:
        engine(1)
    assert str(caught.value) == (
        f"docker is not on this machine: install it (https://docs.docker.com/engine/install/), "
        f"{WITHOUT}"
    )


def test_the_engine_is_not_running(address: Path) -> None:
    with pytest.raises(DockerError) as caught:
        engine(1)
    said = str(caught.value)
    assert said.startswith("the Docker Engine is not running (")
    assert str(address) in said
    assert said.endswith(WITHOUT)
    assert "\n" not in said


def test_the_engine_does_not_answer(address: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(address))
        silent.listen()
        with pytest.raises(DockerError) as caught:
            run("info", seconds=0.5)
    said = str(caught.value)
    assert said == f"the Docker Engine has not answered in 0.5 s: restart it, {WITHOUT}"


def test_a_command_that_fails_says_its_last_line(address: Path) -> None:
    with pytest.raises(DockerError, match=r"^`docker image inspect` failed: .*engine\.sock.*"):
        ask("image", "inspect", "anything")
    assert not address.exists()


@pytest.mark.parametrize(
    ("said", "last"),
    [
        ("first\nERROR: second\n\n", "second"),
        ("  only  ", "only"),
        ("\n", "it said nothing"),
        ("", "it said nothing"),
    ],
)
def test_the_last_line_is_what_matters(said: str, last: str) -> None:
    assert last_line(said) == last
