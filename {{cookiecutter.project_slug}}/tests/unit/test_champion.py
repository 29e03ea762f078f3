"""The champion's file: promotions, the way back, and the history of both."""

import json
from pathlib import Path

import pytest

from flight_delay.champion import (
    CHAMPION_FILE,
    DAMAGED_FILE,
    Champion,
    ChampionError,
    crown,
    read_champion,
    step_back,
)

FIRST, SECOND, THIRD = "aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"


def state(models: Path) -> Champion:
    """Return the stored state, which must be there."""
    champion = read_champion(models)
    assert champion is not None
    return champion


def test_before_the_first_promotion_there_is_no_champion(tmp_path: Path) -> None:
    assert read_champion(tmp_path) is None
    assert read_champion(tmp_path / "absent") is None


def test_a_promotion_is_stored_with_its_reason_and_returned(tmp_path: Path) -> None:
    returned = crown(tmp_path / "models", FIRST, "it is the first")
    stored = state(tmp_path / "models")
    assert stored == returned
    assert (stored.version, stored.line) == (FIRST, [FIRST])
    (change,) = stored.changes
    assert (change.action, change.version, change.reason) == ("promote", FIRST, "it is the first")
    assert change.at.tzinfo is not None


def test_promotions_form_a_line_with_the_champion_last(tmp_path: Path) -> None:
    for version in (FIRST, SECOND, THIRD):
        crown(tmp_path, version, "better")
    stored = state(tmp_path)
    assert stored.version == THIRD
    assert stored.line == [FIRST, SECOND, THIRD]
    times = [change.at for change in stored.changes]
    assert times == sorted(times)


def test_crowning_the_champion_again_changes_nothing(tmp_path: Path) -> None:
    crown(tmp_path, FIRST, "better")
    before = (tmp_path / CHAMPION_FILE).read_bytes()
    assert crown(tmp_path, FIRST, "again") == state(tmp_path)
    assert (tmp_path / CHAMPION_FILE).read_bytes() == before


def test_a_version_that_comes_back_is_in_the_line_once(tmp_path: Path) -> None:
    for version in (FIRST, SECOND, FIRST):
        crown(tmp_path, version, "better")
    assert state(tmp_path).line == [SECOND, FIRST]
    assert step_back(tmp_path, "worse").version == SECOND


def test_two_rollbacks_go_back_two_champions(tmp_path: Path) -> None:
    for version in (FIRST, SECOND, THIRD):
        crown(tmp_path, version, "better")
    assert step_back(tmp_path, "it is worse").version == SECOND
    assert step_back(tmp_path, "this one too").version == FIRST
    stored = state(tmp_path)
    assert stored.line == [FIRST]
    assert [(change.action, change.version, change.reason) for change in stored.changes] == [
        ("promote", FIRST, "better"),
        ("promote", SECOND, "better"),
        ("promote", THIRD, "better"),
        ("rollback", SECOND, "it is worse"),
        ("rollback", FIRST, "this one too"),
    ]


def test_a_promotion_after_a_rollback_replaces_the_one_that_was_left(tmp_path: Path) -> None:
    crown(tmp_path, FIRST, "better")
    crown(tmp_path, SECOND, "better")
    step_back(tmp_path, "worse")
    assert crown(tmp_path, THIRD, "better").line == [FIRST, THIRD]
    assert step_back(tmp_path, "worse").version == FIRST


@pytest.mark.parametrize("promotions", [0, 1])
def test_without_an_earlier_champion_there_is_no_way_back(tmp_path: Path, promotions: int) -> None:
    for _ in range(promotions):
        crown(tmp_path, FIRST, "better")
    with pytest.raises(ChampionError, match="there is no earlier champion to go back to"):
        step_back(tmp_path, "worse")
    assert (read_champion(tmp_path) is not None) == bool(promotions)


def test_a_line_that_somebody_emptied_is_no_way_back(tmp_path: Path) -> None:
    crown(tmp_path, FIRST, "better")
    path = tmp_path / CHAMPION_FILE
    content = json.loads(path.read_text(encoding="utf-8")) | {"line": []}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ChampionError):
        step_back(tmp_path, "worse")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": "aaaaaaaaaaaa"}',
        b'{"version": 1, "line": [], "changes": []}',
        b'{"version": "../elsewhere", "line": ["../elsewhere"], "changes": []}',
        b'{"version": "a", "line": ["a"], "changes": [], "more": 1}',
        b"\xff\xfe",
    ],
)
def test_a_file_that_is_no_champion_is_refused_and_a_promotion_replaces_it(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / CHAMPION_FILE).write_bytes(content)
    message = r"^champion\.json cannot be read: .+; promote a version to replace it$"
    with pytest.raises(ChampionError, match=message):
        read_champion(tmp_path)
    with pytest.raises(ChampionError, match=message):
        step_back(tmp_path, "worse")
    assert crown(tmp_path, SECOND, "better").line == [SECOND]
    assert state(tmp_path).version == SECOND
    assert (tmp_path / DAMAGED_FILE).read_bytes() == content
