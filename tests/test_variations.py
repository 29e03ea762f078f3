"""One answer at a time, then two: each changes what it is about and nothing else."""

import itertools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from answers import DEFAULTS, NAME_IN_TEMPLATE, generate, load_hook, tree

DEV = ".devcontainer/devcontainer.json"
# Another answer to each question, and the files in which it shows.
ANSWERS: dict[str, tuple[str, set[str]]] = {
    "project_name": ("Late Trains", {"README.md"}),
    "project_slug": (
        "late-trains",
        {DEV, "Dockerfile", "Makefile", "README.md", "compose.yaml", "pyproject.toml"},
    ),
    "package_name": ("late_trains", set()),
    "description": ('Says "why"', {"README.md", "pyproject.toml"}),
    "author_name": ("Ana Novak", {"LICENSE", "pyproject.toml"}),
    "author_email": ("ana@example.org", {"pyproject.toml"}),
    "github_username": ("ana-novak", {"Dockerfile", "pyproject.toml"}),
    "license": ("BSD-3-Clause", {"Dockerfile", "LICENSE", "README.md", "pyproject.toml"}),
    "python_version": (
        "3.13",
        {
            ".devcontainer/devcontainer.json",
            ".python-version",
            "Dockerfile",
            "README.md",
            "pyproject.toml",
        },
    ),
    "platforms": ("kubernetes", {"README.md"}),
    "edition": ("course", {"pyproject.toml", "ruff.toml"}),
}
KUBERNETES = set(load_hook("post_gen_project").CHOICES["platforms"]["kubernetes"])
"""Files and folders that only this answer keeps."""
COURSE = ("course", "src/course")


def changes(*fields: str) -> dict[str, Any]:
    """Return the default answers, but for these fields."""
    return DEFAULTS | {field: ANSWERS[field][0] for field in fields}


def contents(project: Path, answers: Mapping[str, str]) -> dict[str, tuple[int, bytes]]:
    """Return the files of a project as if its package had the name that the template uses."""
    old, new = answers["package_name"].encode(), NAME_IN_TEMPLATE.encode()
    return {
        path.replace(old.decode(), new.decode()): (mode, content.replace(old, new))
        for path, (mode, content) in tree(project).items()
    }


def facts(project: Path) -> dict[str, Any]:
    """Return what a reader of the project takes its answers to have been."""
    metadata = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    scripts = metadata["scripts"]
    edition = "course" if scripts.pop("course", None) else "portfolio"
    ((command, entry),) = scripts.items()
    (author,) = metadata["authors"]
    owner, repository = metadata["urls"]["Repository"].split("/")[-2:]
    assert metadata["name"] == command == repository == project.name
    assert (project / ".python-version").read_text() == metadata["requires-python"][2:] + "\n"
    readme = (project / "README.md").read_text("utf-8").splitlines()
    assert readme[2] == metadata["description"]
    return {
        "project_name": readme[0].removeprefix("# "),
        "project_slug": metadata["name"],
        "package_name": entry.split(".")[0],
        "description": metadata["description"],
        "author_name": author["name"],
        "author_email": author["email"],
        "github_username": owner,
        "license": metadata["license"],
        "python_version": metadata["requires-python"].removeprefix(">="),
        "platforms": "kubernetes" if (project / "deploy/kubernetes").is_dir() else "none",
        "edition": edition,
    }


def with_holes(project: Path) -> set[str]:
    """Return the files in which an exercise has something to be written, by their first names."""
    package = next(
        path.parent.name for path in project.glob("src/*/cli.py") if path.parts[-2] != "course"
    )
    return {
        path.replace(package, NAME_IN_TEMPLATE)
        for exercise in (project / "course/exercises").glob("*.toml")
        for path in written_in(tomllib.loads(exercise.read_text("utf-8")))
    }


def written_in(exercise: dict[str, Any]) -> set[str]:
    """Return the files in which the learner writes."""
    removed = {removed.partition(": ")[0] for removed in exercise.get("remove", ())}
    return removed | {edit["file"] for edit in exercise.get("edits", ())}


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, bytes]]:
    return contents(generate(tmp_path_factory.mktemp("default")), DEFAULTS)


def test_the_answers_here_are_those_to_all_questions_and_none_is_the_default() -> None:
    assert list(ANSWERS) == list(DEFAULTS)
    assert all(answer != DEFAULTS[field] for field, (answer, _) in ANSWERS.items())


@pytest.mark.parametrize(
    "fields",
    [(field,) for field in ANSWERS] + list(itertools.combinations(ANSWERS, 2)),
    ids="-and-".join,
)
def test_answers_change_what_they_are_about_and_nothing_else(
    fields: tuple[str, ...], default: dict[str, tuple[int, bytes]], tmp_path: Path
) -> None:
    answers = changes(*fields)
    project = generate(tmp_path, **answers)
    assert facts(project) == answers
    made = contents(project, answers)
    added = made.keys() - default.keys()
    assert added >= (KUBERNETES if "platforms" in fields else set())
    assert ("course/shipped.sha256" in added) == ("edition" in fields)
    assert [path for path in added if not path.startswith(("deploy", *COURSE, *KUBERNETES))] == []
    differing = {path for path, content in default.items() if content != made[path]}
    changed = set().union(*(ANSWERS[field][1] for field in fields))
    assert differing == changed | (with_holes(project) & default.keys())
