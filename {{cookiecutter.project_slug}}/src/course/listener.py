"""A plugin of pytest that writes down, one line of JSON each, what failed and where.

It runs within the tests of a check, which load it with `-p course.listener`.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

FILE = "COURSE_OUTCOMES"
"""The variable that names the file."""
WIDEST = 200
"""Characters of a line that are kept: a table in an assertion is one line of thousands."""


def pytest_configure() -> None:
    """Let Hypothesis find the smallest example, and leave out what no check shows.

    Its search for an explanation takes several times as long as all the rest.
    """
    from hypothesis import Phase, settings  # noqa: PLC0415 - the command itself does without

    shown = [phase for phase in Phase if phase is not Phase.explain]
    settings.register_profile("course", phases=shown)
    settings.load_profile("course")


def pytest_runtest_logreport(report: "pytest.TestReport") -> None:
    """Write the outcome of a test, and of preparing one that could not be prepared."""
    if report.when == "call" or report.failed:
        _write(report.nodeid, str(report.when), report)


def pytest_collectreport(report: "pytest.CollectReport") -> None:
    """Write that a file of tests could not be read."""
    if report.failed:
        _write(report.nodeid, "collect", report)


def _write(test: str, when: str, report: Any) -> None:  # noqa: ANN401 - two kinds of report
    crash = getattr(report.longrepr, "reprcrash", None)
    outcome = {
        "test": test,
        "when": when,
        "passed": report.passed,
        "file": crash.path if crash else "",
        "line": crash.lineno if crash else 0,
        "said": _cut(crash.message if crash else str(report.longrepr or "")),
    }
    with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(outcome)}\n")


def _cut(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(f"{line[:WIDEST]} ..." if len(line) > WIDEST else line for line in lines)
