"""What the Dockerfile says, read without Docker: small, locked, without rights, and consistent."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import generate

Instruction = tuple[str, str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return generate(tmp_path, project_name="Late Trains", python_version="3.12")


def stages(text: str) -> list[list[Instruction]]:
    """Return the instructions of each stage, with their lines joined and without comments."""
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    found: list[list[Instruction]] = [[]]
    for line in joined:
        name, _, rest = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found[1:]


def values(stage: list[Instruction], name: str) -> list[str]:
    return [rest for instruction, rest in stage if instruction == name]


def faults(project: Path) -> Iterator[str]:
    """Yield what is wrong with a project's image, as far as its text tells."""
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    build, final = stages(text)
    installs = [command for command in values(build, "RUN") if "uv sync" in command]
    if len(installs) != 2 or any("--locked --no-default-groups" not in one for one in installs):
        yield "the serving group alone, from the lock file"
    if re.search(r"--(?:all-)?(?:groups?|extras?)\b|--only-|pip install [^\"]", text):
        yield "something else is installed"
    if any("uv" in command or "pip" in command for command in values(final, "RUN")):
        yield "the final stage installs"
    if values(final, "COPY") != ["--from=build /app/.venv /app/.venv"]:
        yield "the final stage holds more than the environment"
    names = [name for name, _ in final]
    users = values(final, "USER")
    if len(users) != 1 or not users[0].isdigit() or int(users[0]) < 1000:
        yield "no user without rights"
    elif f"--uid {users[0]} " not in " ".join(values(final, "RUN")):
        yield "a user that is not made"
    elif names.index("USER") > names.index("CMD"):
        yield "the user comes too late"
    yield from faults_of_running(project, final)
    yield from faults_of_versions(project, text, build)


def faults_of_running(project: Path, final: list[Instruction]) -> Iterator[str]:
    """Yield what is wrong with the command, the port and the health check."""
    scripts = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    [command] = map(json.loads, values(final, "CMD"))
    if command[:1] != list(scripts) or command[1:] != ["serve"]:
        yield "another command"
    [port] = values(final, "EXPOSE")
    health = " ".join(values(final, "HEALTHCHECK"))
    port_asked = f"int(os.environ.get('APP_PORT') or {port})"
    if not all(part in health for part in ("CMD [", port_asked, "'/health/live'")):
        yield "no health check of the port"


def faults_of_versions(project: Path, text: str, build: list[Instruction]) -> Iterator[str]:
    """Yield what disagrees with the other files: Python, uv, and what Docker is given to copy."""
    python = (project / ".python-version").read_text().strip()
    if f"ARG PYTHON_IMAGE=python:{python}-slim-bookworm" not in text.splitlines():
        yield "another Python"
    uv = re.search(r"^UV_VERSION := (.+)$", (project / "Makefile").read_text(), re.MULTILINE)
    if uv is None or values(build, "ARG") != [f"UV_VERSION={uv[1]}"]:
        yield "another uv"
    ignored = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    given = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {name for one in values(build, "COPY") for name in shlex.split(one)[:-1]}
    if "*" not in ignored or given != copied:
        yield "not what is copied is given to Docker"


def test_the_image_is_small_locked_without_rights_and_consistent(project: Path) -> None:
    assert list(faults(project)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("Dockerfile", "--locked --no-default-groups --no-i", "--locked --no-i", "serving group"),
        (
            "Dockerfile",
            "--locked --no-default-groups --no-e",
            "--no-default-groups --no-e",
            "lock file",
        ),
        ("Dockerfile", "--no-editable", "--no-editable --group train", "something else"),
        ("Dockerfile", "RUN useradd", "RUN pip install x && useradd", "final stage installs"),
        ("Dockerfile", "WORKDIR /app\nUSER", "COPY . .\nUSER", "holds more"),
        ("Dockerfile", "USER 10001", "USER root", "no user"),
        ("Dockerfile", "USER 10001\n", "", "no user"),
        ("Dockerfile", "--uid 10001", "--uid 10002", "not made"),
        ("Dockerfile", "EXPOSE 8000", "EXPOSE 9000", "health check"),
        ("Dockerfile", "'/health/live'", "'/'", "health check"),
        ("Dockerfile", '["late-trains", "serve"]', '["late-trains"]', "another command"),
        ("Dockerfile", "python:3.12-", "python:3.11-", "another Python"),
        ("Makefile", "UV_VERSION := ", "UV_VERSION := 1", "another uv"),
        (".dockerignore", "!uv.lock\n", "", "what is copied"),
    ],
)
def test_a_fault_is_found(file: str, old: str, new: str, fault: str, project: Path) -> None:
    text = (project / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (project / file).write_text(text.replace(old, new), encoding="utf-8")
    assert any(fault in found for found in faults(project)), list(faults(project))
