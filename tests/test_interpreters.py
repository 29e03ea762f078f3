"""Every version of Python that may be asked for makes the same project, and can work in it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from answers import QUESTIONS, TEMPLATE, generate, tree
from machine import require
from shell import environment, run

slow = pytest.mark.slow

# The tests of the workflow run everything on the first one.
OLDEST, *NEWER = QUESTIONS["python_version"]
# A folder that is trained in, or a notebook that is run, costs a minute and says nothing new.
HEAVY = re.compile(r"\b(?:trained|windows|project): |NotebookClient|run_train")


def interpreter(version: str) -> Path:
    """Return the path of an interpreter that works; a shim of pyenv may be there and not work."""
    found = subprocess.run(
        ["uv", "python", "find", "--no-project", "--no-python-downloads", "--system", version],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    path = found.stdout.strip() if found.returncode == 0 else f"Python {version}"
    return require(path, f"pyenv install {version}, or uv python install {version}")


def test_an_interpreter_that_is_absent_is_named_and_in_ci_it_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for ci, outcome in (("", pytest.skip.Exception), ("true", pytest.fail.Exception)):
        monkeypatch.setenv("CI", ci)
        with pytest.raises(outcome, match=r"Python 3\.99 is not on this machine: .*install 3\.99"):
            interpreter("3.99")


@pytest.mark.parametrize("version", QUESTIONS["python_version"])
def test_a_project_for_any_python_is_clean_when_it_is_new(version: str, tmp_path: Path) -> None:
    project = generate(tmp_path, python_version=version)
    run("ruff check --no-cache && ruff format --no-cache --check", project)


@slow
@pytest.mark.parametrize("version", QUESTIONS["python_version"])
def test_the_hooks_make_the_same_project_on_every_interpreter(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    (tmp_path / "settings.yaml").write_text(
        f"cookiecutters_dir: {tmp_path / 'cloned'}\nreplay_dir: {tmp_path / 'replay'}\n"
    )
    there = tmp_path / "there"
    there.mkdir()
    answers = f"package_name=late_trains python_version={version} license=BSD-3-Clause"
    cookiecutter = f"--config-file {tmp_path / 'settings.yaml'} --no-input --output-dir {there} ."
    isolated = f"uv run --quiet --isolated --no-default-groups --python {python}"
    said = run(f"{isolated} python --version", TEMPLATE).stdout
    assert said.startswith(f"Python {version}.")
    run(f"{isolated} cookiecutter {cookiecutter} {answers}", TEMPLATE)
    asked: dict[str, Any] = dict(pair.split("=") for pair in answers.split())
    assert tree(there / "flight-delay") == tree(generate(tmp_path / "here", **asked))


@slow
@pytest.mark.parametrize("version", NEWER)
def test_a_project_for_a_newer_python_works_on_it(version: str, tmp_path: Path) -> None:
    interpreter(version)
    project = generate(tmp_path, python_version=version)
    run("make setup", project)
    said = run("uv run --no-sync python --version", project).stdout
    assert said.startswith(f"Python {version}.")
    light = [
        path.relative_to(project).as_posix()
        for folder in ("unit", "contract")
        for path in sorted((project / "tests" / folder).glob("test_*.py"))
        if not HEAVY.search(path.read_text(encoding="utf-8"))
    ]
    assert len(light) > 10
    passed = run(f"uv run --no-sync pytest {' '.join(light)}", project).stdout
    summary = re.search(r"^=+ (\d+) passed in .+ =+$", passed, re.MULTILINE)
    assert summary is not None, passed[-2000:]
    assert int(summary[1]) > 200
    # mypy takes half a minute without its cache, so what lies between oldest and newest is spared.
    if version == NEWER[-1]:
        assert "Success: no issues found" in run("make check", project).stdout
    shutil.rmtree(project)
