"""Every exercise fails unsolved, passes solved, and fails with an answer that looks right.

Unsolved it has to fail for its reason, and the wrong answer with the words that its file expects.
Each exercise has a copy of the course edition of its own, and two are checked at a time.
"""

import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from answers import PROJECT, TEMPLATE, generate, tree
from course_edition import WRONG, Edition, course_edition, course_module, described

slow = pytest.mark.slow

DIGGING = course_module("digging")
EXERCISES = described()
CHECKED = {name: read for name, read in EXERCISES.items() if read["kind"] != "live"}
LESSONS = TEMPLATE / "lessons"
AT_ONCE = 2
FORGIVEN = re.compile(r"course/|src/course/")
"""Paths that the course edition has and a portfolio has not."""

each = pytest.mark.parametrize("name", EXERCISES)
each_checked = pytest.mark.parametrize("name", CHECKED)


class Said(NamedTuple):
    """What the three checks of an exercise printed, and how the files were left."""

    unsolved: str
    wrong: str
    solved: str
    edition: Edition


@each
def test_an_exercise_is_described_in_full(name: str) -> None:
    read = EXERCISES[name]
    assert re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", name)
    assert len(name) <= 28
    assert len(read["hints"]) == 3
    assert all(len(hint) > 20 for hint in read["hints"])
    assert len(read["task"]) > 80
    assert read["kind"] == "live" or (WRONG / f"{name}.toml").is_file()
    needed = {"body": "remove", "edit": "edits", "test": "faults", "live": "check"}
    assert read[needed[read["kind"]]]


@each
def test_a_page_asks_for_it(name: str) -> None:
    page = LESSONS / f"{EXERCISES[name]['lesson']}.md"
    assert re.search(rf"^course check {name}\b", page.read_text("utf-8"), flags=re.MULTILINE)


def test_names_of_wrong_answers_are_those_of_exercises_and_orders_are_unique() -> None:
    assert {path.stem for path in WRONG.glob("*.toml")} == set(CHECKED)
    orders = [read["order"] for read in EXERCISES.values()]
    assert len(set(orders)) == len(orders)
    listed = tomllib.loads((LESSONS / "course.toml").read_text("utf-8"))
    stems = [Path(page).stem for page in re.findall(r"[\w-]+\.md", str(listed))]
    lessons = {read["lesson"]: read["order"] // 100 for read in EXERCISES.values()}
    assert lessons == {stem: n for n, stem in enumerate(dict.fromkeys(stems), 1) if stem in lessons}


@each_checked
def test_what_it_names_is_in_the_project(name: str) -> None:
    read = CHECKED[name]
    project = TEMPLATE / PROJECT
    for written in read.get("remove", ()):
        file, _, symbol = written.partition(": ")
        assert DIGGING.function_text((project / file).read_text("utf-8"), symbol)
    for test in read.get("tests", ()):
        file, _, symbol = test.partition("[")[0].partition("::")
        text = (project / file).read_text("utf-8")
        assert not symbol or DIGGING.function_text(text, symbol.replace("::", "."))
    assert read["kind"] == "test" or read["tests"]


def test_no_two_exercises_remove_the_same() -> None:
    removed = [written for read in CHECKED.values() for written in read.get("remove", ())]
    assert len(set(removed)) == len(removed)


@pytest.fixture(scope="module")
def edition(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return course_edition(tmp_path_factory.mktemp("course"), project)


@pytest.fixture(scope="module")
def checks(
    edition: Edition, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Said]]]:
    """Check the exercises of the tests that were chosen, two at a time."""
    asked = [getattr(item, "callspec", None) for item in request.session.items]
    names = {call.params["name"] for call in asked if call and "name" in call.params}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            name: pool.submit(checked, name, edition.copy(tmp_path_factory.mktemp(name)))
            for name in CHECKED
            if name in names
        }


def checked(name: str, edition: Edition) -> Said:
    """Check an exercise as shipped, with its wrong answer, and with the course's answer."""
    unsolved = edition.course("check", name, code=1)
    write_wrong_answer(edition, name)
    wrong = edition.course("check", name, code=1)
    edition.course("solution", name, "--give-up")
    return Said(unsolved, wrong, edition.course("check", name), edition)


def expected(name: str) -> dict[str, Any]:
    return tomllib.loads((WRONG / f"{name}.toml").read_text("utf-8"))


def write_wrong_answer(edition: Edition, name: str) -> None:
    """Write what a learner could believe in the place of the hole."""
    answer, read = expected(name), CHECKED[name]
    if "body" in answer:
        file, _, symbol = read["remove"][0].partition(": ")
        body = f"{answer['body'].strip(chr(10))}\n"
        filled = DIGGING.fill(edition.text(file), symbol, body)
        (edition.root / file).write_text(filled, encoding="utf-8")
        return
    texts = [edit["text"] for edit in answer["edits"]] if "edits" in answer else [answer["text"]]
    for edit, text in zip(read["edits"], texts, strict=False):
        edition.edit(edit["file"], edit["wrong"].strip("\n"), text.strip("\n"))


@slow
@each_checked
def test_unsolved_it_fails_for_its_reason(name: str, checks: dict[str, Future[Said]]) -> None:
    reason = expected(name).get("unsolved", f"NotImplementedError: exercise {name}: run")
    assert re.search(reason, checks[name].result().unsolved), checks[name].result().unsolved


@slow
@each_checked
def test_a_plausible_wrong_answer_fails(name: str, checks: dict[str, Future[Said]]) -> None:
    said = checks[name].result().wrong
    assert expected(name)["says"] in said, said
    assert "NotImplementedError: exercise" not in said, said
    assert "course doctor" in said


@slow
@each_checked
def test_solved_it_passes(name: str, checks: dict[str, Future[Said]]) -> None:
    assert f"solved: {name} (" in checks[name].result().solved


@slow
def test_with_all_solved_it_is_the_project_of_a_portfolio(edition: Edition, tmp_path: Path) -> None:
    whole = tree(
        generate(
            tmp_path / "portfolio",
            platforms="kubernetes",
            project_slug=edition.root.name,
            package_name="flight_delay",
        )
    )
    solved = edition.copy(tmp_path)
    differing = differences(tree(solved.root), whole)
    assert len(differing) > len(CHECKED) / 2
    for name in CHECKED:
        solved.course("solution", name, "--give-up")
    assert differences(tree(solved.root), whole) == {"pyproject.toml", "ruff.toml"}
    for file, added in (("pyproject.toml", "course.cli:main"), ("ruff.toml", "the course: ")):
        lines = solved.text(file).splitlines(keepends=True)
        kept = "".join(line for line in lines if added not in line)
        assert kept.encode() == whole[file][1]
        assert len(lines) == kept.count("\n") + 1


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> set[str]:
    """Return the paths that are not the same in both, the course's own aside."""
    return {
        path
        for path in ours.keys() | theirs.keys()
        if not FORGIVEN.match(f"{path}/") and ours.get(path) != theirs.get(path)
    }
