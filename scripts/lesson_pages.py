"""Read the course: its order from course.toml, and the fenced blocks of its pages."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
LESSONS = TEMPLATE / "lessons"
COURSE_FILE = LESSONS / "course.toml"

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<language>\w*)(?P<rest>.*)$")
TITLE = re.compile(r'title="(?P<title>[^"]*)"')
NOT_RUN = re.compile(r"not run here: (?P<reason>.+)")


class LessonError(AssertionError):
    """A page says what is not so; the message starts with page:line."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """An entry of course.toml."""

    title: str
    minutes: int
    page: Path
    part: str
    roles: tuple[str, ...]
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `follows` is the block above it when only blank lines lie between."""

    page: Path
    line: int
    language: str
    title: str
    text: str
    follows: "Block | None"

    @property
    def not_run(self) -> str:
        """Why nobody runs it here, or an empty text."""
        found = NOT_RUN.fullmatch(self.title)
        return found["reason"] if found and self.language == "bash" else ""

    def error(self, message: str, *parts: tuple[str, str]) -> LessonError:
        """Return an error that starts with page:line."""
        shown = "".join(f"\n--- {name}\n{text}" for name, text in parts)
        return LessonError(f"{self.page.name}:{self.line}: {message}{shown}")


def read_course(course: Path = COURSE_FILE) -> list[Lesson]:
    """Return the lessons in order."""
    entries = tomllib.loads(course.read_text(encoding="utf-8"))["lessons"]
    return [
        Lesson(
            title=one["title"],
            minutes=one["minutes"],
            page=course.parent / one["file"],
            part=one["part"],
            roles=tuple(one["roles"]),
            modules=tuple(one["modules"]),
        )
        for one in entries
    ]


def read_blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page, those inside admonitions included.

    Raises:
        LessonError: for a block that is never closed.
    """
    last: Block | None = None
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), start=1)
    for number, line in lines:
        if (fence := FENCE.match(line)) is None:
            last = last if not line.strip() else None
            continue
        content: list[str] = []
        for _, inner in lines:
            if inner.strip() == fence["ticks"]:
                break
            content.append(inner.removeprefix(fence["indent"]))
        else:
            message = f"{page.name}:{number}: this block is never closed"
            raise LessonError(message)
        title = TITLE.search(fence["rest"])
        text = "\n".join(content)
        last = Block(page, number, fence["language"], title["title"] if title else "", text, last)
        yield last
