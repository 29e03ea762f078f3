"""`up`: what is looked at before, what is waited for, and what is taken back."""

import contextlib
import json
import os
import shutil
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flight_delay.settings import Settings
from flight_delay.stack import watch
from flight_delay.stack.compose import StackError
from flight_delay.stack.run import up

from ..conftest import silent  # noqa: TID252 - what the tests share
from .docker_stand_in import PORTS, SERVICES, STARTING, Docker, state


class Champion(BaseHTTPRequestHandler):
    """Answers as a service that has a champion."""

    def do_GET(self) -> None:
        """Answer as ready."""
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(said: list[str]) -> Iterator[Callable[[str], None]]:
    """Give what keeps each step, and lets a champion answer as soon as the service is healthy."""
    with contextlib.ExitStack() as stack:

        def hear(line: str) -> None:
            said.append(line)
            if line == "service is healthy":
                server = stack.enter_context(
                    HTTPServer(("127.0.0.1", chosen("SERVICE_PORT")), Champion)
                )
                stack.callback(server.shutdown)
                threading.Thread(
                    target=server.serve_forever, kwargs={"poll_interval": 0.05}
                ).start()

        yield hear


def chosen(name: str) -> int:
    """Return a port that the fixture chose."""
    return int(os.environ[name])


def refused(settings: Settings, docker: Docker) -> str:
    """Install the stand-in, require that `up` is refused, and return why."""
    docker.install()
    with pytest.raises(StackError) as error:
        up(settings, silent)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_up_waits_for_a_champion_and_gives_the_addresses(here: Settings, docker: Docker) -> None:
    docker.started = state()
    docker.words = {"x_trainer": "fitting"}
    docker.install()
    said: list[str] = []
    with served(said) as hear:
        report = up(here, hear)
    assert report["addresses"]["service"] == f"http://127.0.0.1:{chosen('SERVICE_PORT')}"
    assert set(report["addresses"]) == {name.removesuffix("_PORT").lower() for name in PORTS}
    assert "trainer: fitting" in said
    assert "postgres is healthy" in said
    assert json.loads((here.reports / "up.json").read_text("utf-8")) == report
    assert docker.left == list(SERVICES)


def test_passwords_are_made_once_for_the_owner_alone_and_never_shown(
    here: Settings, docker: Docker
) -> None:
    docker.started = state()
    docker.install()
    said: list[str] = []
    env = here.home / ".env"
    env.write_text("POSTGRES_PASSWORD=mine", encoding="utf-8")
    with served(said) as hear:
        up(here, hear)
        first = env.read_text("utf-8")
        up(here, said.append)
    assert env.read_text("utf-8") == first
    values = dict(line.split("=", 1) for line in first.splitlines())
    assert values.pop("POSTGRES_PASSWORD") == "mine"
    assert values.pop("COMPOSE_PROJECT_NAME") == docker.name
    assert len(set(values.values())) == len(values) == 5
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert not [value for value in values.values() if value in "\n".join(said)]


def test_every_port_that_is_taken_is_named_with_its_variable(
    here: Settings, docker: Docker
) -> None:
    ports = {name: chosen(name) for name in ("GRAFANA_PORT", "MLFLOW_PORT")}
    with (
        socket.create_server(("127.0.0.1", ports["GRAFANA_PORT"])),
        socket.create_server(("127.0.0.1", ports["MLFLOW_PORT"])),
    ):
        reason = refused(here, docker)
    for name, port in ports.items():
        assert f"{port} ({name})" in reason
    assert "SERVICE_PORT" not in reason
    assert not [line for line in docker.asked if line.startswith(("compose up", "build"))]
    assert not (here.home / ".env").exists()


