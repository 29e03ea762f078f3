"""What stands in the way of an image, caused for real: each is one line that says what to do."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from container import build, refused
from docker_engine import COMMAND_LINE, Engine, running_engine
from machine import require

pytestmark = pytest.mark.slow

WITHOUT = "or go on without it: `make serve` runs the same service"
NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"
SMALL = "300m"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a folder for the PATH, with a shell and nothing else."""
    (tmp_path / "bash").symlink_to(require("bash", "apt-get install bash"))
    return tmp_path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk that is nearly full."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount: run the tests as root, in a virtual machine")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "small", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_docker_is_not_installed(project: Path, programs: Path) -> None:
    said = refused(project, "image", PATH=str(programs))
    assert said == (
        f"docker is not on this machine: install it (https://docs.docker.com/engine/install/), "
        f"{WITHOUT}"
    )


def test_the_engine_is_not_running(project: Path, engine: Engine) -> None:
    nowhere = f"unix://{engine.folder}/nobody.sock"
    said = refused(project, "image", **{**engine.variables, "DOCKER_HOST": nowhere})
    assert said == (
        f"the Docker Engine is not running (Cannot connect to the Docker daemon at {nowhere}. Is "
        f"the docker daemon running?): start Docker Desktop, or run `sudo systemctl start docker`, "
        f"{WITHOUT}"
    )


def test_the_user_may_not_talk_to_the_engine(project: Path, engine: Engine, programs: Path) -> None:
    """The command line runs as somebody without rights; the socket and its refusal are real."""
    docker = programs / "docker"
    docker.write_text(f'#!/bin/sh\nexec {NOBODY} {COMMAND_LINE} "$@"\n', encoding="utf-8")
    docker.chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    said = refused(
        project, "image", **{**engine.variables, "PATH": path, "DOCKER_CONFIG": "/nowhere"}
    )
    assert said == (
        f"this user may not talk to the Docker Engine: run `sudo usermod -aG docker $USER` and log "
        f"in again, {WITHOUT}"
    )


def test_the_registry_of_the_base_is_out_of_reach(project: Path, engine: Engine) -> None:
    base = "127.0.0.1:9/python:3.11"
    said = refused(project, f"image --base {base}", **engine.variables)
    assert said.startswith(f"the base image {base} is not on this machine and cannot be fetched: ")
    assert "connect: connection refused: look at the network, the name and `docker login`" in said
    assert said.endswith("that is here with --base")


def test_the_disk_is_nearly_full(project: Path, small_disk: Path) -> None:
    with running_engine("--bridge=none", "--iptables=false", data=small_disk / "data") as engine:
        said = refused(project, "image", **engine.variables)
    place = (small_disk / "data").resolve()
    assert said == (
        f"the disk is nearly full: 0.3 GB are free in {place}, where the Docker Engine keeps its "
        f"images, and this takes 2: make room, for example with `docker system prune`"
    )


def test_a_build_that_fails_leaves_the_image_before(
    project: Path, engine: Engine, tmp_path: Path
) -> None:
    before = build(project, engine)
    empty = tmp_path / "empty.tar"
    subprocess.run(["tar", "-cf", empty, "-T", "/dev/null"], check=True)
    engine.docker("import", str(empty), "without-python:1")
    said = refused(project, "image --base without-python:1", **engine.variables)
    assert said.startswith("the build failed: ")
    assert "/bin/sh" in said
    assert said.endswith(" (all that it said is in reports/image.log)")
    assert "RUN --mount=type=cache" in (project / "reports/image.log").read_text("utf-8")
    assert before.inspect("Id") == before.report["id"]


def test_an_image_without_a_champion_is_refused(project: Path, tmp_path: Path) -> None:
    for name in ("Dockerfile", "pyproject.toml"):
        shutil.copy(project / name, tmp_path)
    said = refused(project, "image", APP_HOME=str(tmp_path))
    assert said == (
        "there is no champion to put into the image: run the commands `train` and `promote`, or "
        "build an image that takes one from a registry with --stage service"
    )
