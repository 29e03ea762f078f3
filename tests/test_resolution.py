"""One date pins the world: who resolves, and when, makes no difference; the date does."""

import re
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from answers import generate
from shell import environment, run

pytestmark = pytest.mark.slow

Lock = dict[str, Any]


def read(folder: Path, name: str = "uv.lock") -> dict[str, Any]:
    return tomllib.loads((folder / name).read_text(encoding="utf-8"))


def resolve(folder: Path) -> Lock:
    """Generate into a folder of its own and resolve there, without a lock to start from."""
    folder.mkdir()
    project = generate(folder)
    run("uv lock", project)
    return read(project)


def files(package: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the wheels and the sdist that a lock names for a package."""
    return [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]


def downloaded(lock: Lock) -> list[dict[str, Any]]:
    """Return the packages that come from elsewhere: all but the project itself."""
    return [package for package in lock["package"] if "registry" in package["source"]]


def versions(lock: Lock) -> set[tuple[str, str]]:
    return {(package["name"], package["version"]) for package in lock["package"]}


def uploaded(file: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(file["upload-time"])


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> Lock:
    return resolve(tmp_path_factory.mktemp("resolution") / "first")


def test_two_resolutions_agree(lock: Lock, tmp_path: Path) -> None:
    again = resolve(tmp_path / "second")
    assert len(versions(lock)) > 100
    assert versions(again) == versions(lock)
    assert again == lock


def test_the_demo_runs_on_the_versions_that_anybody_gets(lock: Lock, project: Path) -> None:
    assert versions(read(project)) == versions(lock)


def test_every_file_has_a_hash_and_is_older_than_the_date(lock: Lock, project: Path) -> None:
    date = datetime.fromisoformat(read(project, "pyproject.toml")["tool"]["uv"]["exclude-newer"])
    assert date <= datetime.now(UTC)
    packages = downloaded(lock)
    assert len(lock["package"]) - len(packages) == 1
    for package in packages:
        assert files(package), package["name"]
        for file in files(package):
            assert re.fullmatch("sha256:[0-9a-f]{64}", file["hash"]), file
            assert uploaded(file) <= date, file


def test_an_earlier_date_gives_other_versions_so_the_date_is_what_pins(
    lock: Lock, tmp_path: Path
) -> None:
    def first_upload(package: dict[str, Any]) -> datetime:
        return min(map(uploaded, files(package)))

    newest = max(downloaded(lock), key=first_upload)
    before = first_upload(newest) - timedelta(days=1)
    project = generate(tmp_path)
    settings = project / "pyproject.toml"
    text, count = re.subn(
        r'(?m)^exclude-newer = ".*"$',
        f'exclude-newer = "{before.isoformat()}"',
        settings.read_text(encoding="utf-8"),
    )
    assert count == 1
    settings.write_text(text, encoding="utf-8")
    resolved = subprocess.run(
        ["uv", "lock"], cwd=project, env=environment(), capture_output=True, text=True, check=False
    )
    if resolved.returncode == 0:
        assert (newest["name"], newest["version"]) not in versions(read(project))
    else:
        assert "was filtered by `exclude-newer`" in resolved.stderr


def test_a_lock_is_for_its_owner_and_the_template_brings_none(tmp_path: Path) -> None:
    project = generate(tmp_path)
    assert not list(project.rglob("*.lock"))
    assert not list(project.rglob("pylock*.toml"))
    # The owner's is committed, as the comment above the date says.
    run("git init --quiet && ! git check-ignore uv.lock", project)
