"""What the doctor finds, how bad it is, and the fix that it names."""

import shutil
import socket
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from flight_delay.champion import crown, read_champion
from flight_delay.data import TABLE_FILE
from flight_delay.doctor import Finding, examine
from flight_delay.settings import Settings

from ..conftest import free_port  # noqa: TID252 - what the tests share

NAMES = ["Python", "packages", "disk", "threads", "port", "data", "champion"]


class Usage(NamedTuple):
    """What `shutil.disk_usage` returns, as far as it is looked at."""

    free: float


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    """Return the settings of a project in which nothing was done yet."""
    return Settings(home=tmp_path, port=free_port())


def find(name: str, settings: Settings) -> Finding:
    """Return what was found under a name."""
    (found,) = [finding for finding in examine(settings) if finding.name == name]
    return found


def test_a_new_project_has_notes_and_nothing_bad(empty: Settings) -> None:
    findings = examine(empty)
    assert [finding.name for finding in findings] == NAMES
    levels = {finding.name: finding.level for finding in findings}
    assert levels == dict.fromkeys(NAMES, "good") | {"data": "note", "champion": "note"}


def test_a_trained_project_is_good_throughout(trained: Settings) -> None:
    settings = trained.model_copy(update={"port": free_port()})
    assert {finding.level for finding in examine(settings)} == {"good"}
    champion = read_champion(trained.models)
    assert champion is not None
    said = f"{champion.version}, hashes and golden rows verified"
    assert find("champion", settings).said == said
    assert find("data", settings).said == "the table is there"


def test_the_next_commands_are_named(empty: Settings) -> None:
    assert find("data", empty).said == "no table yet: run the command `data`"
    assert find("champion", empty).said == "none yet: run the commands `train` and `promote`"


def test_the_version_of_python(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    running = sys.version.split()[0]
    assert find("Python", empty) == Finding("Python", "good", running)
    monkeypatch.setattr(sys, "version_info", (3, 10, 14, "final", 0))
    found = find("Python", empty)
    assert found == Finding("Python", "bad", f"{running}: 3.11 or newer is needed")


def test_absent_packages(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "path", [])
        found = find("packages", empty)
    assert found.level == "bad"
    assert found.said == ("missing polars, pandera, scikit-learn, skl2onnx, mlflow: run `uv sync`")


@pytest.mark.parametrize(
    ("free", "level", "said"),
    [(2.0, "good", "2 GB free"), (1.4, "bad", "1 GB free: make room for 2 GB")],
)
def test_room_on_the_disk(
    free: float, level: str, said: str, empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = Usage(free * 1e9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    found = find("disk", empty)
    assert (found.level, found.said) == (level, said)


def test_a_home_folder_that_is_not_there_yet_is_no_obstacle(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "new" / "project", port=free_port())
    assert find("disk", settings).level == "good"


def test_threads_are_said(empty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert find("threads", empty) == Finding("threads", "good", "OMP_NUM_THREADS=3")


def test_a_port_in_use_is_a_note(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        found = find("port", Settings(home=tmp_path, port=port))
    assert found == Finding("port", "note", f"{port} is in use: choose another with --port")
    found = find("port", Settings(home=tmp_path, port=port))
    assert found == Finding("port", "good", f"{port} is free")


def test_a_lost_table_is_noticed_though_its_facts_remain(project: Settings) -> None:
    (project.data / TABLE_FILE).unlink()
    assert find("data", project).level == "note"


def test_a_damaged_champion_is_bad_and_the_damage_named(project: Settings) -> None:
    champion = read_champion(project.models)
    assert champion is not None
    (project.models / champion.version / "model.onnx").write_bytes(b"")
    found = find("champion", project)
    assert found.level == "bad"
    assert found.said == (
        f"bundle {champion.version}: model.onnx is not the file that was exported"
    )


def test_a_champion_without_a_bundle_is_bad(empty: Settings) -> None:
    crown(empty.models, "0" * 12, "by hand")
    found = find("champion", empty)
    assert found.level == "bad"
    assert "there is no manifest.json in it" in found.said


def test_an_unreadable_champion_is_bad_and_the_fix_named(empty: Settings) -> None:
    empty.models.mkdir()
    (empty.models / "champion.json").write_text("{", encoding="utf-8")
    found = find("champion", empty)
    assert found.level == "bad"
    assert "promote a version to replace it" in found.said
