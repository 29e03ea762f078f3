"""What each command does and says. Each returns whether all that it looked at is solved."""

from pathlib import Path

from course import doctor, report, watch
from course.checks import Verdict, check_each
from course.digging import function_text
from course.exercises import LESSON
from course.findings import Finding
from course.lab import incidents
from course.labs.folder import as_typed
from course.learner import Learner
from course.names import named
from course.project import WrongUseError
from course.screen import line, lines, prose

WHOSE_ERROR = (
    "This check is known to pass on the untouched project; if you think that your code is right, "
    "run `course doctor`."
)
WHOSE_ERROR_LIVE = (
    "What failed is still to be done; if you think that it is done, run `course doctor {}`."
)
STYLES = {"solved": "green", "begun": "yellow"}


def start_(learner: Learner, name: str, project: Path | None) -> bool:
    """Print the task."""
    exercise = learner.exercise(name)
    line(f"{exercise.name}: {exercise.title}", "bold")
    line()
    prose(exercise.task)
    line()
    learner.start(exercise, project)
    if exercise.module:
        prose(f"When you have done it: `course check {name}`.")
        return True
    # Lessons are read in the finished project, which has a file of the same name.
    place = exercise.place_as(lambda file: as_typed(learner.project.root / file))
    line(f"where   {place}")
    line(f"check   course check {name}, or course watch {name} while you write")
    line(f"stuck   course hint {name}")
    return True


def check_(learner: Learner, name: str | None, project: Path | None) -> bool:
    """Check an exercise, or everything again when all are solved."""
    if name is None and learner.current is None and all(one.module for one in learner.open):
        return _check_all(learner)
    exercise = learner.exercise(name)
    verdict = learner.check(exercise, project)
    _tell(verdict)
    tests = doctor.tests_of(learner.project, exercise)
    if not tests.passed:
        line()
        prose(f"Note: {tests.said}.")
    line()
    if verdict.solved and exercise.module:
        prose(learner.next_step())
    elif verdict.solved:
        prose(f"`course solution {exercise.name}` shows the course's answer. {learner.next_step()}")
    else:
        prose(WHOSE_ERROR_LIVE.format(exercise.name) if exercise.module else WHOSE_ERROR)
    return verdict.solved


def _check_all(learner: Learner) -> bool:
    """Run every check that needs no running service."""
    solved = True
    exercises = learner.project.exercises.values()
    for exercise, verdict in check_each(learner.project, [e for e in exercises if not e.module]):
        learner.note(exercise.name, verdict)
        _tell(verdict)
        solved = solved and verdict.solved
    line()
    if live := [one.name for one in exercises if one.module]:
        prose(f"Not done again, as they need a running service: {', '.join(live)}.")
    prose("`course report` writes down what you have done." if solved else learner.next_step())
    return solved


def watch_(learner: Learner, name: str | None) -> bool:
    """Check at every save, until the exercise is solved."""
    exercise = learner.exercise(name)
    if exercise.module:
        message = f"{exercise.name} is about a running service: `course check {exercise.name}`"
        raise WrongUseError(message)
    files = [learner.project.root / file for file in exercise.written_in]

    def solved() -> bool:
        verdict = learner.check(exercise)
        _tell(verdict)
        if not verdict.solved:
            line()
            shown = ", ".join(as_typed(file) for file in files)
            line(f"waiting for a save of {shown} (Ctrl-C ends it)", "dim")
        return verdict.solved

    watch.on_every_save(files, solved)
    return True


def hint_(learner: Learner, name: str | None) -> bool:
    """Print the next hint."""
    exercise = learner.exercise(name)
    number, hint = learner.hint(exercise)
    line(f"hint {number} of {len(exercise.hints)}", "bold")
    line()
    prose(hint)
    line()
    if number < len(exercise.hints):
        prose(f"Try it; then `course hint {exercise.name}` shows the next.")
    else:
        prose(
            f"That was the last. `course solution {exercise.name} --give-up` writes the course's "
            "answer into your file."
        )
    return True


def list_(learner: Learner) -> bool:
    """Print all exercises by lesson, and how far the learner is."""
    exercises = learner.project.exercises
    width = max(map(len, exercises), default=0)
    lesson = ""
    for exercise in exercises.values():
        if exercise.lesson != lesson:
            lesson = exercise.lesson
            line(f"{exercise.order // LESSON:2}  {lesson}", "bold")
        _list_one(learner, exercise.name, f"{exercise.name:{width}}  {exercise.title}")
    line("    incidents", "bold")
    for name in incidents():
        begin = f"course incident {name} --project FOLDER"
        _list_one(learner, f"incident {name}", f"{name:{width}}  {begin}")
    solved = len(exercises) - len(learner.open)
    line()
    prose(f"{solved} of {len(exercises)} solved. {learner.next_step()}")
    return True


def _list_one(learner: Learner, name: str, text: str) -> None:
    state, facts = _state(learner, name)
    line(f"    {state:6}  {text}{facts}", STYLES.get(state, ""))


