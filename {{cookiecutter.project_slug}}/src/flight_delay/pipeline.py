"""The steps in order, as plain functions over files and the registry.

An orchestrator, be it make, a scheduler or a workflow engine, only ever calls these, and
`promotion.run_promote` after them.
"""

import time
from dataclasses import asdict
from typing import Any

from flight_delay.bundle import load
from flight_delay.data import load_table, make_table
from flight_delay.export import export_bundle
from flight_delay.files import unfinished_file, write_json
from flight_delay.lock import locked
from flight_delay.plots import figures
from flight_delay.registry import register
from flight_delay.settings import Settings
from flight_delay.splits import Windows, has_both_outcomes, split
from flight_delay.tracking import as_params, log_run, open_experiment
from flight_delay.train import Measured, Say, TrainedFirst, measure, train


def run_data(settings: Settings, say: Say) -> dict[str, Any]:
    """Build, validate and store the table; return its facts."""
    say("reading flights, weather and aircraft, building features, checking the contract")
    return make_table(settings)


def run_train(settings: Settings, say: Say) -> dict[str, Any]:
    """Train, evaluate, export, log and register a challenger; return the report."""
    started = time.perf_counter()
    say("loading the table")
    windows = split(load_table(settings), settings)
    # Before the work: a registry that does not answer should not cost a training first.
    with locked(settings):
        open_experiment(settings)
    trained = train(windows, settings, say)

    say("converting to ONNX and comparing with scikit-learn on every validation row")
    bundle = load(export_bundle(trained, windows, settings))

    # The bundle is made, as it would be on launch day. What follows only looks at it.
    launch = _measure_launch(trained, windows, settings, say)
    plots = figures(launch, "production") if launch else figures(trained.validation, "validation")

    say("logging to MLflow and registering the challenger")
    params = as_params(settings, trained.final["classifier"].get_params())
    run = log_run(settings, bundle, params, plots, launch.figures() if launch else None)
    number = register(settings, bundle, run)
    report = {
        "version": bundle.version,
        "registry_number": int(number),
        "run_id": run.run_id,
        "threshold": trained.threshold,
        "rows": {
            "fit": windows.fit.height,
            "validation": windows.validation.height,
            "history": windows.history.height,
            "launch": windows.launch.height,
        },
        "validation": asdict(trained.validation),
        "launch": asdict(launch) if launch else None,
        "parity": bundle.manifest.metrics["parity"]["largest_difference"]["estimate"],
        "data_hash": bundle.manifest.data_hash,
        "code_hash": bundle.manifest.code_hash,
        "seconds": round(time.perf_counter() - started, 2),
    }
    for name, figure in plots.items():
        with unfinished_file(settings.reports / f"{name}.png") as unfinished:
            figure.savefig(unfinished, format="png")
    write_json(settings.reports / "train.json", report)
    return report


def _measure_launch(
    trained: TrainedFirst, windows: Windows, settings: Settings, say: Say
) -> Measured | None:
    """Measure what happened after launch, or say that nothing did yet."""
    rows = windows.launch
    if not has_both_outcomes(rows):
        say(
            f"nothing after launch to measure yet: {rows.height:,} labelled flights from "
            f"{settings.launch} to {settings.launch_until}, and it takes both outcomes"
        )
        return None
    say(f"measuring on the {rows.height:,} flights after launch")
    return measure(trained.final, trained.baseline, rows, trained.threshold, settings)
