"""The command `course`, as a learner calls it: what it says, writes and refuses."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from course_edition import Edition, course_edition, described
from first_exercise import (
    FILE,
    HOLE,
    NAME,
    SYMBOL,
    body_of_the_course,
    facts,
    keep_only,
    write,
)
from shell import environment

pytestmark = pytest.mark.slow


def test_help_teaches(edition: Edition) -> None:
    said = edition.course("--help")
    for line in ("You write them", "course start NAME", "0 solved, 1 not solved, 2 wrong use"):
        assert line in said
    for command in re.findall(r"^    ([a-z]+) ", said, flags=re.MULTILINE):
        assert "Exit codes" in edition.course(command, "--help")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("start", "whole-file-or-non"), f'no exercise "whole-file-or-non"; the nearest: {NAME}'),
        (("check", "xyzzy"), '"xyzzy"; `course list` shows them all'),
        (("start",), "required: NAME"),
        (("check",), "which exercise? The next one that is open: `course start "),
        (("frobnicate",), "invalid choice: 'frobnicate'"),
        (("solution", NAME), f"{NAME} is not solved yet: `course check {NAME}` first"),
        (("incident", "drifd"), 'no incident "drifd"; the nearest: drift'),
        (("incident", "drift", "--project", "/nowhere"), "there is no project in this folder"),
        (("verify",), "`course report` writes it"),
        (("watch", "rollback-in-time"), "about a running service"),
        (("solution", "rollback-in-time", "--give-up"), "about a running service"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_to_do(
    arguments: tuple[str, ...], said: str, edition: Edition
) -> None:
    printed = edition.course(*arguments, code=2)
    assert said in printed
    assert printed.startswith("course: ")
    assert printed.count("\n") == 1


def test_a_record_that_is_damaged_is_not_guessed_at(edition: Edition) -> None:
    (edition.root / "course/progress.json").write_text('{"a": ')
    assert "is not JSON any more" in edition.course("list", code=2)


def test_three_hints_each_once_and_the_last_again(edition: Edition) -> None:
    hints = described()[NAME]["hints"]
    for number in (1, 2, 3, 3):
        said = edition.course("hint", NAME)
        assert f"hint {number} of 3" in said
        shown = [hint[:30] in " ".join(said.split()) for hint in hints]
        assert shown == [number == n for n in (1, 2, 3)]
    assert facts(edition)["hints"] == 3


def test_the_way_of_an_exercise_from_the_task_to_the_record(edition: Edition) -> None:
    task = " ".join(described()[NAME]["task"].split())
    assert task[:60] in " ".join(edition.course("start", NAME).split())
    assert HOLE in edition.course("check", code=1)
    write(edition)
    said = edition.course("check", code=1)
    assert HOLE not in said
    assert "known to pass on the untouched project" in said
    assert "course doctor" in said
    edition.course("solution", code=2)
    assert "not solved" in edition.course("check", code=1)

    write(edition, body_of_the_course(edition))
    said = edition.course("check")
    assert f"solved: {NAME} (" in said
    after = "The next one that is open: `course start a-day-in-two-windows` (lesson run-it-again)"
    assert after in " ".join(said.split()), "not the first of the course"
    assert f"def {SYMBOL}" in edition.course("solution", NAME)
    assert f"solved  {NAME}" in edition.course("list")
    assert f"solved: {NAME} (" in edition.course("check", NAME)
    known = facts(edition)
    assert known["attempts"] == 4, "to look again at what is solved is no attempt"
    assert "given" not in known
    assert "The next one" in edition.course("check", code=2)
    lines = edition.text("course/progress.json").splitlines()
    assert all(line.count(":") <= 2 for line in lines)
    assert edition.text("course/progress.json") == (
        json.dumps(json.loads("".join(lines)), indent=1, sort_keys=True) + "\n"
    )


def test_who_solved_it_alone_and_compares_loses_neither_the_answer_nor_the_credit(
    edition: Edition,
) -> None:
    mine = write(edition, f"    # Mine.\n{body_of_the_course(edition)}")
    edition.course("check", NAME)
    said = edition.course("solution", NAME, "--give-up")
    assert "your files and your record stay as they" in said
    assert f"def {SYMBOL}" in said
    assert edition.text(FILE) == mine
    assert "given" not in facts(edition)


def test_an_answer_that_was_given_stays_on_record(edition: Edition) -> None:
    mine = write(edition)
    assert "the record says that it was given" in edition.course("solution", NAME, "--give-up")
    assert edition.text(FILE) == edition.text(f"course/whole/{FILE}.txt")
    assert edition.text(f"course/kept/{FILE}.1.txt") == mine
    edition.course("check", NAME)
    edition.course("reset", NAME)
    assert "given" in facts(edition)
    assert "solved" not in facts(edition)
    assert re.search(f"begun .*{NAME}.*answer given", edition.course("list"))


def test_reset_opens_one_hole_and_loses_nothing(edition: Edition, shipped: Edition) -> None:
    first = write(edition)
    edition.course("reset", NAME)
    assert edition.text(FILE) == shipped.text(FILE)
    second = write(edition, "    yield path  # another\n")
    edition.edit(FILE, "import os\n", "import os\nimport string\n")
    edition.course("reset", NAME)
    assert "import string\n" in edition.text(FILE)
    assert HOLE in edition.text(FILE)
    kept = [edition.text(f"course/kept/{FILE}.{number}.txt") for number in (1, 2)]
    assert kept == [first, second.replace("import os\n", "import os\nimport string\n")]


@pytest.mark.parametrize("text", ["def (:\n", "", None])
def test_a_file_that_cannot_be_read_is_told_and_brought_back(
    text: str | None, edition: Edition, shipped: Edition
) -> None:
    path = edition.root / FILE
    path.unlink() if text is None else path.write_text(text)
    said = edition.course("check", NAME, code=2 if text is None else 1)
    assert f"{FILE} is missing" in said if text is None else FILE in said
    assert "as shipped" in edition.course("reset", NAME)
    assert edition.text(FILE) == shipped.text(FILE)


def test_another_exercise_in_a_bad_state_does_not_matter(edition: Edition) -> None:
    others = [file for file in edition.root.glob("src/flight_delay/**/*.py") if is_holed(file)]
    assert len(others) > 5
    for path in others:
        if path != edition.root / FILE:
            path.write_text("def (:\n")
    edition.course("solution", NAME, "--give-up")
    edition.course("check", NAME)


def is_holed(path: Path) -> bool:
    return "course start" in path.read_text("utf-8")


@contextmanager
def watching(edition: Edition) -> Iterator[subprocess.Popen[str]]:
    """Run `course watch` beside the test."""
    command: list[str | Path] = [edition.python, "-u", "-m", "course", "watch", NAME]
    process = subprocess.Popen(
        command,
        env=environment(**edition.variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def said_until(process: subprocess.Popen[str], words: str) -> str:
    """Read what is printed until a line has these words."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    message = f"it ended and did not say {words!r}:\n{said}"
    raise AssertionError(message)


