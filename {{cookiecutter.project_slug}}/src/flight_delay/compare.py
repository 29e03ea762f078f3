"""The challenger beside another model, on the first days that neither of them has seen.

This is what a pull request shows. The other model is the champion, or the bundle in any folder,
such as the one that the recipe of another branch has made.
"""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from flight_delay.bundle import MODEL_FILE, Bundle, BundleError, load
from flight_delay.champion import champion_version
from flight_delay.contract import DAY, ROWS, TARGET
from flight_delay.data import DataError, load_table
from flight_delay.errors import ProjectError
from flight_delay.evaluate import calibration_curve, evaluate, scored
from flight_delay.files import unfinished_file, write_atomically, write_json
from flight_delay.model import as_arrays
from flight_delay.plots import reliability
from flight_delay.pull_request import WHO, as_markdown
from flight_delay.rival import meet
from flight_delay.settings import Settings
from flight_delay.splits import has_both_outcomes
from flight_delay.train import Say


class NothingTrainedError(ProjectError):
    """There is no challenger to compare."""


def run_compare(settings: Settings, say: Say, folder: Path | None = None) -> dict[str, Any]:
    """Compare the model of the last training, report as JSON, Markdown and picture, and return it.

    Args:
        settings: how many days, and how often they are drawn.
        say: receives a line at the start of each step.
        folder: the other bundle's; by default the champion's.

    Raises:
        NothingTrainedError: when there was no training.
        BundleError: when the challenger's bundle is damaged; the other's is only reported.
        DataError: when there is no table, or too few days are left to compare on.
    """
    challenger = load(settings.models / _last_trained(settings))
    other, problem = _other(settings, folder)
    say(f"comparing {challenger.version} with {other.version if other else 'no other model'}")
    report = compare(challenger, other, settings) | {"problem": problem}
    write_json(settings.reports / "compare.json", report)
    write_atomically(settings.reports / "compare.md", as_markdown(report).encode())
    measured = {WHO[who]: report[who] for who in ("other", "challenger")}
    curves = {name: model["curve"] for name, model in measured.items() if model is not None}
    title = f"Calibration, {report['from']} to {report['to']}"
    with unfinished_file(settings.reports / "compare.png") as unfinished:
        reliability(curves, title).savefig(unfinished, format="png")
    return report


def compare(challenger: Bundle, other: Bundle | None, settings: Settings) -> dict[str, Any]:
    """Measure both models on the same rows, and the difference, challenger less other."""
    models = [challenger, other] if other else [challenger]
    rows = unseen(load_table(settings), models, settings)
    said = challenger.probabilities(as_arrays(rows))
    return {
        "from": str(rows[DAY].min()),
        "to": str(rows[DAY].max()),
        "days": rows[DAY].n_unique(),
        "rows": rows.height,
        "challenger": _measured(challenger, rows, settings),
        "other": _measured(other, rows, settings) if other else None,
        "same_model": other is not None and _model_hash(challenger) == _model_hash(other),
        "rival": meet(other, rows, said, settings).model_dump() if other else None,
    }


def unseen(table: pl.DataFrame, models: list[Bundle], settings: Settings) -> pl.DataFrame:
    """Return the labelled rows of the first days after the history of every model.

    Raises:
        DataError: when too few such days have rows enough, or only one outcome.
    """
    last = max(date.fromisoformat(model.manifest.windows["history"][1]) for model in models)
    rows = table.filter(pl.col(TARGET).is_not_null(), pl.col(DAY) > last)
    counts = rows.group_by(DAY).len().filter(pl.col("len") >= settings.least_day_rows)
    days = counts[DAY].sort().head(settings.holdout_days)
    rows = rows.filter(pl.col(DAY).is_in(days.implode()))
    if len(days) < settings.least_holdout_days or not has_both_outcomes(rows):
        message = (
            f"{len(days)} days after {last}, the last that a model was fitted on, have at least "
            f"{settings.least_day_rows} labelled {ROWS}, and {settings.least_holdout_days} with "
            f"both outcomes are needed: fit on fewer days, or lower APP_LEAST_HOLDOUT_DAYS"
        )
        raise DataError(message)
    return rows


def _measured(model: Bundle, rows: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    """Return what a model was fitted on, its metrics with intervals, and its calibration curve."""
    answered = scored(rows, model.probabilities(as_arrays(rows)))
    metrics = evaluate(answered, resamples=settings.resamples, seed=settings.seed)
    return {
        "version": model.version,
        "fitted_on": model.manifest.windows["history"],
        "metrics": {name: asdict(interval) for name, interval in metrics.items()},
        "curve": calibration_curve(answered),
    }


def _last_trained(settings: Settings) -> str:
    report = settings.reports / "train.json"
    if not report.is_file():
        message = "no reports/train.json: run the command `train` first"
        raise NothingTrainedError(message)
    version: str = json.loads(report.read_bytes())["version"]
    return version


def _other(settings: Settings, folder: Path | None) -> tuple[Bundle | None, str]:
    """Return the other model, or None and what is wrong with it."""
    if folder is None:
        version = champion_version(settings.models)
        if not version:
            return None, "there is no champion yet"
        folder = settings.models / version
    try:
        return load(folder.resolve()), ""
    except BundleError as error:
        return None, str(error).splitlines()[0]


def _model_hash(model: Bundle) -> str:
    return model.manifest.files[MODEL_FILE]
