"""Tell an error of the learner's from one of the course's."""

import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from course.checks import check_untouched, learners_files
from course.exercises import Exercise
from course.findings import Finding
from course.labs.folder import Lab
from course.labs.service import OK, PORT, ask
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
    if exercise.kind == "test":
        return Finding("tests", passed=True, said="the test is yours to write")
    # A file in which another exercise asks for a test may well have got an import, too.
    asked = {file for other in project.exercises.values() for file in other.written_in}
    own = [file for file in exercise.test_files if file not in asked]
    changed = [file for file in own if not project.is_untouched(file)]
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


def live(name: str) -> Iterator[Finding]:
    """Look whether something live is on, and then whether a service answers."""
    if not Lab(name, Path()).begun:
        yield Finding("begun", passed=False, said=f"{name} was not begun, or is over")
        return
    yield Finding("begun", passed=True, said=f"{name} is on")
    answers = ask("/health/live").status == OK
    silent = f"nothing answers on port {PORT}: start the service of the project that it is about"
    yield Finding("service", answers, f"answers on port {PORT}" if answers else silent)


def of_learner(exercise: Exercise, found: list[Finding]) -> str:
    """Return what to say when the check passes on the untouched project."""
    if all(finding.passed for finding in found):
        return (
            f"The course is in order. If `course check {exercise.name}` fails, the error is in "
            f"what you wrote: {exercise.place}."
        )
    return "The check itself is in order; what failed above is to be put right in your project."


def of_course(exercise: Exercise, found: list[Finding]) -> str:
    """Return what to say when it does not."""
    if all(finding.passed for finding in found):
        return (
            f"This is an error of the course and not yours: the check of {exercise.name} fails on "
            "the project as shipped. Please report it with the lines above."
        )
    return (
        "The check fails even with the course's answer, and what failed above explains it, most "
        "likely: put that right in your project, and ask again."
    )


def of_live(found: list[Finding]) -> str:
    """Return what to say about something on a running service."""
    if all(finding.passed for finding in found):
        return (
            "Nothing is in the way of the check: what it lists as failed is still to be done. What "
            "was lost for good asks for a new beginning."
        )
    return "What failed above is in the way of the check: put it right, and check again."


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
