"""A generated project's commit hooks are `make check`, and a commit with a fault is refused."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from answers import generate
from person import PERSON
from shell import run

slow = pytest.mark.slow

# A line each for ruff check, ruff format and mypy.
FAULTY = '"""A module."""\n\nimport os\nNAME : str = "a"\nLENGTH: int = NAME\n'


def hooks(project: Path) -> list[dict[str, Any]]:
    text = (project / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    repositories = yaml.safe_load(text)["repos"]
    # A hook from elsewhere would bring a version of its own.
    assert [repository["repo"] for repository in repositories] == ["local"]
    found: list[dict[str, Any]] = repositories[0]["hooks"]
    return found


def test_the_hooks_are_the_commands_of_make_check_at_the_same_versions(tmp_path: Path) -> None:
    project = generate(tmp_path)
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"(?m)^check:.*\n((?:\t.*\n)+)", makefile)
    assert recipe is not None
    checked = [line.strip().removeprefix("$(UV) ") for line in recipe[1].splitlines()]
    assert len(checked) == 3
    entries = [hook["entry"].split() for hook in hooks(project)]
    # pre-commit names the files, and ruff must still leave out those that its settings leave out.
    plain = [" ".join(word for word in entry if word != "--force-exclude") for entry in entries]
    assert [f"uv {entry.removeprefix('uv ')}" for entry in plain] == plain
    assert sorted(entry.removeprefix("uv ") for entry in plain) == sorted(checked)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a repository of a new project, set up as its README says."""
    place = tmp_path_factory.mktemp("commits")
    project = generate(place)
    run("make setup && git init --quiet && git add --all", project, **PERSON)
    run("uv run pre-commit install", project, **settings(place))
    yield project
    shutil.rmtree(project)


def settings(place: Path) -> dict[str, Any]:
    return PERSON | {"PRE_COMMIT_HOME": str(place / "pre-commit")}


@slow
def test_a_new_project_is_committed_as_it_is(repository: Path) -> None:
    said = run("uv run pre-commit run --all-files", repository, **settings(repository.parent))
    assert re.findall(r"\.(\w+)$", said.stdout, re.MULTILINE) == ["Passed"] * 3
    run("git commit --quiet --message first", repository, **settings(repository.parent))
    # Nothing that a command makes is left over, and the lock file is its owner's to keep.
    assert run("git status --porcelain", repository, **PERSON).stdout == ""
    assert "uv.lock\n" in run("git ls-files", repository, **PERSON).stdout


@slow
def test_a_fault_is_refused_by_every_hook(repository: Path) -> None:
    faulty = repository / "src" / "flight_delay" / "faulty.py"
    faulty.write_text(FAULTY, encoding="utf-8")
    environment = settings(repository.parent)
    run("git add --all", repository, **environment)
    refused = run("git commit --message second", repository, code=1, **environment)
    said = refused.stdout + refused.stderr
    assert re.findall(r"\.(\w+)$", said, re.MULTILINE) == ["Failed"] * 3
    for fault in ("F401", "File would be reformatted", "Incompatible types"):
        assert fault in said
    run("git rm --force --quiet src/flight_delay/faulty.py", repository, **environment)
