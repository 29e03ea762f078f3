"""The whole stack of compose.yaml, run for real but for Grafana's own process, in one life.

The tests build on one another: the stack is started, used, hurt, restarted, stopped, started again
on its data, kept from starting in every way that we know, and removed.
"""

import os
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml  # type: ignore[import-untyped]
from compose_stack import (
    HEALTH,
    ONE_MIGRATION_BACK,
    PATIENCE_SECONDS,
    SERVICES,
    Stack,
    copy_of,
    prepare,
    wait_until,
)
from docker_engine import Engine, running_engine
from machine import require
from shell import environment
from test_image_weather import small_disk  # noqa: F401 - a fixture
from test_retrain_workflow import TRAFFIC
from third_party import make_stand_ins

pytestmark = pytest.mark.slow

TODAY = "2013-05-14T12:00:00+00:00"


@pytest.fixture(scope="module")
def stack(
    project: Path, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Return a project with a stack that nobody has started yet."""
    require("docker-compose", "apt-get install docker-compose")
    images = make_stand_ins(engine, project)
    folder = copy_of(project, tmp_path_factory.mktemp("stack") / "flight-delay")
    prepare(folder)
    stack = Stack(folder, engine, images)
    try:
        yield stack
    finally:
        if (folder / ".env").exists():
            stack.run("make down-all")


@pytest.fixture(scope="module")
def kept(stack: Stack) -> dict[str, str | int]:
    """Return what must not be lost, as it was when the stack was first stopped."""
    return stack.state()


def test_up_ends_with_all_healthy_and_prints_the_addresses(stack: Stack) -> None:
    done = stack.run("make up")
    assert stack.healthy()
    assert set(stack.containers()) == set(SERVICES)
    for name, path in HEALTH.items():
        assert stack.url(name) in done.stdout
        assert httpx2.get(stack.url(name) + path).is_success, name
    assert "the registry has no champion: training the first one" in done.stderr
    assert "fitting on" in done.stderr
    env = stack.project / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    shown = done.stdout + done.stderr
    assert not [name for name, value in stack.passwords().items() if value in shown]


@pytest.mark.parametrize("service", SERVICES)
def test_no_container_can_do_more_than_it_has_to(service: str, stack: Stack) -> None:
    said = stack.described(service)
    assert said["HostConfig"]["ReadonlyRootfs"]
    assert said["HostConfig"]["Memory"] > 0
    status = dict(
        line.split(":\t", 1)
        for line in stack.exec(service, "cat", "/proc/1/status").splitlines()
        if ":\t" in line
    )
    assert int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert stack.exec(service, "id", "-u") != "0"
    hosts = {
        binding["HostIp"]
        for bindings in said["NetworkSettings"]["Ports"].values()
        for binding in bindings or []
    }
    assert hosts == ({"127.0.0.1"} if service in HEALTH else set())


def test_predictions_flow_and_land_in_postgresql(stack: Stack) -> None:
    key = stack.passwords()["APP_API_KEY"]
    stack.run(f"make smoke PORT={stack.ports['service']}", APP_API_KEY=key)
    answers = stack.ask("/v1/predict/batch", {"instances": [stack.example] * 20})["predictions"]
    ids = [answer["request_id"] for answer in answers]
    wait_until(lambda: stack.among("predictions", ids) == len(ids), "they are in the log")
    stack.ask("/v1/feedback", [{"request_id": one, "outcome": True} for one in ids[:5]])
    assert stack.among("outcomes", ids) == 5
    assert httpx2.post(f"{stack.url('service')}/v1/predict", json=stack.example).status_code == 401


def test_a_user_of_one_database_may_not_use_the_other(stack: Stack) -> None:
    password = stack.passwords()["MLFLOW_PASSWORD"]
    url = f"postgresql://mlflow:{password}@postgres/predictions"
    with pytest.raises(AssertionError, match="permission denied for database"):
        stack.exec("postgres", "psql", url, "-c", "SELECT 1")


def test_prometheus_watches_the_service_and_knows_the_rules(stack: Stack) -> None:
    wait_until(lambda: stack.targets() == {"http://service:8000/metrics": "up"}, "the target is up")
    wait_until(lambda: stack.prometheus("query", query="predictions_total")["result"], "it counts")
    groups = stack.prometheus("rules", type="alert")["groups"]
    known = {rule["name"] for group in groups for rule in group["rules"]}
    written = yaml.safe_load((stack.project / "monitoring/rules.yml").read_text("utf-8"))
    assert known == {
        rule["alert"] for group in written["groups"] for rule in group["rules"] if "alert" in rule
    }
    (alertmanager,) = stack.prometheus("alertmanagers")["activeAlertmanagers"]
    assert alertmanager["url"] == "http://alertmanager:9093/api/v2/alerts"


def test_the_source_of_grafana_answers_where_grafana_is(stack: Stack) -> None:
    content = yaml.safe_load((stack.project / "deploy/compose/datasource.yml").read_text("utf-8"))
    (source,) = content["datasources"]
    stack.exec("grafana", "wget", "-q", "-O", "/dev/null", f"{source['url']}/-/ready")


def test_a_retrain_in_the_stack_promotes_and_the_service_swaps(stack: Stack) -> None:
    first = stack.version()
    assert stack.exec("trainer", "python", "-", given=TRAFFIC) == first
    stack.exec("trainer", "tee", "/state/clock", given=TODAY)
    settings = {"APP_CLOCK_FILE": "/state/clock", "APP_RESAMPLES": "200"}
    said = stack.exec("trainer", "flight-delay", "retrain", **settings)
    (second,) = re.findall(r"done: (\w+) promoted", said)
    assert second != first
    wait_until(lambda: stack.version() == second, "the service has taken the new champion")
    assert stack.ask("/v1/predict", stack.example)["model_version"] == second


def test_an_alert_reaches_alertmanager_when_the_service_is_stopped(stack: Stack) -> None:
    wait_until(lambda: "ServiceDown" not in stack.alerts(), "nothing is wrong")
    container = stack.containers()["service"]
    stack.engine.docker("stop", container)
    try:
        wait_until(lambda: "ServiceDown" in stack.alerts(), "somebody would be told")
    finally:
        stack.engine.docker("start", container)
    wait_until(stack.answers, "the service is back")
    wait_until(lambda: "ServiceDown" not in stack.alerts(), "the alert is resolved")


def test_the_service_starts_without_the_registry(stack: Stack) -> None:
    version = stack.version()
    containers = stack.containers()
    stack.engine.docker("stop", containers["mlflow"])
    stack.engine.docker("restart", containers["service"])
    wait_until(stack.answers, "the champion that it took before answers")
    said = stack.ask("/v1/predict", stack.example)
    assert said["model_version"] == version
    stack.engine.docker("start", containers["mlflow"])
    # An answer still in memory would be one more than the next test has counted.
    wait_until(lambda: stack.among("predictions", [said["request_id"]]) == 1, "it is logged")


def test_a_restart_of_every_container_loses_nothing(stack: Stack) -> None:
    before = stack.state()
    seen = {"query": "up", "time": str(time.time())}
    assert stack.prometheus("query", **seen)["result"]
    # What was answered last is still in memory.
    stack.ask("/v1/predict/batch", {"instances": [stack.example] * 7})
    stack.engine.docker("restart", *stack.containers().values())
    wait_until(stack.healthy, "everything is healthy again")
    wait_until(stack.answers, "and a champion answers")
    logged = int(before["predictions"]) + 7
    assert stack.state() == before | {"predictions": logged}
    assert stack.prometheus("query", **seen)["result"], "Prometheus has kept what it saw"
    stack.ask("/v1/predict", stack.example)
    wait_until(lambda: stack.count("predictions") == logged + 1, "the next one is logged")


def test_a_registry_of_another_mlflow_is_refused_and_an_older_one_upgraded(
    stack: Stack, kept: dict[str, str | int]
) -> None:
    assert kept["versions"] == 2
    mark, put = "SELECT version_num FROM alembic_version", "UPDATE alembic_version SET version_num"
    ours = stack.sql("mlflow", mark)
    stack.sql("mlflow", f"{put} = 'ffffffffffff'")
    stack.run("make down")
    said = stack.refused()
    assert "mlflow: the registry was made by another version of MLflow" in said
    (upgrade,) = re.findall("`docker compose ([^`]+)`", said)
    stack.run("docker-compose run --rm mlflow true")  # PostgreSQL is there then
    stack.sql("mlflow", f"{put} = '{ours}'")
    stack.run(f"docker-compose run --rm -T mlflow python - <<'END'\n{ONE_MIGRATION_BACK}END")
    assert stack.sql("mlflow", mark) != ours
    stack.run(f"docker-compose {upgrade}")
    assert stack.sql("mlflow", mark) == ours


def test_down_keeps_the_data_and_the_next_up_finds_it(
    stack: Stack, kept: dict[str, str | int]
) -> None:
    assert "the data is kept" in stack.run("make down").stdout
    assert stack.containers() == {}
    done = stack.run("make up")
    assert "training the first one" not in done.stderr
    assert stack.state() == kept


@pytest.fixture
def stopped(stack: Stack) -> Stack:
    """Return the stack when nothing of it runs."""
    if stack.containers():
        stack.run("make down")
    return stack


def test_without_an_engine_it_is_said_what_to_do(stopped: Stack) -> None:
    said = stopped.refused(DOCKER_HOST="unix:///nowhere/docker.sock")
    assert "the Docker Engine is not running" in said
    assert "`make serve` runs the same service" in said


def test_a_disk_that_is_nearly_full_is_said(
    stopped: Stack,
    small_disk: Path,  # noqa: F811
) -> None:
    with running_engine("--bridge=none", "--iptables=false", data=small_disk / "data") as small:
        said = stopped.refused(**small.variables)
        assert small.docker("ps", "--all", "--quiet") == ""
    assert "the disk is nearly full: 0.3 GB are free" in said
    assert "this takes 8: make room" in said


def test_a_port_that_is_taken_is_named(stopped: Stack) -> None:
    with socket.create_server(("127.0.0.1", stopped.ports["grafana"])):
        said = stopped.refused()
    assert f"port {stopped.ports['grafana']} (GRAFANA_PORT)" in said


def test_an_image_that_cannot_be_fetched_is_named(stopped: Stack) -> None:
    image = "registry.invalid/grafana:1"
    said = stopped.refused(GRAFANA_IMAGE=image)
    assert f"{image} is not on this machine and cannot be fetched" in said
    assert "GRAFANA_IMAGE" in said


def test_data_of_another_password_is_refused(stopped: Stack) -> None:
    env = stopped.project / ".env"
    kept = env.rename(env.with_name("kept.env"))
    said = stopped.refused()
    assert "postgres: PostgreSQL refuses the password of the user" in said
    assert "Put the .env of then back, or start anew with `down --all`" in said
    kept.replace(env)


def test_data_of_an_older_postgresql_is_refused(stopped: Stack) -> None:
    version = stopped.on_the_volume("cat $PGDATA/PG_VERSION")
    stopped.on_the_volume("echo 13 > $PGDATA/PG_VERSION")
    said = stopped.refused()
    assert f"postgres: the data was made by PostgreSQL 13, and this is {version}" in said
    assert "POSTGRES_IMAGE=postgres:13" in said
    stopped.on_the_volume(f"echo {version} > $PGDATA/PG_VERSION")


def test_an_interrupted_start_leaves_nothing_running(stopped: Stack) -> None:
    with subprocess.Popen(
        ["make", "up"],
        cwd=stopped.project,
        env=environment(**stopped.variables),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        assert any("postgres is" in line for line in process.stderr)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode
    assert stopped.containers() == {}


def test_down_with_all_removes_data_and_passwords(stack: Stack) -> None:
    name = stack.name
    assert name.startswith("flight-delay-")
    assert f"{name}_postgres" in stack.engine.docker("volume", "ls", "--quiet")
    stack.run("make down-all")
    assert name not in stack.engine.docker("volume", "ls", "--quiet")
    assert name not in stack.engine.docker("network", "ls", "--format", "{{.Name}}")
    assert not (stack.project / ".env").exists()
