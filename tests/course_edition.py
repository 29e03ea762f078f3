"""The course edition of a project, and its command, run by the Python of the demo's project."""

import shlex
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from answers import NAME_IN_TEMPLATE, PROJECT, TEMPLATE, generate
from shell import run

SECONDS = 300
SOURCE = TEMPLATE / PROJECT / "src"
EXERCISES = TEMPLATE / PROJECT / "course" / "exercises"
WRONG = TEMPLATE / "tests" / "wrong_answers"


def course_module(name: str) -> ModuleType:
    """Import a module of the course as it stands in the template."""
    if str(SOURCE) not in sys.path:
        sys.path.append(str(SOURCE))
    return __import__(f"course.{name}", fromlist=["course"])


def described() -> dict[str, dict[str, Any]]:
    """Return what the files of the exercises say, by name."""
    return {
        path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in sorted(EXERCISES.glob("*.toml"))
    }


@dataclass(frozen=True)
class Edition:
    """A course edition, and the interpreter that has everything it needs."""

    root: Path
    python: Path

    def course(self, *arguments: str, code: int = 0, **extra: str) -> str:
        """Run the command, require an exit code, and return all that it said."""
        command = shlex.join([str(self.python), "-m", "course", *arguments])
        variables = self.variables | extra
        done = run(command, self.root.parent, code=code, seconds=SECONDS, **variables)
        return done.stdout + done.stderr

    @property
    def variables(self) -> dict[str, Any]:
        """Those with which this edition's course is the one that is found."""
        return {"PYTHONPATH": str(self.root / "src"), "COLUMNS": "200"}

    def copy(self, place: Path) -> "Edition":
        """Return a copy that a test may change."""
        return Edition(Path(shutil.copytree(self.root, place / self.root.name)), self.python)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace what stands once in a file, as an editor would."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has this {text.count(old)} times:\n{old}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def text(self, file: str) -> str:
        """Return a file."""
        return (self.root / file).read_text(encoding="utf-8")


def course_edition(place: Path, project: Path, *, package: str = NAME_IN_TEMPLATE) -> Edition:
    """Generate the course edition; the interpreter is that of an installed project."""
    root = generate(
        place,
        project_slug="flight-delay-course",
        package_name=package,
        platforms="kubernetes",
        edition="course",
    )
    return Edition(root, project / ".venv" / "bin" / "python")
