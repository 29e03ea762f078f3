"""Replicas of a service behind nginx, with one registry and one log, all real, on loopback."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from machine import require
from mlflow_server import mlflow
from monitoring_stack import free_port, running, wait_until
from shell import environment

PACKAGE = "flight_delay"
REPLICAS = 3
FLUSH_SECONDS = 2.0
"""Long, so that a row that only a stop has written is told from one that was written anyway."""
POLL_SECONDS = 0.5
USER, PASSWORD = "replica", "a-password"

POSTGRESQL = """
import sys
from tests.postgres import cluster
with cluster() as made:
    print(made.url, flush=True)
    sys.stdin.read()
"""
PUBLISH = """
from flight_delay.bundle import load
from flight_delay.champion import champion_version
from flight_delay.registry import promote, register
from flight_delay.settings import Settings
from flight_delay.tracking import log_run
from tests.service.bundles import sibling

settings = Settings()
first = champion_version(settings.models)
second = sibling(settings.models / first, threshold=0.9)
for version in (first, second):
    bundle = load(settings.models / version)
    register(settings, bundle, log_run(settings, bundle, {}, {}))
promote(settings, first, force="it was the champion before there was a registry")
print(first, second)
"""
LOGGED = """
import json
import sqlalchemy as sa
from flight_delay.prediction_log import open_log, predictions
from flight_delay.settings import Settings

query = sa.select(predictions.c.request_id, predictions.c.model_version)
with open_log(Settings()).engine.connect() as connection:
    print(json.dumps([list(row) for row in connection.execute(query)]))
