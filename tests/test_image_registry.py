"""The base from a registry of images that asks who one is: refused, then fetched by its digest."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from container import Image, build, refused
from docker_engine import BASE, Engine
from machine import require
from monitoring_stack import free_port, running, wait_until

pytestmark = pytest.mark.slow

USER = "somebody"
PASSWORD = "password of the tests"  # noqa: S105 - its registry goes with the test
ENTRY = f"{USER}:$2b$04$XsHkgMjrNZe18gis3AETKOFHmwFK.ZaMe7bfg0SYbmS/HsRGekct2\n"
"""Name and password, as a registry keeps them."""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Run a registry on this machine and return its address; it takes images from somebody."""
    program = require("docker-registry", "apt-get install docker-registry")
    address = f"127.0.0.1:{free_port()}"
    users = tmp_path / "users"
    users.write_text(ENTRY, encoding="utf-8")
    configuration = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "images")}},
        "http": {"addr": address},
        "auth": {"htpasswd": {"realm": "tests", "path": str(users)}},
    }
    path = tmp_path / "registry.yml"
    path.write_text(json.dumps(configuration), encoding="utf-8")

    def answers() -> bool:
        with contextlib.suppress(httpx2.TransportError):
            return httpx2.get(f"http://{address}/v2/").status_code == httpx2.codes.UNAUTHORIZED
        return False

    with running([program, "serve", path], tmp_path, tmp_path / "registry.log"):
        wait_until(answers, "the registry answers")
        yield address


@pytest.fixture
def image(project: Path, engine: Engine) -> Image:
    """Build the image on the base that the Dockerfile names."""
    return build(project, engine)


def test_a_base_by_its_digest_is_fetched_by_who_is_known(image: Image, registry: str) -> None:
    engine, name = image.engine, f"{registry}/python"
    layers = image.inspect("RootFS.Layers")
    said = refused(image.project, f"image --base {name}:3.11", **engine.variables)
    assert said.startswith(f"the base image {name}:3.11 is not on this machine and cannot be fetch")
    assert "no basic auth credentials: look at the network, the name and `docker login`" in said
    engine.docker("login", "--username", USER, "--password", PASSWORD, registry)
    engine.docker("tag", BASE, f"{name}:3.11")
    [digest] = re.findall(r" digest: (sha256:\w{64})", engine.docker("push", f"{name}:3.11"))
    engine.docker("rmi", f"{name}:3.11")
    pinned = build(image.project, engine, f"uv run flight-delay image --base {name}@{digest}")
    assert f"fetching {name}@{digest}" in pinned.printed
    assert pinned.report["base"] == f"{name}@{digest}"
    assert pinned.inspect("RootFS.Layers") == layers
    engine.docker("logout", registry)
    engine.docker("rmi", f"{name}@{digest}")
