"""The closed loop: what nine months of it bring, and what they take."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.processes import environment, run
from benchmarks.project import SLUG, Workspace
from benchmarks.report import Figure

REPLAY_SECONDS = 900
DRIFT_SECONDS = 300
DRIFT_ROWS = 1_000_000

# Run by the project's interpreter: a window of a million rows against the champion's profile.
DRIFT = """
import json, sys, time
import polars as pl
from flight_delay.champion import read_champion
from flight_delay.contract import DAY, TARGET
from flight_delay.data import load_table
from flight_delay.monitoring.drift import drift
from flight_delay.settings import Settings

settings = Settings()
champion = read_champion(settings.models).version
reference = json.loads((settings.models / champion / "reference.json").read_bytes())
table = load_table(settings).with_columns(probability=pl.lit(0.2))
rows = pl.concat([table] * (1 + int(sys.argv[1]) // table.height)).head(int(sys.argv[1]))
started = time.perf_counter()
report = drift(rows, reference, settings)
assert report["enough"] and len(report["fields"]) == 16
print(time.perf_counter() - started)
"""


def measure_loop(workspace: Workspace) -> Iterator[Figure]:
    """Replay April to December, and measure drift on a large window."""
    project = workspace.project
    print("replay of April to December ...", flush=True)
    replay = [str(project / ".venv" / "bin" / SLUG), "replay"]
    run(replay, project, environment(), REPLAY_SECONDS)
    yield from _replay_figures(workspace.report("replay"), _days_that_alarmed(project))
    yield _drift_figure(workspace)


def _replay_figures(report: dict[str, Any], alarmed: int) -> Iterator[Figure]:
    summary, difference = report["summary"], report["difference"]
    alone, alive = (summary[name]["calibration_error"] for name in ("left_alone", "kept_alive"))
    over = f"{report['from']} to {report['to']}, {summary['predictions']:,} predictions over HTTP"
    yield Figure(
        "replay_seconds",
        "`replay` of April to December",
        summary["seconds"],
        "s",
        "at most",
        180,
        over,
        ".0f",
    )
    yield Figure(
        "replay_predictions",
        "predictions in it",
        summary["predictions"],
        "",
        "at least",
        60_000,
        f"{summary['requests']:,} requests",
        ".0f",
    )
    yield Figure(
        "replay_failed",
        "failed requests in it",
        summary["failed_requests"],
        "",
        "at most",
        0,
        "every answer that is not 200",
        ".0f",
    )
    yield Figure(
        "replay_retrainings",
        "retrainings in it",
        summary["retrainings"],
        "",
        "at most",
        10,
        f"{summary['promotions']} promoted, the others refused by the gates",
        ".0f",
    )
    yield Figure(
        "replay_brier",
        "Brier score, kept alive less left alone",
        difference["brier"]["estimate"],
        "",
        "at most",
        -0.004,
        _interval(difference["brier"]),
        "+.4f",
    )
    yield Figure(
        "replay_auc",
        "AUC, kept alive less left alone",
        difference["auc"]["estimate"],
        "",
        "at least",
        0.012,
        _interval(difference["auc"]),
        "+.4f",
    )
    yield Figure(
        "replay_calibration",
        "calibration error, left alone over kept alive",
        alone / alive,
        "",
        "at least",
        4,
        f"{alone:.4f} against {alive:.4f}, pooled over all days",
        ".1f",
    )
    days = len(report["days"])
    yield Figure(
        "false_alarms",
        "clean days on which a data check alarmed",
        100 * alarmed / days,
        "%",
        "at most",
        3,
        f"{alarmed} of the {days} days replayed",
        ".1f",
    )


def _interval(difference: dict[str, float]) -> str:
    return f"{difference['low']:+.4f} to {difference['high']:+.4f} (95 %), paired by day"


def _days_that_alarmed(project: Path) -> int:
    """Count the days that the replay's monitor recorded as broken."""
    path = project / "replay" / "predictions.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as log:
        rows = log.execute("SELECT content FROM events WHERE kind = 'broken_day'").fetchall()
    return len({json.loads(content)["day"] for (content,) in rows})


def _drift_figure(workspace: Workspace) -> Figure:
    program = workspace.scratch / "drift.py"
    program.write_text(DRIFT, encoding="utf-8")
    out = workspace.scratch / "drift.out"
    python = workspace.project / ".venv" / "bin" / "python"
    command = ["bash", "-c", f'"{python}" "{program}" {DRIFT_ROWS} > "{out}"']
    run(command, workspace.project, environment(), DRIFT_SECONDS)
    return Figure(
        "drift_seconds",
        "drift of a window of 1,000,000 rows",
        float(out.read_text()),
        "s",
        "at most",
        5,
        "16 fields and the probability, day by day",
        ".1f",
    )
