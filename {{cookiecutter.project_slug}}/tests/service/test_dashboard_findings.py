"""What the dashboard says of the model: who is champion and why, and what monitoring found."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from flight_delay.bundle import Bundle
from flight_delay.champion import crown, read_champion, step_back
from flight_delay.prediction_log import PredictionLog, open_log, unopened_log
from flight_delay.service import findings
from flight_delay.service.app import create_app
from flight_delay.service.findings import Reader
from flight_delay.settings import Settings
from flight_delay.trial import Trial, write_trial

from .bundles import sibling
from .running import PATIENCE_SECONDS, wait_until

NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
MARKUP = "<img src=x onerror=alert(1)> & more"


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the log at every request, so that no test has to wait."""
    monkeypatch.setattr(findings, "FRESH_SECONDS", 0)


@pytest.fixture
def log(home: Settings) -> Iterator[PredictionLog]:
    """Return the log of the service, as another process would open it."""
    log = open_log(home)
    yield log
    log.close()


@pytest.fixture
def client(home: Settings) -> Iterator[TestClient]:
    """Return a client of a service with a folder of its own."""
    with TestClient(create_app(home)) as client:
        yield client


def facts_of(client: TestClient) -> dict[str, Any]:
    """Return what the dashboard is told."""
    answer = client.get("/dashboard/data")
    assert answer.status_code == 200, answer.text
    facts: dict[str, Any] = answer.json()
    return facts


def test_the_champion_is_told_with_its_training_and_its_promotion(
    client: TestClient, home: Settings, bundle: Bundle
) -> None:
    champion = read_champion(home.models)
    assert champion is not None
    facts = facts_of(client)
    assert facts["champion"]["version"] == bundle.version
    assert facts["champion"]["threshold"] == bundle.manifest.threshold
    assert facts["champion"]["trained_until"] == "2013-03-31"
    assert datetime.fromisoformat(facts["champion"]["since"]) == champion.changes[-1].at
    assert facts["champion"]["doubt"] == ""
    estimate = bundle.manifest.metrics["validation"]["auc"]["estimate"]
    assert facts["champion"]["validation"]["auc"] == estimate
    assert [step["reasons"] for step in facts["history"]] == [[champion.changes[-1].reason]]
    assert facts["settings"]["label_delay_days"] == home.label_delay_days


def test_a_new_project_says_what_is_missing_and_is_no_error(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(home=tmp_path, log_url=None))) as client:
        facts = facts_of(client)
    assert facts["champion"]["version"] is None
    assert "train" in facts["champion"]["doubt"]
    assert facts["monitor"] is None
    assert facts["history"] == []
    assert facts["log"]["problems"] == []


def test_a_champion_that_was_rejected_is_said(
    client: TestClient, home: Settings, bundle: Bundle
) -> None:
    version = sibling(home.models / bundle.version, threshold=0.9)
    (home.models / version / "golden.json").unlink()
    crown(home.models, version, "better")
    wait_until(lambda: bool(facts_of(client)["champion"]["doubt"]))
    champion = facts_of(client)["champion"]
    assert champion["version"] == bundle.version
    assert "golden.json is missing" in champion["doubt"]


def test_a_trial_is_told(client: TestClient, home: Settings, bundle: Bundle) -> None:
    version = sibling(home.models / bundle.version, threshold=0.9)
    first, last = date(2013, 6, 1), date(2013, 6, 4)
    trial = Trial(version=version, stage="canary", share=0.1, since=first, until=last)
    write_trial(home.models, trial)
    wait_until(lambda: facts_of(client)["trial"]["on"] is not None)
    assert facts_of(client)["trial"] == {
        "on": {
            "version": version,
            "stage": "canary",
            "share": 0.1,
            "since": "2013-06-01",
            "until": "2013-06-04",
        },
        "doubt": "",
    }


def test_the_newest_monitoring_run_is_told_as_it_is(client: TestClient, log: PredictionLog) -> None:
    for number in range(3):
        report = {"today": f"2013-06-0{number + 1}", "said": MARKUP}
        log.record_event("monitor", report, NOON + timedelta(days=number))
    monitor = facts_of(client)["monitor"]
    assert monitor == {
        "at": "2013-06-03T12:00:00+00:00",
        "report": {"today": "2013-06-03", "said": MARKUP},
    }


