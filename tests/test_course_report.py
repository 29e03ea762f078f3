"""`course report` and `course verify`: what is claimed holds, and what could fake it is told."""

import re

import pytest
from course_edition import Edition
from first_exercise import NAME, OTHER, body_of_the_course, keep_only, write

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
    edition.course("report")
    said = edition.course("verify", code=1)
    assert "tests/conftest.py: it is not as shipped, and the checks run beside it" in said
    assert "tests/unit/conftest.py: it was not shipped, and the checks run beside it" in said
    assert "2 claims do not hold" in said


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
