"""The lessons do what they say, show all the code there is, and are not too long."""

import json
import math
import re
import socket
from pathlib import Path

import pytest
from answers import PROJECT, TEMPLATE
from conftest import Walk
from lesson_pages import LESSONS, Block, Lesson, read_blocks, read_course
from lesson_runner import check_listing, is_output
from listings import INCLUDED, WHOLE, listed, write_listings
from pictures import COPIED, IMAGES
from shell import run

COURSE = read_course()
INDEX = LESSONS / "index.md"
PAGES = [lesson.page for lesson in COURSE]
PACKAGE = TEMPLATE / PROJECT / "src" / "flight_delay"
SECONDS = 2400
"""How long all lessons may take, beside other tests."""
AGAIN = "containers.md"
"""A page with exercises that takes seconds."""
PORT = 8123
"""The port that the lessons use; a learner types it, so it is always the same."""
WORDS_A_MINUTE = 200
LONGEST = 25
"""Minutes of reading that a lesson may ask for."""
HIGHEST_GRADE = 8
"""Years at school after which the language of a lesson is easy."""
NOT_RUN = {
    "generate-and-predict": ["it would change your settings", "needs such a network"],
    "containers": ["needs Docker", "needs Docker"],
    "ci-cd": ["needs GitHub"],
    "watching-it": ["needs root, once a machine"],
    "kubernetes": ["needs kubectl"],
}
"""Commands that no page runs, with the reason; each has its nearest local run beside it."""
LINK = re.compile(r"\]\(([\w-]+\.md)?#([\w-]+)\)")
QUIET_SECONDS = 900
"""How long all lessons may take on a machine that does nothing else, as their feet tell."""
SECTIONS = (
    "The idea",
    "Break it",
    "Exercise",
    "Errors you will meet",
    "Checkpoint",
    "Three questions",
    "In an interview",
    "What a bigger company does here",
    "The code of this lesson",
)


@pytest.fixture(scope="module")
def finished(walk: Walk | None) -> Path:
    """Return the Slipway of the learner who has been through all lessons."""
    assert walk is not None
    code = walk.process.wait(timeout=SECONDS)
    printed = walk.said.read_text(encoding="utf-8")
    assert code == 0, printed
    assert f"{len(COURSE) + 1} pages in" in printed
    print(printed)
    return walk.folder / "slipway"


@pytest.mark.slow
def test_every_command_of_every_lesson_does_what_its_page_shows(finished: Path) -> None:
    assert (finished / "build/lesson/flight-delay/models/champion.json").is_file()
    changed = run("git status --porcelain", finished / "build/lesson/flight-delay").stdout
    assert not changed, "a lesson left the project other than it found it"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", PORT)) != 0


@pytest.mark.slow
def test_a_page_can_be_run_once_more_alone_exercises_included(finished: Path) -> None:
    said = run(f"make lessons DEST={finished.parent} PAGE={AGAIN}", TEMPLATE).stdout
    assert "1 pages in" in said