def test_a_port_that_is_no_number_is_named(
    here: Settings, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_PORT", "http")
    assert refused(here, docker).startswith("GRAFANA_PORT=http is no port")


def test_a_line_of_env_is_read_as_compose_reads_it(
    here: Settings, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRAFANA_PORT")
    env = here.home / ".env"
    for line in ("GRAFANA_PORT=0 # mine", "export GRAFANA_PORT=0", "GRAFANA_PORT = '0' # '1'"):
        env.write_text(f"# GRAFANA_PORT=1\n{line}\n", encoding="utf-8")
        assert refused(here, docker).startswith("GRAFANA_PORT=0 is no port")


def test_a_file_that_containers_could_not_read_is_named(here: Settings, docker: Docker) -> None:
    for name in ("deploy/compose/databases.sql", "monitoring/rules.yml"):
        (here.home / name).parent.mkdir(parents=True)
        (here.home / name).touch(mode=0o644)
    (here.home / "deploy/compose/databases.sql").chmod(0o640)
    reason = refused(here, docker)
    assert "run `chmod a+rX deploy/compose/databases.sql`" in reason
    assert not [line for line in docker.asked if line.startswith(("compose up", "build"))]


def test_a_port_of_the_stack_itself_is_not_taken(here: Settings, docker: Docker) -> None:
    docker.started = state()
    docker.install()
    docker.runs("service")
    with served([]) as hear:
        hear("service is healthy")
        up(here, silent)


def test_an_image_that_cannot_be_had_is_named_before_anything_starts(
    here: Settings, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_IMAGE", "grafana/grafana:none")
    docker.absent = ["grafana/grafana:none"]
    reason = refused(here, docker)
    assert "grafana/grafana:none is not on this machine and cannot be fetched" in reason
    assert "no route to the registry" in reason
    assert "by GRAFANA_IMAGE in .env" in reason
    assert not docker.left
    assert not [line for line in docker.asked if line.startswith("build")]


CREDENTIALS = 'FATAL:  password authentication failed for user "mlflow"'
OLDER = (
    "DETAIL:  The data directory was initialized by PostgreSQL version 13, which is not compatible "
    "with this version 17.11 (Debian)."
)
NEWER = "Error: in 18+, these Docker images are configured to store database data in a"
SCHEMA = "Detected out-of-date database schema (found version a, but expected b)"
REVISION = "alembic.util.exc.CommandError: Can't locate revision identified by 'ff'"


@pytest.mark.parametrize(
    ("service", "words", "meaning"),
    [
        ("postgres", CREDENTIALS, "PostgreSQL refuses the password of the user mlflow"),
        ("postgres", OLDER, "made by PostgreSQL 13, and this is 17.11"),
        ("postgres", NEWER, "Go on with an image before 18"),
        ("mlflow", SCHEMA, "made by another version of MLflow"),
        ("mlflow", REVISION, "made by another version of MLflow"),
        ("prometheus", "write: No space left on device", "the disk is full"),
    ],
)
def test_what_is_known_is_told_with_the_ways_out_and_taken_down(
    service: str, words: str, meaning: str, here: Settings, docker: Docker
) -> None:
    docker.started = state(**{service: STARTING})
    docker.words = {f"x_{service}": f"before\n{words}\nafter"}
    reason = refused(here, docker)
    assert reason.startswith(f"{service}: ")
    assert meaning in reason
    assert not docker.left
    assert words in (here.reports / "up.log").read_text("utf-8")
    assert (here.home / ".env").is_file(), "the data that is kept was made with these passwords"


@pytest.mark.parametrize("what", [("restarting", "Restarting (1)"), ("exited", "Exited (2)")])
def test_a_container_that_ends_is_told_with_its_last_words(
    what: tuple[str, str], here: Settings, docker: Docker
) -> None:
    docker.started = state(alertmanager=what)
    docker.words = {"x_alertmanager": "one\nno such file"}
    assert f"alertmanager is {what[0]}, and the last that was said is: no such file" in refused(
        here, docker
    )
    assert not docker.left


def test_a_failing_check_is_told_in_its_own_words(here: Settings, docker: Docker) -> None:
    docker.started = state(grafana=("running", "Up 9 seconds (unhealthy)"))
    docker.check = "connection refused"
    assert "grafana is unhealthy, and the last that was said is: connection refused" in refused(
        here, docker
    )


def test_the_first_error_of_compose_is_told(here: Settings, docker: Docker) -> None:
    docker.started = state(service=("created", "Created"))
    docker.compose_error = "Creating\nERROR: for service  Bind failed\nERROR: Encountered errors"
    assert "ERROR: for service  Bind failed (all" in refused(here, docker)
    assert not docker.left


def test_what_does_not_come_in_time_is_named(
    here: Settings, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PATIENCE_SECONDS", 0.6)
    docker.started = state(grafana=STARTING)
    assert refused(here, docker).startswith("not ready after 0.01 minutes: grafana is starting")
    docker.started = state()
    assert "no champion answers at http://127.0.0.1:" in refused(here, docker)
    assert not docker.left


def test_all_that_the_trainer_says_is_told(here: Settings, docker: Docker) -> None:
    docker.started = state(grafana=("exited", "Exited (1)"))
    docker.words = {"x_trainer": "\n".join(f"step {number}" for number in range(300))}
    docker.install()
    said: list[str] = []
    with pytest.raises(StackError):
        up(here, said.append)
    assert [f"trainer: step {number}" for number in range(300)] == [
        line for line in said if line.startswith("trainer: ")
    ]


def test_two_folders_have_two_stacks_under_whatever_path(
    here: Settings, docker: Docker, tmp_path: Path
) -> None:
    docker.started = state(grafana=("exited", "Exited (1)"))
    other = tmp_path / "other" / here.home.name
    shutil.copytree(here.home, other)
    (tmp_path / "link").symlink_to(here.home)
    names = []
    for home in (here.home, other, tmp_path / "link"):
        refused(Settings(home=home), docker)
        names.append(docker.name)
        *_, looked = [line for line in docker.asked if line.startswith("ps ")]
        assert f"label=com.docker.compose.project={docker.name} " in looked
        (home / ".env").unlink()
    assert names[0] == names[2] != names[1]


def test_another_folder_has_no_stack(tmp_path: Path, docker: Docker) -> None:
    assert "has no compose.yaml" in refused(Settings(home=tmp_path), docker)
