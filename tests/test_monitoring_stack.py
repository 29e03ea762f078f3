"""The monitoring files against the real thing: every panel shows data, every alert is set off.

The rules are the project's own, but for durations, which are shortened mechanically. Each fault is
caused where it would arise: in the process, on its socket, in its files, in its log.
"""

import contextlib
import functools
import json
import re
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from answers import generate
from findings import BROKEN, FINDINGS, HEALTHY
from machine import require
from monitoring_stack import (
    BUFFER_ROWS,
    JOB,
    WINDOW,
    Service,
    Stack,
    free_port,
    running_stack,
    wait_until,
)
from shell import run

slow = pytest.mark.slow

RUNBOOK = "docs/runbook.md"
DASHBOARD = "monitoring/grafana/dashboards/service.json"


TODAY = str(datetime.now(UTC).date())
SLOW_SECONDS = 0.4
SIBLING = """
from flight_delay.champion import read_champion
from flight_delay.settings import Settings
from tests.service.bundles import sibling

models = Settings().models
print(sibling(models / read_champion(models).version, threshold=0.9))
"""


@pytest.fixture(scope="module")
def stack(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return a service that is watched, and about which there is nothing to say."""
    folder = tmp_path_factory.mktemp("stack") / "home"
    folder.mkdir()
    with running_stack(project, folder, HEALTHY) as stack:
        yield stack


def calm_down(stack: Stack) -> None:
    """Let the monitor find nothing, and wait until no alert fires."""
    stack.service.find(HEALTHY)
    wait_until(lambda: not stack.firing(), "no alert fires")
    stack.receiver.old = len(stack.receiver.sent)


def set_off(stack: Stack, *alerts: str, by: Callable[[], object] = list) -> None:
    """Wait until these alerts fire, and no others, and somebody has been told of each.

    Args:
        stack: everything.
        alerts: their names.
        by: what goes on until then.
    """
    severity = {rule["name"]: rule["labels"]["severity"] for rule in reversed(stack.rules())}

    def done() -> bool:
        by()
        return stack.firing() == set(alerts) and all(
            stack.receiver.told(f"/{severity[alert]}", alertname=alert) for alert in alerts
        )

    wait_until(done, f"{alerts} fire")


def put(path: Path, content: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
    """Replace a file in one step, as those who poll it expect."""
    path.with_suffix(".new").write_text(json.dumps(content), encoding="utf-8")
    path.with_suffix(".new").replace(path)


def trial_of(version: str) -> dict[str, Any]:
    """Return the file of a challenger that scores unheard."""
    return {"version": version, "stage": "shadow", "share": 0, "since": TODAY, "until": TODAY}


def tool(name: str, package: str, folder: Path, *arguments: str) -> str:
    """Run a tool that comes with one of Debian's packages, and return what it says."""
    program = require(name, f"apt-get install {package}")
    done = subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_the_files_are_valid_and_the_rules_pass_their_tests_under_any_name(tmp_path: Path) -> None:
    folder = generate(tmp_path, package_name="late_trains") / "monitoring"
    promtool = functools.partial(tool, "promtool", "prometheus", folder)
    assert "1 rule files found" in promtool("check", "config", "prometheus.yml")
    assert "SUCCESS" in promtool("test", "rules", "rules_test.yml")
    amtool = functools.partial(tool, "amtool", "prometheus-alertmanager", folder)
    assert "3 receivers" in amtool("check-config", "alertmanager.yml")
    rules = (folder / "rules.yml").read_text("utf-8")
    assert 'up{job="late_trains"}' in rules
    assert "{{ $labels.job }}" in rules


def queries(project: Path) -> set[str]:
    """Return the queries of the dashboard as Grafana would send them, with their variables."""

    def of(panels: list[dict[str, Any]]) -> Iterator[str]:
        for panel in panels:
            yield from of(panel.get("panels", []))
            yield from (target["expr"] for target in panel.get("targets", []))

    values = {"$__rate_interval": WINDOW, "$job": JOB}
    panels = json.loads((project / DASHBOARD).read_text("utf-8"))["panels"]
    variable = re.compile(r"\$\w+")
    return {variable.sub(lambda found: values[found[0]], query) for query in of(panels)}


@slow
def test_every_panel_of_the_dashboard_shows_data(stack: Stack) -> None:
    service = stack.service
    trial = service.home / "models" / "trial.json"
    put(trial, trial_of(service.python(SIBLING)))
    service.find(HEALTHY | {"checks": BROKEN})
    missing = queries(service.project)
    assert len(missing) > 25

    def shown() -> bool:
        answers = service.predict(5).json()["predictions"]
        outcomes = [{"request_id": one["request_id"], "outcome": True} for one in answers]
        httpx2.post(f"{service.url}/v1/feedback", json=outcomes).raise_for_status()
        httpx2.post(f"{service.url}/v1/predict", json=service.example).raise_for_status()
        missing.difference_update([query for query in missing if stack.shows(query)])
        return not missing

    wait_until(shown, missing)
    trial.unlink()


@slow
def test_the_commands_of_the_runbook_work(stack: Stack) -> None:
    service = stack.service
    here = {
        "http://127.0.0.1:9090": stack.prometheus,
        "127.0.0.1:8000": f"127.0.0.1:{service.port}",
        "predictions.db": str(service.home / "predictions.db"),
    }
    require("sqlite3", "apt-get install sqlite3")
    blocks = re.findall(
        r"(?ms)^```bash\n(.*?)^```$", (service.project / RUNBOOK).read_text("utf-8")
    )
    commands = {line for block in blocks for line in block.splitlines()}
    assert len(commands) > 8
    for command in sorted(commands):
        moved = functools.reduce(lambda said, text: said.replace(text, here[text]), here, command)
        assert run(moved, service.project, seconds=60, code=0, **service.settings).stdout, command


@slow
@pytest.mark.parametrize("alert", FINDINGS)
def test_what_the_monitor_finds_reaches_somebody(alert: str, stack: Stack) -> None:
    calm_down(stack)
    stack.service.find(HEALTHY | FINDINGS[alert])
    set_off(stack, alert)


@slow
def test_a_monitor_that_has_not_run_for_days_is_stale(stack: Stack) -> None:
    calm_down(stack)
    stack.service.find(HEALTHY, days_ago=3)
    set_off(stack, "MonitorStale")


@slow
def test_a_damaged_bundle_that_is_promoted_is_rejected(stack: Stack) -> None:
    calm_down(stack)
    models = stack.service.home / "models"
    champion = json.loads((models / "champion.json").read_text())
    shutil.copytree(models / champion["version"], models / "damaged")
    with (models / "damaged" / "model.onnx").open("r+b") as model:
        model.seek(1000)
        model.write(b"?")
    put(models / "champion.json", champion | {"version": "damaged"})
    set_off(stack, "ChampionRejected")
    put(models / "champion.json", champion)


@slow
def test_a_challenger_that_cannot_be_tried_fails(stack: Stack) -> None:
    calm_down(stack)
    trial = stack.service.home / "models" / "trial.json"
    put(
        trial,
        {"version": "absent", "stage": "canary", "share": 0.5, "since": TODAY, "until": TODAY},
    )
    set_off(stack, "TrialFailing")
    trial.unlink()


@slow
def test_a_locked_log_fails_and_then_drops(stack: Stack) -> None:
    calm_down(stack)
    with contextlib.closing(sqlite3.connect(stack.service.home / "predictions.db")) as log:
        log.execute("BEGIN EXCLUSIVE")
        stack.service.predict()
        set_off(stack, "PredictionLogFailing")
        many = functools.partial(stack.service.predict, BUFFER_ROWS)
        set_off(stack, "PredictionLogFailing", "PredictionLogDropping", by=many)


@slow
def test_a_registry_that_is_followed_and_does_not_answer_is_noticed(stack: Stack) -> None:
    calm_down(stack)
    nobody = f"http://127.0.0.1:{free_port()}"
    stack.service.stop()
    stack.service.start(APP_FOLLOW_REGISTRY="true", MLFLOW_TRACKING_URI=nobody)
    set_off(stack, "RegistryUnreachable")
    assert stack.service.predict().is_success
    stack.service.stop()
    stack.service.start()


@slow
def test_slow_answers_are_noticed(stack: Stack) -> None:
    calm_down(stack)
    set_off(stack, "HighLatency", by=functools.partial(predict_slowly, stack.service))


def predict_slowly(service: Service) -> None:
    """Ask for a prediction and let its body come late, as over a bad line."""
    body = json.dumps(service.example).encode()
    head = f"POST /v1/predict HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n")
        time.sleep(SLOW_SECONDS)
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


