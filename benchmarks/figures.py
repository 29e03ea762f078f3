"""Measure every figure that Slipway claims, and hold each against its target.

A figure that misses its target is reported and fails nothing: a busy machine is not a fault. The
exit code is 1 when something could not be measured at all. A full run, without options, writes
results.json and the tables of benchmarks/README.md; a partial run only prints.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# This file is run by its path, so Python would look beside it and not in the root.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.image import measure_image
from benchmarks.loop import measure_loop
from benchmarks.processes import MeasurementError, ProjectError
from benchmarks.project import Workspace, measure_demo, measure_generate, measure_model
from benchmarks.report import Figure, Peer, tables, write_readme, write_results
from benchmarks.service import measure_service
from benchmarks.side_by_side import measure_peers
from benchmarks.swaps import measure_swaps

ROOT = Path(__file__).resolve().parent.parent

PARTS: dict[str, Callable[[Workspace], Iterable[Figure | Peer | str]]] = {
    "generate": measure_generate,
    "demo": measure_demo,
    "model": measure_model,
    "service": measure_service,
    "image": measure_image,
    "swaps": measure_swaps,
    "loop": measure_loop,
    "peers": measure_peers,
}


def main() -> None:
    """Run the parts asked for; exit code 1 when one could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=PARTS, metavar="PART", help=f"one of {', '.join(PARTS)}"
    )
    parser.add_argument(
        "--project", type=Path, help="a project that `make demo` made; no fresh clone makes one"
    )
    options = parser.parse_args()
    # A request to end runs the `finally` blocks that stop the servers, and the servers, which
    # inherit what is ignored, heed an interrupt even when this runs in the background.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    machine = describe_machine()
    given = options.project.resolve() if options.project else None
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as scratch:
        workspace = Workspace(ROOT, Path(scratch), given)
        figures, peers, notes, failed = measure(workspace, options.only or list(PARTS))
    shown = tables(figures, peers)
    print(f"\n{shown}\n\n{sentence(machine)}")
    if not options.only and given is None:
        folder = ROOT / "benchmarks"
        write_results(folder / "results.json", figures, peers, machine, notes)
        remarks = "".join(f"\n- {note}" for note in notes)
        write_readme(
            folder / "README.md", "\n".join([sentence(machine), "", shown, remarks]).strip()
        )
        print("written: benchmarks/results.json and the tables of benchmarks/README.md")
    sys.exit(1 if failed else 0)


def measure(
    workspace: Workspace, parts: list[str]
) -> tuple[list[Figure], list[Peer], list[str], bool]:
    """Run the parts in order, printing each verdict as it is known."""
    figures: list[Figure] = []
    peers: list[Peer] = []
    notes: list[str] = []
    failed = False
    for name, part in PARTS.items():
        if name not in parts:
            continue
        if name == "demo" and workspace.given is not None:
            print("skipped      demo: --project was given, so no fresh clone was made")
            continue
        try:
            for found in part(workspace):
                if isinstance(found, str):
                    notes.append(found.splitlines()[0])
                    print(found, flush=True)
                    continue
                print(found.line(), flush=True)
                if isinstance(found, Figure):
                    figures.append(found)
                else:
                    peers.append(found)
        except (MeasurementError, OSError, LookupError, ValueError) as error:
            failed = True
            notes.append(
                f"not measured: {name}: {(str(error) or type(error).__name__).splitlines()[0]}"
            )
            print(f"not measured {name}: {error}", file=sys.stderr, flush=True)
            if isinstance(error, ProjectError):
                break
    return figures, peers, notes, failed


def describe_machine() -> dict[str, Any]:
    """Return when, on what and of which commit; no name of a host or folder."""
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit.stdout.strip(),
        "cores": len(os.sched_getaffinity(0)),
        "load_at_start": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def sentence(machine: dict[str, Any]) -> str:
    """Return the machine's description in one line."""
    return (
        f"{machine['date']}, commit {machine['commit']}, {machine['cores']} cores "
        f"({machine['system']}), Python {machine['python']}, load {machine['load_at_start']} "
        f"at the start; MB are 2^20 bytes."
    )


if __name__ == "__main__":
    main()