def _state(learner: Learner, name: str) -> tuple[str, str]:
    progress = learner.progress
    given = ", answer given" if progress.get(name, "given", "") else ""
    if learner.is_solved(name):
        return "solved", f" ({progress.get(name, 'solved', '')}{given})"
    if progress.get(name, "started", "") or progress.get(name, "attempts", 0):
        attempts, hints = progress.get(name, "attempts", 0), progress.get(name, "hints", 0)
        return "begun", f" (attempts: {attempts}, hints: {hints}{given})"
    return "open", ""


def reset_(learner: Learner, name: str) -> bool:
    """Open an exercise again."""
    exercise = learner.exercise(name)
    if exercise.module:
        line(learner.end(exercise.name, learner.lab_of(exercise)))
        return True
    lines(learner.reset(exercise))
    prose(f"{exercise.name} is open again. What you had written is kept in course/kept.")
    return True


def solution_(learner: Learner, name: str | None, *, give_up: bool) -> bool:
    """Print the course's answer; write it, if the learner gives up."""
    exercise = learner.exercise(name)
    if exercise.module:
        message = f"{exercise.name} is about a running service; the page {exercise.lesson} says how"
        raise WrongUseError(message)
    own = learner.is_solved(exercise.name) and not learner.progress.get(exercise.name, "given", "")
    if give_up and own:
        prose(
            f"You have solved {exercise.name} yourself, so your files and your record stay as they "
            "are. This is the course's answer:"
        )
        line()
        give_up = False
    if give_up:
        lines(learner.give_up(exercise))
    elif not learner.is_solved(exercise.name):
        message = (
            f"{exercise.name} is not solved yet: `course check {exercise.name}` first, "
            f"or `course solution {exercise.name} --give-up`"
        )
        raise WrongUseError(message)
    for symbol in exercise.remove:
        line(f"{symbol.file}: {symbol.name}", "bold")
        line(function_text(learner.project.whole(symbol.file), symbol.name))
    for edit in exercise.edits:
        line(edit.file, "bold")
        line(edit.right.rstrip("\n") + "\n")
    if give_up:
        prose(
            f"This now stands in your files, and the record says that it was given; what you had "
            f"written is kept in course/kept. `course check {exercise.name}` checks it."
        )
    return True


def report_(learner: Learner) -> bool:
    """Write the page."""
    report.write(learner, line)
    changed = report.changed_files(learner)
    lines(changed)
    proof = "will not hold with what is named above" if changed else "proves it to anyone"
    line(f"course/{report.FILE} is written; `course verify` {proof}.")
    return True


def verify_(learner: Learner) -> bool:
    """Compare the page with what is true now."""
    broken = report.broken_claims(learner, line)
    line()
    lines(broken)
    counted = "1 claim does" if len(broken) == 1 else f"{len(broken)} claims do"
    line(f"{counted} not hold." if broken else "Every claim of the report holds.")
    if broken:
        prose(
            "If you have worked on since it was written, `course report` writes it anew; a file "
            "that was changed has to come back from git first."
        )
    return not broken


def doctor_(learner: Learner, name: str | None) -> bool:
    """Say whose error it is."""
    found = []
    for finding in doctor.surroundings(learner.project):
        _look(finding)
        found.append(finding)
    if name is None and learner.current is None:
        return all(finding.passed for finding in found)
    if name in incidents():
        return _of_live(name)
    exercise = learner.exercise(name)
    if exercise.module:
        return _of_live(exercise.name)
    for finding in (
        doctor.tests_of(learner.project, exercise),
        doctor.readable(learner.project, exercise),
    ):
        _look(finding)
        found.append(finding)
    finding, run = doctor.untouched(learner.project, exercise)
    _look(finding)
    line()
    if finding.passed:
        prose(doctor.of_learner(exercise, found))
        return all(one.passed for one in found)
    lines(run.printed.splitlines()[-doctor.LINES :])
    prose(doctor.of_course(exercise, found))
    return False


def _of_live(name: str) -> bool:
    """Say whose error it is that something live is not solved."""
    found = list(doctor.live(name))
    for finding in found:
        _look(finding)
    line()
    prose(doctor.of_live(found))
    return all(finding.passed for finding in found)


def incident_(learner: Learner, name: str | None, step: str, project: Path | None) -> bool:
    """Begin, check or end an incident."""
    known = incidents()
    if name is None:
        lines(known)
        return True
    lab, key = named(name, known, "incident"), f"incident {name}"
    if step == "check":
        verdict = learner.check_lab(key, lab, project)
        _tell(verdict)
        if not verdict.solved:
            line()
            prose(WHOSE_ERROR_LIVE.format(name))
        return verdict.solved
    if step == "begin":
        learner.begin(key, lab, project)
    else:
        line(learner.end(key, lab))
    return True


def _look(finding: Finding) -> None:
    style = "green" if finding.passed else "red"
    line(f"{'passed' if finding.passed else 'failed'}  {finding.name}: {finding.said}", style)


def _tell(verdict: Verdict) -> None:
    line(verdict.headline, "bold green" if verdict.solved else "bold red")
    if verdict.said:
        line()
        lines(verdict.said)
