"""A service, a Prometheus, an Alertmanager and whoever it calls, all on loopback, in a hurry."""

import contextlib
import functools
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx2
from findings import Report
from machine import require
from shell import environment
from stand_in import answering

JOB = "flight_delay"
WINDOW = "6s"
"""Instead of each range of the rules, which are minutes and hours."""
BEAT = "500ms"
PATIENCE_SECONDS = 40
BUFFER_ROWS = 50
FIND = """
import json, sys
from datetime import UTC, datetime, timedelta
from flight_delay.champion import champion_version
from flight_delay.prediction_log import open_log
from flight_delay.settings import Settings

settings = Settings()
report, days_ago = json.load(sys.stdin)
report["champion"] = champion_version(settings.models)
open_log(settings).record_event("monitor", report, datetime.now(UTC) - timedelta(days=days_ago))
"""


def wait_until(happened: Callable[[], object], what: object) -> None:
    """Wait until something is true; fail, and say what, when it is not in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"not in {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.2)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def hurried(folder: Path, ports: dict[str, int]) -> None:
    """Shorten every duration and move every port in the configuration; change nothing else."""
    for path in folder.glob("*.yml"):
        text = path.read_text("utf-8")
        text = re.sub(r"\[\d+[a-z]+\]", f"[{WINDOW}]", text)
        text = re.sub(r"\bfor: \d+[a-z]+", "for: 1s", text)
        text = re.sub(r"\b(scrape|evaluation)_interval: \w+", rf"\1_interval: {BEAT}", text)
        text = re.sub(r"\bgroup_(wait|interval): \w+", r"group_\1: 1s", text)
        for port, name in (("8000", "service"), ("9093", "alertmanager"), ("9095", "receiver")):
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{ports[name]}")
        path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def running(command: list[Path | str], folder: Path, log: Path, **extra: str) -> Iterator[None]:
    """Run a program until the block ends; what it says goes into a file."""
    with log.open("ab") as said:
        program = subprocess.Popen(
            command, cwd=folder, env=environment(**extra), stdout=said, stderr=said
        )
    try:
        yield
    finally:
        program.terminate()
        try:
            program.wait(15)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


@dataclass
class Service:
    """The service of an installed project, on a copy of its models, and how to break it."""

    project: Path
    home: Path
    port: int
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """Its environment; a small buffer of the log is soon full."""
        return {
            "APP_HOME": str(self.home),
            "APP_PORT": str(self.port),
            "APP_POLL_SECONDS": "0.2",
            "APP_LOG_BUFFER_ROWS": str(BUFFER_ROWS),
        }

    def start(self, **extra: str) -> None:
        """Start it, always on the same port, where Prometheus looks."""
        command: list[Path | str] = [self.project / ".venv/bin/python", "-m", JOB, "serve"]
        log = self.home / "service.log"
        self.stack.enter_context(running(command, self.project, log, **self.settings, **extra))
        wait_until(self.lives, "the service answers")

    def stop(self) -> None:
        """Stop it."""
        self.stack.close()

    def lives(self) -> bool:
        """Tell whether it answers."""
        try:
            return httpx2.get(f"{self.url}/health/live").is_success
        except httpx2.TransportError:
            return False

    def predict(self, rows: int = 1) -> httpx2.Response:
        """Ask for predictions."""
        instances = [self.example] * rows
        return httpx2.post(f"{self.url}/v1/predict/batch", json={"instances": instances})

    @functools.cached_property
    def example(self) -> dict[str, Any]:
        """A row, as its documentation shows it."""
        page = httpx2.get(f"{self.url}/openapi.json").json()
        row: dict[str, Any] = page["components"]["schemas"]["Instance"]["examples"][0]
        return row

    def find(self, report: Report, days_ago: int = 0) -> None:
        """Record what a monitoring run found, as the run does it."""
        self.python(FIND, json.dumps([report, days_ago]))

    def python(self, script: str, given: str = "") -> str:
        """Run a script with the project's interpreter, settings and modules."""
        return subprocess.run(
            [self.project / ".venv/bin/python", "-c", script],
            cwd=self.project,
            env=environment(**self.settings),
            input=given,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()


@dataclass
class Receiver:
    """What Alertmanager sent, by the path that it was sent to."""

    port: int
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    old: int = 0
    """How many messages are of no interest any more."""

    def told(self, path: str, **labels: str) -> bool:
        """Tell whether an alert with these labels was sent to a path."""
        return any(
            where == path and labels.items() <= alert["labels"].items()
            for where, message in self.sent[self.old :]
            for alert in message["alerts"]
            if alert["status"] == "firing"
        )


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """Take what Alertmanager sends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            given.sent.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with answering(Handler) as port:
        given = Receiver(port)
        yield given


@dataclass
class Stack:
    """All of it, and what Prometheus knows."""

    service: Service
    receiver: Receiver
    prometheus: str
    alertmanager: str

    def ask(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - of any form
        """Ask Prometheus."""
        answer = httpx2.get(f"{self.prometheus}/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        alerts = self.ask("alerts")["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}

    def rules(self) -> list[dict[str, Any]]:
        """Return the alerting rules as Prometheus took them."""
        groups = self.ask("rules", type="alert")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def shows(self, query: str) -> bool:
        """Tell whether a query gives a number."""
        result = self.ask("query", query=query)["result"]
        return any(series["value"][1] not in {"NaN", "+Inf"} for series in result)


@contextlib.contextmanager
def running_stack(project: Path, folder: Path, found: Report) -> Iterator[Stack]:
    """Start everything, on copies of the project's models and of its configuration.

    Args:
        project: an installed project with a champion.
        folder: an empty one, for the copies.
        found: what the monitor found before anybody looked.
    """
    prometheus = require("prometheus", "apt-get install prometheus")
    alertmanager = shutil.which("alertmanager") or require(
        "prometheus-alertmanager", "apt-get install prometheus-alertmanager"
    )
    shutil.copytree(project / "models", folder / "models")
    shutil.copytree(project / "monitoring", folder / "monitoring")
    names = ("service", "prometheus", "alertmanager")
    ports = {name: free_port() for name in names}
    at = {name: f"127.0.0.1:{ports[name]}" for name in names}
    options = {
        prometheus: ["--web.listen-address", at["prometheus"], "--storage.tsdb.path"],
        alertmanager: [
            *("--web.listen-address", at["alertmanager"], "--cluster.listen-address="),
            "--storage.path",
        ],
    }
    with contextlib.ExitStack() as stack:
        webhook = stack.enter_context(receiver())
        hurried(folder / "monitoring", ports | {"receiver": webhook.port})
        service = Service(project, folder, ports["service"])
        stack.callback(service.stop)
        service.find(found)
        service.start()
        for program, name in ((alertmanager, "alertmanager"), (prometheus, "prometheus")):
            command = [program, "--config.file", f"monitoring/{name}.yml", *options[program]]
            stack.enter_context(running([*command, name], folder, folder / f"{name}.log"))
        whole = Stack(
            service, webhook, f"http://{at['prometheus']}", f"http://{at['alertmanager']}"
        )
        wait_until(lambda: _watched(whole), "Prometheus has read /metrics")
        yield whole


def _watched(stack: Stack) -> bool:
    try:
        (target,) = stack.ask("targets")["activeTargets"]
    except (httpx2.TransportError, ValueError):
        return False
    return bool(target["health"] == "up")
