"""The pages that are made of facts agree with them: figures, map, glossary."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import reference_pages
from answers import TEMPLATE
from course_map import MAP, ROLES, course_map, hours
from lesson_pages import Lesson, read_course

BENCHMARKS = TEMPLATE / "benchmarks"
RESULTS = json.loads((BENCHMARKS / "results.json").read_text(encoding="utf-8"))
CLAIMS = tomllib.loads((BENCHMARKS / "claims.toml").read_text(encoding="utf-8"))
PAGES = reference_pages.reference_pages()
GLOSSARY = reference_pages.GLOSSARY.read_text(encoding="utf-8")
TERMS = re.findall(r"^### (.+)$", GLOSSARY, flags=re.MULTILINE)
LEAST_TERMS = 45
LONGEST_HOVER = 180
DIGIT = re.compile(r"\d")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_what_the_facts_make_it(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "run scripts/reference_pages.py"


def test_there_is_a_page_for_each_figure_and_no_other() -> None:
    names = {one["name"] for one in RESULTS["figures"]}
    assert names == set(CLAIMS)
    wanted = {reference_pages.page_of(name) for name in names}
    others = {reference_pages.FIGURES / name for name in ("index.md", "peers.md")}
    assert set(reference_pages.FIGURES.glob("*.md")) == wanted | others


@pytest.mark.parametrize("figure", RESULTS["figures"], ids=lambda figure: figure["name"])
def test_a_page_of_a_figure_says_what_was_measured(figure: dict[str, object]) -> None:
    page = reference_pages.page_of(str(figure["name"])).read_text(encoding="utf-8")
    found = re.search(r"^\| measured \| ([\d.,e+-]+)(?:\s(\S+))? \|$", page, flags=re.MULTILINE)
    assert found
    assert float(found[1].replace(",", "")) == pytest.approx(figure["value"], rel=0.005)
    assert (found[2] or "") == figure["unit"]
    assert ("not reached" in page) is not figure["reached"]
    assert str(RESULTS["commit"]) in page


def test_values_are_not_typed_by_hand() -> None:
    for name, claim in CLAIMS.items():
        assert not DIGIT.search(claim["claim"] + claim["limits"]), name


def test_each_claim_names_a_lesson_of_the_course_and_a_part_of_the_benchmarks() -> None:
    stems = {lesson.page.stem for lesson in read_course()}
    text = (BENCHMARKS / "figures.py").read_text(encoding="utf-8")
    parts = set(re.findall(r'^    "(\w+)": measure_', text, flags=re.MULTILINE))
    for name, claim in CLAIMS.items():
        assert claim["lesson"] in stems, name
        assert claim["part"] in parts, name


def test_the_glossary_is_in_order_and_under_its_letters() -> None:
    assert len(TERMS) >= LEAST_TERMS
    assert sorted(TERMS, key=str.lower) == TERMS
    letter = ""
    for heading in re.findall(r"^(##+ .+)$", GLOSSARY, flags=re.MULTILINE):
        if heading.startswith("## "):
            letter = heading.removeprefix("## ")
        else:
            assert heading.removeprefix("### ").upper().startswith(letter), heading


def test_every_word_of_the_glossary_has_a_definition_to_hover_over() -> None:
    found = dict(
        re.findall(r"^\*\[(.+)\]: (.+)$", PAGES[reference_pages.ABBREVIATIONS], re.MULTILINE)
    )
    for term in TERMS:
        assert found[term].endswith("."), term
        assert len(found[term]) <= LONGEST_HOVER, term
    assert found["champions"] == found["Champion"]
    assert found["registries"] == found["Registry"]
    assert found["golden row"] == found["Golden rows"]
    assert "onnx" not in found


def test_the_map_adds_up() -> None:
    lessons = [
        Lesson("One", 40, Path("one.md"), "First", ("applied",), ()),
        Lesson("Two", 50, Path("two.md"), "First", ("applied", "platform"), ()),
        Lesson("Three", 30, Path("three.md"), "Second", ("platform",), ()),
    ]
    text = course_map(lessons)
    assert "3 lessons, about 2 hours" in text
    assert "**2 lessons, about 1½ hours.**" in text
    assert "| Two | 50 | yes | yes |  |" in text
    assert "| **First** | **90** | | | |" in text


def test_a_course_has_hours_for_each_role() -> None:
    for role in ROLES:
        own = [lesson for lesson in read_course() if role.name in lesson.roles]
        assert f"**{len(own)} lessons, {hours(own)}.**" in PAGES[MAP]
