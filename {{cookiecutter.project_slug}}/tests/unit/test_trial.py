"""The file of a trial: what is written is read, and nothing else is."""

import json
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from flight_delay.trial import (
    TRIAL_FILE,
    Trial,
    TrialError,
    end_trial,
    read_trial,
    write_trial,
)

SHADOW = Trial(
    version="aaaaaaaaaaaa",
    stage="shadow",
    share=0,
    since=date(2013, 4, 1),
    until=date(2013, 4, 8),
)


def test_a_trial_is_read_as_it_was_written_until_it_ends(tmp_path: Path) -> None:
    assert read_trial(tmp_path) is None
    write_trial(tmp_path, SHADOW)
    assert read_trial(tmp_path) == SHADOW
    canary = SHADOW.model_copy(update={"stage": "canary", "share": 0.1})
    write_trial(tmp_path, canary)
    assert read_trial(tmp_path) == canary
    end_trial(tmp_path)
    assert read_trial(tmp_path) is None
    end_trial(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"stage": "hidden"}, {"share": 1.1}, {"share": -0.1}, {"version": "../a"}, {"more": 1}],
)
def test_what_is_no_trial_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Trial.model_validate(SHADOW.model_dump() | wrong)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", json.dumps({"version": "aaaaaaaaaaaa"}).encode()]
)
def test_a_file_that_cannot_be_read_says_how_to_go_on(tmp_path: Path, content: bytes) -> None:
    (tmp_path / TRIAL_FILE).write_bytes(content)
    with pytest.raises(TrialError, match=r"trial\.json cannot be read: .+; remove it to end"):
        read_trial(tmp_path)


def test_a_folder_in_its_place_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / TRIAL_FILE).mkdir()
    with pytest.raises(TrialError, match="cannot be read: Is a directory"):
        read_trial(tmp_path)
