"""The lessons do what they say; and the runner that checks it notices when a page does not."""

import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import PROJECT, TEMPLATE
from lesson_runner import (
    LessonError,
    check_listing,
    read_blocks,
    read_course,
    run_pages,
    symbol_source,
)
from machine import require
from shell import environment

LESSONS = TEMPLATE / "lessons"
COURSE = read_course(LESSONS / "course.toml")
INDEX = LESSONS / "index.md"
PORT = 8123
"""The port that the lessons use; a learner types it, so it is always the same."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run the whole course in a copy of this repo and return the copy."""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", PORT)) != 0, f"something listens on port {PORT}"
    copy = clean_copy(tmp_path_factory.mktemp("learner") / "slipway")
    try:
        run_pages([INDEX, *(lesson.page for lesson in COURSE)], copy, learner())
        yield copy
    finally:
        shutil.rmtree(copy)  # an environment of a gigabyte


def clean_copy(folder: Path) -> Path:
    """Copy the working tree as git sees it: tracked and new files, nothing that is ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=TEMPLATE,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (TEMPLATE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TEMPLATE / name, folder / name)
    return folder


def learner() -> dict[str, str]:
    """Return a learner's environment: not the tests' own, and uv where the Makefile finds it."""
    own = Path(sys.prefix) / "bin"
    found = shutil.which("uv") or require(str(TEMPLATE / "build/tools/bin/uv"), "run `make test`")
    path = [part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != own]
    return environment(PATH=os.pathsep.join([str(Path(found).parent), *path]))


@pytest.mark.slow
def test_every_command_of_every_lesson_does_what_its_page_shows(finished: Path) -> None:
    assert (finished / "build/lesson/flight-delay/models/champion.json").is_file()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", PORT)) != 0


@pytest.mark.slow
def test_the_figures_of_the_first_page_are_those_of_the_run(finished: Path) -> None:
    report = json.loads((finished / "build/lesson/flight-delay/reports/train.json").read_text())
    [day] = [day for day in report["launch"]["daily"] if day["day"] == "2013-04-22"]
    predicted, observed = round(100 * day["predicted"]), round(100 * day["observed"])
    said = f"on 22 April it expected {predicted} late flights in 100, and {observed} left late"
    assert said in " ".join(INDEX.read_text(encoding="utf-8").split())


def test_every_page_is_in_the_course_and_says_its_title_and_minutes() -> None:
    pages = {lesson.page for lesson in COURSE}
    assert {*LESSONS.rglob("*.md")} == {INDEX, *pages}
    for lesson in COURSE:
        text = lesson.page.read_text(encoding="utf-8")
        assert text.startswith(f"# {lesson.title}\n")
        assert f"**Time:** {lesson.minutes} minutes" in text


def test_every_listing_is_the_code_as_it_stands_in_the_template() -> None:
    blocks = [block for lesson in COURSE for block in read_blocks(lesson.page)]
    listings = [block for block in blocks if block.language != "bash" and block.title]
    assert listings
    for block in listings:
        at_root = (TEMPLATE / block.title).is_file()
        check_listing(block, TEMPLATE if at_root else TEMPLATE / PROJECT)


def fence(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n"


def run_texts(folder: Path, *texts: str, seconds: float = 20) -> None:
    """Run made-up pages, `page0.md` first, in an empty folder."""
    pages = [folder / f"page{number}.md" for number in range(len(texts))]
    for page, text in zip(pages, texts, strict=True):
        page.write_text(text, encoding="utf-8")
    work = folder / "work"
    work.mkdir(exist_ok=True)
    run_pages(pages, work, environment(), seconds)


def test_state_carries_from_block_to_block_and_from_page_to_page(tmp_path: Path) -> None:
    first = fence("bash", "mkdir inner && cd inner\nname=Ada; greet() { echo hello $1; }")
    second = (
        "# Page\n\n"
        + fence("bash", "greet $name; basename $PWD")
        + fence("text", "hello Ada\ninner")
    )
    run_texts(tmp_path, first, second)


def test_a_block_inside_an_admonition_is_run(tmp_path: Path) -> None:
    inside = textwrap.indent(
        fence("bash", "printf 'a\\n  b\\n'") + "\n" + fence("text", "a\n  c"), " " * 4
    )
    with pytest.raises(LessonError, match=r"page0\.md:7: the output"):
        run_texts(tmp_path, f'??? tip "More"\n\n{inside}')


def test_a_fence_of_tildes_is_run_too(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match="exit code 1"):
        run_texts(tmp_path, "~~~bash\nfalse\n~~~\n")


def test_a_wrong_output_names_page_line_command_expected_and_actual(tmp_path: Path) -> None:
    page = "Some words.\n\n" + fence("bash", "echo 2") + "\n" + fence("text", "3")
    with pytest.raises(LessonError) as caught:
        run_texts(tmp_path, page)
    assert str(caught.value) == (
        "page0.md:7: the output is not what the page shows\n"
        "--- command\necho 2\n--- expected\n3\n--- actual\n2\n"
    )


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("version ... made", True),
        ("version ... made\n...", True),
        ("...\nrows 10", True),
        ("version 1.2... made\n...\nrows ...", True),
        ("version 1.3... made\n...", False),
        ("version ... made\nrows 10", False),
        ("...\nversion 1.2.3 made\n...\nsecond\n...", True),
        ("...\nsecond\n...\nversion 1.2.3 made\n...", False),
        ("version 1+2+3 made\n...", False),
    ],
)
def test_three_dots_stand_for_anything_in_a_line_and_for_any_lines(
    tmp_path: Path, shown: str, *, same: bool
) -> None:
    many = (
        "version 1.2.3 made"
        if shown == "version ... made"
        else "version 1.2.3 made\nsecond\nrows 10"
    )
    page = fence("bash", f"echo '{many}'") + fence("text", shown)
    if same:
        run_texts(tmp_path, page)
    else:
        with pytest.raises(LessonError, match=r"page0\.md:"):
            run_texts(tmp_path, page)


@pytest.mark.parametrize(
    "command", ["false", "false\ntrue", "cat absent.txt; echo on", "if", "exit 3", "nosuchprogram"]
)
def test_a_command_that_fails_fails_the_page(tmp_path: Path, command: str) -> None:
    with pytest.raises(LessonError, match=r"page1\.md:2: .*(exit code|shell ended)"):
        run_texts(tmp_path, fence("bash", "true"), "\n" + fence("bash", command))


def test_a_command_that_must_fail_fails_the_page_when_it_does_not(tmp_path: Path) -> None:
    run_texts(tmp_path, fence('bash title="exit code 3"', "(exit 3)"))
    for ending in ("true", "(exit 4)"):
        with pytest.raises(LessonError, match=r"page0\.md:1: this ended with exit code [04]"):
            run_texts(tmp_path, fence('bash title="exit code 3"', ending))


def test_a_command_has_a_time_limit_and_nothing_that_was_started_survives(tmp_path: Path) -> None:
    page = fence("bash", "sleep 600 &\necho $! > pid") + fence("bash", "echo before; sleep 600")
    with pytest.raises(LessonError, match=r"page0\.md:5: this took over 1 s(.|\n)*before"):
        run_texts(tmp_path, page, seconds=1)
    pid = int((tmp_path / "work" / "pid").read_text())
    for _ in range(100):
        if not is_running(pid):
            return
        time.sleep(0.05)
    pytest.fail("a background process survived the lesson")


def is_running(pid: int) -> bool:
    """Tell whether a process exists and is not a zombie that its new parent has yet to collect."""
    shown = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(shown.stdout.strip()) and not shown.stdout.startswith("Z")


@pytest.mark.parametrize(
    "page",
    [
        fence("sh", "ls"),
        fence("console", "$ ls"),
        fence("mermaid", "flowchart LR"),
        fence("{ .bash }", "ls"),
        fence("", "ls"),
        fence("text", "an output of nothing"),
        fence("python", "print(1)"),
        fence("toml", "a = 1"),
        fence("bash", "echo 1") + "\nWords between.\n\n" + fence("text", "1"),
        "```bash\nls\n",
    ],
)
def test_a_block_that_nothing_would_check_fails(tmp_path: Path, page: str) -> None:
    with pytest.raises(
        LessonError, match=r"page0\.md:\d+: (nothing runs|this block is never closed)"
    ):
        run_texts(tmp_path, page)


MODULE = """\
LIMIT = 3


