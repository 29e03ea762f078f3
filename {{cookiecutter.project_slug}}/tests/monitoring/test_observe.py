"""What the monitor reports: every span once, plain words where nothing is known, and no error."""

import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from flight_delay.bundle import Bundle
from flight_delay.champion import crown
from flight_delay.clock import set_clock
from flight_delay.contract import DAY, TARGET
from flight_delay.incidents import INCIDENTS
from flight_delay.monitoring.findings import as_facts
from flight_delay.monitoring.observe import look, observe
from flight_delay.prediction_log import PredictionLog, open_log
from flight_delay.settings import Settings

from ..conftest import champion_of  # noqa: TID252 - what the tests share
from ..service.bundles import sibling  # noqa: TID252 - what the tests share
from .logged import between, noon, record

FIRST = date(2013, 4, 8)
TODAY = date(2013, 5, 6)
"""Four weeks later."""
NEWEST = date(2013, 5, 2)
"""The newest day whose outcomes are complete three days later."""
SAMPLE = 400


@pytest.fixture(scope="module")
def month(production: pl.DataFrame) -> pl.DataFrame:
    """Return some rows of each day of four weeks, and of today."""
    rows = between(production, FIRST, TODAY)
    return rows.filter(pl.int_range(pl.len()).shuffle(seed=1).over(DAY) < SAMPLE)


def look_at(settings: Settings, log: PredictionLog, today: date = TODAY) -> dict[str, Any]:
    """Return the report of a day; it can be written as JSON, and read again as it was."""
    assert settings.clock_file is not None
    set_clock(settings.clock_file, today)
    report = observe(settings, log)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    return report


@pytest.fixture
def filled(home: Settings, log: PredictionLog, month: pl.DataFrame, bundle: Bundle) -> Settings:
    """Return the settings of a folder whose log holds the month, with the outcomes until then."""
    record(log, month, bundle.version, bundle.manifest.threshold, NEWEST)
    return home


def test_the_report_has_its_form(filled: Settings, log: PredictionLog) -> None:
    report = look_at(filled, log)
    parts = {name: set(part) for name, part in report.items() if isinstance(part, dict)}
    assert parts == {
        "traffic": {"from", "to", "days", "rows", "enough", "said"},
        "checks": {"days", "broken"},
        "drift": {"enough", "said", "fields", "prediction"},
        "quality": {
            "from",
            "to",
            "days",
            "rows",
            "labelled",
            "unlabelled_share",
            "enough",
            "said",
            "metrics",
            "intervals",
            "slices",
        },
        "decision": {"action", "reasons", "blocked_days"},
    }
    assert set(report) - set(parts) == {"today", "champion", "windows", "predecessor"}
    for window in report["windows"]:
        assert set(window) == {"from", "to", "days", "bias", "standard_error", "breached"}


def test_every_part_is_of_its_days(
    filled: Settings, log: PredictionLog, month: pl.DataFrame
) -> None:
    report = look_at(filled, log)
    assert (report["today"], report["champion"]) == ("2013-05-06", champion_of(filled))
    traffic, quality = report["traffic"], report["quality"]
    assert (traffic["from"], traffic["to"]) == ("2013-04-29", "2013-05-05")
    assert (traffic["days"], traffic["rows"], traffic["enough"]) == (7, 7 * SAMPLE, True)
    assert report["checks"] == {"days": 7, "broken": []}
    assert report["drift"]["enough"]
    assert (quality["from"], quality["to"]) == ("2013-04-19", "2013-05-02")
    assert (quality["days"], quality["rows"]) == (14, 14 * SAMPLE)
    fortnight = between(month, date(2013, 4, 19), NEWEST)
    assert quality["labelled"] == fortnight.height - fortnight[TARGET].null_count()
    assert [window["from"] for window in report["windows"]] == [
        "2013-04-12",
        "2013-04-19",
        "2013-04-26",
    ]
    assert report["windows"][-1]["to"] == "2013-05-02"


def test_the_policy_is_told_of_days(filled: Settings, log: PredictionLog) -> None:
    look_at(filled, log)
    facts = as_facts(look(filled, log), filled)
    assert (facts.today, facts.champion) == (TODAY, champion_of(filled))
    assert facts.trained_until == date(2013, 3, 31)
    assert facts.labelled_days == (NEWEST - FIRST).days + 1
    assert [window.days for window in facts.windows] == [7, 7, 7]
    assert (facts.broken_days, facts.drifted, facts.predecessor) == ((), (), None)
    assert facts.last_training is None
    for day in (20, 25):
        log.record_event("retrain", {"result": "refused"}, noon(date(2013, 4, day)))
    log.record_event("retrain", {"result": "failed"}, noon(date(2013, 4, 26)))
    assert as_facts(look(filled, log), filled).last_training == date(2013, 4, 25)