@pytest.mark.slow
def test_the_figures_of_the_first_page_are_those_of_the_run(finished: Path) -> None:
    report = json.loads((finished / "build/lesson/flight-delay/reports/train.json").read_text())
    [day] = [day for day in report["launch"]["daily"] if day["day"] == "2013-04-22"]
    predicted, observed = round(100 * day["predicted"]), round(100 * day["observed"])
    said = f"on 22 April it expected {predicted} late flights in 100, and {observed} left late"
    assert said in " ".join(INDEX.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("lesson", COURSE, ids=lambda lesson: lesson.page.stem)
def test_a_page_says_its_title_and_minutes_and_has_every_section(lesson: Lesson) -> None:
    text = lesson.page.read_text(encoding="utf-8")
    assert text.startswith(f"# {lesson.title}\n")
    assert f"**Time:** {lesson.minutes} minutes" in text
    assert "**You will be able to**" in text
    found = re.findall(r"(?m)^## (.+)$", text)
    wanted = [name for name in SECTIONS if lesson.modules or name != SECTIONS[-1]]
    assert [name for name in found if name in SECTIONS] == wanted
    questions = text.partition("## Three questions")[2].partition("\n## ")[0]
    assert len(re.findall(r"(?m)^\?\?\? question ", questions)) == 3
    assert "**Say:**" in text
    assert "**They will ask next:**" in text
    assert f'--8<-- "foot/{lesson.page.name}"' in text, "the foot is missing"
    assert "**You need**" in text


@pytest.mark.parametrize("lesson", COURSE, ids=lambda lesson: lesson.page.stem)
def test_a_foot_tells_what_was_not_run(lesson: Lesson) -> None:
    foot = (LESSONS / "foot" / lesson.page.name).read_text(encoding="utf-8")
    marked = "except those marked as not run" in foot
    assert marked == any(block.not_run for block in read_blocks(lesson.page))


def test_all_lessons_ran_in_a_quarter_of_an_hour() -> None:
    feet = [(LESSONS / "foot" / page.name).read_text(encoding="utf-8") for page in PAGES]
    seconds = [int(found) for foot in feet for found in re.findall(r"in (\d+) seconds", foot)]
    assert len(seconds) == len(PAGES)
    assert sum(seconds) <= QUIET_SECONDS


@pytest.mark.parametrize("lesson", COURSE, ids=lambda lesson: lesson.page.stem)
def test_a_page_shows_something_breaks_something_and_checks_itself(lesson: Lesson) -> None:
    text = lesson.page.read_text(encoding="utf-8")
    assert re.search(r"(?m)^```mermaid|^!\[|^<figure", section(text, "The idea")), "no drawing"
    for name in ("Break it", "Checkpoint"):
        assert "```bash" in section(text, name), f"{name}: nothing is run"
    unsolved = '```bash title="exit code 1"'
    assert unsolved in section(text, "Exercise"), "nothing says that it is not solved yet"


@pytest.mark.parametrize("lesson", COURSE, ids=lambda lesson: lesson.page.stem)
def test_every_error_that_a_page_tells_of_is_made_or_linked(lesson: Lesson) -> None:
    errors = section(lesson.page.read_text(encoding="utf-8"), "Errors you will meet")
    boxes = re.split(r"(?m)^\?\?\? failure ", errors)[1:]
    assert boxes
    told = [
        box.splitlines()[0]
        for box in boxes
        if "```bash" not in box
        and not any(runs_something(lesson.page, *link) for link in LINK.findall(box))
    ]
    assert told == []


def runs_something(page: Path, file: str, anchor: str) -> bool:
    """Whether there is a command below the heading that a page links to."""
    text = (LESSONS / (file or page.name)).read_text(encoding="utf-8")
    for part in re.split(r"(?m)^#{2,3} ", text)[1:]:
        if re.sub(r"[^a-z0-9 -]", "", part.splitlines()[0].lower()).replace(" ", "-") == anchor:
            return "```bash" in part
    return False


@pytest.mark.parametrize("lesson", COURSE, ids=lambda lesson: lesson.page.stem)
def test_the_language_is_that_of_a_plain_book(lesson: Lesson) -> None:
    """Automated readability index, a school grade: Smith and Senter, AMRL-TR-66-220 (1967)."""
    text = lesson.page.read_text(encoding="utf-8").partition("## The code of this lesson")[0]
    text = re.sub(r"(?ms)^ *```.*?^ *```", "", text)
    sentences = re.findall(r"[^.!?]*[a-z)`*][.!?](?=\s)", text)
    words = re.findall(r"\w+", " ".join(sentences))
    grade = 4.71 * sum(map(len, words)) / len(words) + 0.5 * len(words) / len(sentences) - 21.43
    assert grade <= HIGHEST_GRADE


def section(text: str, name: str) -> str:
    """Return what stands below a heading."""
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("lesson", COURSE, ids=lambda lesson: lesson.page.stem)
def test_no_page_takes_longer_to_read_than_a_lesson_may(lesson: Lesson) -> None:
    text = lesson.page.read_text(encoding="utf-8").partition("## The code of this lesson")[0]
    listings = [listed(block, TEMPLATE / PROJECT) for block in included(lesson.page)]
    words = len(" ".join([text, *listings]).split())
    assert math.ceil(words / WORDS_A_MINUTE) <= min(LONGEST, lesson.minutes)


def included(page: Path) -> list[Block]:
    """Return the blocks of a page that include a symbol."""
    return [block for block in read_blocks(page) if INCLUDED.fullmatch(block.text)]


def test_pictures_of_the_projects_own_pages_are_the_same_here() -> None:
    for name in COPIED:
        theirs = TEMPLATE / PROJECT / "docs" / "images" / name
        assert (IMAGES / name).read_bytes() == theirs.read_bytes(), "`make pictures`"


def test_every_page_is_in_the_course_once() -> None:
    assert len({*PAGES}) == len(PAGES)
    assert all(page.is_file() for page in PAGES)
    with_commands = {
        page
        for page in LESSONS.rglob("*.md")
        if any(block.language == "bash" for block in read_blocks(page))
        and page.parent.name != "figures"  # what made a figure is a benchmark
    }
    assert with_commands <= {INDEX, *PAGES}


def test_every_module_of_the_package_is_shown_whole_in_the_lesson_that_it_belongs_to() -> None:
    modules = {
        str(path.relative_to(PACKAGE).with_suffix(""))
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    }
    assigned = [module for lesson in COURSE for module in lesson.modules]
    assert sorted(assigned) == sorted(modules)
    for lesson in COURSE:
        blocks = read_blocks(lesson.page)
        whole = [found["file"] for one in blocks if (found := WHOLE.fullmatch(one.text))]
        shown = [name for name in whole if name.endswith(".py")]
        assert shown == [f"src/flight_delay/{module}.py" for module in lesson.modules]


def test_every_listing_is_the_code_as_it_stands_in_the_template(tmp_path: Path) -> None:
    assert write_listings(PAGES, TEMPLATE / PROJECT, tmp_path / "listings") >= len(PAGES)
    for page in PAGES:
        for block in read_blocks(page):
            if block.language not in {"bash", "mermaid"} and not is_output(block):
                of_project = (TEMPLATE / PROJECT / block.title.partition(": ")[0]).is_file()
                check_listing(block, TEMPLATE / PROJECT if of_project else TEMPLATE)


def test_every_command_is_run_but_those_that_are_named() -> None:
    left_out: dict[str, list[str]] = {}
    for page in PAGES:
        for block in read_blocks(page):
            if block.language == "bash":
                assert re.fullmatch(r"|exit code \d+|not run here: .+", block.title), block.title
            if block.not_run:
                left_out.setdefault(page.stem, []).append(block.not_run)
    assert left_out == NOT_RUN
