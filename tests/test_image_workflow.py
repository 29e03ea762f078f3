"""The job that builds the image and asks the running container, with a Docker Engine of our own."""

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from actions import Runner, runs, workflow
from docker_engine import Engine
from monitoring_stack import free_port

pytestmark = pytest.mark.slow

STEPS = [
    "Train a champion and build the image with it inside",
    "Start it, with a key of its own",
    "Smoke test",
    "Contract tests, from outside the container",
    "Show its log",
]


@pytest.fixture(scope="module")
def checkout(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a copy of an installed project, so that the image of the first stays what it is."""
    place = tmp_path_factory.mktemp("image") / project.name
    state = shutil.ignore_patterns("data", "models", "mlartifacts", "mlflow.db", "reports", ".venv")
    shutil.copytree(project, place, ignore=state)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def runner(checkout: Path, engine: Engine, tmp_path: Path) -> Iterator[Runner]:
    """Return a machine of GitHub's with Docker on it."""
    yield Runner(checkout, tmp_path, variables={**engine.variables})
    engine.docker("rm", "--force", "--volumes", "service")


def test_the_container_of_a_new_project_keeps_the_contract(runner: Runner) -> None:
    content = copy.deepcopy(workflow("ci.yml"))
    assert runs(content, "image") == STEPS
    port = free_port()
    content["jobs"]["image"]["env"] = {"PORT": port, "SERVICE_URL": f"http://127.0.0.1:{port}"}
    runner.passes(content, "image", seconds=1200)
    assert f"http://127.0.0.1:{port} answers as it should" in runner.said["Smoke test"].stdout
    tested = runner.said[STEPS[3]].stdout
    assert " passed in " in tested
    assert int(tested.rpartition(" passed")[0].split()[-1]) > 200
    assert "Show its log" not in runner.said


def test_a_container_that_ends_shows_its_log(runner: Runner) -> None:
    """A hash that is none, as if the key had been given: the service refuses to start."""
    content = copy.deepcopy(workflow("ci.yml"))
    port = free_port()
    content["jobs"]["image"]["env"] = {"PORT": port, "SERVICE_URL": f"http://127.0.0.1:{port}"}
    steps = content["jobs"]["image"]["steps"]
    (start,) = (step for step in steps if step.get("name") == STEPS[1])
    run = start["run"].replace("s/^hash", "s/^key").replace("--retry 30", "--retry 0")
    start["run"] = run.replace("curl", "docker wait service\ncurl")
    content["jobs"]["image"]["steps"] = [step for step in steps if step.get("name") != STEPS[0]]
    runner.job(content, "image")
    assert runner.failed
    assert list(runner.said) == [STEPS[1], STEPS[4]]
    log = runner.said[STEPS[4]]
    assert "is not the SHA-256 of a key" in log.stdout + log.stderr
