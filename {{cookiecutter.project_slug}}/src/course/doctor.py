"""Tell an error of the learner's from one of the course's."""

import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator

from course.checks import check_untouched, learners_files
from course.exercises import Exercise
from course.findings import Finding
from course.project import Project
from course.workbench import Run

PACKAGES = ("pytest", "rich")
LINES = 12
"""How many of the last lines of pytest are shown when the course itself is at fault."""


def surroundings(project: Project) -> Iterator[Finding]:
    """Look at what every check needs."""
    yield _interpreter(project)
    for package in PACKAGES:
        yield _installed(package)
    changed = project.changed()
    yield Finding(
        "files",
        not changed,
        f"not as shipped, and no exercise asks for it: {', '.join(changed)}"
        if changed
        else "what belongs to no exercise is as shipped",
    )


def tests_of(project: Project, exercise: Exercise) -> Finding:
    """Look whether the tests of an exercise are as shipped; a check uses the shipped ones."""
    changed = [file for file in exercise.test_files if not project.is_untouched(file)]
    if exercise.kind == "test":
        return Finding("tests", passed=True, said="the test is yours to write")
    if changed:
        said = f"{', '.join(changed)} was changed; the check uses the tests as shipped"
        return Finding("tests", passed=False, said=said)
    return Finding("tests", passed=True, said="those of the exercise are as shipped")


def readable(project: Project, exercise: Exercise) -> Finding:
    """Look whether the files that the learner writes can be read at all."""
    _, said = learners_files(project, exercise)
    return Finding("your code", not said, said[0] if said else f"{exercise.place} can be read")


def untouched(project: Project, exercise: Exercise) -> tuple[Finding, Run]:
    """Run the check on the project as the course knows it."""
    run = check_untouched(project, exercise)
    said = "passes" if run.passed else "does not pass"
    name = "the check"
    return Finding(name, run.passed, f"it {said} on the untouched project"), run


def _interpreter(project: Project) -> Finding:
    metadata = tomllib.loads(project.text("pyproject.toml"))["project"]
    least = metadata["requires-python"].removeprefix(">=").partition(",")[0].strip()
    version = ".".join(map(str, sys.version_info[:3]))
    enough = sys.version_info >= tuple(map(int, least.split(".")))
    return Finding("Python", enough, f"{version}; the project asks for {least} or newer")


def _installed(package: str) -> Finding:
    try:
        return Finding(package, passed=True, said=importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        return Finding(package, passed=False, said="is not installed; run `make setup`")
