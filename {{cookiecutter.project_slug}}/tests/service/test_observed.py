"""The metrics of the newest monitoring report: all that it knows, and nothing of the one before."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from flight_delay.prediction_log import open_log
from flight_delay.service.app import create_app
from flight_delay.settings import Settings

from ..logs import NOON  # noqa: TID252 - what the tests share
from .running import labels_of, sample, wait_until

NAMES = (
    "feature_drift",
    "model_live_quality",
    "model_live_labelled_share",
    "data_contract_broken",
    "policy_decision",
    "model_breached_windows",
    "monitor_last_run_timestamp_seconds",
)
DRIFT = {
    "psi": 0.3,
    "usual_psi": 0.1,
    "unusual_days": 4,
    "days": 7,
    "statistic": "ks",
    "distance": 0.2,
    "p_value": 0.001,
    "adjusted_p": 0.01,
    "drifted": True,
    "null_share": 0.5,
    "reference_null_share": 0.4,
    "unseen_share": None,
}
REPORT: dict[str, Any] = {
    "champion": "aaaaaaaaaaaa",
    "checks": {
        "broken": [{"day": "2013-04-01", "check": "range", "field": "wind", "blocks": True}]
    },
    "drift": {
        "fields": [{"field": "wind"} | DRIFT],
        "prediction": {"field": "probability"} | DRIFT,
    },
    "quality": {"unlabelled_share": 0.25, "metrics": {"auc": 0.7, "brier": 0.15}},
    "windows": [{"breached": True}, {"breached": False}, {"breached": True}],
    "decision": {"action": "warn", "reasons": [], "blocked_days": []},
}
NOTHING = {"action": "nothing", "version": ""}
WARNED = {"action": "warn", "version": "aaaaaaaaaaaa"}
QUIET: dict[str, Any] = {
    "champion": None,
    "checks": {"broken": []},
    "drift": {"fields": [], "prediction": None},
    "quality": {"unlabelled_share": None, "metrics": None},
    "windows": [],
    "decision": {"action": "nothing", "reasons": [], "blocked_days": []},
}


@pytest.fixture
def report(home: Settings) -> Callable[[dict[str, Any]], None]:
    """Return a function that records a report as the monitor does."""

    def record(content: dict[str, Any]) -> None:
        with contextlib.closing(open_log(home)) as log:
            log.record_event("monitor", content, NOON)

    return record


def test_before_the_first_report_nothing_is_shown(home: Settings) -> None:
    with TestClient(create_app(home)) as client:
        wait_until((home.home / "predictions.db").is_file)
        assert [name for name in NAMES if labels_of(client, name)] == []


def test_a_report_is_shown_as_it_is(home: Settings, report: Callable[..., None]) -> None:
    report(QUIET)
    report(REPORT)
    with TestClient(create_app(home)) as client:
        wait_until(lambda: labels_of(client, "policy_decision") == [WARNED])
        drift = {"feature": "wind"}
        for statistic in ("drifted", "psi", "usual_psi", "unusual_days", "distance", "adjusted_p"):
            value = sample(client, "feature_drift", statistic=statistic, **drift)
            assert value == DRIFT[statistic]
        assert sample(client, "feature_drift", statistic="null_share", **drift) == 0.5
        assert sample(client, "feature_drift", feature="probability", statistic="psi") == 0.3
        assert len(labels_of(client, "feature_drift")) == 2 * 7
        assert sample(client, "model_live_quality", metric="auc") == 0.7
        assert sample(client, "model_live_quality", metric="brier") == 0.15
        assert sample(client, "model_live_labelled_share") == 0.75
        assert labels_of(client, "data_contract_broken") == [{"feature": "wind", "check": "range"}]
        assert sample(client, "data_contract_broken") == 1
        assert sample(client, "policy_decision") == 1
        assert sample(client, "model_breached_windows") == 2
        assert sample(client, "monitor_last_run_timestamp_seconds") == NOON.timestamp()


def test_the_next_report_leaves_nothing_of_the_one_before(
    home: Settings, report: Callable[..., None]
) -> None:
    with TestClient(create_app(home)) as client:
        report(REPORT)
        wait_until(lambda: labels_of(client, "policy_decision") == [WARNED])
        report(QUIET)
        wait_until(lambda: labels_of(client, "policy_decision") == [NOTHING])
        shown = {name for name in NAMES if labels_of(client, name)}
        assert shown == {
            "policy_decision",
            "model_breached_windows",
            "monitor_last_run_timestamp_seconds",
        }
        assert sample(client, "model_breached_windows") == 0


def test_a_report_of_another_form_is_left_out_and_ends_nothing(
    home: Settings, report: Callable[..., None]
) -> None:
    with TestClient(create_app(home)) as client:
        report({"quality": None})
        report(REPORT)
        wait_until(lambda: labels_of(client, "policy_decision") == [WARNED])
        report({"quality": None})
        report({"drift": []})
        assert client.get("/health/ready").status_code == 200
        assert labels_of(client, "policy_decision") == [WARNED]
