"""What the image costs: its size over the base, a build, and the time until a container is ready.

The engine is the one of the tests, and so is the base: Debian's Python under the official name.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.processes import MEGABYTE, MeasurementError
from benchmarks.project import Workspace
from benchmarks.report import Figure

# The tests know how to have an engine, and import one another by their names alone.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from container import Image, build, running
from docker_engine import BASE, Engine, engine_with_base

STARTS = 5
READY_SECONDS = 60


def measure_image(workspace: Workspace) -> Iterator[Figure]:
    """Build the image with the champion in it, build it again, and start it a few times.

    Raises:
        MeasurementError: when this machine cannot run an engine, with how to change that.
    """
    try:
        with engine_with_base() as engine:
            yield from _measure(build(workspace.project, engine))
    except (pytest.skip.Exception, pytest.fail.Exception) as absent:
        raise MeasurementError(str(absent)) from None
    except AssertionError as error:
        message = f"the image was not built or did not start: {error}"
        raise MeasurementError(message) from None


def _measure(image: Image) -> Iterator[Figure]:
    added, base = (image.inspect("Size") - image.inspect("Size", BASE)), image.inspect("Size", BASE)
    yield Figure(
        "image_mb",
        "image over its base, bytecode included",
        added / MEGABYTE,
        "MB",
        "at most",
        230,
        f"with the champion and the driver of PostgreSQL; the stand-in base has "
        f"{base / MEGABYTE:.0f} MB",
        ".1f",
    )
    yield Figure(
        "image_build_seconds",
        "build of the image with warm caches",
        _build_again(image.engine, image),
        "s",
        "at most",
        60,
        "every layer anew, packages from the cache; `make image` after a change of the code skips "
        "most of them",
        ".0f",
    )
    seconds = [_start(image) for _ in range(STARTS)]
    yield Figure(
        "image_ready_seconds",
        "container from `docker run` to ready",
        statistics.median(seconds),
        "s",
        "at most",
        2,
        f"read-only, no capabilities; median of {STARTS}, {min(seconds):.2f} to {max(seconds):.2f}",
    )


def _build_again(engine: Engine, image: Image) -> float:
    version = f"--build-arg=MODEL_VERSION={image.report['model_version']}"
    options = ("--quiet", "--no-cache", "--target=baked", version)
    started = time.perf_counter()
    engine.docker("build", *options, str(image.project))
    return time.perf_counter() - started


def _start(image: Image) -> float:
    started = time.perf_counter()
    with running(image) as container:
        while not container.ready():
            if time.perf_counter() - started > READY_SECONDS:
                message = f"the container was not ready in {READY_SECONDS} s"
                raise MeasurementError(message)
            time.sleep(0.01)
        return time.perf_counter() - started
