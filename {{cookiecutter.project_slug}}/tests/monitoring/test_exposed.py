"""What the alerts read of a report that the monitor itself made, of weeks on which much is wrong.

A key that is renamed in the report is no error for those who make reports of their own in a test.
"""

import asyncio
from datetime import date, timedelta

import polars as pl
import pytest
from prometheus_client import CollectorRegistry

from flight_delay.bundle import Bundle
from flight_delay.clock import now, set_clock
from flight_delay.contract import DAY, TARGET
from flight_delay.incidents import INCIDENTS
from flight_delay.monitoring.run import run_monitor
from flight_delay.prediction_log import PredictionLog
from flight_delay.service.observed import Observed
from flight_delay.settings import Settings

from ..conftest import silent  # noqa: TID252 - what the tests share
from .logged import between, record

TODAY = date(2013, 5, 6)
WEEK = timedelta(days=7)
SAMPLE = 400
OFF = 0.2
"""How much too high every probability is."""


@pytest.fixture
def exposed(
    home: Settings, log: PredictionLog, production: pl.DataFrame, bundle: Bundle
) -> CollectorRegistry:
    """Return what is shown of four weeks: answers off, outcomes missing, at last a dead sensor."""
    rows = between(production, TODAY - 4 * WEEK, TODAY - timedelta(days=1))
    rows = rows.filter(pl.int_range(pl.len()).shuffle(seed=1).over(DAY) < SAMPLE)
    rows = INCIDENTS["dead_sensor"](rows, TODAY - WEEK, TODAY).with_columns(
        (pl.col("probability") + OFF).clip(0, 1),
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(TARGET).alias(TARGET),
    )
    record(log, rows, bundle.version, bundle.manifest.threshold)
    assert home.clock_file is not None
    set_clock(home.clock_file, TODAY)
    run_monitor(home, silent, page=False)
    observed, registry = Observed(log), CollectorRegistry()
    asyncio.run(observed.refresh())
    registry.register(observed)
    return registry


def test_what_is_wrong_has_the_values_that_set_the_alerts_off(
    exposed: CollectorRegistry, home: Settings, bundle: Bundle
) -> None:
    def value(name: str, **labels: str) -> float:
        found = exposed.get_sample_value(name, labels)
        assert found is not None, (name, labels)
        return found

    # DataContractBroken
    assert value("data_contract_broken", feature="wind_speed", check="nulls") == 1
    # LiveQualityBreached
    assert value("model_breached_windows") == 3
    assert value("model_live_quality", metric="bias") == pytest.approx(OFF, abs=0.1)
    # OutcomesMissing
    assert value("model_live_labelled_share") == pytest.approx(0.5, abs=0.02)
    # FeatureDrift
    assert value("feature_drift", feature="wind_speed", statistic="drifted") == 1
    assert value("feature_drift", feature="wind_speed", statistic="null_share") == 1
    assert value("feature_drift", feature="carrier", statistic="drifted") == 0
    assert value("policy_decision", action="retrain", version=bundle.version) == 1
    assert value("monitor_last_run_timestamp_seconds") == now(home.clock_file).timestamp()
