"""Write the figures of the last training and the last replay into README.md, with their plots."""

import json
from pathlib import Path
from typing import Any

from flight_delay.errors import ProjectError
from flight_delay.files import write_atomically
from flight_delay.settings import Settings

BEGIN = "<!-- results: written by the command `results` -->"
END = "<!-- end of results -->"
REPLAY_BEGIN = "<!-- replay: written by the command `results` -->"
REPLAY_END = "<!-- end of replay -->"
PLOTS = ("calibration.png", "days.png")
REPLAY_PLOT = "replay.png"
METRICS = {"auc": "AUC", "brier": "Brier score", "calibration_error": "Calibration error"}


class ResultsError(ProjectError):
    """There is nothing to write, or nowhere to write it."""


def write_results(settings: Settings) -> Path:
    """Replace the tables of README.md and the plots that it shows.

    The replay's are left as they are unless the last replay was a whole one, without incidents.

    Raises:
        ResultsError: when nothing was trained or nothing measured after launch, or README.md has
            lost its markers.
    """
    source = settings.reports / "train.json"
    if not source.is_file():
        message = "no reports/train.json: run the command `train` first"
        raise ResultsError(message)
    report = json.loads(source.read_text(encoding="utf-8"))
    if report["launch"] is None:
        message = (
            "README.md shows how the model does after launch, and the last training run found "
            "nothing there to measure: run the command `train` again when outcomes have come in "
            "between APP_LAUNCH and APP_LAUNCH_UNTIL"
        )
        raise ResultsError(message)
    readme = settings.home / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    text = _between(text, BEGIN, END, results_table(report))
    plots = list(PLOTS)
    replay = settings.reports / "replay.json"
    if replay.is_file() and (lived := json.loads(replay.read_text(encoding="utf-8")))["whole"]:
        text = _between(text, REPLAY_BEGIN, REPLAY_END, replay_table(lived))
        plots.append(REPLAY_PLOT)
    for name in plots:
        plot = (settings.reports / name).read_bytes()
        write_atomically(settings.home / "docs" / "images" / name, plot)
    write_atomically(readme, text.encode())
    return readme


def _between(text: str, begin: str, end: str, table: str) -> str:
    """Return a text with what stands between two markers replaced.

    Raises:
        ResultsError: when it has lost one of them.
    """
    before, begins, rest = text.partition(begin)
    _, ends, after = rest.partition(end)
    if not (begins and ends):
        message = f"README.md has lost the line {begin} or {end}: put both back"
        raise ResultsError(message)
    return f"{before}{begin}\n{table}\n{end}{after}"


def results_table(report: dict[str, Any]) -> str:
    """Return the table of a training report as Markdown."""
    launch = report["launch"]
    first, last = launch["daily"][0]["day"], launch["daily"][-1]["day"]
    rows = [
        f"| {first} to {last} | model | logistic baseline | model less baseline, paired by day |",
        "|---|---|---|---|",
    ]
    for metric, name in METRICS.items():
        cells = [_figure(launch[who][metric]) for who in ("model", "baseline", "advantage")]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def replay_table(report: dict[str, Any]) -> str:
    """Return the table of a replay as Markdown."""
    summary, days = report["summary"], f"{report['from']} to {report['to']}"
    rows = [
        f"| {days} | left alone | kept alive | kept less alone, paired by day |",
        "|---|---|---|---|",
    ]
    for metric, name in METRICS.items():
        alone, kept = (summary[which][metric] for which in ("left_alone", "kept_alive"))
        rows.append(
            f"| {name} | {alone:.4f} | {kept:.4f} | {_signed(report['difference'][metric])} |"
        )
    return "\n".join(rows)


def _figure(interval: dict[str, float]) -> str:
    return f"{interval['estimate']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"


def _signed(interval: dict[str, float]) -> str:
    return "{estimate:+.4f} ({low:+.4f} to {high:+.4f})".format_map(interval)
