"""Retraining: a challenger learns from all the past, meets the champion, and goes to the gates.

The newest days that the champion has not seen are held out. A candidate is fitted on everything
before them, its threshold is chosen on them, and both score them. The model that would be shipped
is the same recipe fitted on everything, the held-out days included.
"""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from datetime import date
from typing import Any

import polars as pl
from sklearn.pipeline import Pipeline

from flight_delay.bundle import Bundle, Rival, load
from flight_delay.champion import ChampionError, read_champion
from flight_delay.contract import ROWS
from flight_delay.evaluate import choose_threshold, scored
from flight_delay.export import export_bundle
from flight_delay.lock import locked
from flight_delay.model import gradient_boosting
from flight_delay.past import past
from flight_delay.prediction_log import open_log
from flight_delay.registry import promote, register
from flight_delay.rival import meet
from flight_delay.settings import Settings
from flight_delay.splits import Windows, hold_out
from flight_delay.tracking import as_params, log_run, open_experiment
from flight_delay.train import Say, Trained, fit, measure_alone, probabilities

HALF_LIFE_DAYS = 90
"""A day weighs half as much as one so much later: what is learned from has to look like now."""


def retrain(settings: Settings, say: Say, today: date) -> dict[str, Any]:
    """Train a challenger, let it meet the champion and the gates, and report.

    The report has the challenger's `version`, the `result` ("promoted", "refused", "shadow" or
    "canary"), what the `gates` said, and how it was found. Nothing is recorded here but the run,
    the registered version and, if the gates agree, the new champion or its trial.

    Raises:
        ChampionError: when there is no champion to compare with.
        BundleError: when the champion's bundle is damaged.
        DataError: when too few days are left to compare on, or there is no table.
        LogError: when the prediction log cannot be read.
        ContractError: when a row of the past breaks the contract.
        ParityError: when ONNX and scikit-learn disagree.
        TrackingError: when MLflow does not answer.
    """
    started = time.perf_counter()
    champion = _champion(settings)
    with locked(settings):  # before the work: a registry that does not answer should not cost it
        open_experiment(settings)
    say("gathering the past from the table and the prediction log")
    with closing(open_log(settings)) as log:
        rows, blocked = past(settings, log, today, champion.reference())
    seen_until = date.fromisoformat(champion.manifest.windows["history"][1])
    windows = hold_out(rows, seen_until, settings)
    trained, rival = challenge(windows, champion, settings, say)

    say("converting to ONNX and comparing with scikit-learn on every row that was held out")
    bundle = load(export_bundle(trained, windows, settings, rival))
    say("logging to MLflow and registering the challenger")
    params = as_params(settings, trained.final["classifier"].get_params())
    run = log_run(settings, bundle, params | {"half_life_days": HALF_LIFE_DAYS}, figures={})
    number = register(settings, bundle, run)
    say("asking the gates")
    verdict = promote(settings, bundle.version, say=say)
    stage = verdict.trial.stage if verdict.trial else None
    return {
        "today": str(today),
        "version": bundle.version,
        "previous": champion.version,
        "result": "promoted" if verdict.champion else stage or "refused",
        "reasons": verdict.reasons,
        "gates": [asdict(gate) for gate in verdict.gates],
        "rival": rival.model_dump(),
        "validation": asdict(trained.validation),
        "threshold": trained.threshold,
        "rows": {"fit": windows.fit.height, "held_out": windows.validation.height},
        "windows": bundle.manifest.windows,
        "blocked_days": [str(day) for day in blocked],
        "registry_number": int(number),
        "run_id": run.run_id,
        "seconds": round(time.perf_counter() - started, 2),
    }


def challenge(
    windows: Windows, champion: Bundle, settings: Settings, say: Say
) -> tuple[Trained, Rival]:
    """Fit candidate and final model, choose the threshold, and meet the champion."""
    say(
        f"fitting on {windows.fit.height:,} {ROWS}, and for later on these and the "
        f"{windows.validation.height:,} held out"
    )
    candidate, final = _fit_each((windows.fit, windows.history), settings)
    held_out = windows.validation
    say(f"comparing with the champion {champion.version} on rows that neither has seen")
    probability = probabilities(candidate, held_out)
    threshold = choose_threshold(scored(held_out, probability))
    validation = measure_alone(held_out, probability, threshold, settings)
    rival = meet(champion, held_out, probability, settings)
    return Trained(candidate, final, threshold, validation), rival


def _fit_each(tables: Iterable[pl.DataFrame], settings: Settings) -> list[Pipeline]:
    """Fit the recipe on each table, all at the same time: a fit uses one core."""

    def recipe(table: pl.DataFrame) -> Pipeline:
        return fit(gradient_boosting(settings.seed, table.height), table, HALF_LIFE_DAYS)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(recipe, tables))


def _champion(settings: Settings) -> Bundle:
    champion = read_champion(settings.models)
    if champion is None:
        message = "there is no champion to compare with: run the commands `train` and `promote`"
        raise ChampionError(message)
    return load(settings.models / champion.version)
