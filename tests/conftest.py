"""One project, made by `make demo`, serves every test that needs an installed one."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from answers import TEMPLATE
from browsing import QUIET
from course_edition import Edition, course_edition
from docker_engine import Engine, engine_with_base
from machine import require
from playwright.sync_api import Browser, sync_playwright
from shell import environment, run

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@dataclass(frozen=True)
class Demo:
    """What `make demo` printed and the project that it left."""

    printed: str
    project: Path


@dataclass(frozen=True)
class Walk:
    """The lessons, on their way in a process of their own."""

    process: subprocess.Popen[bytes]
    folder: Path
    said: Path


@pytest.fixture(scope="session", autouse=True)
def walk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Walk | None]:
    """Run all lessons beside the other tests, where a test will ask what came of it.

    They take a third of the time of all tests, and one of two cores.
    """
    if not any("finished" in getattr(one, "fixturenames", ()) for one in request.session.items):
        yield None
        return
    folder = tmp_path_factory.mktemp("learner")
    said = folder / "said.txt"
    with said.open("wb") as printed:
        process = subprocess.Popen(
            ["make", "lessons", f"DEST={folder}"],
            cwd=TEMPLATE,
            env=environment(),
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    yield Walk(process, folder, said)
    if process.poll() is None:
        # As Ctrl-C does, so that it ends what the pages have started.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
    shutil.rmtree(folder)  # two environments of a gigabyte


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run `make demo` as the README says, into a folder of its own."""
    destination = tmp_path_factory.mktemp("demo")
    printed = run(f"make demo DEST={destination}", TEMPLATE).stdout
    yield Demo(printed, destination / "flight-delay")
    shutil.rmtree(destination)


@pytest.fixture(scope="session")
def project(demo: Demo) -> Path:
    """Return the project of the demo: installed, trained, promoted. Tests leave it working."""
    return demo.project


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Return a Docker Engine that has the base of the project's images."""
    with engine_with_base() as engine:
        yield engine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a real Chromium."""
    chromium = require("chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="session")
def site() -> Path:
    """Build the site as a maintainer does, with every warning an error."""
    run("make docs", TEMPLATE)
    return TEMPLATE / "build" / "site"


@pytest.fixture(scope="session")
def shipped(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Edition:
    """Return a course edition, for tests to copy."""
    return course_edition(tmp_path_factory.mktemp("shipped"), project)


@pytest.fixture
def edition(shipped: Edition, tmp_path: Path) -> Edition:
    """Return a course edition of this test's own, in which nothing was done yet."""
    return shipped.copy(tmp_path)
