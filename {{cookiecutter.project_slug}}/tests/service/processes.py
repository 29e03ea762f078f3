"""The service in a process of its own, as a person would start it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flight_delay.served import PACKAGE

from .running import LOOPBACK, PATIENCE_SECONDS

LIFE_SECONDS = 30
"""No test leaves a process behind for longer."""


@dataclass
class Running:
    """A service in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    lines: list[str]

    def end(self, number: signal.Signals) -> int:
        """Send a signal, read the rest of the log, and return the exit code."""
        self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=PATIENCE_SECONDS)
        self.lines += rest.splitlines()
        return self.process.returncode


def command(
    home: Path, port: int, host: str = LOOPBACK, **environment: str
) -> subprocess.Popen[str]:
    """Start `serve` as a person would."""
    return subprocess.Popen(
        [sys.executable, "-m", PACKAGE, "serve", "--host", host, "--port", str(port)],
        cwd=home,
        env=os.environ | {"APP_HOME": str(home)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def running(home: Path, host: str = LOOPBACK, **environment: str) -> Iterator[Running]:
    """Serve on a free port until the block ends, and give what was logged up to the address."""
    with command(home, 0, host, **environment) as process:
        watchdog = threading.Timer(LIFE_SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stderr is not None
            lines = [process.stderr.readline()]
            yield Running(process, json.loads(lines[0])["address"], lines)
        finally:
            process.kill()
            watchdog.cancel()