@slow
def test_a_service_that_is_gone_is_down(stack: Stack) -> None:
    calm_down(stack)
    stack.service.stop()
    set_off(stack, "ServiceDown")
    stack.service.start()


@slow
def test_a_service_without_a_model_fails_its_callers(stack: Stack) -> None:
    calm_down(stack)
    champion = stack.service.home / "models" / "champion.json"
    away = champion.rename(champion.with_suffix(".away"))
    stack.service.stop()
    stack.service.start()
    set_off(stack, "NoModel", "HighErrorRate", by=stack.service.predict)
    away.rename(champion)
    wait_until(lambda: stack.service.predict().is_success, "the champion is taken")


@slow
def test_what_is_a_consequence_is_held_back(stack: Stack) -> None:
    """Told to Alertmanager directly: of a service that is down Prometheus sees nothing else."""
    alerts = [
        {"alertname": "ServiceDown", "job": "one", "severity": "page"},
        {"alertname": "HighLatency", "job": "one", "severity": "page"},
        {"alertname": "HighLatency", "job": "two", "severity": "page"},
        {"alertname": "HighErrorRate", "job": "two", "severity": "page"},
        {"alertname": "HighErrorRate", "job": "two", "severity": "ticket"},
    ]
    address = f"{stack.alertmanager}/api/v2/alerts"
    httpx2.post(address, json=[{"labels": one} for one in alerts]).raise_for_status()
    told = functools.partial(stack.receiver.told, "/page", alertname="HighLatency")
    wait_until(lambda: told(job="two"), "the other service pages")
    known = [one for one in httpx2.get(address).json() if one["labels"]["job"] != JOB]
    held_back = [one["labels"] for one in known if one["status"]["inhibitedBy"]]
    assert len(known) == len(alerts)
    assert sorted(held_back, key=alerts.index) == [alerts[1], alerts[4]]
    assert not told(job="one")


@slow
def test_everybody_was_told_in_words_of_every_alert(stack: Stack) -> None:
    """After the tests above, which set each of them off."""
    ours = [
        alert
        for _, message in stack.receiver.sent
        for alert in message["alerts"]
        if alert["labels"]["job"] == JOB
    ]
    assert {one["labels"]["alertname"] for one in ours} == {rule["name"] for rule in stack.rules()}
    for alert in ours:
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
        assert not re.search("[{}]|no value|NaN", " ".join(alert["annotations"].values()))
