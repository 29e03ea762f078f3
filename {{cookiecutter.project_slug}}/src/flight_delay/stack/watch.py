"""Watching the stack while it starts, until a champion answers or something is hopeless."""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO

from flight_delay.docker import last_line
from flight_delay.served import answers
from flight_delay.settings import Settings
from flight_delay.stack.compose import WORDS, Compose, Container, StackError
from flight_delay.stack.troubles import explained
from flight_delay.train import Say

PATIENCE_SECONDS = 900
"""Until a champion answers, who may have to be trained first."""
LOOK_SECONDS = 0.5
TRAINER = "trainer"
LOG_FILE = "up.log"


def start(settings: Settings, compose: Compose, address: str, say: Say) -> None:
    """Start what does not run, and wait until all is healthy and a champion answers at an address.

    Raises:
        StackError: when that will not happen; what the containers said is in `reports/up.log`.
    """
    if any(one.failed for one in compose.containers()):
        compose.run("rm", "--force")  # what ended before would look as if it had failed now
    since = datetime.now(UTC).isoformat()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        starting = compose.start(output)
        try:
            _wait(_Watch(compose, since, say), starting.poll, output, address)
        except StackError as error:
            log = _keep_words(settings, compose, since)
            message = f"{error} (all that was said is in {log})"
            raise StackError(message) from None


def _wait(watch: "_Watch", code: Callable[[], int | None], output: IO[str], address: str) -> None:
    """Wait; `code` is the exit code of Compose, whose output is given, once it has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (watch.all_healthy() and code() == 0 and answers(address, "/health/ready")):
        if code():
            raise StackError(_first_error(output))
        if time.monotonic() > deadline:
            raise StackError(watch.late(address))
        time.sleep(LOOK_SECONDS)


class _Watch:
    """Looks at the containers again and again, and tells what is new."""

    def __init__(self, compose: Compose, since: str, say: Say) -> None:
        """Look at what is said from a time on."""
        self._compose = compose
        self._since = since
        self._say = say
        self._conditions: dict[str, str] = {}
        self._told = 0

    def all_healthy(self) -> bool:
        """Look once; tell whether all is well.

        Raises:
            StackError: when a container has failed, or says what is known to be hopeless.
        """
        containers = self._compose.containers()
        for one in containers:
            if self._conditions.get(one.service) != one.condition:
                self._conditions[one.service] = one.condition
                self._say(f"{one.service} is {one.condition}")
            words = one.words(self._since, "all" if one.service == TRAINER else WORDS)
            if one.service == TRAINER:
                self._retell(words)
            if one.condition != "healthy":
                self._judge(one, words)
        return bool(containers) and all(one.condition == "healthy" for one in containers)

    def _retell(self, words: list[str]) -> None:
        for line in words[self._told :]:
            self._say(f"{TRAINER}: {line}")
        self._told = max(self._told, len(words))

    def _judge(self, one: Container, words: list[str]) -> None:
        if known := explained(words):
            message = f"{one.service}: {known}"
            raise StackError(message)
        if one.failed:
            last = one.last_words(self._since)
            message = f"{one.service} is {one.condition}, and the last that was said is: {last}"
            raise StackError(message)

    def late(self, address: str) -> str:
        """Return what is still missing when time is up."""
        missing = [
            f"{name} is {what}" for name, what in self._conditions.items() if what != "healthy"
        ]
        said = ", ".join(missing) or f"no champion answers at {address}"
        return f"not ready after {PATIENCE_SECONDS / 60:g} minutes: {said}"


def _first_error(output: IO[str]) -> str:
    """Return the first error that Compose told; what follows it is of no use."""
    output.seek(0)
    said = output.read()
    errors = [line for line in said.splitlines() if line.lower().startswith("error")]
    return errors[0] if errors else last_line(said)


def _keep_words(settings: Settings, compose: Compose, since: str) -> str:
    """Write what the containers said into a file, since they will be gone, and return its name."""
    path = settings.reports / LOG_FILE
    path.parent.mkdir(exist_ok=True)
    words = [f"{one.service}: {line}" for one in compose.containers() for line in one.words(since)]
    path.write_text("\n".join(words) + "\n", encoding="utf-8")
    return f"reports/{path.name}"
