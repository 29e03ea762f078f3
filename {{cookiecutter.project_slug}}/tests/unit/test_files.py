"""Files and folders appear whole or not at all."""

import os
from pathlib import Path

import pytest

from flight_delay.files import (
    unfinished_file,
    unfinished_folder,
    write_atomically,
)


class FullDiskError(OSError):
    """Stand for a disk that is full."""


def full(_descriptor: int) -> None:
    raise FullDiskError


def test_a_file_is_replaced_whole_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "note.txt"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_content_and_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "README.md"
    write_atomically(path, b"what a person wrote")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FullDiskError):
        write_atomically(path, b"half of")
    assert path.read_bytes() == b"what a person wrote"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_process_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    with unfinished_file(path) as one, unfinished_file(path) as other:
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one", "the outer block ends last"


def test_a_folder_takes_its_place_when_it_is_done_and_replaces_another(tmp_path: Path) -> None:
    place = tmp_path / "models" / "v1"
    for content in ("damaged", "whole"):
        with unfinished_folder(place) as unfinished:
            assert unfinished.name == "v1"
            (unfinished / "file").write_text(content)
    assert (place / "file").read_text() == "whole"
    assert list(place.parent.iterdir()) == [place]


def test_a_folder_that_was_not_finished_leaves_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "v1"
    with unfinished_folder(place) as unfinished:
        (unfinished / "file").write_text("whole")
    with pytest.raises(FullDiskError), unfinished_folder(place):
        full(0)
    assert (place / "file").read_text() == "whole"
    assert list(tmp_path.iterdir()) == [place]
