"""The scheduled workflow that watches and retrains, step by step, against what it would meet.

The log, the registry and the training are real. Only GitHub's interface stands outside this
machine, so a server of ours takes its place and keeps what it was sent.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from actions import Runner, only, runs, uses, workflow
from github_stand_in import REPOSITORY, TOKEN, github
from machine import require
from mlflow_server import mlflow
from shell import run

RETRAIN = workflow("retrain.yml")
MORNING = ("Take the champion of the registry", "Monitor and retrain")
TELL = "Tell in one issue what was decided or failed, until all is well"
RUN = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ID": "12"}

# Forty days of traffic, answered by the champion, whose outcomes are known.
TRAFFIC = """
import sys, uuid
from datetime import UTC, date, datetime, timedelta
import polars as pl
from flight_delay.bundle import load
from flight_delay.champion import read_champion
from flight_delay.contract import DAY, TARGET, field_names
from flight_delay.data import load_table
from flight_delay.encoding import encode
from flight_delay.prediction_log import Entry, open_log
from flight_delay.settings import Settings

settings = Settings()
table = load_table(settings).filter(
    pl.col(TARGET).is_not_null() & pl.col(DAY).is_between(date(2013, 4, 1), date(2013, 5, 10))
)
bundle = load(settings.models / read_champion(settings.models).version)
said = bundle.probabilities(encode({name: table[name] for name in field_names()}))
ids = [uuid.uuid4().hex for _ in said]
rows = table.select(field_names()).to_dicts()
log = open_log(settings)
log.record([
    Entry(name, datetime(day.year, day.month, day.day, 12, tzinfo=UTC), bundle.version,
          float(probability), bundle.decide(probability), row)
    for name, day, probability, row in zip(ids, table[DAY], said, rows, strict=True)
])
log.record_outcomes(dict(zip(ids, table[TARGET], strict=True)), datetime.now(UTC))
print(bundle.version)
"""


def test_every_command_is_run_here_and_only_what_github_alone_can_do_is_not() -> None:
    assert runs(RETRAIN, "loop") == ["Set up", "Build the table", *MORNING, TELL]
    assert uses(RETRAIN) == {
        "actions/checkout",
        "astral-sh/setup-uv",
        "actions/upload-artifact",  # keeps the reports where a person can look at them
    }


def test_only_the_steps_that_need_a_secret_are_given_it() -> None:
    assert "env" not in RETRAIN["jobs"]["loop"]
    given = {
        step["name"]: re.findall(r"secrets\.(\w+)", str(step["env"]))
        for step in RETRAIN["jobs"]["loop"]["steps"]
        if "secrets." in str(step)
    }
    assert given == {
        MORNING[0]: ["MLFLOW_TRACKING_URI"],
        MORNING[1]: ["APP_LOG_URL", "MLFLOW_TRACKING_URI"],
    }


def test_a_run_that_fails_early_is_told_once_and_the_issue_closed_when_all_is_well(
    tmp_path: Path,
) -> None:
    with github() as hub:
        runner = Runner(
            tmp_path,
            tmp_path,
            known={"github.token": TOKEN},
            conditions={"vars.RETRAIN == 'on'": True},
            variables=hub.variables(**RUN),
        )
        # A checkout without anything in it cannot even be set up.
        for _ in range(2):
            runner.job(only(RETRAIN, "loop", "Set up", TELL), "loop")
            assert runner.failed
            assert runner.passed(TELL), runner.said[TELL].stderr
        (issue,) = hub.issues
        assert issue["title"] == "Retrain: failed before anything was decided"
        assert f"https://github.example/{REPOSITORY}/actions/runs/12" in issue["body"]
        assert (issue["state"], issue["labels"]) == ("open", ["retrain"])

        (tmp_path / "reports").mkdir()
        quiet = {"decision": {"action": "nothing"}, "result": "nothing"}
        (tmp_path / "reports/retrain.json").write_text(json.dumps(quiet), encoding="utf-8")
        (tmp_path / "reports/retrain.md").write_text("# All is well\n", encoding="utf-8")
        for _ in range(2):
            runner.passes(only(RETRAIN, "loop", TELL), "loop")
        assert len(hub.issues) == 1
        assert (issue["state"], issue["title"]) == ("closed", "All is well")


@pytest.mark.slow
def test_a_morning_on_which_a_training_is_due(project: Path, tmp_path: Path) -> None:
    require("jq", "apt-get install jq")
    require("curl", "apt-get install curl")
    with mlflow(project, tmp_path) as registry, github() as hub:
        shared: dict[str, Any] = {
            "MLFLOW_TRACKING_URI": registry,
            "APP_LOG_URL": f"sqlite:///{tmp_path / 'log.db'}",
            "APP_CLOCK_FILE": str(tmp_path / "clock"),
            "APP_RESAMPLES": "200",
        }
        (tmp_path / "clock").write_text("2013-05-14T12:00:00+00:00", encoding="utf-8")
        owner = shared | {"APP_HOME": str(tmp_path / "owner")}
        run("make data train promote", project, **owner)
        (tmp_path / "traffic.py").write_text(TRAFFIC, encoding="utf-8")
        first = run(f".venv/bin/python {tmp_path / 'traffic.py'}", project, **owner).stdout.strip()

        def machine(home: str) -> Runner:
            """Return a machine of GitHub's, whose state is apart from the project's own."""
            folder = tmp_path / home
            folder.mkdir(exist_ok=True)
            return Runner(
                project,
                folder,
                known={
                    "secrets.APP_LOG_URL": shared["APP_LOG_URL"],
                    "secrets.MLFLOW_TRACKING_URI": registry,
                    "github.token": TOKEN,
                },
                conditions={"vars.RETRAIN == 'on'": True},
                actions={"actions/upload-artifact": lambda _: {}},
                variables=hub.variables(**shared, **RUN, APP_HOME=str(folder)),
            )

        runner = machine("runner")
        runner.passes(only(RETRAIN, "loop", "Set up", "Build the table", MORNING[0]), "loop")
        assert "336,776 flights" in runner.said["Build the table"].stdout
        assert first in runner.said[MORNING[0]].stdout
        # On GitHub the state is in the checkout, where the last step looks for the report.
        telling = only(RETRAIN, "loop", TELL)

        # It is due, and the registry is away: the run is red, and somebody is told.
        runner.known["secrets.MLFLOW_TRACKING_URI"] = "http://127.0.0.1:9"
        runner.job(only(RETRAIN, "loop", MORNING[1]), "loop")
        assert runner.failed
        runner.folder = runner.scratch
        runner.passes(telling, "loop")
        (issue,) = hub.sent("POST", "issues")
        assert "failed" in issue["title"]
        assert "127.0.0.1:9 does not answer" in issue["body"]

        runner.folder = project
        runner.known["secrets.MLFLOW_TRACKING_URI"] = registry
        runner.passes(only(RETRAIN, "loop", MORNING[1]), "loop")
        assert "decision: retrain" in runner.said[MORNING[1]].stdout
        second = champion(runner.scratch)
        assert second != first

        runner.folder = runner.scratch
        runner.passes(telling, "loop")
        (issue,) = hub.issues
        assert issue["state"] == "open"
        assert "retrain" in issue["title"]
        assert second in issue["body"]

        # The registry has it too, so another machine takes the new one.
        elsewhere = machine("elsewhere")
        elsewhere.passes(only(RETRAIN, "loop", MORNING[0]), "loop")
        assert second in elsewhere.said[MORNING[0]].stdout
        assert champion(elsewhere.scratch) == second

        # The next morning nothing is due, and the issue is closed.
        runner.folder = project
        runner.passes(only(RETRAIN, "loop", MORNING[1]), "loop")
        assert "decision: nothing" in runner.said[MORNING[1]].stdout
        runner.folder = runner.scratch
        runner.passes(telling, "loop")
        assert [one["state"] for one in hub.issues] == ["closed"]


def champion(home: Path) -> str:
    version: str = json.loads((home / "models" / "champion.json").read_text())["version"]
    return version
