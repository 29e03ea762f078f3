"""compose.yaml and what belongs to it, without an engine: valid, consistent, confined."""

import functools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from answers import generate
from machine import require
from shell import environment
from test_linters import objects, pleases, schema, spoil

FILE = "compose.yaml"
compose_schema = functools.partial(schema, "compose-spec", FILE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Generate a project under another name; nothing here needs an installed one."""
    return generate(tmp_path, project_slug="late-trains", package_name="late_trains")


def content(project: Path, path: str = FILE) -> dict[str, Any]:
    """Return what a file of YAML says."""
    said: dict[str, Any] = yaml.safe_load((project / path).read_text("utf-8"))
    return said


def test_the_file_follows_the_specification_which_can_object(project: Path) -> None:
    pleases(compose_schema(project))
    spoil(project / FILE, "healthcheck:", "healthchek:")
    objects(compose_schema(project), to="healthchek")


def test_the_older_compose_takes_it_too_and_wants_the_passwords(project: Path) -> None:
    program = require("docker-compose", "apt-get install docker-compose")
    ask = functools.partial(
        subprocess.run,
        [program, "config"],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    objects(ask(), to="make up writes it")
    names = ("POSTGRES", "MLFLOW", "PREDICTIONS", "GRAFANA")
    lines = [f"{name}_PASSWORD=secret\n" for name in names] + ["APP_API_KEYS=hash\n"]
    (project / ".env").write_text("".join(lines), encoding="utf-8")
    result = ask()
    pleases(result)
    assert set(yaml.safe_load(result.stdout)["services"]) == set(content(project)["services"])


def test_every_container_is_confined_and_looked_after(project: Path) -> None:
    services = content(project)["services"]
    assert len(services) == 7
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name
        assert service["mem_limit"], name
        # That of the service is in its image.
        assert name == "service" or "healthcheck" in service, name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:${"), f"{name} is open to other machines: {port}"


def test_no_password_is_in_the_file_and_none_has_a_default(project: Path) -> None:
    text = (project / FILE).read_text("utf-8")
    assert text.count("_PASSWORD:?") + text.count("_KEYS:?") == 7
    assert "_PASSWORD:-" not in text
    ignored = (project / ".gitignore").read_text("utf-8").splitlines()
    assert ".env" in ignored


def test_images_of_others_are_named_exactly_and_may_be_replaced(project: Path) -> None:
    services = content(project)["services"]
    others = [service["image"] for service in services.values() if "build" not in service]
    assert len(others) == 4
    for image in others:
        name, _, default = image.removeprefix("${").removesuffix("}").partition(":-")
        assert name.endswith("_IMAGE")
        assert any(
            part.isdigit() for part in default.rpartition(":")[2].replace("-", ".").split(".")
        )
    assert services["service"]["image"] == "late-trains:service"
    assert services["trainer"]["image"] == services["mlflow"]["image"] == "late-trains-trainer:dev"


def test_what_is_configured_twice_differs_in_addresses_alone(project: Path) -> None:
    moved = {"service:8000": "127.0.0.1:8000", "alertmanager:9093": "127.0.0.1:9093"}
    moved["http://prometheus:9090"] = "http://127.0.0.1:9090"
    source = "monitoring/grafana/provisioning/datasources/prometheus.yml"
    for ours, theirs in (
        ("deploy/compose/prometheus.yml", "monitoring/prometheus.yml"),
        ("deploy/compose/datasource.yml", source),
    ):
        said = json.dumps(content(project, ours))
        for there, here in moved.items():
            said = said.replace(there, here)
        assert json.loads(said) == content(project, theirs)
    assert "late_trains" in (project / "deploy/compose/prometheus.yml").read_text("utf-8")
