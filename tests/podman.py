"""Podman as the kubelet of one node: it runs pods from their manifests, without a cluster.

It has storage of its own, in a scratch folder. What it does not know of a pod is left to the tests:
probes, since its health checks need systemd and curl; `preStop`; how long an end may take.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from docker_engine import Engine
from machine import require
from manifests import Resource
from shell import environment

INSTALL = "apt-get install podman runc catatonit"
# Of runc and its limits: crun refuses hybrid control groups, and a limit above the machine's own
# takes a right that not every root has.
SETTINGS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""


@dataclass(frozen=True)
class Podman:
    """A podman whose storage is in a folder."""

    program: Path
    folder: Path

    def run(
        self, *arguments: str | Path, code: int | None = 0, seconds: int = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, and require its exit code unless that is None."""
        places = (("root", "storage"), ("runroot", "run"), ("tmpdir", "tmp"))
        own = [word for option, name in places for word in (f"--{option}", self.folder / name)]
        done = subprocess.run(
            [self.program, *own, *arguments],
            env=environment(CONTAINERS_CONF=str(self.folder / "containers.conf")),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert code in (None, done.returncode), f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def take(self, engine: Engine, image: str) -> None:
        """Take an image from a Docker Engine."""
        archive = self.folder / "image.tar"
        engine.docker("save", "--output", str(archive), image)
        self.run("load", "--quiet", "--input", archive)
        archive.unlink()

    def secret(self, name: str, values: Mapping[str, str]) -> None:
        """Make a secret, as `kubectl create secret generic` does."""
        coded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        path = self.folder / "secret.json"
        path.write_text(json.dumps(coded), encoding="utf-8")
        self.run("secret", "create", name, path)
        path.unlink()

    @contextlib.contextmanager
    def playing(self, *manifests: Resource) -> Iterator[None]:
        """Run what is in some manifests until the block ends."""
        path = self.folder / f"{manifests[0]['metadata']['name']}.yaml"
        path.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
        try:
            self.run("kube", "play", path)
            yield
        finally:
            self.run("kube", "play", "--down", path, code=None)

    def inspect(self, container: str) -> dict[str, Any]:
        """Return what is known of a container."""
        (found,) = json.loads(self.run("inspect", container).stdout)
        return dict(found)

    def logs(self, container: str) -> str:
        """Return all that a container said."""
        done = self.run("logs", container)
        return done.stdout + done.stderr


@contextlib.contextmanager
def podman() -> Iterator[Podman]:
    """Give a podman with nothing in it; all that it made is gone when the block ends."""
    program = require("podman", INSTALL)
    for other in ("runc", "catatonit"):
        require(other, INSTALL)
    if os.geteuid() != 0:
        pytest.skip("podman is to be run by root: run the tests as root, in a virtual machine")
    folder = Path(tempfile.mkdtemp(prefix="podman-"))
    (folder / "containers.conf").write_text(SETTINGS, encoding="utf-8")
    made = Podman(program, folder)
    try:
        yield made
        made.run("pod", "rm", "--all", "--force")
    finally:
        made.run("system", "reset", "--force", code=None)
        shutil.rmtree(folder)
