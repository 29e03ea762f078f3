"""An owner takes over the next version of the template: their edits stay, and conflicts are small.

The previous release lies beside this file, as `git archive` packed it, so that a clone needs no
history and no tags. The next one is the template as it stands. cruft does the update, as
docs/updating.md of a project says.
"""

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from answers import PROJECT, TEMPLATE, generate, tree
from person import PERSON
from shell import environment, run

pytestmark = pytest.mark.slow

PAGE = (TEMPLATE / PROJECT / "docs/updating.md").read_text(encoding="utf-8")
PREVIOUS = Path(__file__).with_name("previous_release.tar.xz")
"""Made when the version is raised, as CONTRIBUTING.md says."""
# What an owner changes: file, what stood there, and what stands there now.
EDITS = [
    (
        "src/flight_delay/settings.py",
        "retrain_every_days: int = Field(default=30",
        "retrain_every_days: int = Field(default=45",
    ),
    (
        "src/flight_delay/contract.py",
        '"Speed of gusts", "mph", 0, 200,',
        '"Speed of gusts there", "mph", 0, 150,',
    ),
    (
        "README.md",
        "A model that is trained, tested, registered, served and measured",
        "Ours, which the night shift looks after: trained, tested, served and measured",
    ),
    ("Makefile", "PORT ?= 8000", "PORT ?= 8080"),
    (".github/workflows/ci.yml", "branches: [main]", "branches: [main, next]"),
    (".gitignore", "/data/", "/data/\n/secrets/"),
]
OWN_FILES = {
    "src/flight_delay/airlines.py": '"""Airlines of ours."""\n\nOURS = ("UA", "DL")\n',
    ".github/workflows/spelling.yml": "name: Spelling\non: push\njobs: {}\n",
    "docs/night-shift.md": "# Night shift\n\nCall Ann.\n",
}
# The template adds a dependency in the same place, and has written most of the other file anew.
COLLISIONS = [
    (
        "pyproject.toml",
        '  "fastapi-offline>=1.7.7,<1.8",\n',
        '  "fastapi-offline>=1.7.7,<1.8",\n  "boto3>=1.40,<2",\n',
    ),
    (
        "Dockerfile",
        "    PYTHONUNBUFFERED=1\n",
        "    PYTHONUNBUFFERED=1 \\\n    TZ=America/New_York\n",
    ),
]
LARGEST_CONFLICTS = {"pyproject.toml": 10, "Dockerfile": 25}
"""Lines of both sides together."""


def on_the_page(pattern: str) -> str:
    """Return what the page says in the one place that fits a pattern."""
    (found,) = re.findall(pattern, PAGE)
    return str(found)


def git(*arguments: str, folder: Path = TEMPLATE) -> str:
    """Run git as somebody whose machine knows nothing of them, and return what it printed."""
    command = ["git", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(**PERSON), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def cruft(*arguments: str, folder: Path) -> str:
    """Run cruft, whose own git works in the name of the owner."""
    program = Path(sys.executable).with_name("cruft")
    return run(f"{program} {' '.join(arguments)}", folder, **PERSON).stdout


def version(text: str) -> str:
    found: str = tomllib.loads(text)["project"]["version"]
    return found


def changelog() -> list[str]:
    """Return the sections of the changelog, newest first."""
    return (TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1:]


@dataclass(frozen=True)
class Versions:
    """A repository of the template, the commit of the previous release, and that of the next."""

    repository: Path
    previous: str
    following: str


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """Commit both releases in a repository of their own."""
    place = tmp_path_factory.mktemp("versions")
    repository = place / "template"
    repository.mkdir()
    git("init", "--quiet", folder=repository)
    with tarfile.open(PREVIOUS) as archive:
        archive.extractall(repository, filter="data")
    previous = commit(repository, "The release before")
    git("rm", "-r", "--quiet", ".", folder=repository)
    for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if (TEMPLATE / name).is_file():
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TEMPLATE / name, repository / name)
    yield Versions(repository, previous, commit(repository, "As it stands"))
    shutil.rmtree(place)


