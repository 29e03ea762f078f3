"""The verbs of the loop, as a person types them."""

import json
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flight_delay.contract import example
from flight_delay.prediction_log import Entry, open_log
from flight_delay.settings import Settings

from ..conftest import RESAMPLES, champion_of  # noqa: TID252 - what the tests share
from .typed import Ran, Run


def typed(run: Run, alive: Settings, *arguments: str, **environment: str) -> Ran:
    """Type a command in a project whose clock stands."""
    given = {"APP_CLOCK_FILE": str(alive.clock_file), "APP_RESAMPLES": str(RESAMPLES)}
    return run(alive.home, *arguments, **(given | environment))


def report_of(settings: Settings, name: str) -> Any:  # noqa: ANN401 - JSON
    """Return what a command reported."""
    return json.loads((settings.reports / f"{name}.json").read_text(encoding="utf-8"))


def test_monitor_says_what_it_saw_and_what_the_policy_decides(run: Run, alive: Settings) -> None:
    process = typed(run, alive, "monitor")
    assert process.code == 0
    report = report_of(alive, "monitor")
    for part in ("traffic", "quality", "drift"):
        assert f"  {part}: {report[part]['said']}\n" in process.stdout
    assert f"decision: {report['decision']['action']}\n" in process.stdout
    assert report["decision"]["reasons"][0] in process.stdout
    assert (alive.reports / "monitor.html").read_text("utf-8").startswith("<!doctype html>")


def test_retrain_trains_whatever_the_policy_says_and_prints_each_gate(
    run: Run, alive: Settings
) -> None:
    first = champion_of(alive)
    process = typed(run, alive, "retrain", APP_MAX_SCORING_MILLISECONDS="0.000001")
    assert process.code == 3
    assert "fail latency: one row takes" in process.stdout
    version = report_of(alive, "retrain")["version"]
    assert f"refused: {version} stays a challenger" in process.stderr
    assert champion_of(alive) == first
    with closing(open_log(alive)) as log:
        assert log.events("retrain")[0].content["result"] == "refused"


def test_retrain_if_needed_does_what_the_policy_decides_and_no_more(
    run: Run, alive: Settings
) -> None:
    first = champion_of(alive)
    calm = {"APP_RETRAIN_EVERY_DAYS": "300", "APP_MAX_LIVE_BIAS": "0.9"}
    process = typed(run, alive, "retrain", "--if-needed", **calm)
    assert process.code == 0
    assert "decision: nothing" in process.stdout
    assert report_of(alive, "retrain")["result"] == "nothing"
    assert champion_of(alive) == first


def test_feedback_records_outcomes_from_a_file_and_may_be_run_again(
    run: Run, alive: Settings, tmp_path: Path
) -> None:
    at = datetime(2013, 4, 2, tzinfo=UTC)
    asked = Entry(uuid.uuid4().hex, at, "v", 0.2, prediction=False, features=example())
    with closing(open_log(alive)) as log:
        log.record([asked])
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text(f"request_id,outcome\n{asked.request_id},true\n", encoding="utf-8")
    for new, known in ((1, 0), (0, 1)):
        process = typed(run, alive, "feedback", str(outcomes))
        assert f"{new} outcomes recorded, {known} were known already" in process.stdout
    outcomes.write_text(f"request_id,outcome\n{asked.request_id},false\n", encoding="utf-8")
    process = typed(run, alive, "feedback", str(outcomes))
    assert process.code == 1
    assert asked.request_id in process.stderr


def test_pull_takes_the_champion_of_the_registry(run: Run, alive: Settings) -> None:
    first = champion_of(alive)
    (alive.models / "champion.json").unlink()
    process = typed(run, alive, "pull")
    assert f"done: {first} is the champion here" in process.stdout
    assert champion_of(alive) == first


def test_pull_without_a_champion_in_the_registry_says_what_to_run(run: Run, tmp_path: Path) -> None:
    process = run(tmp_path, "pull")
    assert process.code == 1
    assert "the registry has no champion: run the commands `train` and `promote`" in process.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--from", "soon"), 2, "'soon' is not a day"),
        (("--inject", "flood"), 1, "--inject flood is not known"),
        (("--days", "0"), 2, "--days"),
    ],
)
def test_a_replay_that_cannot_be_is_refused_in_words(
    run: Run, alive: Settings, arguments: tuple[str, ...], code: int, said: str
) -> None:
    process = typed(run, alive, "replay", *arguments)
    assert process.code == code
    assert said in process.stderr
    assert not (alive.home / "replay").exists()
