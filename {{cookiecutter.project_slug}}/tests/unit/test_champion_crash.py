"""Whatever dies while the champion changes, a reader finds the old champion or the new one."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flight_delay import champion as module
from flight_delay.champion import CHAMPION_FILE, crown, read_champion, step_back

FIRST, SECOND = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
KILLS = 6

PROGRAM = f"""
import itertools, pathlib, sys
from {module.__name__} import crown
models = pathlib.Path(sys.argv[1])
for version in itertools.cycle(["{FIRST}", "{SECOND}"]):
    crown(models, version, "x" * 20_000)
    print(version, flush=True)
"""


class CrashError(Exception):
    """The end of the process, at a moment of the test's choice."""


def crash(*_: object, **__: object) -> None:
    """Stand for a process that ends here."""
    raise CrashError


@pytest.mark.parametrize("calls", [("replace", "rename"), ("fsync",)])
def test_a_crash_before_the_change_leaves_the_old_champion(
    calls: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crown(tmp_path, FIRST, "better")
    before = (tmp_path / CHAMPION_FILE).read_bytes()
    with monkeypatch.context() as patch:
        for call in calls:
            patch.setattr(os, call, crash)
        with pytest.raises(CrashError):
            crown(tmp_path, SECOND, "better")
    assert (tmp_path / CHAMPION_FILE).read_bytes() == before
    assert crown(tmp_path, SECOND, "once more").line == [FIRST, SECOND]
    assert [path.name for path in tmp_path.iterdir()] == [CHAMPION_FILE]


def test_the_content_is_on_disk_before_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(descriptor: int) -> None:
        calls.append(("fsync", os.fstat(descriptor).st_size > 0))
        fsync(descriptor)

    def watched_replace(path: Path, target: Path) -> Path:
        calls.append(("replace", target == tmp_path / CHAMPION_FILE))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    crown(tmp_path, FIRST, "better")
    assert calls == [("fsync", True), ("replace", True)]


def test_unfinished_files_of_the_dead_do_not_matter(tmp_path: Path) -> None:
    for name in (f".{CHAMPION_FILE}.{os.getpid()}", f".{CHAMPION_FILE}.1"):
        (tmp_path / name).write_text('{"version": "bbb', encoding="utf-8")
    assert read_champion(tmp_path) is None
    crown(tmp_path, FIRST, "better")
    crown(tmp_path, SECOND, "better")
    assert step_back(tmp_path, "worse").version == FIRST
    found = read_champion(tmp_path)
    assert found is not None
    assert found.version == FIRST


def test_a_process_killed_at_any_moment_never_leaves_a_torn_file(tmp_path: Path) -> None:
    crown(tmp_path, FIRST, "better")
    moments = random.Random(2013)  # noqa: S311 - no secret is made
    reads, seen = 0, set()
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline(), "it has begun to write"
            end = time.monotonic() + moments.uniform(0.1, 0.4)
            while time.monotonic() < end:
                found = read_champion(tmp_path)
                assert found is not None
                seen.add(found.version)
                reads += 1
            writer.kill()
        found = read_champion(tmp_path)
        assert found is not None
        assert found.version == found.line[-1] == found.changes[-1].version
        assert found.version in {FIRST, SECOND}
        # The history would grow with every change, and the test would time its growth.
        (tmp_path / CHAMPION_FILE).unlink()
        crown(tmp_path, FIRST, "better")
    assert seen == {FIRST, SECOND}
    assert reads > 100
