"""A project opens ready to work: what the settings name is there, and the container is made."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answers import QUESTIONS, TEMPLATE, generate
from docker_engine import BASE, Engine
from machine import require
from shell import environment, run

CLI = "@devcontainers/cli@0.89.0"
# The image of the file is from a registry that cannot be reached: ours has what it has.
STAND_IN = f"""FROM {BASE}
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends git make
"""


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = generate(tmp_path_factory.mktemp("editor"))
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("version", QUESTIONS["python_version"])
def test_the_container_has_the_python_of_the_project(version: str, tmp_path: Path) -> None:
    made = generate(tmp_path, python_version=version)
    image = read(made / ".devcontainer/devcontainer.json")["image"]
    assert image.startswith("mcr.microsoft.com/devcontainers/python:1-")
    assert f"-{(made / '.python-version').read_text().strip()}-bookworm" in image


def test_nothing_comes_from_a_third_party_and_extensions_agree(new: Path) -> None:
    container = read(new / ".devcontainer/devcontainer.json")
    assert "features" not in container
    inside = container["customizations"]["vscode"]["extensions"]
    recommended = read(new / ".vscode/extensions.json")["recommendations"]
    # The one that opens the container is of no use inside it.
    assert {*inside, "ms-vscode-remote.remote-containers"} == set(recommended)
    assert all(re.fullmatch(r"[a-z-]+\.[a-z-]+", name) for name in recommended)
    formatter = read(new / ".vscode/settings.json")["[python]"]["editor.defaultFormatter"]
    assert formatter in inside


def test_what_the_settings_name_is_there(new: Path) -> None:
    settings = read(new / ".vscode/settings.json")
    line_length = re.findall(r"(?m)^line-length = (\d+)$", (new / "ruff.toml").read_text("utf-8"))
    assert [str(ruler) for ruler in settings["[python]"]["editor.rulers"]] == line_length
    assert [
        name for name in settings["python.testing.pytestArgs"] if not (new / name).is_dir()
    ] == []
    command = read(new / ".devcontainer/devcontainer.json")["postCreateCommand"]
    target = command.removeprefix("make ")
    assert f"\n{target}: " in (new / "Makefile").read_text(encoding="utf-8")
    # Git keeps both folders, so that a colleague has them too.
    run("git init --quiet && ! git check-ignore .vscode/settings.json .devcontainer", new)


@pytest.mark.slow
def test_the_interpreter_and_the_tests_of_the_settings_are_those_of_setup(project: Path) -> None:
    settings = read(project / ".vscode/settings.json")
    python = settings["python.defaultInterpreterPath"].replace("${workspaceFolder}", str(project))
    (where,) = settings["python.testing.pytestArgs"]
    # To import every test takes a while, so it is a part of them.
    found = run(f"{python} -m pytest --collect-only --quiet {where}/unit", project).stdout
    assert re.search(r"^\d{3,} tests collected", found, re.MULTILINE)
    for tool in ("ruff", "mypy"):  # "fromEnvironment"
        assert Path(python).with_name(tool).exists()


def devcontainer(engine: Engine, *arguments: str) -> dict[str, Any]:
    """Run the reference implementation of dev containers, installed by npm once."""
    npm, node = (require(name, "apt-get install nodejs npm") for name in ("npm", "node"))
    place = TEMPLATE / "build" / CLI.rpartition("/")[2]
    program = place / "node_modules/@devcontainers/cli/devcontainer.js"
    if not program.exists():
        place.mkdir(parents=True, exist_ok=True)
        quiet = "--no-save --no-audit --no-fund --ignore-scripts --no-update-notifier"
        run(f"{npm} install {quiet} --prefix . {CLI}", place)
    done = subprocess.run(
        [node, program, *arguments],
        env=engine.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    lines = done.stdout.strip().splitlines()
    return dict(json.loads(lines[-1])) if lines[-1].startswith("{") else {"said": done.stdout}


@pytest.mark.slow
def test_the_container_opens_with_everything_installed(
    new: Path, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(STAND_IN, encoding="utf-8")
    image = read(new / ".devcontainer/devcontainer.json")["image"]
    engine.docker("build", "--quiet", "--tag", image, str(tmp_path))
    here = ("--workspace-folder", str(new))
    assert devcontainer(engine, "read-configuration", *here)["configuration"]["image"] == image
    # What was downloaded for other tests need not be downloaded again.
    cache = subprocess.run(
        ["uv", "cache", "dir"], env=environment(), capture_output=True, text=True, check=True
    ).stdout.strip()
    mount = ("--mount", f"type=bind,source={cache},target=/root/.cache/uv")
    opened = devcontainer(engine, "up", *here, *mount)
    assert opened["outcome"] == "success"
    python = read(new / ".vscode/settings.json")["python.defaultInterpreterPath"]
    inside = python.replace("${workspaceFolder}", opened["remoteWorkspaceFolder"])
    command = ("exec", *here, inside, "-m", "flight_delay", "--help")
    assert "Train, evaluate, export to ONNX" in devcontainer(engine, *command)["said"]
    engine.docker("rm", "--force", "--volumes", opened["containerId"])
