"""What the learner does to an exercise: start, check, hint, solution, reset; and what is recorded.

The record never makes a step of its own: an exercise is started, solved or given up because a
command was called for it.
"""

import os
import time
from dataclasses import replace
from pathlib import Path

from course.checks import Verdict, check
from course.exercises import Exercise
from course.findings import Finding
from course.lab import LIVE, LabModule, lab
from course.labs.folder import LabError, as_typed
from course.names import named
from course.progress import Progress, now
from course.project import Project, WrongUseError


class Learner:
    """The project, the record, and the steps."""

    def __init__(self, root: Path) -> None:
        """Read the course edition in this folder."""
        self.project = Project(root)
        self.progress = Progress(self.project.folder / "progress.json")

    def exercise(self, name: str | None) -> Exercise:
        """Return the exercise of this name, or the one worked on last, unless it is solved."""
        if name is not None:
            return named(name, self.project.exercises, "exercise")
        if self.current:
            return self.current
        message = f"which exercise? {self.next_step()}"
        raise WrongUseError(message)

    @property
    def latest(self) -> Exercise | None:
        """Return what was worked on last."""
        names = (name for name in self.progress if name in self.project.exercises)
        name = max(names, key=lambda name: self.progress.get(name, "turn", 0), default=None)
        return None if name is None else self.project.exercises[name]

    @property
    def current(self) -> Exercise | None:
        """Return what was worked on last, unless it is solved."""
        latest = self.latest
        return None if latest is None or self.is_solved(latest.name) else latest

    @property
    def open(self) -> list[Exercise]:
        """Return what is not solved yet, in the order of the lessons."""
        return [e for e in self.project.exercises.values() if not self.is_solved(e.name)]

    def is_solved(self, name: str) -> bool:
        """Whether the last check of an exercise passed, or any of something live."""
        return bool(self.progress.get(name, "solved", ""))

    def next_step(self) -> str:
        """Return the sentence that names what could be done next: what comes after the latest."""
        if not self.open:
            return "All are solved: `course check` runs every check once more."
        latest = self.latest
        here = latest.order if latest else 0
        after = next((one for one in self.open if one.order > here), self.open[0])
        command = f"course start {after.name}"
        if after.module:
            command += f" {self._on_project(after.name)}"
        return f"The next one that is open: `{command}` (lesson {after.lesson})."

    def start(self, exercise: Exercise, project: Path | None) -> None:
        """Record that an exercise was started, and begin it if it is live."""
        if exercise.module:
            self.begin(exercise.name, self.lab_of(exercise), project)
        else:
            self._turn_to(exercise.name)

    def begin(self, name: str, running: LabModule, project: Path | None) -> None:
        """Begin something on a running service, and record on which."""
        folder = self.folder_of(name, project)
        running.begin(folder)
        self._turn_to(name)
        # Relative, because the record is meant to be committed and shown.
        self.progress.record(name, project=os.path.relpath(folder, self.project.root))

    def _turn_to(self, name: str) -> None:
        """Record when something was begun, and that nothing was worked on later."""
        turn = max((self.progress.get(other, "turn", 0) for other in self.progress), default=0)
        first = self.progress.get(name, "started", "") or now()
        self.progress.record(name, started=first, turn=turn + 1)

    def folder_of(self, name: str, project: Path | None) -> Path:
        """Return the project that something live is about: as asked now, or as before."""
        folder = self._folder(name, project)
        if not (folder / "pyproject.toml").is_file():
            message = f"--project {folder}: there is no project in this folder"
            raise WrongUseError(message)
        if folder == self.project.root.resolve() and any(not one.module for one in self.open):
            message = (
                f"{name} needs the finished project, and this one has exercises that are open: "
                f"name the other with {self._on_project(name)}"
            )
            raise WrongUseError(message)
        return folder

    def _folder(self, name: str, project: Path | None) -> Path:
        known = self.progress.get(name, "project", "")
        return (project or self.project.root / known).resolve()

    def _on_project(self, name: str) -> str:
        """Return the option that names the finished project, as this or another lab has had it."""
        known = (self.progress.get(one, "project", "") for one in (name, *self.progress))
        folder = next(filter(None, known), "")
        return f"--project {as_typed(self.project.root / folder) if folder else 'FOLDER'}"

    def check(self, exercise: Exercise, project: Path | None = None) -> Verdict:
        """Check an exercise, and record the attempt."""
        if exercise.module:
            return self.check_lab(exercise.name, self.lab_of(exercise), project)
        self._turn_to(exercise.name)
        verdict = check(self.project, exercise)
        self._count_attempt(exercise.name)
        self.note(exercise.name, verdict)
        return verdict

    def check_lab(self, name: str, running: LabModule, project: Path | None) -> Verdict:
        """Check something on a running service; when it is solved, tidy up.

        What is solved stays so: after the tidying up, a second check finds nothing but that it is
        not begun.
        """
        if not self.progress.get(name, "started", ""):
            begin = name if name.startswith("incident ") else f"start {name}"
            begin += f" {self._on_project(name)}"
            message = f"{name} was not begun: `course {begin}` begins it"
            raise WrongUseError(message)
        folder = self.folder_of(name, project)
        started = time.monotonic()
        findings = running.check(folder)
        if self.is_solved(name) and [one.name for one in findings] == ["begun"]:
            return Verdict(solved=True, headline=f"solved: {name}, and over", said=[], seconds=0)
        verdict = _verdict(name, findings, time.monotonic() - started)
        if not self.is_solved(name):
            self.progress.record(name, figures=verdict.said)
            self.note(name, verdict)
        if verdict.solved:
            try:
                running.end(folder)
            except LabError as error:
                return replace(verdict, said=[*verdict.said, "", str(error)])
        return verdict

    def end(self, name: str, running: LabModule) -> str:
        """End something live, wherever its project is by now; what was solved stays so."""
        was_on = running.end(self._folder(name, None))
        return f"{name} {'is ended' if was_on else 'was not on'}."

    def _count_attempt(self, name: str) -> None:
        """Count a check of what is not solved; to look again at what is solved is no attempt."""
        if not self.is_solved(name):
            self.progress.count(name, "attempts")

    def note(self, name: str, verdict: Verdict) -> None:
        """Record whether something is solved; the time is that of the first of these checks."""
        solved = self.progress.get(name, "solved", "") or now()
        self.progress.record(
            name,
            seconds=round(verdict.seconds, 1),
            solved=solved if verdict.solved else None,
        )

    def hint(self, exercise: Exercise) -> tuple[int, str]:
        """Return the next hint and its number; after the last comes the last.

        Who reads on after it is solved has not used that hint.
        """
        self._turn_to(exercise.name)
        used, reread = "hints", "hints_later"
        number = sum(self.progress.get(exercise.name, fact, 0) for fact in (used, reread)) + 1
        if number <= len(exercise.hints):
            self.progress.count(exercise.name, reread if self.is_solved(exercise.name) else used)
        number = min(number, len(exercise.hints))
        return number, exercise.hints[number - 1]

    def give_up(self, exercise: Exercise) -> list[str]:
        """Write the course's answer into the files, and record that it was given."""
        self._turn_to(exercise.name)
        given = self.progress.get(exercise.name, "given", "") or now()
        self.progress.record(exercise.name, given=given)
        return self.project.solve(exercise)

    def reset(self, exercise: Exercise) -> list[str]:
        """Open an exercise again. That an answer was given stays on record."""
        self.progress.record(exercise.name, solved=None)
        return self.project.reset(exercise)

    @staticmethod
    def lab_of(exercise: Exercise) -> LabModule:
        """Return what is begun, checked and ended for a live exercise."""
        return lab(LIVE, exercise.module)


def _verdict(name: str, findings: list[Finding], seconds: float) -> Verdict:
    """Return the verdict of a lab."""
    solved = bool(findings) and all(finding.passed for finding in findings)
    passed = sum(finding.passed for finding in findings)
    counted = f"{passed} of {len(findings)} findings as they should be, {seconds:.1f} s"
    headline = f"{'solved' if solved else 'not solved yet'}: {name} ({counted})"
    return Verdict(solved, headline, [_told(finding) for finding in findings], seconds)


def _told(finding: Finding) -> str:
    return f"{'passed' if finding.passed else 'failed'}  {finding.name}: {finding.said}"
