"""`course report` and `course verify`: what is claimed holds, and what could fake it is told."""

import re

import pytest
from course_edition import Edition, course_module
from first_exercise import FILE, NAME, OTHER, body_of_the_course, keep_only, write

pytestmark = pytest.mark.slow


def test_report_is_proved_by_verify_and_tampering_is_found(edition: Edition) -> None:
    keep_only(edition, NAME, OTHER)
    write(edition, body_of_the_course(edition))
    edition.course("start", NAME)
    edition.course("solution", OTHER, "--give-up")
    edition.course("report")
    page = edition.text("course/REPORT.md")
    assert "2 of the 2 exercises that need no running service are solved, 1 of them with" in page
    assert "are solved, 1 of them with an answer of the course." in page
    assert re.search(rf"\| {NAME} \| [\w-]+ \| solved \| .* \| 0 \| 0 \| own \| [\d.]+ \|", page)
    assert re.search(rf"\| {OTHER} \|.*\| given 20.* UTC \|", page)
    assert re.search(r"\| Python \| 3\.", page)
    assert "Every claim of the report holds." in edition.course("verify")

    write(edition)
    report = edition.root / "course/REPORT.md"
    report.write_text(re.sub(r"given 20[^|]+ \|", "own |", page))
    said = edition.course("verify", code=1)
    assert f"{OTHER}: the page says answer = own, and it is given" in said
    assert f"{NAME}: the page says state = solved, and it is open" in said
    report.write_text(page.replace("2 of the 2 exercises", "31 of the 31 exercises"))
    said = edition.course("verify", code=1)
    assert "the page begins with other figures than its table has: 2 of the 2 exercises" in said
    report.write_text(re.sub(rf"\| {NAME} .*\n", "", page))
    assert f"{NAME}: the page does not have it" in edition.course("verify", code=1)


def test_a_report_is_not_believed_when_the_tests_were_made_to_pass(edition: Edition) -> None:
    keep_only(edition, NAME)
    write(edition)
    assert f"not solved yet: {NAME}" in edition.course("check", NAME, code=1)
    hook = "def pytest_pyfunc_call(): return True  # and the test is not called\n"
    (edition.root / "tests/unit/conftest.py").write_text(hook)
    with (edition.root / "tests/conftest.py").open("a", encoding="utf-8") as shared:
        shared.write(f"\n\n{hook}")
    assert f"solved: {NAME}" in edition.course("check", NAME)
    said = edition.course("report")
    assert "`course verify` will not hold with what is named above" in said
    said = edition.course("verify", code=1)
    assert "tests/conftest.py: it is not as shipped, and the checks run beside it" in said
    assert "tests/unit/conftest.py: it was not shipped, and the checks run beside it" in said
    assert "2 claims do not hold" in said


@pytest.mark.parametrize(
    ("file", "what"),
    [
        (f"course/exercises/{OTHER}.toml", "it is not as shipped"),
        (f"course/whole/{FILE}.txt", "it is not as shipped"),
        ("pyproject.toml", "it is not as shipped"),
        ("src/sitecustomize.py", "it was not shipped"),
        ("xdist/__init__.py", "it was not shipped"),
        ("pytest.ini", "it was not shipped"),
        (".pytest.toml", "it was not shipped"),
    ],
)
def test_whatever_could_bend_a_check_is_named(edition: Edition, file: str, what: str) -> None:
    keep_only(edition, NAME, OTHER)
    assert course_module("project").Project(edition.root).changed() == {}
    path = edition.root / file
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text("utf-8") if path.exists() else "") + "\n# more\n", "utf-8")
    assert course_module("project").Project(edition.root).changed() == {file: what}


def test_an_exercise_that_was_taken_away_is_missed(edition: Edition) -> None:
    keep_only(edition, NAME, OTHER)
    (edition.root / f"course/exercises/{OTHER}.toml").unlink()
    write(edition, body_of_the_course(edition))
    assert "1 of the 1 exercises" in (edition.course("report"), edition.text("course/REPORT.md"))[1]
    said = edition.course("verify", code=1)
    assert f"course/exercises/{OTHER}.toml: it is not as shipped" in said


def test_an_answer_that_is_gone_is_no_answer(edition: Edition) -> None:
    keep_only(edition, NAME, OTHER)
    shipped = edition.text(FILE)
    write(edition, body_of_the_course(edition))
    edition.course("check", NAME)
    assert f"solved  {NAME}" in edition.course("list")
    (edition.root / FILE).write_text(shipped, encoding="utf-8")  # as `git checkout` does
    edition.course("report")
    assert re.search(rf"\| {NAME} \| [\w-]+ \| open \|", edition.text("course/REPORT.md"))
    assert f"begun   {NAME}" in edition.course("list")


def test_what_is_left_is_live_and_the_rest_can_be_checked_once_more(edition: Edition) -> None:
    keep_only(edition, NAME, "rollback-in-time")
    write(edition, body_of_the_course(edition))
    edition.course("check", NAME)
    said = edition.course("check")
    assert f"solved: {NAME}" in said
    assert "Not done again, as they need a running service: rollback-in-time." in said


def test_when_all_are_solved_everything_is_checked_once_more(edition: Edition) -> None:
    keep_only(edition, NAME, OTHER)
    for name in (NAME, OTHER):
        edition.course("solution", name, "--give-up")
    edition.course("report")
    said = edition.course("check")
    assert said.count("solved: ") == 2
    assert "course report" in said
    write(edition)
    assert f"not solved yet: {NAME}" in edition.course("check", code=1)
    assert f"begun   {NAME}" in edition.course("list")
