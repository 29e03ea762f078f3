"""The runner of the lessons notices when a page does not do what it says."""

import subprocess
import textwrap
import time
from pathlib import Path

import pytest
from lesson_pages import LessonError
from lesson_runner import run_pages
from listings import symbol_source, write_listings
from shell import environment


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
        fence("{ .bash }", "ls"),
        fence("", "ls"),
        fence("text", "an output of nothing"),
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


def include(name: str, title: str = "") -> str:
    """Return a listing that includes `file` or `file/symbol`."""
    file, _, symbol = name.partition(".py/")
    shown = title or (f"{file}.py: {symbol}" if symbol else name)
    return fence(f'python title="{shown}"', f'--8<-- "{name}"')


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Return the folders of a template and of a project, with the same module."""
    folders = tmp_path / "template", tmp_path / "work"
    for folder in folders:
        folder.mkdir()
        (folder / "box.py").write_text(MODULE)
    return folders


def run_listing(template: Path, text: str) -> None:
    page = template.parent / "page0.md"
    page.write_text(text, encoding="utf-8")
    run_pages([page], template.parent / "work", environment(), project=template)


def test_a_listing_is_the_symbol_of_the_template_and_of_the_project(two: tuple[Path, Path]) -> None:
    template, work = two
    shown = symbol_source(MODULE, "Box.size")
    assert shown == "@property\ndef size(self) -> int:\n    return LIMIT"
    run_listing(template, include("box.py/Box.size") + include("box.py/LIMIT") + include("box.py"))
    (work / "box.py").write_text(MODULE.replace("return LIMIT", "return LIMIT + 1"))
    with pytest.raises(LessonError, match=r"page0\.md:3: box\.py: Box\.size (.|\n)*\+ 1"):
        run_listing(template, "words\n\n" + include("box.py/Box.size"))


@pytest.mark.parametrize(
    ("listing", "complaint"),
    [
        (include("box.py/Box.weight"), r"there is no box\.py: Box\.weight"),
        (include("bag.py/Bag"), r"there is no file bag\.py"),
        (include("box.py/LIMIT", title="box.py: Box"), "the title says 'box.py: Box'"),
        (fence('python title="box.py: LIMIT"', "LIMIT = 3"), "one line that includes the code"),
    ],
)
def test_a_listing_of_what_is_not_there_fails(
    two: tuple[Path, Path], listing: str, complaint: str
) -> None:
    with pytest.raises(LessonError, match=rf"page0\.md:3: .*{complaint}"):
        run_listing(two[0], "words\n\n" + listing)


def test_the_symbols_that_pages_include_are_written_where_the_site_looks(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        include("box.py/Box.size") + "\n" + textwrap.indent(include("box.py/LIMIT"), "  ")
    )
    assert write_listings([page], two[0], tmp_path / "out") == 2
    assert (tmp_path / "out/box.py/LIMIT").read_text() == "LIMIT = 3\n"
    written = (tmp_path / "out/box.py/Box.size").read_text()
    assert written == "@property\ndef size(self) -> int:\n    return LIMIT\n"
    page.write_text(include("box.py/Box.weight"))
    with pytest.raises(LessonError, match=r"page\.md:1: there is no box\.py: Box\.weight"):
        write_listings([page], two[0], tmp_path / "out")


def test_a_block_that_is_not_run_is_left_out_and_shows_no_output(tmp_path: Path) -> None:
    left_out = fence('bash title="not run here: needs Docker"', "exit 9")
    run_texts(tmp_path, left_out + fence("mermaid", "flowchart LR\n  a --> b"))
    with pytest.raises(LessonError, match=r"page0\.md:4: nothing runs or checks"):
        run_texts(tmp_path, left_out + fence("text", "done"))


def test_a_listing_of_data_must_be_lines_of_its_file(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.toml").write_text("[x]\na = 1\nb = 2\n")
    run_texts(tmp_path, fence('toml title="a.toml"', "a = 1\nb = 2"))
    with pytest.raises(LessonError, match=r"page0\.md:1: the listing is not in a\.toml"):
        run_texts(tmp_path, fence('toml title="a.toml"', "a = 1\nb = 3"))