class Box:
    @property
    def size(self) -> int:
        return LIMIT
"""


def test_a_listing_is_compared_with_the_symbol(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "box.py").write_text(MODULE)
    shown = symbol_source(MODULE, "Box.size")
    assert shown == "@property\ndef size(self) -> int:\n    return LIMIT"
    listing = fence('python title="box.py: Box.size"', shown)
    run_texts(tmp_path, listing + fence('python title="box.py: LIMIT"', "LIMIT = 3"))
    (work / "box.py").write_text(MODULE.replace("return LIMIT", "return LIMIT + 1"))
    with pytest.raises(
        LessonError, match=r"page0\.md:3: the listing is not box\.py: Box\.size(.|\n)*\+ 1"
    ):
        run_texts(tmp_path, "words\n\n" + listing)
    (work / "box.py").write_text("")
    with pytest.raises(LessonError, match=r"page0\.md:1: (.|\n)*absent"):
        run_texts(tmp_path, listing)
    (work / "box.py").unlink()
    with pytest.raises(LessonError, match=r"page0\.md:1: there is no file box\.py"):
        run_texts(tmp_path, listing)


def test_a_listing_of_data_must_be_lines_of_its_file(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.toml").write_text("[x]\na = 1\nb = 2\n")
    run_texts(tmp_path, fence('toml title="a.toml"', "a = 1\nb = 2"))
    with pytest.raises(LessonError, match=r"page0\.md:1: the listing is not in a\.toml"):
        run_texts(tmp_path, fence('toml title="a.toml"', "a = 1\nb = 3"))