"""
NGINX = """
{user}
daemon off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path temp;
    proxy_temp_path temp;
    add_header X-Replica $upstream_addr always;
    include replicas.conf;
    server {{
        listen 127.0.0.1:{guard};
        auth_basic registry;
        auth_basic_user_file users;
        location / {{
            proxy_pass {registry};
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""
"""What the project's own file is included into, and a registry that wants a password."""


@dataclass
class Replica:
    """One service, in a folder of its own, on a port that stays the same."""

    project: Path
    home: Path
    port: int
    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return where it listens, as nginx names it."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it has a model."""
        python = self.project / ".venv/bin/python"
        with (self.home / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [python, "-m", PACKAGE, "serve", "--port", str(self.port)],
                cwd=self.project,
                env=environment(**self.settings, APP_HOME=str(self.home)),
                stderr=log,
            )
        wait_until(lambda: self.get("/health/ready").get("status") == "ok", "a replica is ready")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        """Send it a signal that ends it, and return its exit code."""
        assert self.process is not None
        self.send(number)
        return self.process.wait(20)

    def get(self, path: str) -> dict[str, Any]:
        """Ask it without nginx; nothing when it does not answer."""
        try:
            answer: dict[str, Any] = httpx2.get(f"http://{self.address}{path}").json()
        except httpx2.TransportError:
            return {}
        return answer

    def has_written(self) -> bool:
        """Tell whether all that it answered is in the log."""
        metrics = httpx2.get(f"http://{self.address}/metrics").text
        return "prediction_log_buffered_rows 0.0" in metrics.splitlines()

    def said(self) -> str:
        """Return all that it logged."""
        return (self.home / "service.log").read_text("utf-8")


@dataclass(frozen=True)
class Stack:
    """All of it: what answers, and the machine that trains and watches."""

    project: Path
    folder: Path
    """That holds the clock, what nginx says, and a folder for each machine."""
    url: str
    """Of nginx."""
    replicas: Sequence[Replica]
    versions: tuple[str, str]
    """The first champion, and one that is registered and not promoted yet."""
    trainer: dict[str, str]
    """The settings of that machine."""

    def verb(self, *arguments: str) -> str:
        """Run a command on the machine that trains."""
        return python(self.project, self.trainer, "-m", PACKAGE, *arguments)

    def settled(self) -> dict[str, str]:
        """Return every row of the log, once no replica has more to write."""
        wait_until(lambda: all(one.has_written() for one in self.replicas), "all is written")
        return self.logged()

    def logged(self) -> dict[str, str]:
        """Return every row of the log: its version, by request id."""
        rows = json.loads(python(self.project, self.trainer, "-c", LOGGED))
        assert len({request_id for request_id, _ in rows}) == len(rows)
        return dict(rows)

    def monitored(self) -> dict[str, Any]:
        """Return what the monitor finds."""
        self.verb("monitor")
        path = self.folder / "trainer" / "reports" / "monitor.json"
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found

    def answered_by_all(self, version: str) -> bool:
        """Tell whether every replica answers from a version."""
        return all(one.get("/v1/model").get("version") == version for one in self.replicas)


def python(project: Path, settings: dict[str, str], *arguments: str) -> str:
    """Run the project's interpreter, and return what it printed."""
    command: list[Path | str] = [project / ".venv/bin/python", *arguments]
    done = subprocess.run(
        command,
        cwd=project,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed: str = done.stdout
    return printed.strip()


@contextlib.contextmanager
def postgresql(project: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own until the block ends, and give its address."""
    with subprocess.Popen(
        [project / ".venv/bin/python", "-c", POSTGRESQL],
        cwd=project,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("postgresql://"), "it did not start"
            yield address
        finally:
            process.communicate()  # the end of its input is the sign to stop


@contextlib.contextmanager
def nginx(folder: Path, config: Path, ports: dict[str, str], registry: str) -> Iterator[None]:
    """Run nginx with a configuration of which nothing but addresses is changed.

    Args:
        folder: where it may write.
        config: the file.
        ports: what is put in place of each address in it, and that of `guard`.
        registry: to be guarded by a password, at that address.
    """
    program = require("nginx", "apt-get install nginx-light")
    text = config.read_text("utf-8")
    for address in set(ports) - {"guard"}:
        assert address in text
        text = text.replace(address, ports[address])
    (folder / "replicas.conf").write_text(text, encoding="utf-8")
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n", encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    whole = NGINX.format(user=user, guard=ports["guard"], registry=registry)
    (folder / "nginx.conf").write_text(whole, encoding="utf-8")
    command: list[Path | str] = [program, "-p", folder, "-c", "nginx.conf"]
    with running(command, folder, folder / "nginx.log"):
        yield


@contextlib.contextmanager
def running_replicas(project: Path, folder: Path) -> Iterator[Stack]:
    """Start everything: each replica has an empty folder, and takes its model from the registry."""
    ports = [free_port() for _ in range(REPLICAS)]
    front, guard = free_port(), free_port()
    moved = {f"127.0.0.1:{8001 + n}": f"127.0.0.1:{port}" for n, port in enumerate(ports)}
    moved |= {"127.0.0.1:8000": f"127.0.0.1:{front}", "guard": str(guard)}
    shutil.copytree(project / "models", folder / "trainer" / "models")
    set_clock(folder, "2013-04-02T12:00:00+00:00")
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(postgresql(project))
        registry = stack.enter_context(mlflow(project, folder))
        config = project / "deploy" / "nginx.conf"
        stack.enter_context(nginx(folder, config, moved, registry))
        shared = {"APP_LOG_URL": log, "APP_CLOCK_FILE": str(folder / "clock")}
        trainer = shared | {
            "APP_HOME": str(folder / "trainer"),
            "APP_RESAMPLES": "200",
            "MLFLOW_TRACKING_URI": registry,
        }
        served = shared | {
            "APP_FOLLOW_REGISTRY": "true",
            "APP_LOG_FLUSH_SECONDS": str(FLUSH_SECONDS),
            "APP_POLL_SECONDS": str(POLL_SECONDS),
            "MLFLOW_TRACKING_URI": f"http://{USER}:{PASSWORD}@127.0.0.1:{guard}",
        }
        first, second = python(project, trainer, "-c", PUBLISH).splitlines()[-1].split()
        replicas = [Replica(project, folder / f"replica-{port}", port, served) for port in ports]
        for replica in replicas:
            replica.home.mkdir()
            replica.start()
            stack.callback(replica.end, signal.SIGKILL)
        url = f"http://127.0.0.1:{front}"
        yield Stack(project, folder, url, replicas, (first, second), trainer)


def set_clock(folder: Path, moment: str) -> None:
    """Tell everybody the time."""
    clock = folder / "clock"
    clock.with_suffix(".new").write_text(moment, encoding="utf-8")
    clock.with_suffix(".new").replace(clock)
