"""Go through the course as a learner would, on a fresh copy of this repository, and note it.

    make lessons                    all pages, in order; a page's foot then says when and how long
    make lessons PAGE=latency.md    one page again, on the machine that the last run left

The copy is made in build/learner, the pages say where things go inside, and a page that does not do
what it shows ends the run with its name and line.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from lesson_pages import LESSONS, TEMPLATE, LessonError, read_blocks, read_course
from lesson_runner import run_pages
from newest import COPIED
from person import PERSON

INDEX = LESSONS / "index.md"
FEET = LESSONS / "foot"
PROJECT = Path("build/lesson/flight-delay")
"""Where the first lesson generates the project, below the folder of Slipway."""
EDITION = Path("build/lesson/flight-delay-course")
"""Where the third lesson puts the course edition."""
SHOWN = ("scikit-learn", "onnxruntime", "mlflow", "fastapi", "polars")

# What a new terminal of a learner has, and how many threads this machine allows; all else is of
# this run.
KEPT = re.compile(
    r"HOME|USER|LOGNAME|LANG|LC_\w+|TERM|TMPDIR|(UV|PIP|PYENV|SSL|OMP|npm)_\w+|\w+_(proxy|PROXY)"
)


def learner() -> dict[str, str]:
    """Return a learner's environment: not this run's own, and uv where the Makefile finds it."""
    own = Path(sys.prefix) / "bin"
    uv = shutil.which("uv") or str(TEMPLATE / "build/tools/bin/uv")
    path = [part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != own]
    kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    return kept | PERSON | {"PATH": os.pathsep.join([str(Path(uv).parent), *path])}


def reopen_exercises(page: Path, edition: Path) -> None:
    """Let the exercises of a page be as they were before a learner came to it."""
    for described in (edition / "course" / "exercises").glob("*.toml"):
        lesson = tomllib.loads(described.read_text(encoding="utf-8"))["lesson"]
        if lesson == page.stem:
            subprocess.run([edition / ".venv/bin/course", "reset", described.stem], check=True)


def write_feet(taken: dict[Path, float], project: Path) -> None:
    """Write what the foot of each page says of this run."""
    printed = f"json.dumps([python_version(), {{name: version(name) for name in {SHOWN}}}])"
    command = (
        "import json; from importlib.metadata import version; from platform import python_version; "
        f"print({printed})"
    )
    asked = subprocess.run(
        [project / ".venv/bin/python", "-c", command], capture_output=True, text=True, check=True
    )
    python, packages = json.loads(asked.stdout)
    versions = ", ".join(f"{name} {number}" for name, number in packages.items())
    today = f"{datetime.now(UTC):%d %B %Y}".lstrip("0")
    FEET.mkdir(exist_ok=True)
    for page, seconds in taken.items():
        if page == INDEX:  # it runs nothing
            continue
        some = any(block.not_run for block in read_blocks(page))
        left_out = ", except those marked as not run," if some else ""
        (FEET / page.name).write_text(
            f"Every command on this page{left_out} ran on {today} in {seconds:.0f} seconds, with "
            f"Python {python}, {versions}.\n{{ .foot }}\n",
            encoding="utf-8",
        )


def main() -> None:
    """Run all pages, or those named; exit code 1 with page and line when one says what is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dest", type=Path, help="folder of the learner's machine")
    parser.add_argument("page", nargs="*", help="pages to run again, such as latency.md")
    parser.add_argument("--feet", action="store_true", help="write what the foot of a page says")
    asked = parser.parse_args()
    machine = asked.dest.resolve() / "slipway"
    pages = [INDEX, *(lesson.page for lesson in read_course())]
    if asked.page:
        chosen = [page for page in pages if page.name in asked.page]
        start = machine / PROJECT
        if not start.is_dir() or len(chosen) != len(asked.page):
            sys.exit(f"run `make lessons` first, and name pages of: {[one.name for one in pages]}")
        for page in chosen:
            reopen_exercises(page, machine / EDITION)
    else:
        shutil.rmtree(machine, ignore_errors=True)
        chosen, start = pages, shutil.copytree(TEMPLATE, machine, ignore=COPIED)
    try:
        taken = run_pages(
            chosen, start, learner(), project=machine / "{{cookiecutter.project_slug}}"
        )
    except LessonError as error:
        sys.exit(f"\n{error}")
    if asked.feet:
        write_feet(taken, machine / PROJECT)
    print(f"{len(taken)} pages in {sum(taken.values()):.0f} s")


if __name__ == "__main__":
    main()
