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

NOTE_PORT = """
import sys

def note(event, arguments):
    if event == "socket.connect":
        print(arguments[1][1])
        sys.exit()

sys.addaudithook(note)
"""
"""Let a program print the port that it would connect to, and end there."""


def health(port: int | None, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the image's health check as it runs beside a service on a port."""
    found = re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", TEXT, re.MULTILINE)
    assert found is not None
    program, option, check = json.loads(found[1])
    assert (program, option) == ("python", "-c")
    # A proxy that Docker passes on leads nowhere from here.
    environment = os.environ | {"http_proxy": "http://127.0.0.1:9"}
    environment.pop("APP_PORT", None)
    if port is not None:
        environment["APP_PORT"] = str(port)
    command = [sys.executable, option, before + check]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=30
    )


def test_the_health_check_asks_where_the_service_listens(trained: Settings) -> None:
    with serving(Settings(home=trained.home)) as url:
        port = httpx2.URL(url).port
        assert health(port).returncode == 0
    assert health(port).returncode == 1
    assert health(free_port()).returncode == 1


def test_without_a_port_of_its_own_it_is_the_port_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("APP_PORT", raising=False)
    port = str(Settings().port)
    exposed = re.findall(r"^EXPOSE +(\d+)", TEXT, re.MULTILINE)
    assert exposed == [port], "EXPOSE has to name the port on which the service listens"
    asked = health(None, NOTE_PORT).stdout.strip()
    assert asked == port, "the health check has to ask where the service listens"


def test_it_is_production_and_so_refuses_to_start_without_keys() -> None:
    assert re.findall(r'\bAPP_ENV="?(\w+)', TEXT) == ["production"]
