"""The map of the course by role, made of lessons/course.toml."""

from collections.abc import Sequence
from dataclasses import dataclass

from lesson_pages import LESSONS, Lesson, read_course

MAP = LESSONS / "map.md"
HALF = 30


@dataclass(frozen=True)
class Role:
    """Somebody who takes the course for a job."""

    name: str
    title: str
    short: str
    why: str
    before: str


ROLES = (
    Role(
        "applied",
        "Applied AI Engineer",
        "Applied",
        "You build a product around a model and answer for what it says. Your lessons are about "
        "measuring honestly, serving safely, and noticing when the model is wrong.",
        "It helps to have trained a model and to have read an error message to its end.",
    ),
    Role(
        "platform",
        "MLOps or Platform Engineer",
        "Platform",
        "You keep the line running: builds, releases, monitoring, capacity. Your lessons are about "
        "what happens between a commit and an answer, and at three in the morning.",
        "It helps to be at home in a shell and to know what a process, a port and a log are.",
    ),
    Role(
        "analytics",
        "Analytics or Data Engineer",
        "Analytics",
        "You own the tables. Your lessons are about features that mean the same in training and in "
        "production, tests for data, and outcomes that come late.",
        "It helps to know joins, time zones, and why a column is suddenly empty.",
    ),
)


def course_map(course: Sequence[Lesson] | None = None) -> str:
    """Return the page."""
    lessons = course or read_course()
    parts = list(dict.fromkeys(lesson.part for lesson in lessons))
    return f"""# The course by role

{len(lessons)} lessons, {hours(lessons)} with the exercises. Take them in order if you can. If you
have a job in mind, take [the first](generate-and-predict.md), which makes the project, and [the
third](from-notebook-to-package.md), which makes the exercises; then the lessons of that job alone.

## The way through

```mermaid
flowchart TB
  start(["Python, pandas,<br>scikit-learn"]) --> part1
{_drawn(parts, lessons)}
  part{len(parts)} --> finish(["A repository<br>you can show"])
```

You start with Python, pandas and scikit-learn. The parts are {_spoken(parts, lessons)}. You end
with a repository that you can show.

## What everybody needs

Python 3.11, `make`, `git`, `curl` and a laptop. No cloud account, no Docker, no cluster: what needs
them is shown with the nearest thing that runs without. The first lesson is where everybody starts,
since it makes the project that all others read, run and break.

{"".join(_for_role(role, lessons) for role in ROLES)}
## All lessons

| lesson | minutes | {" | ".join(role.short for role in ROLES)} |
|---|--:|{":-:|" * len(ROLES)}
{_table(parts, lessons)}
"""


def hours(lessons: Sequence[Lesson]) -> str:
    """Return the time that lessons take together, to the half hour."""
    halves = round(sum(lesson.minutes for lesson in lessons) / HALF)
    whole = f"{halves // 2}" if halves > 1 else ""
    return f"about {whole}{'½' if halves % 2 else ''} hours"


def _drawn(parts: Sequence[str], lessons: Sequence[Lesson]) -> str:
    lines = []
    for number, part in enumerate(parts, start=1):
        own = [lesson for lesson in lessons if lesson.part == part]
        lines.append(f'  part{number}["{part}<br>{len(own)} lessons, {hours(own)}"]')
        if number > 1:
            lines.append(f"  part{number - 1} --> part{number}")
    return "\n".join(lines)


def _spoken(parts: Sequence[str], lessons: Sequence[Lesson]) -> str:
    said = [
        f"“{part}” ({len([one for one in lessons if one.part == part])} lessons)" for part in parts
    ]
    return f"{', '.join(said[:-1])} and {said[-1]}"


def _for_role(role: Role, lessons: Sequence[Lesson]) -> str:
    own = [lesson for lesson in lessons if role.name in lesson.roles]
    listed = "\n".join(
        f"{number}. {linked(lesson)}, {lesson.minutes} minutes"
        for number, lesson in enumerate(own, start=1)
    )
    return f"""## {role.title}

{role.why}

**{len(own)} lessons, {hours(own)}.** {role.before}

{listed}

"""


def _table(parts: Sequence[str], lessons: Sequence[Lesson]) -> str:
    rows = []
    for part in parts:
        own = [lesson for lesson in lessons if lesson.part == part]
        minutes = sum(lesson.minutes for lesson in own)
        rows.append(f"| **{part}** | **{minutes}** |{' |' * len(ROLES)}")
        for lesson in own:
            marks = ("yes" if role.name in lesson.roles else "" for role in ROLES)
            rows.append(f"| {linked(lesson)} | {lesson.minutes} | {' | '.join(marks)} |")
    return "\n".join(rows)


def linked(lesson: Lesson) -> str:
    """Return the title of a lesson as a link, as soon as there is a page."""
    return f"[{lesson.title}]({lesson.page.name})" if lesson.page.is_file() else lesson.title
