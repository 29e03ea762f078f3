"""A bad challenger, forced through the gates: what a mistaken person or pipeline might do."""

import polars as pl

from flight_delay.bundle import load
from flight_delay.contract import TARGET
from flight_delay.data import load_table
from flight_delay.evaluate import choose_threshold, scored
from flight_delay.export import export_bundle
from flight_delay.model import gradient_boosting
from flight_delay.registry import promote, register
from flight_delay.settings import Settings
from flight_delay.splits import split
from flight_delay.tracking import as_params, log_run
from flight_delay.train import Say, Trained, fit, measure_alone, probabilities

REASON = "a bad challenger was to be injected"


def force_bad_challenger(settings: Settings, say: Say) -> str:
    """Train on history with every label turned round, promote it by force, return its version."""
    say("training a bad challenger and forcing it through the gates")
    windows = split(load_table(settings).with_columns(~pl.col(TARGET)), settings)
    candidate, final = (
        fit(gradient_boosting(settings.seed, rows.height), rows)
        for rows in (windows.fit, windows.history)
    )
    said = probabilities(candidate, windows.validation)
    threshold = choose_threshold(scored(windows.validation, said))
    validation = measure_alone(windows.validation, said, threshold, settings)
    trained = Trained(candidate, final, threshold, validation)
    bundle = load(export_bundle(trained, windows, settings))
    params = as_params(settings, final["classifier"].get_params())
    register(settings, bundle, log_run(settings, bundle, params, figures={}))
    promote(settings, bundle.version, force=REASON, say=say)
    return bundle.version
