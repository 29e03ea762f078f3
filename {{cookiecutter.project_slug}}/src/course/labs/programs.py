"""Programs in the background: each has an end of its own, and is ended by its id and no other way.

They are in a session of their own, so that Ctrl-C in the learner's terminal does not reach them.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from course.labs.folder import Lab, became

ENDING_SECONDS = 8


def start(
    lab: Lab,
    name: str,
    command: Sequence[str | Path],
    seconds: float,
) -> None:
    """Start a program that is ended after so many seconds at the latest, and note its id."""
    keep = [sys.executable, "-P", "-m", "course.labs.keep", str(lab.folder), str(seconds)]
    with (lab.folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - a program of the course
            [*keep, *map(str, command)],
            cwd=lab.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    lab.write(programs=lab.read()["programs"] | {name: process.pid})


def stop(lab: Lab, name: str) -> None:
    """End a program and all that it started; one that is gone already is no error."""
    programs = dict(lab.read().get("programs", {}))
    pid = programs.pop(name, None)
    if pid is None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _is_ours(lab, pid):
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        became(lambda: not _is_ours(lab, pid), ENDING_SECONDS)
    lab.write(programs=programs)


def stop_all(lab: Lab) -> None:
    """End every program that was started."""
    for name in list(lab.read().get("programs", {})):
        stop(lab, name)


def _is_ours(lab: Lab, pid: int) -> bool:
    """Tell whether the process of an id names the lab's folder: ids are used again."""
    said = subprocess.run(  # noqa: S603 - a fixed command
        ["ps", "-ww", "-o", "command=", "-p", str(pid)],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=False,
    )
    return str(lab.folder) in said.stdout
