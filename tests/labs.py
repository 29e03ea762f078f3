"""A learner's two projects in small: a copy of the finished one, and the course beside it.

The course is asked by the project's own Python, as the command `course` asks it; what it says comes
back as plain values. Nothing of the project itself is changed.
"""

import contextlib
import json
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import httpx2
from answers import TEMPLATE
from course_edition import course_module
from monitoring_stack import free_port, wait_until
from shell import environment, run

PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
PACKAGE = "flight_delay"
LABS = "course/labs"
LAB = course_module("lab")
INCIDENTS = tuple(LAB.incidents())
STOP_SECONDS = 20
STATE = ("data", "models", "monitoring", "predictions.db", "pyproject.toml")
"""What a project needs to serve, to monitor and to train; its registry begins anew."""
ASK = """
import importlib, json, signal, sys
from pathlib import Path

# As in a terminal: who was started in the background inherits that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

step, module, project = sys.argv[1:]
try:
    said = getattr(importlib.import_module(f"course.{module}"), step)(Path(project))
except Exception as error:
    if type(error).__name__ != "LabError":
        raise
    said = str(error)
print()
print(json.dumps(said))
"""


class Finding(NamedTuple):
    """What a check says of one thing."""

    name: str
    passed: bool
    said: str


@dataclass
class Course:
    """A project with a champion, its service, and the course edition that watches both."""

    home: Path
    root: Path
    port: int
    service: subprocess.Popen[bytes] | None = None
    tools: dict[str, str] = field(default_factory=dict)
    """More of the learner's environment."""

    @property
    def python(self) -> Path:
        """The project's Python."""
        return self.home / ".venv/bin/python"

    def command(self, *words: str, code: int = 0, **extra: str) -> str:
        """Run a command of the project, and return what it said."""
        line = shlex.join([str(self.python), "-m", PACKAGE, *words])
        variables: dict[str, Any] = {**extra}
        done = run(line, self.home, code=code, **variables)
        return done.stdout + done.stderr

    def command_line(self, line: str) -> None:
        """Run a line of bash."""
        run(line, self.home)

    def start(self, **extra: str) -> None:
        """Start the service, and wait until it answers."""
        command: list[Path | str] = [self.python, "-m", PACKAGE, "serve", "--port", str(self.port)]
        with (self.home / "service.log").open("ab") as log:
            self.service = subprocess.Popen(
                command, cwd=self.home, env=environment(**extra), stderr=log
            )
        wait_until(self.lives, "the service answers")

    def stop(self, *, by_force: bool = False) -> None:
        """Stop the service, as a learner should or should not."""
        if self.service:
            self.service.kill() if by_force else self.service.terminate()
            self.service.wait(STOP_SECONDS)
            self.service = None

    def lives(self) -> bool:
        """Tell whether the service answers."""
        with contextlib.suppress(httpx2.TransportError):
            return httpx2.get(f"http://127.0.0.1:{self.port}/health/live").is_success
        return False

    def ask(self, step: str, module: str) -> str | list[Finding]:
        """Begin, check or end a lab; return its findings, what it refused with, or what it told."""
        command, variables = self._asking(step, module)
        done = run(shlex.join(command), self.home, **variables)
        told, _, answer = done.stdout.rstrip().rpartition("\n")
        said = json.loads(answer)
        if isinstance(said, list):
            return [Finding(*one) for one in said]
        return said or told

    def asking(self, step: str, module: str) -> subprocess.Popen[bytes]:
        """Begin to ask, in a terminal of its own, so that Ctrl-C can be sent to it."""
        command, variables = self._asking(step, module)
        return subprocess.Popen(
            command, cwd=self.home, env=environment(**variables), start_new_session=True
        )

    def _asking(self, step: str, module: str) -> tuple[list[str], dict[str, Any]]:
        source = str(self.root / "src")
        variables: dict[str, Any] = {"PYTHONPATH": source, "COURSE_PORT": str(self.port)}
        command = [str(self.python), "-c", ASK, step, module, str(self.home)]
        return command, variables | self.tools

    def check(self, module: str) -> dict[str, Finding]:
        """Check a lab, and return its findings by name."""
        found = self.ask("check", module)
        assert isinstance(found, list), found
        return {one.name: one for one in found}

    def until(self, module: str, name: str, *, passed: bool = True) -> Finding:
        """Wait until a finding is as it should become, and return it."""
        last: dict[str, Finding] = {}

        def so() -> bool:
            last.update(self.check(module))
            return name in last and last[name].passed is passed

        wait_until(so, (name, last))
        return last[name]

    def missing(self, module: str) -> dict[str, str]:
        """Check a lab, and return what it says of each thing that is not as it should be."""
        return {one.name: one.said for one in self.check(module).values() if not one.passed}

    def programs(self) -> str:
        """Return the programs that the course has started and that still run."""
        said = subprocess.run(
            ["ps", "-ww", "-e", "-o", "command="], capture_output=True, text=True, check=True
        )
        return "\n".join(line for line in said.stdout.splitlines() if str(self.root) in line)

    def written(self) -> dict[str, object]:
        """Return what the labs may change and have to bring back."""
        counts = (
            "import sqlite3; log = sqlite3.connect('predictions.db'); "
            "print([log.execute(f'SELECT count(*) FROM {name}').fetchone()[0] "
            "for name in ('predictions', 'outcomes', 'events')], "
            "*log.execute('SELECT day, count(*) FROM predictions GROUP BY day'))"
        )
        said = subprocess.run(
            [self.python, "-c", counts], cwd=self.home, capture_output=True, text=True, check=True
        )
        champion = (self.home / "models" / "champion.json").read_text("utf-8")
        return {
            "log": said.stdout,
            "champion": champion,
            "feed": (self.home / "feed").exists(),
            "bundles": sorted(path.name for path in self.home.glob("models/*") if path.is_dir()),
            "registered": self.registered(),
        }

    def registered(self) -> list[tuple[object, ...]]:
        """Return each version of the registry and each alias; none where none was begun yet."""
        if not (self.home / "mlflow.db").exists():
            return []
        with contextlib.closing(sqlite3.connect(self.home / "mlflow.db")) as registry:
            versions = registry.execute(
                "SELECT version, run_id FROM model_versions WHERE current_stage = 'None'"
            )
            aliases = registry.execute("SELECT alias, version FROM registered_model_aliases")
            return sorted([*versions, *aliases], key=str)

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a file of the course."""
        path = self.root / "src/course" / file
        text = path.read_text("utf-8")
        assert old in text, (file, old)
        path.write_text(text.replace(old, new), encoding="utf-8")


@contextlib.contextmanager
def learning(project: Path, folder: Path) -> Iterator[Course]:
    """Copy what a learner has; stop the service when the block ends."""
    home, root = folder / "flight-delay", folder / "flight-delay-course"
    home.mkdir()
    for name in STATE:
        source = project / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, home / name)
    (home / ".venv").symlink_to(project / ".venv")
    shutil.copytree(PROJECT / "src/course", root / "src/course")
    course = Course(home, root, free_port())
    try:
        yield course
    finally:
        course.stop()


@contextlib.contextmanager
def begun(course: Course, module: str) -> Iterator[str]:
    """Begin a lab, give what it told, and end it; nothing that it changed or started may stay."""
    before = course.written()
    told = course.ask("begin", module)
    assert isinstance(told, str)
    assert (course.root / LABS).exists(), f"{module} was not begun: {told}"
    try:
        yield told
    finally:
        course.ask("end", module)
    assert course.ask("end", module) == "", "it can be ended twice"
    assert course.written() == before
    assert course.programs() == ""
    assert not (course.root / LABS).exists()


def module_of(name: str) -> ModuleType:
    """Return the lab of a name."""
    module: ModuleType = LAB.lab(LAB.INCIDENTS if name in INCIDENTS else LAB.LIVE, name)
    return module


def on(name: str, project: Path, **facts: object) -> Any:  # noqa: ANN401 - a class that is imported by name
    """Let a lab be on, in this process."""
    lab = course_module("labs.folder").Lab(name, project)
    lab.open()
    lab.write(ready=True, prometheus=1, **facts)
    return lab
