"""Run the lessons as a learner would: every block of every page, in order, in one shell.

On a page, a `bash` block is run, and a `text` or `json` block right below it is what it printed,
where `...` stands for anything in a line or, alone on a line, for any lines. A block's title says
what else holds: `exit code 3` of one that is meant to fail, `not run here: needs Docker` of one
that cannot be run, and on other blocks the file, or the file and the symbol, that is shown:
`src/flight_delay/bundle.py: load`. Beside these there may be drawings, and no other block.
"""

import contextlib
import os
import re
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from lesson_pages import PROJECT, Block, read_blocks
from listings import listed

EXIT_CODE = re.compile(r"exit code (\d+)")
MARK = "end-of-block-"
DRAWING = "mermaid"
DATA = {"json", "toml", "yaml", "dockerfile", "makefile", "ini", "html", "text", "nginx", "promql"}
"""Languages of files that a page may show by their lines."""
# The first command of a block that fails decides, as it would for a learner who stops there.
RUN = """__first=0; trap '__code=$?; [ $__first -ne 0 ] || __first=$__code' ERR
eval {block} < /dev/null
trap - ERR; printf '\\n{mark}%s %s\\n' "$__first" "$PWD"
"""


class Shell:
    """One bash whose state lasts from block to block, and with whose group it all ends."""

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
        self._input = cast("IO[bytes]", self._process.stdin)
        self._output = cast("IO[bytes]", self._process.stdout)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End bash and what it started; a lab of the course has sessions, and ends, of its own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()

    def run(self, block: Block, seconds: float) -> str:
        """Run a block and return what it printed; note the folder in which it left the shell."""
        mark = f"{MARK}{time.monotonic_ns()} "
        command = RUN.format(block=shlex.quote(block.text), mark=mark)
        self._input.write(command.encode())
        self._input.flush()
        printed = self._read(block, mark, seconds)
        output, _, end = printed.rpartition(f"\n{mark}")
        # What runs in the background may have printed since.
        code, _, folder = end.partition("\n")[0].partition(" ")
        self.folder = Path(folder)
        expected = EXIT_CODE.fullmatch(block.title)
        if int(code) != (int(expected[1]) if expected else 0):
            message = f"this ended with exit code {code}"
            raise block.error(message, ("command", block.text), ("output", output))
        return output

    def _read(self, block: Block, mark: str, seconds: float) -> str:
        deadline = time.monotonic() + seconds
        printed = b""
        while f"\n{mark}".encode() not in printed or not printed.endswith(b"\n"):
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self._output], [], [], left)[0]
            data = os.read(self._output.fileno(), 65536) if ready else b""
            if not data:
                happened = "the shell ended here" if ready else f"this took over {seconds:g} s"
                shown = printed.decode(errors="replace")
                raise block.error(happened, ("command", block.text), ("output", shown))
            printed += data
        return printed.decode(errors="replace")


def run_pages(
    pages: list[Path],
    folder: Path,
    environment: Mapping[str, str],
    seconds: float = 300,
    project: Path = PROJECT,
) -> dict[Path, float]:
    """Run every block of the pages, in order, in one shell that starts in `folder`.

    It prints the name of each page as it begins, and its seconds when it is done.

    Returns:
        The seconds that each page took.

    Raises:
        LessonError: at the first block that does not do what its page says.
    """
    taken: dict[Path, float] = {}
    with Shell(folder, environment) as shell:
        for page in pages:
            print(f"{page.stem:28}", end="", flush=True)
            begun = time.monotonic()
            run_page(page, shell, seconds, project)
            taken[page] = time.monotonic() - begun
            print(f"{taken[page]:6.1f} s", flush=True)
    return taken


def run_page(page: Path, shell: Shell, seconds: float, project: Path) -> None:
    """Run the blocks of a page."""
    output = ""
    for block in read_blocks(page):
        if block.not_run or block.language == DRAWING:
            continue
        if block.language == "bash":
            output = shell.run(block, seconds)
        elif is_output(block):
            check_output(block, output)
        else:
            check_listing(block, shell.folder, project)


def is_output(block: Block) -> bool:
    """Tell whether a block shows what the block above it printed."""
    above = block.follows.language if block.follows else ""
    run = above == "bash" and block.follows is not None and not block.follows.not_run
    return block.language in {"text", "json"} and not block.title and run


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
        command = ("command", block.follows.text if block.follows else "")
        message = "the output is not what the page shows"
        raise block.error(message, command, ("expected", block.text), ("actual", printed))


def check_listing(block: Block, folder: Path, project: Path = PROJECT) -> None:
    """Compare a listing with the file, or the symbol of a file, that its title names.

    Code is included from the template, so what counts is that a project has the same; other files
    are shown by their lines.
    """
    if block.language == "python":
        shown = listed(block, project)
        if (folder / block.title.partition(": ")[0]).is_file():
            source = listed(block, folder)
            if source != shown:
                message = f"{block.title} of the project is not that of the template"
                raise block.error(message, ("template", shown), ("project", source))
        return
    if block.language not in DATA or not block.title:
        message = f"nothing runs or checks this block ({block.language or 'no language'})"
        raise block.error(message, ("block", block.text))
    path = folder / block.title
    if not path.is_file():
        message = f"there is no file {block.title}"
        raise block.error(message)
    if f"\n{block.text}\n" not in f"\n{path.read_text(encoding='utf-8')}\n":
        message = f"the listing is not in {block.title} as it is now"
        raise block.error(message, ("expected", block.text))
