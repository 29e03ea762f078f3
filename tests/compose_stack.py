"""The stack of a project's compose.yaml, on an engine of the tests' own, used as people do."""

import contextlib
import functools
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from docker_engine import Engine
from shell import run

SERVICES = ("postgres", "mlflow", "service", "trainer", "prometheus", "alertmanager", "grafana")
HEALTH = {
    "service": "/health/ready",
    "mlflow": "/health",
    "prometheus": "/-/ready",
    "alertmanager": "/-/ready",
    "grafana": "/api/health",
}
"""Where each service that has a port says whether it is well."""
SERVICE_LABEL = "com.docker.compose.service"
PATIENCE_SECONDS = 180
# Undo the last migration of the registry's database: it is as the version before has left it.
ONE_MIGRATION_BACK = """
import os
from alembic import command
from mlflow.store.db.utils import _get_alembic_config

command.downgrade(_get_alembic_config(os.environ["MLFLOW_BACKEND_STORE_URI"]), "-1")
"""


def free_ports() -> dict[str, int]:
    """Return a free port for each service that has one, no two the same."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in HEALTH]
        ports = [listener.getsockname()[1] for listener in listeners]
    return dict(zip(HEALTH, ports, strict=True))


def wait_until(happened: Callable[[], object], what: object) -> None:
    """Wait until something is true; fail, and say what, when it is not in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"not in {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.3)