def test_watch_checks_at_every_save_and_ends_when_it_is_solved(edition: Edition) -> None:
    with watching(edition) as process:
        assert HOLE in said_until(process, "waiting for a save")
        write(edition)
        assert HOLE not in said_until(process, "waiting for a save")
        # Some editors write another file and put it in the place of the old one.
        beside = edition.root / f"{FILE}.new"
        beside.write_text(edition.text(f"course/whole/{FILE}.txt"))
        beside.replace(edition.root / FILE)
        said_until(process, f"solved: {NAME}")
        assert process.wait(timeout=20) == 0
    assert facts(edition)["attempts"] == 3


LAB = '''\
"""A lab."""

from pathlib import Path

from course.findings import Finding


def begin(project: Path) -> None:
    (project / "begun").touch()
    print("mend it")


def check(project: Path) -> list[Finding]:
    if not (project / "begun").exists():
        return [Finding("begun", False, "begin it first")]
    mended = (project / "mended").exists()
    return [Finding("begun", True, "at once"), Finding("mended", mended, "p99 4.2 ms")]


def end(project: Path) -> None:
    (project / "begun").unlink(missing_ok=True)
'''


@pytest.mark.parametrize("kind", ["live", "incident"])
def test_what_is_live_begins_is_checked_and_ends_on_the_project_that_was_named(
    kind: str, edition: Edition, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").touch()
    keep_only(edition)
    folder = "live" if kind == "live" else "incidents"
    (edition.root / "src/course" / folder / "on_fire.py").write_text(LAB)
    text = 'title = "t"\nlesson = "l"\norder = 101\nkind = "live"\ntask = "Mend."\n'
    (edition.root / "course/exercises/on-fire.toml").write_text(
        f'{text}hints = ["a", "b", "c"]\ncheck = "on_fire"\n'
    )
    begin, check, end = {
        "live": (("start", "on-fire"), ("check", "on-fire"), ("reset", "on-fire")),
        "incident": (
            ("incident", "on-fire"),
            ("incident", "on-fire", "check"),
            ("incident", "on-fire", "end"),
        ),
    }[kind]
    assert "mend it" in edition.course(*begin, "--project", str(other))
    said = edition.course(*check, code=1)
    assert "1 of 2 findings" in said
    assert "failed  mended: p99 4.2 ms" in said
    assert (other / "begun").exists()
    (other / "mended").touch()
    assert "2 of 2 findings" in edition.course(*check)
    assert not (other / "begun").exists()
    assert "solved: " in edition.course(*check), "and over"
    edition.course("report")
    assert "passed  mended: p99 4.2 ms" in edition.text("course/REPORT.md")
    assert "Every claim" in edition.course("verify")
    (other / "begun").touch()
    edition.course(*end)
    assert not (other / "begun").exists()


def test_it_works_in_a_package_of_another_name(project: Path, tmp_path: Path) -> None:
    edition = course_edition(tmp_path, project, package="late_trains")
    assert "src/late_trains/files.py" in edition.course("start", NAME)
    assert HOLE in edition.course("check", code=1)
    edition.course("solution", "--give-up")
    edition.course("check")


def test_the_edition_pleases_linter_formatter_and_types(edition: Edition) -> None:
    for module in ("ruff check --no-cache", "ruff format --check", "mypy src/course"):
        command: list[str | Path] = [edition.python, "-m", *module.split()]
        done = subprocess.run(
            command, cwd=edition.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
