"""The workflow of every push: what it runs, in order, on a generated project, and all of it passes.

Its job `model` is in test_model_workflow.py, and its job `image` in test_image_workflow.py.
"""

import json
import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from actions import Runner, fill, only, runs, uses, workflow
from answers import QUESTIONS, generate
from shell import run
from test_interpreters import interpreter

slow = pytest.mark.slow

CI = workflow("ci.yml")
LIST = "List the versions of Python to test, from the oldest that is supported"
# What only GitHub can run: the files, uv, and a place for the picture have a counterpart here.
ONLY_ON_GITHUB = {"actions/checkout", "astral-sh/setup-uv", "actions/upload-artifact"}
OLDEST, *NEWER = QUESTIONS["python_version"]


def test_every_command_of_every_job_is_run_by_a_test() -> None:
    assert {name: len(runs(CI, name)) for name in CI["jobs"]} == {
        "check": 2,
        "test": 1,
        "image": 5,
        "model": 3,
    }
    assert uses(CI) == ONLY_ON_GITHUB


def listed(project: Path, scratch: Path) -> list[str]:
    """Return the versions that the tests would run on."""
    runner = Runner(project, scratch)
    runner.passes(only(CI, "check", LIST), "check")
    versions: list[str] = json.loads(
        fill(CI["jobs"]["test"]["strategy"]["matrix"]["python"], known_as_json(runner))
    )
    return versions


def known_as_json(runner: Runner) -> dict[str, str]:
    """Return what a job knows of the jobs before it, in the words of the matrix."""
    return {f"fromJSON({name})": value for name, value in runner.known.items()}


@pytest.mark.parametrize("oldest", QUESTIONS["python_version"])
def test_the_tests_run_on_every_python_that_the_project_supports(
    oldest: str, tmp_path: Path
) -> None:
    project = generate(tmp_path, python_version=oldest)
    every = [OLDEST, *NEWER]
    assert listed(project, tmp_path) == every[every.index(oldest) :]


@pytest.mark.parametrize("line", ['requires-python = ">=3.12,<4"', ""])
def test_an_oldest_python_that_cannot_be_read_is_no_silent_success(
    line: str, tmp_path: Path
) -> None:
    project = generate(tmp_path)
    settings = project / "pyproject.toml"
    text, count = re.subn("(?m)^requires-python = .*$", line, settings.read_text(encoding="utf-8"))
    assert count == 1
    settings.write_text(text, encoding="utf-8")
    runner = Runner(project, tmp_path)
    runner.job(only(CI, "check", LIST), "check")
    assert runner.failed
    assert "is not in pyproject.toml" in runner.said[LIST].stderr


@pytest.fixture(scope="module")
def runner(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Run the workflow as GitHub would, in an installed project, on the oldest Python."""
    copied = (project / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(copied) == CI
    runner = Runner(project, tmp_path_factory.mktemp("ci"), known={"matrix.python": OLDEST})
    for job in ("check", "test"):
        runner.passes(CI, job, seconds=1800)
    return runner


@slow
def test_a_new_project_is_clean_formatted_and_typed(runner: Runner) -> None:
    checked = runner.said["Check"].stdout
    assert "All checks passed!" in checked
    formatted = re.search(r"^(\d+) files already formatted$", checked, re.MULTILINE)
    typed = re.search(r"^Success: no issues found in (\d+) source files$", checked, re.MULTILINE)
    for found in (formatted, typed):
        assert found is not None, checked
        assert int(found[1]) > 80


@slow
def test_every_test_of_a_new_project_passes_and_none_is_skipped(runner: Runner) -> None:
    # Any other outcome would stand in the same line: "1 skipped", "2 xfailed", "3 warnings".
    said = runner.said["Test"].stdout
    summary = re.search(r"^=+ (\d+) passed in .+ =+$", said, re.MULTILINE)
    assert summary is not None, said[-2000:]
    assert int(summary[1]) > 300


@slow
def test_the_tests_of_a_new_project_cover_it(runner: Runner) -> None:
    said = runner.said["Test"].stdout
    total = re.search(r"^TOTAL +(?P<statements>\d+) .* (?P<percent>\d+)%$", said, re.MULTILINE)
    assert total is not None, said[-2000:]
    assert int(total["statements"]) > 1500
    assert int(total["percent"]) >= 90


@slow
def test_the_newest_leg_installs_and_finds_every_test(tmp_path: Path) -> None:
    """The suite takes ten minutes and is run once, so here it is only imported and collected."""
    interpreter(NEWER[-1])
    runner = Runner(generate(tmp_path), tmp_path, known={"matrix.python": NEWER[-1]})
    runner.variables["PYTEST_ADDOPTS"] = "--collect-only --quiet --quiet --cov-fail-under=0"
    runner.passes(CI, "test")
    found = re.findall(r"^tests/\S+\.py: (\d+)$", runner.said["Test"].stdout, re.MULTILINE)
    assert sum(map(int, found)) > 300
    python = runner.folder / ".venv/bin/python"
    assert run(f"{python} --version", tmp_path).stdout.startswith(f"Python {NEWER[-1]}.")
