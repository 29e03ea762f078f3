"""A lab is begun once, ended from anywhere, and never keeps anybody in."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from course_edition import EXERCISES, SOURCE, course_module
from labs import INCIDENTS, module_of, on

FOLDER = course_module("labs.folder")
SERVICE = course_module("labs.service")
ENDING = course_module("labs.ending")
LEARNER = course_module("learner")
COMMANDS = course_module("commands")
FINDINGS = course_module("findings")
PROJECT = course_module("project")
LIVE = ("p99-budget", "rollback-in-time", "alert-fires-and-clears")
WAY_BACK = FOLDER.LABS


@pytest.fixture(autouse=True)
def _labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FOLDER, "LABS", tmp_path / "labs")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Return something like a finished project, not installed."""
    for name in ("models", "monitoring"):
        (tmp_path / "finished" / name).mkdir(parents=True)
    (tmp_path / "finished/pyproject.toml").touch()
    return tmp_path / "finished"


@pytest.fixture
def learner(tmp_path: Path) -> Any:  # noqa: ANN401 - a class that is imported by name
    """Return who has one exercise to write and the live ones."""
    exercises = tmp_path / "edition/course/exercises"
    exercises.mkdir(parents=True)
    (tmp_path / "edition/pyproject.toml").touch()
    for name in ("latency-percentile", *LIVE):
        text = (EXERCISES / f"{name}.toml").read_text("utf-8")
        (exercises / f"{name}.toml").write_text(text, encoding="utf-8")
    return LEARNER.Learner(tmp_path / "edition")


