"""One command at a time may change what the project holds."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from flight_delay.errors import ProjectError
from flight_delay.settings import Settings

LOCK_FILE = ".lock"
PATIENCE_SECONDS = 120


class BusyError(ProjectError):
    """Another command holds the lock for longer than anybody should wait."""


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Hold the project's lock, waiting for whoever has it; a killed process lets go of it.

    Raises:
        BusyError: when it is still held after two minutes.
    """
    settings.models.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.models / LOCK_FILE, timeout=PATIENCE_SECONDS)
    try:
        with lock:
            yield
    except Timeout:
        message = f"another command has held {lock.lock_file} for {PATIENCE_SECONDS} s: wait for it"
        raise BusyError(message) from None
