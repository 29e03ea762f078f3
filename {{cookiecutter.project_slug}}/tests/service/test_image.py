"""What the image does by itself: it asks the service how it is, and lets nobody in without keys."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from flight_delay.settings import Settings

from ..conftest import free_port  # noqa: TID252 - what the tests share
from .running import serving

TEXT = (Path(__file__).parents[2] / "Dockerfile").read_text(encoding="utf-8")


def health(port: int | None) -> int:
    """Run the image's health check as it runs beside a service on a port; return its exit code."""
    found = re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", TEXT, re.MULTILINE)
    assert found is not None
    program, *arguments = json.loads(found[1])
    assert program == "python"
    # A proxy that Docker passes on leads nowhere from here.
    environment = os.environ | {"http_proxy": "http://127.0.0.1:9"}
    environment.pop("APP_PORT", None)
    if port is not None:
        environment["APP_PORT"] = str(port)
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env=environment, stderr=subprocess.DEVNULL, check=False, timeout=30
    ).returncode


def test_the_health_check_asks_where_the_service_listens(trained: Settings) -> None:
    with serving(Settings(home=trained.home)) as url:
        port = httpx2.URL(url).port
        assert health(port) == 0
    assert health(port) == 1
    assert health(free_port()) == 1


def test_without_a_port_of_its_own_it_is_the_port_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("APP_PORT", raising=False)
    port = Settings().port
    assert re.search(rf"^EXPOSE {port}$", TEXT, re.MULTILINE)
    assert f"'APP_PORT') or {port}" in TEXT


def test_it_is_production_and_so_refuses_to_start_without_keys() -> None:
    assert re.search(r"^ +APP_ENV=production \\$", TEXT, re.MULTILINE)
