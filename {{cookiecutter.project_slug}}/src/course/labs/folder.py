"""Where a lab keeps what it has begun, as plain text, and that only one is on at a time."""

import contextlib
import json
import os
import shlex
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.lab import incidents
from course.progress import replace
from course.project import WrongUseError

ROOT = Path(__file__).resolve().parents[3]
"""The course edition of the project, in which this file lies."""
LABS = ROOT / "course" / "labs"
"""Not below `reports/`, which `make clean` removes: what is here is the only way back."""
STATE_FILE = "state.json"
IGNORE_FILE = ".gitignore"


class LabError(WrongUseError):
    """A lab cannot be begun or checked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A live exercise or an incident, on a learner's project."""

    name: str
    project: Path

    @property
    def folder(self) -> Path:
        """Where its state and the files of what it started are."""
        return LABS / self.name

    @property
    def begun(self) -> bool:
        """Whether it was begun and not ended."""
        return (self.folder / STATE_FILE).is_file()

    @property
    def ending(self) -> str:
        """Return the command that ends it."""
        incident = self.name in incidents()
        command = f"incident {self.name} end" if incident else f"reset {self.name}"
        return f"`course {command}`"

    @property
    def ends(self) -> str:
        """Return what is said of something that is on."""
        return f"{self.ending} ends it"

    @property
    def since(self) -> str:
        """Return the line that says from when it is on, and how it is ended."""
        return f"On since {clock(self.read()['begun'])} UTC; {self.ends}."

    def may_begin(self) -> bool:
        """Return whether it has to be begun: what is on is told of again, and goes on.

        Raises:
            LabError: when another lab is on, or this one is on for another project.
        """
        others = [path.parent.name for path in LABS.glob(f"*/{STATE_FILE}")]
        if others := [name for name in others if name != self.name]:
            other = Lab(others[0], self.project)
            message = f"{other.name} is still on: {other.ends}; each changes the same service"
            raise LabError(message)
        state = self.read()
        if state and state["project"] != str(self.project.resolve()):
            message = f"{self.name} is on for {state['project']}: {self.ends}"
            raise LabError(message)
        if state and not state["ready"]:
            message = f"{self.name} was not begun to its end: {self.ends}"
            raise LabError(message)
        return not state

    def open(self) -> None:
        """Make an empty folder with a fresh state, which git does not see."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (LABS / IGNORE_FILE).write_text("*\n", encoding="utf-8")
        project = str(self.project.resolve())
        self.write(begun=time.time(), project=project, programs={}, ready=False)

    def read(self) -> dict[str, Any]:
        """Return the state; nothing when it was not begun."""
        try:
            state: dict[str, Any] = json.loads((self.folder / STATE_FILE).read_bytes())
        except FileNotFoundError:
            return {}
        return state

    def write(self, **facts: object) -> None:
        """Add facts to the state, in one step."""
        write_json(self.folder / STATE_FILE, self.read() | facts)

    def close(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if not [*LABS.glob(f"*/{STATE_FILE}")]:
            (LABS / IGNORE_FILE).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # where something else was put
                LABS.rmdir()


def write_json(path: Path, value: object) -> None:
    """Replace a JSON file in one step."""
    replace(path, json.dumps(value, indent=2) + "\n")


def became(happened: Callable[[], object], seconds: float) -> bool:
    """Wait until something is so; return whether it was in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def as_typed(path: Path) -> str:
    """Return a path from where the learner stands, which may be the other project."""
    return shlex.quote(os.path.relpath(path))


def clock(moment: float) -> str:
    """Return the time of day, UTC, as Prometheus and the logs tell it."""
    return time.strftime("%H:%M:%S", time.gmtime(moment))
