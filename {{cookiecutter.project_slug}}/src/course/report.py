"""The page that says what was done, and the proof that it is true.

`course/REPORT.md` is for a portfolio. Every claim in it stands in a table, and `verify` makes
the tables anew from the code and the record and compares them, seconds and versions aside.
"""

import importlib.metadata
import platform
from collections.abc import Callable, Iterator

from course.checks import check_each
from course.digging import NotFoundError, is_open
from course.exercises import Exercise
from course.learner import Learner
from course.progress import now
from course.project import WrongUseError

FILE = "REPORT.md"
COLUMNS = ("exercise", "lesson", "state", "started", "solved", "attempts", "hints", "answer")
SECONDS = "seconds"
PACKAGES = ("fastapi", "mlflow", "numpy", "onnxruntime", "polars", "pytest", "scikit-learn")
Rows = dict[str, tuple[str, ...]]
Say = Callable[[str], None]

PAGE = """\
# What was done in this course

Written by `course report` on {date}, after it had run every check once more:
{summary}

A check runs the project's own tests on the code in this repository. *Attempts* counts the checks
that were asked for, *hints* how many of three were read, and *answer* says when the course's own
answer was taken, if it was. *Seconds* is how long the check took.

## Exercises

{exercises}

## On a running service

{live}

## Versions

{versions}

## Run it again

```bash
make setup
.venv/bin/course verify
```

It checks every exercise again, compares with the claims above, and ends with exit code 1 if one
of them does not hold, or if code, tests or exercises are not as shipped beside the answers. Times,
attempts, hints and what was done on a running service are compared with the record in
`course/progress.json`, which is a text file; `course start NAME` and `course incident NAME` do the
latter again.
"""


def write(learner: Learner, say: Say) -> None:
    """Check everything again and write the page."""
    rows = exercises_now(learner, say, record=True)
    text = PAGE.format(
        date=now(),
        summary=_summary(rows),
        exercises=_table(
            (*COLUMNS, SECONDS),
            [(*row, _seconds(learner, name)) for name, row in rows.items()],
        ),
        live=_table(("name", "solved", "figures"), list(live_now(learner).values())),
        versions=_table(("what", "version"), list(_versions())),
    )
    path = learner.project.folder / FILE
    path.write_text(text, encoding="utf-8", newline="\n")


def broken_claims(learner: Learner, say: Say) -> list[str]:
    """Return a sentence for each claim of the page that does not hold."""
    path = learner.project.folder / FILE
    if not path.exists():
        message = f"there is no course/{FILE} yet: `course report` writes it"
        raise WrongUseError(message)
    text = path.read_text(encoding="utf-8")
    claimed = _rows(text, "Exercises", len(COLUMNS))
    found = _compare(claimed, exercises_now(learner, say, record=False), COLUMNS)
    if (summary := _summary(claimed)) not in text:
        found.append(f"the page begins with other figures than its table has: {summary}")
    labs = _rows(text, "On a running service", 3)
    found += _compare(labs, live_now(learner), ("name", "solved", "figures"))
    return [*changed_files(learner), *found]


def _summary(rows: Rows) -> str:
    """Return what the table of exercises comes to."""
    states = [row[2] for row in rows.values()]
    given = sum(row[7].startswith("given") for row in rows.values())
    of_course = f", {given} of them with an answer of the course" if given else ""
    solved = f"{states.count('solved')} of the {len(rows)} exercises"
    return f"{solved} that need no running service are solved{of_course}."


def changed_files(learner: Learner) -> list[str]:
    """Return a sentence for each file that is not as shipped, and with which any test may pass."""
    changed = learner.project.changed()
    return [f"{file}: {what}, and the checks run beside it" for file, what in changed.items()]


def exercises_now(learner: Learner, say: Say, *, record: bool) -> Rows:
    """Return a row for each exercise that needs no running service, checked now."""
    states = {}
    asked = [one for one in learner.project.exercises.values() if not one.module]
    written = [one for one in asked if not untouched(learner, one)]
    if record:
        _reopen(learner, [one.name for one in asked if one not in written])
    for exercise, verdict in check_each(learner.project, written):
        say(verdict.headline)
        states[exercise.name] = "solved" if verdict.solved else "open"
        if record:
            learner.note(exercise.name, verdict)
    return {one.name: _row(learner, one, states.get(one.name, "open")) for one in asked}


def _reopen(learner: Learner, names: list[str]) -> None:
    """Record that there is no answer any more, as after a `git checkout` of its file."""
    for name in names:
        if learner.is_solved(name):
            learner.progress.record(name, solved=None)


def untouched(learner: Learner, exercise: Exercise) -> bool:
    """Whether nothing was written in the place of any hole of an exercise."""
    project = learner.project
    try:
        return all(is_open(project.text(file), name) for file, name in exercise.remove) and all(
            edit.is_open(project.text(edit.file)) for edit in exercise.edits
        )
    except (NotFoundError, SyntaxError, WrongUseError):
        return False


def live_now(learner: Learner) -> Rows:
    """Return a row for each live exercise and incident that was solved, as it is on record."""
    progress = learner.progress
    rows: Rows = {}
    for name in sorted(progress):
        figures = progress.get(name, "figures", list[str]())
        if figures and learner.is_solved(name):
            said = "; ".join(figures).replace("|", "/")
            rows[name] = (name, progress.get(name, "solved", ""), said)
    return rows


def _row(learner: Learner, exercise: Exercise, state: str) -> tuple[str, ...]:
    progress, name = learner.progress, exercise.name
    given = progress.get(name, "given", "")
    return (
        name,
        exercise.lesson,
        state,
        progress.get(name, "started", "") or "-",
        (progress.get(name, "solved", "") or "-") if state == "solved" else "-",
        str(progress.get(name, "attempts", 0)),
        str(progress.get(name, "hints", 0)),
        f"given {given}" if given else "own" if state == "solved" else "-",
    )


def _seconds(learner: Learner, name: str) -> str:
    seconds = learner.progress.get(name, "seconds", 0.0)
    return f"{seconds:.1f}" if seconds else "-"


def _versions() -> Iterator[tuple[str, str]]:
    yield "Python", platform.python_version()
    for package in PACKAGES:
        try:
            yield package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            yield package, "not installed"


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return "Nothing yet."
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _rows(text: str, heading: str, width: int) -> Rows:
    """Return the rows of the table below a heading, by their first cell."""
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    cells = (tuple(cell.strip() for cell in line.strip("| ").split(" | ")) for line in lines)
    return {row[0]: (*row, *("",) * width)[:width] for row in cells}


def _compare(claimed: Rows, found: Rows, columns: tuple[str, ...]) -> list[str]:
    said = [f"{name}: the page does not have it" for name in found if name not in claimed]
    for name, row in claimed.items():
        now_row = found.get(name)
        if now_row is None:
            said.append(f"{name}: the page has it, and nothing is known of it")
            continue
        said += [
            f"{name}: the page says {column} = {claim}, and it is {truth}"
            for column, claim, truth in zip(columns, row, now_row, strict=True)
            if claim != truth
        ]
    return said