def edit(project: Path, file: str, old: str, new: str) -> None:
    text = (project / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is not once in {file}"
    (project / file).write_text(text.replace(old, new), encoding="utf-8")


def owned(versions: Versions, place: Path) -> Path:
    """Make a project of the previous release, as its owner has it: committed, edited, committed."""
    cruft(
        "create",
        str(versions.repository),
        "--no-input",
        "--checkout",
        versions.previous,
        folder=place,
    )
    project = place / "flight-delay"
    # It was the newest then, and the owner did not ask for it by its name.
    settings = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    (project / ".cruft.json").write_text(json.dumps(settings | {"checkout": None}), "utf-8")
    git("init", "--quiet", folder=project)
    commit(project, "From the template")
    for file, old, new in EDITS:
        edit(project, file, old, new)
    for file, content in OWN_FILES.items():
        (project / file).write_text(content, encoding="utf-8")
    commit(project, "Ours")
    return project


def commit(folder: Path, message: str) -> str:
    """Commit everything in a folder; return the commit."""
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message", message, folder=folder)
    return git("rev-parse", "HEAD", folder=folder)


def changed(project: Path) -> set[str]:
    """Return the files that differ from the last commit, new ones too."""
    lines = git("status", "--porcelain", "--untracked-files=all", folder=project).splitlines()
    return {line.split(maxsplit=1)[1] for line in lines}


def conflicts(project: Path) -> set[str]:
    """Return the files with a conflict, as the page says that they are found."""
    return set(git(*on_the_page(r"(?m)^git (diff .+?) +#").split(), folder=project).split())


def differing(versions: Versions, place: Path) -> set[str]:
    """Return the files in which new projects of the two versions differ."""
    contents = []
    for number in (versions.previous, versions.following):
        git("checkout", "--quiet", number, folder=versions.repository)
        made = generate(place / number, template=versions.repository)
        contents.append({path: one for path, one in tree(made).items() if (made / path).is_file()})
    before, after = contents
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def test_edits_stay_and_what_changed_is_what_the_template_changed(
    versions: Versions, project: Path, tmp_path: Path
) -> None:
    mine = owned(versions, tmp_path)
    cruft("update", "--skip-apply-ask", folder=mine)
    assert conflicts(mine) == set()
    assert list(mine.rglob("*.rej")) == []
    for file, _, new in EDITS:
        assert new in (mine / file).read_text(encoding="utf-8")
    for file, content in OWN_FILES.items():
        assert (mine / file).read_text(encoding="utf-8") == content
    assert changed(mine) == differing(versions, tmp_path) | {".cruft.json"}
    assert json.loads((mine / ".cruft.json").read_text("utf-8"))["commit"] == versions.following
    commit(mine, "The template's next version")
    assert "up to date" in cruft("check", folder=mine)

    # Of `make check` and `make test` a part, with the packages of another project.
    python = project / ".venv/bin/python"
    run("ruff check --no-cache && ruff format --no-cache --check", mine)
    tests = "tests/contract/test_contract.py tests/unit/test_told.py tests/unit/test_github.py"
    run(f"{python} -m pytest -q {tests}", mine, PYTHONPATH=str(mine / "src"))


def test_conflicts_are_small_and_end_as_the_page_says(versions: Versions, tmp_path: Path) -> None:
    mine = owned(versions, tmp_path)
    for collision in COLLISIONS:
        edit(mine, *collision)
    (mine / "docs/runbook.md").unlink()
    commit(mine, "A dependency and a time zone of ours, and no runbook")
    cruft("update", "--skip-apply-ask", folder=mine)
    assert conflicts(mine) == set(LARGEST_CONFLICTS)
    assert not (mine / "docs/runbook.md").exists()
    for file, most in LARGEST_CONFLICTS.items():
        pairs = sides(mine / file)
        assert 0 < sum(len(part.splitlines()) for pair in pairs for part in pair) < most
        assert any(("boto3" in ours) or ("TZ=" in ours) for ours, _ in pairs)
    example = on_the_page(r"(?s)```text\n(.+?)```")
    assert example in (mine / "pyproject.toml").read_text(encoding="utf-8")

    # A list: both lines are wanted, so the marks alone go.
    listing = mine / "pyproject.toml"
    text = re.sub(r"(?m)^(<<<<<<<|=======|>>>>>>>).*\n", "", listing.read_text(encoding="utf-8"))
    listing.write_text(text, encoding="utf-8")
    # A file that was written anew: theirs, and the edit once more.
    git(*on_the_page("`git (checkout .+)`").split(), folder=mine)
    edit(mine, *COLLISIONS[1])
    commit(mine, "The template's next version")
    assert "boto3" in run("uv lock && cat uv.lock", mine).stdout
    git("checkout", "--quiet", versions.following, folder=versions.repository)
    new = generate(tmp_path / "new", template=versions.repository)
    edit(new, *COLLISIONS[1])
    assert (mine / "Dockerfile").read_bytes() == (new / "Dockerfile").read_bytes()


def sides(file: Path) -> list[tuple[str, str]]:
    """Return what is ours and what is theirs in each conflict of a file."""
    pattern = r"(?ms)^<<<<<<< ours\n(.*?)^=======\n(.*?)^>>>>>>> theirs\n"
    return re.findall(pattern, file.read_text(encoding="utf-8"))


def test_a_choice_of_the_next_version_can_be_made_afterwards(
    versions: Versions, tmp_path: Path
) -> None:
    mine = owned(versions, tmp_path)
    cruft("update", "--skip-apply-ask", folder=mine)
    assert not (mine / "deploy/kubernetes").exists()
    commit(mine, "The template's next version")
    cruft(on_the_page("uvx cruft (update .+)"), "--skip-apply-ask", folder=mine)
    assert (mine / "deploy/kubernetes/base/deployment.yaml").is_file()
    assert (mine / ".github/workflows/deploy.yml").is_file()


def test_the_page_names_every_file_that_was_edited_here_and_no_other() -> None:
    tested = on_the_page(r"(?s)is tested so, over a\nproject with (.+?): no conflict")
    assert re.findall("`(.+?)`", tested) == [Path(file).name for file, *_ in EDITS]


def test_the_previous_release_is_the_one_before_this_in_the_changelog() -> None:
    here = version((TEMPLATE / "pyproject.toml").read_text(encoding="utf-8"))
    with tarfile.open(PREVIOUS) as archive:
        settings = archive.extractfile("pyproject.toml")
        assert settings is not None
        before = version(settings.read().decode())
    assert [section.splitlines()[0] for section in changelog()[:2]] == [here, before]
    assert "What an owner must do" in changelog()[0]


def test_the_previous_release_is_what_was_committed_then(tmp_path: Path) -> None:
    """The archive names its commit; whether it is that can be seen where the history reaches it."""
    with tarfile.open(PREVIOUS) as archive:
        released = archive.pax_headers["comment"]
        archive.extractall(tmp_path / "kept", filter="data")
        paths = sorted({name.partition("/")[0] for name in archive.getnames()})
    command = ["git", "cat-file", "-e", f"{released}^{{commit}}"]
    if subprocess.run(command, cwd=TEMPLATE, capture_output=True, check=False).returncode:
        pytest.skip("this clone is shallow: git fetch --unshallow")
    git("archive", "--output", str(tmp_path / "then.tar"), released, *paths)
    with tarfile.open(tmp_path / "then.tar") as archive:
        archive.extractall(tmp_path / "then", filter="data")
    assert tree(tmp_path / "kept") == tree(tmp_path / "then")
