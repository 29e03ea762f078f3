"""Check an exercise: run its tests on a copy of the project in which all else is right."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from course.digging import NotFoundError, transplant
from course.exercises import Exercise
from course.project import Project
from course.workbench import Outcome, Run, Workbench, workbench

AT_ONCE = 2
"""Checks that run side by side; each is a process of its own."""
SHOWN = 3
"""How many failures are shown; the first is usually the one that helps."""
LINES = 9
"""How many lines of a failure are shown."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an exercise is solved, and what is to be said about it."""

    solved: bool
    headline: str
    said: list[str]
    seconds: float


def check(project: Project, exercise: Exercise) -> Verdict:
    """Return the verdict on the learner's answer as it stands."""
    files, said = learners_files(project, exercise)
    if said:
        return Verdict(
            solved=False, headline=f"not solved yet: {exercise.name}", said=said, seconds=0
        )
    with workbench(project.root) as bench:
        bench.put(files)
        run = bench.test(exercise.tests)
        if not run.passed:
            return _failed(exercise, run, bench.folder)
        if exercise.kind != "test":
            return _passed(exercise, run.seconds, _count(run, "passes", "pass"))
        return _catches(project, exercise, bench, run)


def check_each(
    project: Project, exercises: Iterable[Exercise]
) -> Iterator[tuple[Exercise, Verdict]]:
    """Yield the verdict on each exercise, in their order."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        verdicts = [(one, pool.submit(check, project, one)) for one in exercises]
        for exercise, verdict in verdicts:
            yield exercise, verdict.result()
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C does not wait for all of them


def check_untouched(project: Project, exercise: Exercise) -> Run:
    """Run the check of an exercise on the project as the course knows it."""
    with workbench(project.root) as bench:
        bench.put({file: project.whole(file) for file in project.whole_files})
        run = bench.test(exercise.tests)
        if not run.passed or exercise.kind != "test":
            return run
        verdict = _catches(project, exercise, bench, run)
        if verdict.solved:
            return run
        return replace(run, code=1, printed="\n".join([verdict.headline, *verdict.said]))


def learners_files(project: Project, exercise: Exercise) -> tuple[dict[str, str], list[str]]:
    """Return the texts that the check runs on, and what is in the way of running it.

    In the files of this exercise, each function in which another exercise is written is as in the
    untouched project; all other files of exercises, tests included, are the untouched ones.
    """
    files = {file: project.whole(file) for file in project.whole_files}
    said = []
    for file in exercise.written_in:
        try:
            files[file] = _others_filled(project, exercise, file)
        except SyntaxError as error:
            said.append(f"{file}:{error.lineno}: this is not Python yet: {error.msg}")
        except NotFoundError as error:
            said.append(f"{file}: {error}; `course reset` brings back what was shipped")
    return files, said


def _others_filled(project: Project, exercise: Exercise, file: str) -> str:
    text, whole = project.text(file), project.whole(file)
    if file.endswith(".py"):
        compile(text, file, "exec", dont_inherit=True)
    own = project.functions(exercise, file)
    for other in project.exercises.values():
        if other.name == exercise.name:
            continue
        for name in project.functions(other, file):
            if name not in own:
                text = transplant(text, name, whole)
        for edit in other.edits:
            if edit.file == file:
                text = edit.put_right(text)
    return text


def _catches(project: Project, exercise: Exercise, bench: Workbench, whole: Run) -> Verdict:
    """Return the verdict on a test that passes: it has to fail on each fault."""
    seconds = whole.seconds
    for fault in exercise.faults:
        text = project.whole(fault.file)
        bench.put({fault.file: fault.put_wrong(text)})
        run = bench.test(exercise.tests)
        bench.put({fault.file: text})
        seconds += run.seconds
        if not any(outcome.when == "call" for outcome in run.failures):
            said = [
                "Your test passes on the project as it should be, which is right. It has to fail",
                f"when {fault.file} has this fault, and did not. In the place of",
                *_indented(fault.right),
                "there was",
                *_indented(fault.wrong),
            ]
            return Verdict(
                solved=False,
                headline=f"not solved yet: {exercise.name} (a fault gets past your test)",
                said=said,
                seconds=seconds,
            )
    faults = "1 fault" if len(exercise.faults) == 1 else f"{len(exercise.faults)} faults"
    return _passed(exercise, seconds, f"your test passes, and catches {faults}")


def _passed(exercise: Exercise, seconds: float, what: str) -> Verdict:
    return Verdict(
        solved=True,
        headline=f"solved: {exercise.name} ({what}, {seconds:.1f} s)",
        said=[],
        seconds=seconds,
    )


def _failed(exercise: Exercise, run: Run, folder: Path) -> Verdict:
    counted = _count(run, "fails", "fail") if run.failures else "the tests did not run"
    # A hole that many tests fall into is shown once.
    different = {(one.file, one.line, one.said): one for one in reversed(run.failures)}
    shown = list(reversed(different.values()))[:SHOWN]
    said = [line for outcome in shown for line in _shown(outcome, folder)]
    return Verdict(
        solved=False,
        headline=f"not solved yet: {exercise.name} ({counted}, {run.seconds:.1f} s)",
        said=said or run.printed.replace(f"{folder}/", "").splitlines()[-LINES:],
        seconds=run.seconds,
    )


def _count(run: Run, one: str, several: str) -> str:
    """Return how many tests pass, or how many of them fail."""
    if not run.failures:
        return f"1 test {one}" if len(run.outcomes) == 1 else f"{len(run.outcomes)} tests {several}"
    failed, total = len(run.failures), len(run.outcomes)
    if total == 1:
        return f"1 test {one}"
    return f"{failed} of {total} tests {one if failed == 1 else several}"


def _shown(outcome: Outcome, folder: Path) -> list[str]:
    """Return the essential lines of a failure."""
    lines = [
        line.rstrip().replace(f"{folder}/", "")
        for line in outcome.said.splitlines()
        if line.strip() and "Use '-v" not in line and "Full output truncated" not in line
    ]
    if not outcome.file:
        return [outcome.test, *_indented("\n".join(lines[-LINES:]))]
    where = f"{outcome.file.removeprefix(f'{folder}/')}:{outcome.line}: "
    return [outcome.test, *_indented(where + "\n".join(lines[:LINES]))]


def _indented(text: str) -> Iterable[str]:
    return (f"    {line}" for line in text.strip("\n").splitlines())
