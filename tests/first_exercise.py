"""Two exercises, and how a test writes them in a course edition of its own."""

import json

from course_edition import Edition, course_module

NAME = "whole-files-or-none"
SYMBOL = "unfinished_file"
FILE = "src/flight_delay/files.py"
TEST_FILE = "tests/unit/test_files.py"
OTHER = "the-way-back"
WRITTEN = "    # My own idea, and a wrong one.\n    yield path\n"
HOLE = "exercise whole-files-or-none: run"
DIGGING = course_module("digging")


def write(edition: Edition, body: str = WRITTEN) -> str:
    """Write a body for the exercise, and return the text of its file."""
    text: str = DIGGING.fill(edition.text(FILE), SYMBOL, body)
    (edition.root / FILE).write_text(text, encoding="utf-8")
    return text


def facts(edition: Edition, name: str = NAME) -> dict[str, object]:
    """Return what is on record about an exercise."""
    found: dict[str, object] = json.loads(edition.text("course/progress.json")).get(name, {})
    return found


def body_of_the_course(edition: Edition) -> str:
    """Return the body that the course has for the exercise, without the docstring."""
    whole: str = DIGGING.function_text(edition.text(f"course/whole/{FILE}.txt"), SYMBOL)
    return whole.rpartition('"""\n')[2]


def keep_only(edition: Edition, *names: str) -> None:
    """Make a course of these exercises, so that to check all of them takes seconds."""
    for path in (edition.root / "course/exercises").glob("*.toml"):
        if path.stem not in names:
            path.unlink()
    ship(edition)


def ship(edition: Edition) -> None:
    """Note the files as they are by now as those that the course gave out."""
    made = course_module("project").Project(edition.root).hashes()
    lines = "".join(f"{digest}  {file}\n" for file, digest in made.items())
    (edition.root / "course/shipped.sha256").write_text(lines, encoding="utf-8")
