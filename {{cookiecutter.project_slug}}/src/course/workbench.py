"""A temporary copy of the project, in which tests run without touching the learner's files."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from course import listener

NOT_COPIED = (
    ".devcontainer",
    ".git",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tools",
    ".venv",
    "course",
    "data",
    "dist",
    "mlartifacts",
    "mlflow.db*",
    "models",
    "predictions.db*",
    "replay",
    "reports",
)
"""State and tools in the project's folder, which no test of an exercise may need."""
SECONDS = 120
"""A check that takes longer is stopped."""
# Plugins that no exercise needs take a quarter of the time of a check.
LEFT_OUT = ("cacheprovider", "schemathesis", "pytest_cov", "typeguard")
PYTEST = (
    *("-m", "pytest", "-q", "--tb=short", "-p", "course.listener"),
    *(f"-pno:{plugin}" for plugin in LEFT_OUT),
)
# What is drawn at random is drawn alike each time, so that a check says the same twice.
SEEDED = "--hypothesis-seed=0"


class Outcome(NamedTuple):
    """What became of one test."""

    test: str
    when: str
    passed: bool
    file: str
    line: int
    said: str


@dataclass(frozen=True, slots=True)
class Run:
    """What pytest did."""

    code: int
    outcomes: list[Outcome]
    printed: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether there were tests and all of them passed; one that skips itself has not."""
        return self.code == 0 and bool(self.outcomes) and not self.failures

    @property
    def failures(self) -> list[Outcome]:
        """Return what did not pass."""
        return [outcome for outcome in self.outcomes if not outcome.passed]


class Workbench:
    """The copy; see `workbench`."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of the copy."""
        self.folder = folder

    def put(self, files: Mapping[str, str]) -> None:
        """Write these texts in the place of files."""
        for file, text in files.items():
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            # Bytecode is believed by date and size: a fault as long as the original is not seen.
            for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
                compiled.unlink()

    def test(self, tests: Iterable[str]) -> Run:
        """Run tests of the copy, with the interpreter of this command."""
        outcomes = self.folder / ".outcomes"
        outcomes.write_text("", encoding="utf-8")
        # Two checks at once would tidy up the one folder that pytest shares, and one of them fail.
        scratch = self.folder.with_name("scratch")
        started = time.monotonic()
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                [sys.executable, *PYTEST, SEEDED, f"--basetemp={scratch}", *tests],
                cwd=self.folder,
                env=self._environment(outcomes),
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
            code, printed = done.returncode, done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            code, printed = -1, f"stopped after {SECONDS} seconds: is there a loop without an end?"
        lines = outcomes.read_text(encoding="utf-8").splitlines()
        read = [Outcome(**json.loads(line)) for line in lines]
        return Run(code, read, printed, time.monotonic() - started)

    def _environment(self, outcomes: Path) -> dict[str, str]:
        """Return variables with which the copy is imported, and not the project."""
        return os.environ | {
            "PYTHONPATH": str(self.folder / "src"),
            "PYTEST_ADDOPTS": "",
            "COLUMNS": "100",
            listener.FILE: str(outcomes),
        }


@contextmanager
def workbench(root: Path) -> Iterator[Workbench]:
    """Copy what tests need of a project to a temporary folder, and remove it in the end."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        patterns = NOT_COPIED if Path(folder) == root else ("__pycache__",)
        return shutil.ignore_patterns(*patterns)(folder, names)

    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as place:
        # Resolved, as pytest will show it.
        folder = Path(place).resolve() / "project"
        shutil.copytree(root, folder, ignore=ignored, symlinks=True)
        yield Workbench(folder)