@dataclass
class Stack:
    """A copy of an installed project, and the containers that its commands start."""

    project: Path
    engine: Engine
    images: dict[str, str]
    """Of others, by the service."""
    ports: dict[str, int] = field(default_factory=free_ports)

    @property
    def variables(self) -> dict[str, str]:
        """What a person here would have in the environment: an engine, and ports that are free."""
        ports = {f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        # The copy shares the environment of the original, in which nothing has to be installed.
        return {"UV_NO_SYNC": "1", **ports, **self.engine.variables}

    def run(self, command: str, *, code: int = 0, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder."""
        return run(command, self.project, code=code, seconds=1200, **(self.variables | extra))

    def refused(self, **extra: str) -> str:
        """Require that `up` ends with a line, and that nothing is left running; return the line."""
        said = self.run("make up", code=2, **extra).stderr
        (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
        assert self.containers() == {}
        return line

    def containers(self) -> dict[str, str]:
        """Return the names of all containers that there are, whatever their state, by service."""
        format_ = f'{{{{.Label "{SERVICE_LABEL}"}}}} {{{{.Names}}}}'
        lines = self.engine.docker("ps", "--all", "--format", format_).splitlines()
        return dict(line.split() for line in lines)

    def described(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a container."""
        (found,) = json.loads(self.engine.docker("inspect", self.containers()[service]))
        content: dict[str, Any] = found
        return content

    def healthy(self) -> bool:
        """Tell whether every container is healthy."""
        there = self.containers()
        states = self.engine.docker(
            "inspect", "--format", "{{.State.Health.Status}}", *there.values()
        )
        return set(there) == set(SERVICES) and set(states.split()) == {"healthy"}

    def exec(self, service: str, *command: str, given: str = "", **environment: str) -> str:
        """Run a command in a container and return what it printed."""
        options = [f"--env={name}={value}" for name, value in environment.items()]
        done = subprocess.run(
            ["docker", "exec", "--interactive", *options, self.containers()[service], *command],
            env=self.engine.environment(),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def sql(self, database: str, statement: str) -> str:
        """Ask PostgreSQL."""
        options = ("-U", "postgres", "-d", database, "-Atc", statement)
        return self.exec("postgres", "psql", *options)

    def count(self, table: str, database: str = "predictions") -> int:
        """Return how many rows are in a table, or in what a condition leaves of it."""
        return int(self.sql(database, f"SELECT count(*) FROM {table}"))  # noqa: S608 - our own

    def among(self, table: str, ids: list[str]) -> int:
        """Return how many of some requests are in a table of the prediction log."""
        names = ", ".join(f"'{name}'" for name in ids)
        return self.count(f"{table} WHERE request_id IN ({names})")

    def state(self) -> dict[str, str | int]:
        """Return what must not be lost."""
        return {
            "champion": self.version(),
            "predictions": self.count("predictions"),
            "outcomes": self.count("outcomes"),
            "events": self.count("events WHERE kind IN ('retrain', 'promote')"),
            "versions": self.count("model_versions", "mlflow"),
        }

    def on_the_volume(self, command: str) -> str:
        """Run a line of bash where PostgreSQL's data is, while PostgreSQL does not run."""
        volume = f"{self.name}_postgres:/var/lib/postgresql/data"
        options = ("--rm", "--user=999", f"--volume={volume}", "--entrypoint=bash")
        return self.engine.docker("run", *options, self.images["postgres"], "-c", command)

    def url(self, service: str) -> str:
        """Return where a service answers on this machine."""
        return f"http://127.0.0.1:{self.ports[service]}"

    @property
    def name(self) -> str:
        """What Compose calls the stack."""
        return self.passwords()["COMPOSE_PROJECT_NAME"]

    def passwords(self) -> dict[str, str]:
        """Return what is in .env: passwords, and the name of the stack."""
        lines = (self.project / ".env").read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def ask(self, path: str, body: Any = None) -> Any:  # noqa: ANN401 - JSON
        """Ask the service with its key; with a body it is sent."""
        headers = {"X-API-Key": self.passwords()["APP_API_KEY"]}
        method = "GET" if body is None else "POST"
        address = f"{self.url('service')}{path}"
        answer = httpx2.request(method, address, json=body, headers=headers)
        return answer.raise_for_status().json()

    def answers(self) -> bool:
        """Tell whether the service has a champion that answers."""
        try:
            return httpx2.get(f"{self.url('service')}/health/ready").is_success
        except httpx2.TransportError:
            return False

    def version(self) -> str:
        """Return the version of the model that answers."""
        return str(self.ask("/v1/model")["version"])

    @functools.cached_property
    def example(self) -> dict[str, Any]:
        """A row, as the service's documentation shows it."""
        page = httpx2.get(f"{self.url('service')}/openapi.json").json()
        row: dict[str, Any] = page["components"]["schemas"]["Instance"]["examples"][0]
        return row

    def prometheus(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - of any form
        """Ask Prometheus."""
        answer = httpx2.get(f"{self.url('prometheus')}/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def targets(self) -> dict[str, str]:
        """Return what Prometheus scrapes, each with its health."""
        found = self.prometheus("targets")["activeTargets"]
        return {one["scrapeUrl"]: one["health"] for one in found}

    def alerts(self) -> set[str]:
        """Return the names of the alerts that have reached Alertmanager."""
        known = httpx2.get(f"{self.url('alertmanager')}/api/v2/alerts").json()
        return {one["labels"]["alertname"] for one in known}


def copy_of(project: Path, folder: Path) -> Path:
    """Return a copy of an installed project that shares its environment and has no state."""
    left_out = (".venv", "data", "mlartifacts", "mlflow.db", "predictions.db*", "replay", "reports")
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns(*left_out))
    (folder / ".venv").symlink_to(project / ".venv")
    return folder


def prepare(project: Path) -> None:
    """Let alerts wait for seconds rather than minutes, and the log keep traffic of years ago."""
    following = 'APP_FOLLOW_REGISTRY: "true"\n'
    for name, before, after in (
        ("compose.yaml", f"( +){following}", rf'\1{following}\1APP_LOG_RETENTION_DAYS: "9999"\n'),
        ("deploy/compose/prometheus.yml", r"_interval: \w+", "_interval: 1s"),
        ("monitoring/rules.yml", r"\bfor: \d+[a-z]+", "for: 1s"),
    ):
        path = project / name
        text, changed = re.subn(before, after, path.read_text("utf-8"))
        assert changed, f"{name} has changed"
        path.write_text(text, encoding="utf-8")
