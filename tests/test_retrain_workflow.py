"""The scheduled workflow that watches and retrains, step by step, against what it would meet.

The log, the registry and the training are real. Only GitHub's interface stands outside this
machine, so a server of ours takes its place and keeps what it was sent.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from answers import PROJECT, TEMPLATE
from machine import require
from monitoring_stack import free_port
from shell import environment, run

FILE = Path(".github/workflows/retrain.yml")
ONLY_ON_GITHUB = {"actions/checkout", "astral-sh/setup-uv", "actions/upload-artifact"}
TOKEN = "the-token-of-the-run"  # noqa: S105 - of nothing
REPOSITORY = "somebody/flight-delay"
START_SECONDS = 60

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


@dataclass
class GitHub:
    """What GitHub's interface was sent."""

    address: str
    sent: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)


def steps() -> list[dict[str, Any]]:
    content = yaml.safe_load((TEMPLATE / PROJECT / FILE).read_text(encoding="utf-8"))
    (job,) = content["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


def commands(*names: str) -> list[str]:
    """Return the `run:` of the steps with these names, or of all."""
    return [
        step["run"] for step in steps() if "run" in step and (not names or step["name"] in names)
    ]


def test_only_what_github_alone_can_do_is_not_run_here() -> None:
    uses = {step["uses"].partition("@")[0] for step in steps() if "uses" in step}
    assert uses == ONLY_ON_GITHUB
    assert len(commands()) == len(steps()) - len(ONLY_ON_GITHUB)


@contextlib.contextmanager
def github() -> Iterator[GitHub]:
    """Answer like GitHub's interface, on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stub.sent.append((self.path, self.headers["Authorization"], body))
            self.send_response(201)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub = GitHub(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield stub
        finally:
            server.shutdown()


@contextlib.contextmanager
def mlflow(project: Path, folder: Path) -> Iterator[str]:
    """Run an MLflow server on loopback."""
    port = free_port()
    command = [str(project / ".venv/bin/python"), "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "kept"]
    with (folder / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
        try:
            address = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + START_SECONDS
            while not answers(f"{address}/health"):
                assert process.poll() is None, (folder / "mlflow.log").read_text()
                assert time.monotonic() < deadline, (folder / "mlflow.log").read_text()
                time.sleep(0.2)
            yield address
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=START_SECONDS)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - loopback
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.mark.slow
def test_a_morning_on_which_a_training_is_due(project: Path, tmp_path: Path) -> None:
    require("jq", "apt-get install jq")
    require("curl", "apt-get install curl")
    with mlflow(project, tmp_path) as registry, github() as stub:
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

        runner = shared | {
            "APP_HOME": str(tmp_path / "runner"),
            "TOKEN": TOKEN,
            "GITHUB_API_URL": stub.address,
            "GITHUB_REPOSITORY": REPOSITORY,
        }
        said = [
            run(f"cd {project} && {command}", folder(tmp_path / "runner"), **runner).stdout
            for command in commands("Set up", "Build the table")
        ]
        assert "336,776 flights" in said[-1]
        pulled, decided, told = commands()[2:]
        assert first in run(pulled, project, **runner).stdout
        assert "decision: retrain" in run(decided, project, **runner).stdout
        run(tell_in(tmp_path / "runner", told), project, **runner)
        second = champion(tmp_path / "runner")
        assert second != first

        ((path, authorization, issue),) = stub.sent
        assert path == f"/repos/{REPOSITORY}/issues"
        assert authorization == f"Bearer {TOKEN}"
        assert "retrain" in issue["title"]
        assert second in issue["body"]

        # The registry has it too, so another machine takes the new one.
        elsewhere = shared | {"APP_HOME": str(folder(tmp_path / "elsewhere"))}
        assert second in run(pulled, project, **elsewhere).stdout
        assert champion(tmp_path / "elsewhere") == second

        # The next morning nothing is due, and nobody is told.
        assert "decision: nothing" in run(decided, project, **runner).stdout
        run(tell_in(tmp_path / "runner", told), project, **runner)
        assert len(stub.sent) == 1


def tell_in(home: Path, command: str) -> str:
    """Return the step that opens an issue; on GitHub state is in the checkout itself."""
    return f"cd {home} && {command}"


def folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


def champion(home: Path) -> str:
    version: str = json.loads((home / "models" / "champion.json").read_text())["version"]
    return version
