"""What a swap of the model costs those who are asking at that moment."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.load import read_answer, request_bytes
from benchmarks.processes import MeasurementError, environment, serving
from benchmarks.project import Workspace
from benchmarks.report import Figure
from benchmarks.service import golden, this_service

SWAPS = 20
EVERY_SECONDS = 1.0
POLL_SECONDS = 0.1
DURING_SECONDS = 0.4
"""From the change of champion.json until the service has looked, verified and swapped."""
MARGIN_SECONDS = 0.1
RATE = 200
"""Requests a second, whether or not the ones before were answered."""

# Run by the project's interpreter: a second bundle that answers otherwise, then the swaps.
SIBLING = """
import sys
from flight_delay.champion import crown, read_champion
from flight_delay.settings import Settings
from tests.service.bundles import sibling

models = Settings().models
first = read_champion(models).version
print(sibling(models / first, threshold=0.4))
"""
SWAP = """
import sys, time
from flight_delay.champion import crown, read_champion
from flight_delay.settings import Settings

models = Settings().models
champion = read_champion(models)
versions = [champion.version, sys.argv[1]]
for number in range(int(sys.argv[2])):
    time.sleep(float(sys.argv[3]))
    crown(models, versions[(number + 1) % 2], "swap")
    print(time.time(), flush=True)
"""


def measure_swaps(workspace: Workspace) -> Iterator[Figure]:
    """Swap between two bundles under a steady load; compare latencies during and between."""
    home = workspace.scratch / "swapping"
    shutil.copytree(workspace.project / "models", home / "models")
    given = environment(APP_HOME=str(home), PYTHONPATH=str(workspace.project))
    python = str(workspace.project / ".venv" / "bin" / "python")
    other = _run([python, "-c", SIBLING], workspace.project, given).strip()
    rows, _ = golden(workspace, 32)
    settings = {"APP_HOME": str(home), "APP_POLL_SECONDS": str(POLL_SECONDS)}
    with serving(replace(this_service(workspace), environment=settings)) as running:
        swapping = subprocess.Popen(
            [python, "-c", SWAP, other, str(SWAPS), str(EVERY_SECONDS)],
            cwd=workspace.project,
            env=given,
            stdout=subprocess.PIPE,
            text=True,
        )
        asked, failed = asyncio.run(
            _steady(running.port, rows, SWAPS * EVERY_SECONDS + 2 * EVERY_SECONDS)
        )
        said, _ = swapping.communicate(timeout=60)
    moments = [float(line) for line in said.split()]
    if len(moments) != SWAPS:
        message = f"{len(moments)} swaps instead of {SWAPS}"
        raise MeasurementError(message)
    during = [
        took for at, took in asked if any(0 <= at - moment <= DURING_SECONDS for moment in moments)
    ]
    between = [
        took
        for at, took in asked
        if not any(-MARGIN_SECONDS <= at - moment <= DURING_SECONDS for moment in moments)
    ]
    yield Figure(
        "swap_failed",
        f"failed requests over {SWAPS} swaps",
        failed,
        "",
        "at most",
        0,
        f"{len(asked)} requests at {RATE} a second",
        ".0f",
    )
    slow, usual = (_percentile(times, 99) for times in (during, between))
    yield Figure(
        "swap_p99_ratio",
        "99th percentile during swaps over that between them",
        slow / usual,
        "",
        "at most",
        2,
        f"{1000 * slow:.1f} ms against {1000 * usual:.1f} ms",
        ".1f",
    )


async def _steady(
    port: int, rows: list[dict[str, Any]], seconds: float
) -> tuple[list[tuple[float, float]], int]:
    """Ask at a fixed rate; return when each was asked and how long it took, and how many failed."""
    asked: list[tuple[float, float]] = []
    failed = 0
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(row: dict[str, Any]) -> None:
        nonlocal failed
        at, begun = time.time(), time.perf_counter()
        # The service closes a connection that was idle for long; every client looks before it asks.
        while idle and idle[-1][0].at_eof():
            idle.pop()[1].close()
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request_bytes("/v1/predict", row))
            await read_answer(reader)
        except (MeasurementError, OSError, asyncio.IncompleteReadError):
            failed += 1
            return
        asked.append((at, time.perf_counter() - begun))
        idle.append((reader, writer))

    async with asyncio.TaskGroup() as group:
        start = time.perf_counter()
        for number in range(int(seconds * RATE)):
            await asyncio.sleep(max(0.0, start + number / RATE - time.perf_counter()))
            group.create_task(ask(rows[number % len(rows)]))
    for _, writer in idle:
        writer.close()
    return asked, failed


def _percentile(values: list[float], percent: int) -> float:
    return sorted(values)[int(len(values) * percent / 100)]


def _run(command: list[str], folder: Path, given: dict[str, str]) -> str:
    ended = subprocess.run(
        command, cwd=folder, env=given, capture_output=True, text=True, timeout=120, check=False
    )
    if ended.returncode:
        raise MeasurementError(ended.stderr[-2000:])
    return ended.stdout
