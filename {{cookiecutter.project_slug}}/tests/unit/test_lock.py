"""One command at a time changes what the project holds."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flight_delay import lock
from flight_delay.lock import LOCK_FILE, BusyError, locked
from flight_delay.settings import Settings

HOLDER = f"""
import pathlib, sys
from {lock.__name__} import locked
from {Settings.__module__} import Settings
with locked(Settings(home=pathlib.Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_command_waits_and_a_killed_one_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path)
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.2)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=r"another command has held .*\.lock"), locked(settings):
            pytest.fail("two hold the lock")
        holder.send_signal(signal.SIGKILL)
    with locked(settings):
        assert (settings.models / LOCK_FILE).is_file()


def test_what_goes_wrong_inside_is_not_taken_for_a_busy_lock(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(ZeroDivisionError), locked(settings):
        _ = 1 / 0
    with locked(settings):
        assert (settings.models / LOCK_FILE).is_file()
