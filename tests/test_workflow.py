"""The generated project's workflow does what `make` does, and all of it passes."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from answers import PROJECT, TEMPLATE
from shell import run

slow = pytest.mark.slow

FILE = Path(".github/workflows/ci.yml")
# What only GitHub can run. Both have a counterpart here: the project is there, and so is uv.
ONLY_ON_GITHUB = {"actions/checkout", "astral-sh/setup-uv"}


def workflow() -> dict[str, Any]:
    """Return the workflow of the template; it holds no tag, so a project has the same."""
    text = (TEMPLATE / PROJECT / FILE).read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def matrices(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the values of a job's matrix, a run of the job each; one empty one without a matrix."""
    matrix = job.get("strategy", {}).get("matrix", {})
    assert not {"include", "exclude"} & set(matrix), "not understood here"
    for values in itertools.product(*matrix.values()):
        yield dict(zip(matrix, values, strict=True))


def commands(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each `run:` in order, with what stands for expressions filled in, and its environment.

    A condition or an expression that cannot be known here is an error: nothing is left out.
    """
    for job in content["jobs"].values():
        for matrix in matrices(job):
            for step in job["steps"]:
                assert not {"if", "continue-on-error", "shell", "working-directory"} & set(step)
                environment = {
                    name: str(value)
                    for place in (content, job, step)
                    for name, value in place.get("env", {}).items()
                }
                known = {f"matrix.{name}": str(value) for name, value in matrix.items()}
                known |= {f"env.{name}": value for name, value in environment.items()}
                if "run" in step:
                    filled = {name: fill(value, known) for name, value in environment.items()}
                    yield fill(step["run"], known), filled


def fill(text: str, known: dict[str, str]) -> str:
    """Replace the expressions in a text; KeyError for one that only GitHub knows."""
    return re.sub(r"\$\{\{\s*(.+?)\s*\}\}", lambda found: known[found[1]], text)


def test_the_workflow_runs_make_check_and_make_test_and_nothing_else() -> None:
    assert list(commands(workflow())) == [("make check", {}), ("make test", {})]


def test_nothing_else_in_the_workflow_needs_github() -> None:
    steps = [step for job in workflow()["jobs"].values() for step in job["steps"]]
    uses = {step["uses"].partition("@")[0] for step in steps if "uses" in step}
    assert uses == ONLY_ON_GITHUB
    assert all(("uses" in step) != ("run" in step) for step in steps)


def test_matrix_and_environment_reach_every_command() -> None:
    step = {"run": "pytest -p ${{ matrix.python }} ${{env.WHERE}}", "env": {"DEEP": 1}}
    job = {"strategy": {"matrix": {"python": [3.11, "3.12"]}}, "steps": [{"uses": "x"}, step]}
    content = {"env": {"WHERE": "tests"}, "jobs": {"test": job}}
    everywhere = {"WHERE": "tests", "DEEP": "1"}
    assert list(commands(content)) == [
        ("pytest -p 3.11 tests", everywhere),
        ("pytest -p 3.12 tests", everywhere),
    ]
    for unknown in ({"run": "echo ${{ github.sha }}"}, {"run": "false", "if": "failure()"}):
        with pytest.raises((KeyError, AssertionError)):
            list(commands({"jobs": {"test": {"steps": [unknown]}}}))


@pytest.fixture(scope="module")
def said(project: Path) -> dict[str, str]:
    """Run the workflow as GitHub would, in an installed project; return what each command said."""
    content = workflow()
    assert yaml.safe_load((project / FILE).read_text(encoding="utf-8")) == content
    return {
        command: run(command, project, seconds=1800, **environment).stdout
        for command, environment in commands(content)
    }


@slow
def test_a_new_project_is_clean_formatted_and_typed(said: dict[str, str]) -> None:
    checked = said["make check"]
    assert "All checks passed!" in checked
    formatted = re.search(r"^(\d+) files already formatted$", checked, re.MULTILINE)
    typed = re.search(r"^Success: no issues found in (\d+) source files$", checked, re.MULTILINE)
    for found in (formatted, typed):
        assert found is not None, checked
        assert int(found[1]) > 80


@slow
def test_every_test_of_a_new_project_passes_and_none_is_skipped(said: dict[str, str]) -> None:
    # Any other outcome would stand in the same line: "1 skipped", "2 xfailed", "3 warnings".
    summary = re.search(r"^=+ (\d+) passed in .+ =+$", said["make test"], re.MULTILINE)
    assert summary is not None, said["make test"][-2000:]
    assert int(summary[1]) > 300


@slow
def test_the_tests_of_a_new_project_cover_it(said: dict[str, str]) -> None:
    total = re.search(
        r"^TOTAL +(?P<statements>\d+) .* (?P<percent>\d+)%$", said["make test"], re.MULTILINE
    )
    assert total is not None, said["make test"][-2000:]
    assert int(total["statements"]) > 1500
    assert int(total["percent"]) >= 90