def test_today_is_no_part_of_it_and_old_outcomes_need_no_days_of_traffic(
    filled: Settings, log: PredictionLog
) -> None:
    later = look_at(filled, log, TODAY + timedelta(days=12))
    assert (later["traffic"]["days"], later["traffic"]["enough"]) == (0, False)
    assert later["traffic"]["said"] == ("0 of 7 days have at least 100 flights, and 4 are needed")
    assert later["drift"]["said"].startswith("no verdict: 0 days")
    assert later["quality"]["days"] == 2
    assert later["quality"]["metrics"] is None
    early = look_at(filled, log, FIRST)
    assert early["traffic"]["rows"] == 0


def test_an_empty_log_gives_a_plain_report(home: Settings, log: PredictionLog) -> None:
    report = look_at(home, log)
    assert report["champion"] == champion_of(home)
    assert report["checks"] == {"days": 0, "broken": []}
    assert report["drift"]["fields"] == []
    assert (report["windows"], report["predecessor"]) == ([], None)
    assert report["quality"]["unlabelled_share"] is None
    assert report["decision"]["action"] == "nothing"


def test_no_champion_gives_a_plain_report(
    tmp_path: Any,  # noqa: ANN401 - a path
    month: pl.DataFrame,
) -> None:
    settings = Settings(home=tmp_path, clock_file=tmp_path / "clock")
    log = open_log(settings)
    record(log, between(month, date(2013, 4, 29), TODAY), "gone")
    report = look_at(settings, log)
    log.close()
    assert report["champion"] is None
    assert report["traffic"]["days"] == 7
    assert "no champion" in report["drift"]["said"]
    assert report["checks"]["broken"] == []
    assert report["decision"]["action"] == "nothing"
    assert "no champion" in report["decision"]["reasons"][0]


def test_a_damaged_bundle_is_said_and_quality_is_still_measured(
    filled: Settings, log: PredictionLog
) -> None:
    (filled.models / champion_of(filled) / "reference.json").write_bytes(b"{}")
    report = look_at(filled, log)
    assert "reference.json is not the file that was exported" in report["drift"]["said"]
    assert report["checks"]["broken"] == []
    assert report["quality"]["metrics"]["auc"] > 0.6


def test_no_outcomes_give_no_verdict_on_quality(
    home: Settings, log: PredictionLog, month: pl.DataFrame, bundle: Bundle
) -> None:
    record(log, month, bundle.version, known_until=date(2013, 1, 1))
    report = look_at(home, log)
    assert report["quality"]["enough"] is False
    assert report["quality"]["unlabelled_share"] == 1
    assert report["windows"] == []
    assert report["drift"]["enough"]
    assert report["decision"]["action"] == "nothing"


def test_outcomes_that_arrived_too_late_for_their_window_do_not_count(
    home: Settings, log: PredictionLog, month: pl.DataFrame, bundle: Bundle
) -> None:
    record(log, month, bundle.version, known_until=NEWEST - timedelta(days=10))
    report = look_at(home, log)
    assert report["quality"]["days"] == 4
    assert report["quality"]["enough"] is False
    assert [window["days"] for window in report["windows"]] == [7, 4]


@pytest.mark.parametrize(
    ("incident", "blocked"), [("dead_sensor", True), ("closed_airport", False)]
)
def test_a_broken_day_warns_and_may_be_blocked(
    home: Settings,
    log: PredictionLog,
    month: pl.DataFrame,
    incident: str,
    *,
    blocked: bool,
) -> None:
    day = date(2013, 5, 4)
    record(log, INCIDENTS[incident](month, day, day + timedelta(days=1)), champion_of(home))
    log.record_event("retrain", {}, noon(date(2013, 4, 25)))
    report = look_at(home, log)
    assert {check["day"] for check in report["checks"]["broken"]} == {"2013-05-04"}
    assert report["decision"]["action"] == "warn"
    assert report["decision"]["blocked_days"] == (["2013-05-04"] if blocked else [])
    said = report["checks"]["broken"][0]["said"].removeprefix("2013-05-04, ")
    assert any(said in reason for reason in report["decision"]["reasons"])


def test_the_champion_before_is_compared_with_since_the_promotion(
    home: Settings, log: PredictionLog, month: pl.DataFrame, bundle: Bundle
) -> None:
    bad = sibling(home.models / bundle.version, threshold=0.5, shift=1.5)
    once, promoted = date(2013, 4, 21), date(2013, 4, 25)
    worse = month.with_columns((pl.col("probability") + 0.3).clip(0, 1))
    record(log, between(month, FIRST, once - timedelta(days=1)), bundle.version)
    record(log, between(worse, once, once), bad)  # it was champion before, for a day
    record(log, between(month, once + timedelta(days=1), promoted - timedelta(days=1)), "other")
    record(log, between(worse, promoted, TODAY), bad)
    crown(home.models, bad, "forced", noon(promoted))
    report = look_at(home, log)
    rival = report["predecessor"]
    assert set(rival) == {"version", "days", "rows", "estimate", "low", "high"}
    assert (rival["version"], rival["days"]) == (bundle.version, 8)
    assert rival["low"] > 0.01
    assert report["decision"]["action"] == "rollback"