def test_each_step_of_the_loop_is_told_with_its_reasons(
    client: TestClient, log: PredictionLog
) -> None:
    gates = [
        {"name": "parity", "passed": True, "reason": "the same"},
        {"name": "quality", "passed": False, "reason": "0.001 worse"},
    ]
    refused = {"version": "aaa", "result": "refused", "gates": gates, "why": ["30 days are over"]}
    log.record_event("retrain", refused, NOON - timedelta(days=9))
    trial = {"version": "bbb", "stage": "shadow", "result": "refused", "reason": "no better"}
    log.record_event("trial", trial, NOON - timedelta(days=5))
    *_, third, second = facts_of(client)["history"]
    assert (third["kind"], third["stage"], third["result"]) == ("trial", "shadow", "refused")
    assert third["reasons"] == ["no better"]
    assert (second["kind"], second["version"]) == ("retrain", "aaa")
    assert second["reasons"] == ["30 days are over", "the gate quality failed: 0.001 worse"]


def test_a_change_of_champion_by_the_loop_is_told_once(
    client: TestClient, home: Settings, bundle: Bundle, log: PredictionLog
) -> None:
    before = len(facts_of(client)["history"])
    version = sibling(home.models / bundle.version, threshold=0.9)
    crown(home.models, version, "by hand")
    assert len(facts_of(client)["history"]) == before + 1
    step_back(home.models, "by the loop")
    gone = {"version": bundle.version, "previous": version, "reason": "by the loop, in full"}
    log.record_event("rollback", gone, NOON)
    steps = facts_of(client)["history"]
    assert len(steps) == before + 2
    (back,) = [step for step in steps if step["kind"] == "rollback"]
    assert back["reasons"] == ["by the loop, in full"]
    assert datetime.fromisoformat(back["at"]) == NOON


def test_the_history_is_bounded_and_the_newest_comes_first(
    client: TestClient, log: PredictionLog
) -> None:
    for number in range(2 * findings.MOST_ROWS):
        content = {"version": str(number), "result": "failed", "gates": [], "why": []}
        log.record_event("retrain", content, datetime.now(UTC) + timedelta(days=number))
    steps = facts_of(client)["history"]
    assert len(steps) == findings.MOST_ROWS
    assert [step["version"] for step in steps[:2]] == ["59", "58"]


def test_numbers_that_json_lacks_are_absent(client: TestClient, log: PredictionLog) -> None:
    report = {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": float("-inf")}}
    log.record_event("monitor", report, NOON)
    told = facts_of(client)["monitor"]["report"]
    assert told == {"a": None, "b": [None, 1.5], "c": {"d": None}}


@pytest.mark.parametrize(
    ("kind", "content"),
    [("monitor", "{"), ("retrain", "[]"), ("promote", "{}"), ("trial", '"words"')],
)
def test_an_event_that_cannot_be_read_is_told_in_words(
    client: TestClient, home: Settings, log: PredictionLog, kind: str, content: str
) -> None:
    log.record_event("monitor", {"today": "2013-06-01"}, NOON)
    assert facts_of(client)["log"]["problems"] == []
    with sqlite3.connect(home.home / "predictions.db") as database:
        row = ("2013-06-02 12:00:00.000000", kind, content)
        database.execute("insert into events (at, kind, content) values (?, ?, ?)", row)
    database.close()
    facts = facts_of(client)
    assert "cannot be read" in facts["log"]["problems"][0]
    assert facts["monitor"]["report"] == {"today": "2013-06-01"}, "what was known is still shown"
    assert facts["champion"]["since"], "and so is what champion.json says"


def test_a_log_that_is_no_database_is_told_in_words(home: Settings, bundle: Bundle) -> None:
    (home.home / "predictions.db").write_bytes(b"not a database " * 1000)
    log = unopened_log(home)
    found = asyncio.run(Reader(home, log).read())
    log.close()
    assert "file is not a database" in found.problems[0]
    assert found.since(bundle.version), "champion.json can be read all the same"


def test_a_damaged_champion_file_is_told_in_words(
    client: TestClient, home: Settings, bundle: Bundle
) -> None:
    (home.models / "champion.json").write_bytes(b"{")
    facts = facts_of(client)
    assert "champion.json cannot be read" in facts["log"]["problems"][0]
    assert facts["champion"]["version"] == bundle.version


def test_a_log_that_does_not_answer_holds_up_nobody(
    home: Settings, log: PredictionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "PATIENCE_SECONDS", 0.05)
    log.close()
    other = sqlite3.connect(home.home / "predictions.db", isolation_level=None)
    other.execute("pragma journal_mode=delete")
    other.execute("begin exclusive")
    reader = Reader(home, log)

    async def look() -> None:
        first = await reader.read()
        assert first.problems == ("the prediction log has not answered yet",)
        other.execute("rollback")
        monkeypatch.setattr(findings, "PATIENCE_SECONDS", PATIENCE_SECONDS)
        assert (await reader.read()).problems == ()

    with contextlib.closing(other):
        asyncio.run(look())
