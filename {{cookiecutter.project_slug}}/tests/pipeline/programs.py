"""Commands of the loop in processes of their own, which a test can kill at any moment."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flight_delay import loop
from flight_delay.monitoring import run as monitoring
from flight_delay.settings import Settings

PROGRAM = """
import pathlib, resource, sys
from {module} import {function} as step
from {settings} import Settings
home, full_at = pathlib.Path(sys.argv[1]), sys.argv[2]
settings = Settings(home=home, resamples=100, clock_file=home / "clock")
def tell(line):
    print(line, flush=True)
    if full_at and line.startswith(full_at):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
tell("ready")
step(settings, tell)
tell("done")
"""
TRAINER = PROGRAM.format(module=loop.__name__, function="run_retrain", settings=Settings.__module__)
MONITOR = PROGRAM.format(
    module=monitoring.__name__, function="run_monitor", settings=Settings.__module__
)


@contextmanager
def running(program: str, settings: Settings, full_at: str = "") -> Iterator[subprocess.Popen[str]]:
    """Start a program and kill it, at the latest when the block is left.

    Args:
        program: one of those above.
        settings: of the project that it works on.
        full_at: how the line begins after which it can write no more than 100 kB to a file, as
            on a full disk; a model takes more.
    """
    command = [sys.executable, "-c", program, str(settings.home), full_at]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def killed(program: str, settings: Settings, lines: int, seconds: float | None) -> None:
    """Kill a program without warning, so long after it has said so many lines.

    Without seconds it is killed as soon as something new is among the bundles.
    """
    with running(program, settings) as process:
        assert process.stdout is not None
        before = set(settings.models.iterdir())
        for _ in range(lines):
            assert process.stdout.readline(), process.communicate()[1]
        if seconds is not None:
            time.sleep(seconds)
            return
        while set(settings.models.iterdir()) == before:
            assert process.poll() is None, process.communicate()[1]
