"""What serving costs: the size of the environment, memory, and the time until it is ready."""

import functools
import json
import os
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.load import send
from benchmarks.processes import MEGABYTE, Server, environment, run, serving, uv
from benchmarks.project import SLUG, Workspace
from benchmarks.report import Figure

STARTS = 5
REQUESTS = 500
SYNC = ("sync", "--quiet", "--locked", "--no-default-groups", "--no-editable")


@functools.cache
def serving_environment(workspace: Workspace) -> dict[str, dict[str, int]]:
    """Install what the image installs, measure it, compile the bytecode, and measure it again.

    Returns:
        `source` and `compiled`, each with `bytes` (the files' sizes) and `disk` (their blocks).
    """
    folder = environment_folder(workspace)
    given = environment(UV_PROJECT_ENVIRONMENT=str(folder))
    command = [uv(), *SYNC]
    run([*command, "--no-compile-bytecode"], workspace.project, given, 600)
    source = _size(folder)
    run([*command, "--compile-bytecode"], workspace.project, given, 600)
    return {"source": source, "compiled": _size(folder)}


def environment_folder(workspace: Workspace) -> Path:
    """Return where the serving environment is made."""
    return workspace.scratch / "serving"


def this_service(workspace: Workspace) -> Server:
    """Return the project's service as its image starts it, on the project's champion."""
    serving_environment(workspace)
    command = [str(environment_folder(workspace) / "bin" / SLUG), "serve", "--port", "{port}"]
    home = {"APP_HOME": str(workspace.project)}
    return Server("this service", command, "/health/ready", workspace.scratch, home)


def golden(workspace: Workspace, count: int) -> tuple[list[dict[str, Any]], list[float]]:
    """Return real flights from the champion's bundle, and what scikit-learn answered for each."""
    models = workspace.project / "models"
    version = json.loads((models / "champion.json").read_text(encoding="utf-8"))["version"]
    rows = json.loads((models / version / "golden.json").read_text(encoding="utf-8"))
    return rows["rows"][:count], rows["probabilities"][:count]


def measure_service(workspace: Workspace) -> Iterator[Figure]:
    """Measure the size, the memory and the cold start of the service."""
    size = serving_environment(workspace)
    source, compiled = (
        {kind: count / MEGABYTE for kind, count in size[state].items()}
        for state in ("source", "compiled")
    )
    yield Figure(
        "serving_environment_mb",
        "serving environment without bytecode",
        source["bytes"],
        "MB",
        "at most",
        180,
        f"sizes of the files; {source['disk']:.0f} MB in disk blocks; with bytecode "
        f"{compiled['bytes']:.0f} MB, {compiled['disk']:.0f} in blocks",
        ".1f",
    )
    server = this_service(workspace)
    rows, _ = golden(workspace, 32)
    with serving(server) as running:
        loaded = running.resident_megabytes()
        send(running.port, "/v1/predict", rows, REQUESTS)
        busy = running.resident_megabytes()
    yield Figure(
        "resident_mb",
        "resident memory, the model loaded",
        max(loaded, busy),
        "MB",
        "at most",
        125,
        f"VmRSS: {loaded:.1f} when ready, {busy:.1f} after {REQUESTS} requests; the higher counts",
        ".1f",
    )
    seconds = []
    for _ in range(STARTS):
        with serving(server) as running:
            seconds.append(running.seconds)
    yield Figure(
        "cold_start_seconds",
        "cold start to ready",
        statistics.median(seconds),
        "s",
        "at most",
        1.5,
        f"bytecode compiled; median of {STARTS}, {min(seconds):.2f} to {max(seconds):.2f}",
    )


def _size(folder: Path) -> dict[str, int]:
    """Add up every file below a folder; links count as links."""
    files = [
        os.lstat(os.path.join(parent, name))  # noqa: PTH118 - twelve thousand of them
        for parent, _, names in os.walk(folder)
        for name in names
    ]
    return {
        "bytes": sum(file.st_size for file in files),
        "disk": sum(file.st_blocks * 512 for file in files),
    }
