"""The exercises, as `course/exercises/*.toml` describes them.

The file's name is the exercise's. CONTRIBUTING.md of the template says what may stand in it.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

KINDS = ("body", "edit", "test", "live")
LESSON = 100
"""The order of an exercise is the number of its lesson times this, plus its place in it."""


class Symbol(NamedTuple):
    """A function in a file."""

    file: str
    name: str


class Edit(NamedTuple):
    """A text that stands once in a file, and what is wrong in its place: one line or more."""

    file: str
    right: str
    wrong: str

    def is_open(self, text: str) -> bool:
        """Whether the wrong lines stand in it as they are; they may be a part of the right ones."""
        if self.wrong in self.right:
            text = text.replace(self.right, "")
        return bool(self._wrong_lines.search(text))

    def put_right(self, text: str) -> str:
        """Return the text with what is right in it; what a learner made of the lines stays."""
        if self.is_open(text):
            return self._wrong_lines.sub(lambda found: found[1] + self.right, text)
        return text

    @property
    def _wrong_lines(self) -> re.Pattern[str]:
        # To the end of the line: an answer may begin as the fault does, and go on.
        return re.compile(rf"^([ \t]*){re.escape(self.wrong)}$", re.MULTILINE)

    def put_wrong(self, text: str) -> str:
        """Return the text with what is wrong in it; what is right has to stand there once."""
        if text.count(self.right) != 1:
            message = f"this stands there {text.count(self.right)} times: {self.right.strip()!r}"
            raise LookupError(message)
        return text.replace(self.right, self.wrong)


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise."""

    name: str
    title: str
    lesson: str
    order: int
    kind: str
    task: str
    hints: tuple[str, ...]
    remove: tuple[Symbol, ...] = ()
    tests: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    faults: tuple[Edit, ...] = ()
    module: str = ""

    @property
    def written_in(self) -> list[str]:
        """Return the files in which the learner works."""
        return _once(
            [*(symbol.file for symbol in self.remove), *(edit.file for edit in self.edits)]
        )

    @property
    def test_files(self) -> list[str]:
        """Return the files of its tests."""
        return _once(test.partition("::")[0] for test in self.tests)

    @property
    def files(self) -> list[str]:
        """Return every file that the exercise needs."""
        faulty = (fault.file for fault in self.faults)
        return _once([*self.written_in, *self.test_files, *faulty])

    @property
    def place(self) -> str:
        """Return where the learner writes, in words."""
        return self.place_as(str)

    def place_as(self, shown: Callable[[str], str]) -> str:
        """Return it with each file as it is to be shown."""
        removed = [f"{symbol.name} in {shown(symbol.file)}" for symbol in self.remove]
        return ", ".join(removed or map(shown, self.written_in))


def load(folder: Path) -> dict[str, Exercise]:
    """Return the exercises of a folder by name, in the order of the lessons."""
    read = [_read(path) for path in folder.glob("*.toml")]
    return {exercise.name: exercise for exercise in sorted(read, key=lambda one: one.order)}


def _read(path: Path) -> Exercise:
    try:
        return _exercise(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path.name}: {type(error).__name__}: {error}"
        raise ValueError(message) from error


def _exercise(name: str, read: dict[str, Any]) -> Exercise:
    if read["kind"] not in KINDS:
        message = f"kind has to be one of {', '.join(KINDS)}"
        raise ValueError(message)
    remove = tuple(_symbol(written) for written in read.get("remove", ()))
    written = [f"{symbol.file}::{symbol.name.replace('.', '::')}" for symbol in remove]
    return Exercise(
        name=name,
        title=read["title"],
        lesson=read["lesson"],
        order=read["order"],
        kind=read["kind"],
        task=read["task"],
        hints=tuple(read["hints"]),
        remove=remove,
        tests=tuple(written if read["kind"] == "test" else read.get("tests", ())),
        edits=tuple(_edit(edit) for edit in read.get("edits", ())),
        faults=tuple(_edit(fault) for fault in read.get("faults", ())),
        module=read["check"].removeprefix("course.live.") if read["kind"] == "live" else "",
    )


def _symbol(written: str) -> Symbol:
    file, colon, name = written.partition(": ")
    if not colon:
        message = f'"{written}" has to be "file: function"'
        raise ValueError(message)
    return Symbol(file, name)


def _edit(read: dict[str, str]) -> Edit:
    edit = Edit(**{name: text.strip("\n") for name, text in read.items()})
    if not edit.wrong.strip():
        message = "wrong may not be empty: nobody could find its place again"
        raise ValueError(message)
    return edit


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
