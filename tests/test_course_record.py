"""What a learner did is neither lost nor believed too early, in the course's own functions."""

import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from course_edition import SOURCE, course_module

FINDINGS = course_module("findings")
LEARNER = course_module("learner")
PROGRESS = course_module("progress")
PROJECT = course_module("project")
REPORT = course_module("report")
WATCH = course_module("watch")
WORKBENCH = course_module("workbench")


def test_two_commands_side_by_side_lose_no_fact(tmp_path: Path) -> None:
    watching, asking = (PROGRESS.Progress(tmp_path / "progress.json") for _ in range(2))
    asking.record("one", hints=1)
    watching.count("two", "attempts")
    asking.count("two", "attempts")
    known = json.loads((tmp_path / "progress.json").read_text("utf-8"))
    assert known == {"one": {"hints": 1}, "two": {"attempts": 2}}


@pytest.mark.parametrize("text", ["[]", '{"one": 1}', "{"])
def test_a_record_that_was_spoilt_is_named_and_left_alone(text: str, tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    file.write_text(text)
    with pytest.raises(PROJECT.WrongUseError, match=r"progress\.json is .*mend or remove it"):
        PROGRESS.Progress(file)
    assert file.read_text() == text


def test_the_doctor_reads_a_range_of_pythons(tmp_path: Path) -> None:
    asked = {">=3.11,<3.14": True, ">= 3.11, <3.99": True, ">=3.99,<4": False}
    for text, enough in asked.items():
        (tmp_path / "pyproject.toml").write_text(f'[project]\nrequires-python = "{text}"\n')
        found = next(course_module("doctor").surroundings(PROJECT.Project(tmp_path)))
        assert found.passed is enough, found.said


def test_a_kept_file_is_never_written_over(tmp_path: Path) -> None:
    project = PROJECT.Project(tmp_path)
    for text in ("first", "second", "third", "fourth"):
        project.write("notes.txt", text)
    kept = tmp_path / "course/kept"
    (kept / "notes.txt.1.txt").unlink()
    for text in ("fifth", "sixth"):
        project.write("notes.txt", text)
    found = {path.name: path.read_text("utf-8") for path in kept.iterdir()}
    assert sorted(found.values()) == ["fifth", "fourth", "second", "third"]


def test_a_file_in_another_encoding_is_told_and_can_be_written_anew(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes("später".encode("latin-1"))
    project = PROJECT.Project(tmp_path)
    with pytest.raises(PROJECT.WrongUseError, match=r"notes\.txt is not UTF-8"):
        project.text("notes.txt")
    project.write("notes.txt", "late")
    assert (tmp_path / "course/kept/notes.txt.1.txt").read_bytes() == b"sp\xe4ter"


def run_of(test: str, place: Path) -> Any:  # noqa: ANN401 - a class that is imported by name
    """Return what a workbench makes of a project whose only test, test_own, is this text."""
    root = place / "project"
    shutil.copytree(SOURCE / "course", root / "src/course")
    (root / "tests").mkdir()
    (root / "tests/test_own.py").write_text(test, encoding="utf-8")
    with WORKBENCH.workbench(root) as bench:
        return bench.test(["tests/test_own.py::test_own"])


@pytest.mark.parametrize("last", ['pytest.skip("later")', 'pytest.xfail("later")', "assert True"])
def test_a_test_that_skips_itself_has_not_passed(last: str, tmp_path: Path) -> None:
    run = run_of(f"import pytest\n\n\ndef test_own():\n    {last}\n", tmp_path)
    assert run.code == 0, run.printed
    assert run.passed == (last == "assert True")


def test_checks_that_run_at_once_share_no_folder_that_pytest_tidies(tmp_path: Path) -> None:
    run = run_of(
        "from pathlib import Path\n\n\ndef test_own(tmp_path):\n"
        "    assert tmp_path.is_relative_to(Path.cwd().parent)\n",
        tmp_path,
    )
    assert run.passed, run.printed


def test_a_check_spends_no_time_on_an_explanation_that_it_does_not_show(tmp_path: Path) -> None:
    run = run_of(
        "from hypothesis import Phase, settings\n\n\ndef test_own():\n"
        "    assert {*Phase} - {*settings().phases} == {Phase.explain}\n",
        tmp_path,
    )
    assert run.passed, run.printed


def test_a_table_in_a_failure_does_not_flood_the_terminal(tmp_path: Path) -> None:
    run = run_of(
        "def test_own():\n    assert [3, 4] == [3, 5], 'at the fifth of March\\n' + 'x' * 9000\n",
        tmp_path,
    )
    (outcome,) = run.failures
    first, second, *rest = outcome.said.splitlines()
    assert first == "AssertionError: at the fifth of March"
    assert second.endswith("x ...")
    assert len(second) == 204
    assert rest[0].startswith("assert [3, 4] == [3, 5]")


def test_a_log_that_a_service_writes_is_not_copied(tmp_path: Path) -> None:
    root = tmp_path / "project"
    for file in ("predictions.db-wal", "mlflow.db", "src/data/kept.py"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    with WORKBENCH.workbench(root) as bench:
        copied = [path.name for path in bench.folder.rglob("*") if path.is_file()]
    assert copied == ["kept.py"]


def test_what_was_solved_on_a_service_stays_so_after_the_tidying_up(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    learner, on = LEARNER.Learner(make(tmp_path)), [True]
    lab = SimpleNamespace(
        begin=lambda _: None,
        check=lambda _: [FINDINGS.Finding("begun", passed=bool(on), said="p99 4.2 ms")],
        end=lambda _: on.clear(),
    )
    learner.begin("incident drift", lab, tmp_path)
    assert learner.check_lab("incident drift", lab, None).solved
    again = learner.check_lab("incident drift", lab, None)
    assert again.solved
    assert again.headline == "solved: incident drift, and over"
    assert learner.is_solved("incident drift")
    assert learner.progress.get("incident drift", "attempts", 0) == 0, "it is a look at a dial"
    assert REPORT.live_now(learner)["incident drift"][2] == "passed  begun: p99 4.2 ms"


def make(root: Path) -> Path:
    """Make the folder that a record lies in."""
    (root / "course").mkdir()
    return root


def test_a_watch_waits_for_a_file_that_an_editor_has_taken_away(tmp_path: Path) -> None:
    file, seen = tmp_path / "late.py", []
    file.touch()

    def check() -> bool:
        seen.append(file.exists())
        if len(seen) == 1:
            file.unlink()
            threading.Timer(0.5, file.touch).start()
        return len(seen) == 2

    WATCH.on_every_save([file], check)
    assert seen == [True, True]


def test_who_interrupts_a_report_does_not_wait_for_every_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def check(_: object, exercise: SimpleNamespace) -> None:
        asked.append(exercise.name)
        if exercise.name == "0":
            raise KeyboardInterrupt
        time.sleep(0.2)

    exercises = {str(n): SimpleNamespace(name=str(n), module="") for n in range(20)}
    learner = SimpleNamespace(project=SimpleNamespace(exercises=exercises))
    monkeypatch.setattr(course_module("checks"), "check", check)
    monkeypatch.setattr(REPORT, "untouched", lambda *_: False)
    with pytest.raises(KeyboardInterrupt):
        REPORT.exercises_now(learner, print, record=True)
    assert len(asked) < len(exercises)


def test_a_screen_that_remembers_its_answers_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screens = course_module("labs.screens")
    monkeypatch.setattr(screens, "PAUSE_SECONDS", 0)
    asked: list[int] = []

    def remembering(_: int, flights: list[dict[str, int]]) -> list[int]:
        asked.extend(flight["x"] for flight in flights)
        return [flight["x"] for flight in flights]

    def best(_: int, flights: list[dict[str, int]]) -> list[int]:
        return [flight["x"] for flight in flights]

    def stale(_: int, flights: list[dict[str, int]]) -> list[int]:
        return list(range(len(flights)))

    flights = [{"x": number} for number in range(40 * screens.FLIGHTS)]
    assert screens.measure(remembering, best, 0, flights)["same"]
    assert len(set(asked)) == len(asked) == (1 + screens.ROUNDS * screens.SCREENS) * screens.FLIGHTS
    assert not screens.measure(stale, best, 0, flights)["same"]


def test_a_lab_can_be_ended_when_its_project_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ending = course_module("labs.folder"), course_module("labs.ending")
    monkeypatch.setattr(folder, "LABS", tmp_path / "labs")
    lab = folder.Lab("drift", tmp_path / "gone")
    lab.open()
    lab.write(mark={"champion": "abc"})
    ending.end("drift", tmp_path / "another")
    assert not lab.begun
    assert not (tmp_path / "labs").exists()


BODY = 'kind = "body"\nremove = ["m.py: f"]\ntests = ["test_m.py"]\n'
EDIT = 'kind = "edit"\n[[edits]]\nfile = "m.py"\nright = "LIMIT = 3"\nwrong = "LIMIT = 4"\n'
WHOLE = "LIMIT = 3\n\n\ndef f() -> int:\n    return 1\n"


WITHIN = EDIT.replace("LIMIT = 3", "return 1").replace("LIMIT = 4", "return 9")
TWO = f"{WHOLE}\n\ndef g() -> int:\n    return f() + 1\n"


def course_of(root: Path, whole: str, *exercises: str) -> Any:  # noqa: ANN401 - as above
    """Return a project with the exercises one, two and so on about the file m.py."""
    (root / "course/exercises").mkdir(parents=True)
    head = 'title = ""\nlesson = ""\ntask = ""\nhints = []\n'
    for order, (name, text) in enumerate(zip(("one", "two", "three"), exercises, strict=False)):
        (root / f"course/exercises/{name}.toml").write_text(f"{head}order = {order}\n{text}")
    project = PROJECT.Project(root)
    project.write("course/whole/m.py.txt", whole)
    return project


def test_an_exercise_does_not_depend_on_a_line_of_another_that_is_half_mended(
    tmp_path: Path,
) -> None:
    project = course_of(tmp_path, TWO, BODY.replace("m.py: f", "m.py: g"), WITHIN)
    mine = "return f() + 1  # mine"
    project.write("m.py", TWO.replace("return f() + 1", mine).replace("return 1", "return nine"))
    checked, said = course_module("checks").learners_files(project, project.exercises["one"])
    assert said == []
    assert checked["m.py"] == TWO.replace("return f() + 1", mine)
    checked, _ = course_module("checks").learners_files(project, project.exercises["two"])
    assert checked["m.py"] == TWO.replace("return 1", "return nine")


def test_what_could_not_be_carried_over_is_not_said_to_be(tmp_path: Path) -> None:
    project = course_of(tmp_path, TWO, BODY.replace("m.py: f", "m.py: g"), WITHIN, EDIT)
    mine = TWO.replace("return f() + 1", "return 1 + f()").replace("return 1\n", "return 0 + 1\n")
    project.write("m.py", mine.replace("LIMIT = 3", "LIMIT = 2 + 1"))
    (said,) = project.reset(project.exercises["three"])
    assert "your answers to other exercises are in it" in said
    assert project.text("m.py") == mine.replace("LIMIT = 3", "LIMIT = 4")

    project.write("m.py", f"{mine}def (:\n")
    (said,) = project.reset(project.exercises["one"])
    assert said.endswith("your answer to two with it.")
    kept = [path.read_text("utf-8") for path in (tmp_path / "course/kept").iterdir()]
    assert f"{mine}def (:\n" in kept


def test_two_commands_at_once_do_not_write_one_unfinished_file(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from course.progress import Progress\n"
        "for n in range(300): Progress(Path(sys.argv[1])).record(sys.argv[2], turn=n)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "progress.json")]
    running = [
        subprocess.Popen([*command, name], cwd=SOURCE, stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    assert [process.communicate(timeout=60)[1] for process in running] == ["", ""]


@pytest.mark.parametrize("step", ["reset", "solve"])
def test_an_answer_in_the_same_file_outlives_another_that_is_given_up(
    step: str, tmp_path: Path
) -> None:
    project = course_of(tmp_path, WHOLE, BODY, EDIT)
    project.write("m.py", WHOLE.replace("return 1", "return 2").replace("3", "5"))
    said = getattr(project, step)(project.exercises["two"])
    assert "could not be found" in said[0]
    limit = {"reset": "4", "solve": "3"}[step]
    assert project.text("m.py") == WHOLE.replace("return 1", "return 2").replace("3", limit)
