"""The page on workflows knows each of them, and everything that has to be set for them."""

import re
from pathlib import Path

import pytest
import test_deploy_workflow
import test_release_workflow
import test_security_workflow
from answers import generate


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("docs"), platforms="kubernetes")


def first_cells(project: Path, head: str) -> set[str]:
    """Return what stands in code in the first column of a table of the page."""
    page = (project / "docs/workflows.md").read_text(encoding="utf-8")
    table = page.partition(f"| {head} |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


def test_every_workflow_is_on_the_page(project: Path) -> None:
    files = {path.name for path in (project / ".github/workflows").iterdir()}
    assert len(files) == 5
    assert first_cells(project, "workflow") == files


def test_every_secret_and_variable_is_on_the_page(project: Path) -> None:
    text = "".join(
        path.read_text(encoding="utf-8") for path in (project / ".github/workflows").iterdir()
    )
    used = set(re.findall(r"\b(?:secrets|vars)\.(\w+)", text))
    assert len(used) == 7
    assert first_cells(project, "name") - {"on", "off"} == used


def test_every_step_that_was_not_run_is_on_the_page(project: Path) -> None:
    page = (project / "docs/workflows.md").read_text(encoding="utf-8")
    table = page.partition("| step | of | needs |")[2].partition("\n\n")[0].splitlines()[2:]
    named = {tuple(line.split(" | ")[:2]) for line in table}
    not_run = {
        (f"| {step}", f"`{file}.yml`")
        for file, test in {
            "deploy": test_deploy_workflow,
            "release": test_release_workflow,
            "security": test_security_workflow,
        }.items()
        for step in test.ELSEWHERE
    }
    assert named == not_run


def test_no_workflow_names_an_owner_or_the_project(project: Path) -> None:
    for path in sorted((project / ".github").rglob("*.yml")):
        text = path.read_text(encoding="utf-8")
        assert not re.search("your-username|flight-delay", text), path