@pytest.mark.parametrize("name", [*LIVE, *INCIDENTS])
def test_to_begin_what_is_on_tells_of_it_again_and_changes_nothing(
    name: str, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = on(name, finished)
    before = lab.read()
    module_of(name).begin(finished)
    assert lab.read() == before
    ends = f"course incident {name} end" if name in INCIDENTS else f"course reset {name}"
    since = time.strftime("%H:%M:%S", time.gmtime(before["begun"]))
    assert f"On since {since} UTC; `{ends}` ends it." in capsys.readouterr().out


@pytest.mark.parametrize("name", [*LIVE, *INCIDENTS])
def test_what_is_missing_is_told_before_anything_is_ended(
    name: str, finished: Path, tmp_path: Path
) -> None:
    with pytest.raises(FOLDER.LabError, match=r"has no champion|needs the program"):
        module_of(name).begin(finished)
    on(name, finished)
    with pytest.raises(FOLDER.LabError, match=f"{name} is on for {finished}: `course .* ends it"):
        module_of(name).begin(tmp_path)
    FOLDER.Lab(name, finished).write(ready=False)
    with pytest.raises(FOLDER.LabError, match=r"not begun to its end: `course .* ends it"):
        module_of(name).begin(finished)


def test_another_lab_that_is_on_is_named_with_its_end(finished: Path) -> None:
    for name, ends in (("drift", "incident drift end"), ("p99-budget", "reset p99-budget")):
        lab = on(name, finished)
        with pytest.raises(FOLDER.LabError, match=f"{name} is still on: `course {ends}` ends it"):
            module_of("rollback-in-time").begin(finished)
        lab.close()


def test_a_live_exercise_is_ended_wherever_its_project_is_and_stays_solved(
    learner: Any,  # noqa: ANN401 - a class that is imported by name
    finished: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "rollback-in-time"
    facts: dict[str, Any] = {"solved": "2026-01-01 10:00 UTC", "figures": ["1 of 1"]}
    learner.progress.record(name, project="../finished", **facts)
    on(name, finished, mark={"champion": "abc"})
    finished.rename(finished.with_name("moved"))
    assert COMMANDS.reset_(learner, name)
    said = capsys.readouterr().out
    assert f"{name} is ended.\n" in said
    assert f"{finished} is not there any more" in said
    assert "kept" not in said
    assert not FOLDER.Lab(name, finished).begun
    COMMANDS.reset_(learner, name)
    assert capsys.readouterr().out == f"{name} was not on.\n"
    assert {fact: learner.progress.get(name, fact, type(facts[fact])()) for fact in facts} == facts


def test_the_end_of_an_incident_says_whether_it_was_on(
    learner: Any,  # noqa: ANN401 - a class that is imported by name
    finished: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    on("drift", finished)
    for said in ("is ended", "was not on"):
        assert COMMANDS.incident_(learner, "drift", "end", None)
        assert capsys.readouterr().out == f"incident drift {said}.\n"


def sleeps(project: Path) -> None:
    """Let the Python of a project take its time."""
    python = project / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexec sleep 20\n", encoding="utf-8")
    python.chmod(0o755)


@pytest.mark.parametrize(
    ("prepare", "why"), [(lambda _: None, "not an installed project"), (sleeps, "longer than")]
)
def test_a_lab_that_cannot_be_taken_back_says_how_to_let_go_of_it(
    prepare: Callable[[Path], None],
    why: str,
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SERVICE, "STEP_SECONDS", 0.2)
    prepare(finished)
    lab = on("drift", finished, mark={"champion": "abc"})
    with pytest.raises(FOLDER.LabError, match=why) as told:
        module_of("drift").end(finished)
    said = str(told.value)
    assert "champion, versions and prediction log of finished" in said
    assert "`course incident drift end` again" in said
    way_out = f"rm -r {os.path.relpath(lab.folder)}"
    assert f"`{way_out}`" in said
    assert lab.begun
    os.system(way_out)  # noqa: S605 - as it was told
    module_of("drift").end(finished)
    assert lab.may_begin()


def test_why_a_lab_was_not_begun_is_told_even_when_its_end_fails(finished: Path) -> None:
    lab = FOLDER.Lab("drift", finished)

    def begin() -> None:
        with ENDING.unless_begun(lab, module_of("drift").end):
            lab.write(mark={"champion": "abc"})
            message = "nobody answers"
            raise FOLDER.LabError(message)

    with pytest.raises(FOLDER.LabError, match=r"nobody answers; .*not an installed project"):
        begin()


def test_what_is_solved_is_told_even_when_its_end_fails(
    learner: Any,  # noqa: ANN401 - a class that is imported by name
    finished: Path,
) -> None:
    def end(_: Path) -> None:
        message = "nothing was brought back"
        raise FOLDER.LabError(message)

    found = [FINDINGS.Finding("budget", passed=True, said="all")]
    lab = SimpleNamespace(begin=lambda _: None, check=lambda _: found, end=end)
    learner.begin("incident drift", lab, finished)
    verdict = learner.check_lab("incident drift", lab, None)
    assert verdict.solved
    assert verdict.said == ["passed  budget: all", "", "nothing was brought back"]
    assert learner.progress.get("incident drift", "figures", [""]) == ["passed  budget: all"]


def test_the_way_back_is_not_removed_by_make_clean_and_not_committed(finished: Path) -> None:
    (clean,) = (
        line.split()
        for line in (SOURCE.parent / "Makefile").read_text("utf-8").splitlines()
        if line.startswith("\trm -rf data models")
    )
    assert WAY_BACK.relative_to(FOLDER.ROOT).parts[0] == "course"
    assert "reports" in clean
    assert "course" not in clean
    first, second = on("drift", finished), on("latency", finished)
    assert (FOLDER.LABS / ".gitignore").read_text("utf-8") == "*\n"
    first.close()
    assert (FOLDER.LABS / ".gitignore").exists()
    second.close()
    assert not FOLDER.LABS.exists()


def test_the_finished_project_has_to_be_named_and_is_remembered(
    learner: Any,  # noqa: ANN401 - a class that is imported by name
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(finished)
    learner.progress.record("latency-percentile", started="now", turn=1, solved="now")
    assert "`course start alert-fires-and-clears --project FOLDER`" in learner.next_step()
    learner.progress.record("latency-percentile", solved=None)
    for named in (None, learner.project.root):
        with pytest.raises(PROJECT.WrongUseError, match=r"p99-budget .* --project FOLDER"):
            learner.folder_of("p99-budget", named)
    for solved in ("latency-percentile", "p99-budget"):
        learner.progress.record(solved, solved="now")
    learner.progress.record("p99-budget", project="../finished")
    assert learner.folder_of("p99-budget", None) == finished
    assert "`course start alert-fires-and-clears --project .`" in learner.next_step()
    with pytest.raises(PROJECT.WrongUseError, match=r"`course incident drift --project \.`"):
        learner.check_lab("incident drift", module_of("drift"), None)


def test_hints_that_are_read_after_it_is_solved_are_not_counted(
    learner: Any,  # noqa: ANN401 - a class that is imported by name
) -> None:
    exercise = learner.project.exercises["latency-percentile"]
    assert learner.hint(exercise)[0] == 1
    learner.progress.record(exercise.name, solved="now")
    assert [learner.hint(exercise)[0] for _ in range(3)] == [2, 3, 3]
    assert learner.progress.get(exercise.name, "hints", 0) == 1
