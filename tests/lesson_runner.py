"""Run the lessons as a learner would: every block of every page, in order, in one shell.

On a page, a `bash` block is run, and a `text` or `json` block right below it is what it printed,
where `...` stands for anything in a line or, alone on a line, for any lines. A block's title says
what else holds: `exit code 3` of one that is meant to fail, and on other blocks the file, or the
file and the symbol, that is shown: `src/flight_delay/bundle.py: load`. No other block may exist.
"""

import ast
import contextlib
import os
import re
import select
import shlex
import signal
import subprocess
import textwrap
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<language>\w*)(?P<rest>.*)$")
TITLE = re.compile(r'title="(?P<title>[^"]*)"')
EXIT_CODE = re.compile(r"exit code (\d+)")
MARK = "end-of-block-"
# The first command of a block that fails decides, as it would for a learner who stops there.
RUN = """__first=0; trap '__code=$?; [ $__first -ne 0 ] || __first=$__code' ERR
eval {block} < /dev/null
trap - ERR; printf '\\n{mark}%s %s\\n' "$__first" "$PWD"
"""


class LessonError(AssertionError):
    """A page says what is not so; the message starts with page:line."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """An entry of course.toml."""

    title: str
    minutes: int
    page: Path


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `follows` is the block above it when only blank lines lie between."""

    page: Path
    line: int
    language: str
    title: str
    text: str
    follows: "Block | None"

    def error(self, message: str, *parts: tuple[str, str]) -> LessonError:
        """Return an error that starts with page:line."""
        shown = "".join(f"\n--- {name}\n{text}" for name, text in parts)
        return LessonError(f"{self.page.name}:{self.line}: {message}{shown}")


def read_course(course: Path) -> list[Lesson]:
    """Return the lessons in order."""
    entries = tomllib.loads(course.read_text(encoding="utf-8"))["lessons"]
    return [Lesson(one["title"], one["minutes"], course.parent / one["file"]) for one in entries]


def read_blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page, those inside admonitions included."""
    last: Block | None = None
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), start=1)
    for number, line in lines:
        if (fence := FENCE.match(line)) is None:
            last = last if not line.strip() else None
            continue
        content: list[str] = []
        for _, inner in lines:
            if inner.strip() == fence["ticks"]:
                break
            content.append(inner.removeprefix(fence["indent"]))
        else:
            message = f"{page.name}:{number}: this block is never closed"
            raise LessonError(message)
        title = TITLE.search(fence["rest"])
        text = "\n".join(content)
        last = Block(page, number, fence["language"], title["title"] if title else "", text, last)
        yield last


class Shell:
    """One bash whose state lasts from block to block, and in whose group everything ends."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start in a folder."""
        self.folder = folder
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End bash and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()

    def run(self, block: Block, seconds: float) -> str:
        """Run a block and return what it printed; note the folder in which it left the shell."""
        assert self._process.stdin is not None
        mark = f"{MARK}{time.monotonic_ns()} "
        command = RUN.format(block=shlex.quote(block.text), mark=mark)
        self._process.stdin.write(command.encode())
        self._process.stdin.flush()
        printed = self._read(block, mark, seconds)
        output, _, end = printed.rpartition(f"\n{mark}")
        code, _, folder = end.rstrip("\n").partition(" ")
        self.folder = Path(folder)
        expected = EXIT_CODE.fullmatch(block.title)
        if int(code) != (int(expected[1]) if expected else 0):
            message = f"this ended with exit code {code}"
            raise block.error(message, ("command", block.text), ("output", output))
        return output

    def _read(self, block: Block, mark: str, seconds: float) -> str:
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        printed = b""
        while f"\n{mark}".encode() not in printed or not printed.endswith(b"\n"):
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self._process.stdout], [], [], left)[0]
            data = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            if not data:
                happened = "the shell ended here" if ready else f"this took over {seconds:g} s"
                shown = printed.decode(errors="replace")
                raise block.error(happened, ("command", block.text), ("output", shown))
            printed += data
        return printed.decode(errors="replace")


def run_pages(
    pages: list[Path], folder: Path, environment: Mapping[str, str], seconds: float = 300
) -> None:
    """Run every block of the pages, in order, in one shell that starts in `folder`.

    Raises:
        LessonError: at the first block that does not do what its page says.
    """
    with Shell(folder, environment) as shell:
        for block in (block for page in pages for block in read_blocks(page)):
            if block.language == "bash":
                output = shell.run(block, seconds)
            elif is_output(block):
                check_output(block, output)
            else:
                check_listing(block, shell.folder)


def is_output(block: Block) -> bool:
    """Tell whether a block shows what the block above it printed."""
    above = block.follows.language if block.follows else ""
    return block.language in {"text", "json"} and not block.title and above == "bash"


def check_output(block: Block, output: str) -> None:
    """Compare what a page shows with what was printed; trailing blanks do not count."""
    shown = [line.rstrip() for line in block.text.strip("\n").splitlines()]
    printed = "".join(f"{line.rstrip()}\n" for line in output.strip("\n").splitlines())
    pattern = "".join(
        "(?:.*\n)*?"
        if line.strip() == "..."
        else ".*".join(map(re.escape, line.split("..."))) + "\n"
        for line in shown
    )
    if re.fullmatch(pattern, printed) is None:
        assert block.follows is not None
        command = ("command", block.follows.text)
        message = "the output is not what the page shows"
        raise block.error(message, command, ("expected", block.text), ("actual", printed))


def check_listing(block: Block, folder: Path) -> None:
    """Compare a listing with the file, or the symbol of a file, that its title names."""
    name, _, symbol = block.title.partition(": ")
    if block.language not in {"python", "json", "toml"} or not name:
        message = f"nothing runs or checks this block ({block.language or 'no language'})"
        raise block.error(message, ("block", block.text))
    path = folder / name
    if not path.is_file():
        message = f"there is no file {name}"
        raise block.error(message)
    source = path.read_text(encoding="utf-8")
    if block.language == "python":
        source = symbol_source(source, symbol) or ""
        if source != block.text:
            message = f"the listing is not {block.title} as it is now"
            raise block.error(message, ("expected", block.text), ("actual", source or "(absent)"))
    elif f"\n{block.text}\n" not in f"\n{source}\n":
        message = f"the listing is not in {name} as it is now"
        raise block.error(message, ("expected", block.text))


def symbol_source(source: str, symbol: str) -> str | None:
    """Return the source of `function`, `Class.method` or `CONSTANT`, without indentation."""
    nodes: list[ast.stmt] = ast.parse(source).body
    found: ast.stmt | None = None
    for name in symbol.split("."):
        found = next((node for node in nodes if name in names(node)), None)
        nodes = found.body if isinstance(found, ast.ClassDef) else []
    if found is None:
        return None
    decorators = getattr(found, "decorator_list", [])
    start = min([found.lineno, *(decorator.lineno for decorator in decorators)])
    return textwrap.dedent("\n".join(source.splitlines()[start - 1 : found.end_lineno]))


def names(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Assign():
            return {target.id for target in node.targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name() as target):
            return {target.id}
    return set()
