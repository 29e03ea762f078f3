"""What the learner has done: a text file that may be committed, one fact a line."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from course.project import WrongUseError

Fact = str | int | float | list[str]
FactT = TypeVar("FactT", str, int, float, list[str])


def now() -> str:
    """Return the time as it is recorded."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def replace(path: Path, text: str) -> None:
    """Replace a file in one step: whoever reads it sees the old text or the new one."""
    # The number of the process: two commands at once do not write the same unfinished file.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.new")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    unfinished.replace(path)


class Progress:
    """Facts about exercises: started, attempts, hints, solved, given, seconds and so on."""

    def __init__(self, path: Path) -> None:
        """Read what is recorded, if anything is."""
        self._path = path
        self._facts: dict[str, dict[str, Fact]] = {}
        self._read()

    def __iter__(self) -> Iterator[str]:
        """Yield the exercises about which something is recorded."""
        return iter(self._facts)

    def get(self, name: str, fact: str, default: FactT) -> FactT:
        """Return a fact, or the default if it is not recorded in the default's type."""
        value = self._facts.get(name, {}).get(fact, default)
        return value if isinstance(value, type(default)) else default

    def record(self, name: str, **facts: Fact | None) -> None:
        """Write facts about an exercise; None removes one."""
        self._read()
        known = self._facts.setdefault(name, {})
        for fact, value in facts.items():
            if value is None:
                known.pop(fact, None)
            else:
                known[fact] = value
        self._save()

    def count(self, name: str, fact: str) -> int:
        """Add one to a fact and return it."""
        self._read()
        value = self.get(name, fact, 0) + 1
        self.record(name, **{fact: value})
        return value

    def _read(self) -> None:
        """Read what is recorded by now: `course watch` may run beside another command."""
        if not self._path.exists():
            return
        try:
            facts = json.loads(self._path.read_text(encoding="utf-8"))
        except ValueError as error:
            message = f"course/{self._path.name} is not JSON any more ({error}): mend or remove it"
            raise WrongUseError(message) from error
        if not isinstance(facts, dict) or not all(isinstance(of, dict) for of in facts.values()):
            message = (
                f"course/{self._path.name} is to hold an object of facts for each exercise: "
                "mend or remove it"
            )
            raise WrongUseError(message)
        self._facts = facts

    def _save(self) -> None:
        text = json.dumps(self._facts, indent=1, sort_keys=True, ensure_ascii=False)
        replace(self._path, f"{text}\n")
