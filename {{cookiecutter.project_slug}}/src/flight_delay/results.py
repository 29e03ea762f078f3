"""Write the figures of the last training run into README.md and its plots into docs/images."""

import json
from pathlib import Path
from typing import Any

from flight_delay.errors import ProjectError
from flight_delay.files import write_atomically
from flight_delay.settings import Settings

BEGIN = "<!-- results: written by the command `results` -->"
END = "<!-- end of results -->"
PLOTS = ("calibration.png", "days.png")
METRICS = {"auc": "AUC", "brier": "Brier score", "calibration_error": "Calibration error"}


class ResultsError(ProjectError):
    """There is nothing to write, or nowhere to write it."""


def write_results(settings: Settings) -> Path:
    """Replace the results table of README.md and the plots that it shows.

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
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        message = f"README.md has lost the line {BEGIN} or {END}: put both back"
        raise ResultsError(message)
    table = results_table(report)
    for name in PLOTS:
        plot = (settings.reports / name).read_bytes()
        write_atomically(settings.home / "docs" / "images" / name, plot)
    write_atomically(readme, f"{before}{BEGIN}\n{table}\n{END}{after}".encode())
    return readme


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


def _figure(interval: dict[str, float]) -> str:
    return f"{interval['estimate']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"
