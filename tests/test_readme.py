"""The README of a generated project knows the project."""

import re
from pathlib import Path

import pytest
from answers import QUESTIONS, TEMPLATE, generate

MAPPED = ("src", "notebooks")


@pytest.fixture(scope="module", params=QUESTIONS["platforms"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("readme"), platforms=request.param)


def mapped(readme: str) -> list[str]:
    """Return the paths of the table that has every file in a line."""
    table = readme.split("## Every file in a line")[1].split("\n## ", maxsplit=1)[0]
    return [
        path
        for line in table.splitlines()
        if line.startswith("| `")
        for path in re.findall(r"`([^`]+)`", line.split(" | ")[0])
    ]


def test_the_map_has_every_module_once_and_nothing_that_is_not_there(project: Path) -> None:
    paths = mapped((project / "README.md").read_text("utf-8"))
    modules = [
        path.relative_to(project).as_posix()
        for folder in MAPPED
        for path in (project / folder).rglob("*.*")
        if path.suffix in {".py", ".ipynb"} and not path.name.startswith("__")
    ]
    assert sorted(path for path in paths if path.startswith(MAPPED)) == sorted(modules)
    others = [path for path in paths if not path.startswith(MAPPED)]
    places = [(project / path, project / "tests" / path) for path in others]
    assert [pair for pair in places if not any(path.exists() for path in pair)] == []


def test_every_target_it_names_is_in_the_makefile(project: Path) -> None:
    makefile = (project / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    readme = (project / "README.md").read_text("utf-8")
    code = "\n".join(re.findall(r"`[^`\n]+`|^make .*", readme, re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", code))
    assert len(named) > 8
    assert named <= targets


@pytest.mark.parametrize("folder", ["template", "project"])
def test_links_and_pictures_are_there(folder: str, project: Path) -> None:
    path = {"template": TEMPLATE, "project": project}[folder] / "README.md"
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8"))
    assert links
    assert [link for link in links if ":" not in link and not (path.parent / link).exists()] == []
