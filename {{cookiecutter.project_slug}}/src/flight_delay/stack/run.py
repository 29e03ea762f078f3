"""`up` and `down`.

What can be known before is looked at before. Whatever fails later, or is interrupted, takes down
again what this `up` had started, so that a stack runs as a whole or not at all; data is kept. What
ran before goes on, but for a container that Compose has replaced: that one is gone, and it is said.
"""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from flight_delay import docker
from flight_delay.files import write_json
from flight_delay.image import Stage, build_image
from flight_delay.service.address import AddressError, listen, url
from flight_delay.settings import Settings
from flight_delay.stack import passwords
from flight_delay.stack.compose import Compose, StackError
from flight_delay.stack.watch import start
from flight_delay.train import Say

HOST = "127.0.0.1"
NEEDED_GIGABYTES = 8
"""Two images of ours with what they are made from, five of others, and data."""
BUILT: tuple[Stage, ...] = ("service", "trainer")
LARGEST_PORT = 65535


def up(settings: Settings, say: Say) -> dict[str, Any]:
    """Start the stack, wait until a champion answers, and return its addresses.

    Raises:
        DockerError: when there is no engine, no Compose, or no room on the disk.
        StackError: when a port is taken, an image cannot be had, or a container fails.
        ImageError: when an image of ours cannot be built.
    """
    begun = time.perf_counter()
    docker.engine(NEEDED_GIGABYTES)
    compose = Compose(settings.home)
    running = {one.name: one.service for one in compose.containers() if one.state == "running"}
    ports = _ports(compose, set(running.values()))
    _require_readable(compose)
    for name, image in compose.chosen("_IMAGE").items():
        if problem := docker.fetch(image, say):
            message = f"the image {problem}, or name another by {name} in {passwords.ENV_FILE}"
            raise StackError(message)
    for stage in BUILT:
        say(f"building the image {stage}")
        build_image(settings, say, stage=stage)
    made = passwords.complete(settings.home / passwords.ENV_FILE)
    say(f"{passwords.ENV_FILE} {'has new' if made else 'has all'} passwords")
    try:
        with _on_signals(_interrupt):
            start(settings, compose, url(HOST, ports["service"]), say)
    except BaseException:
        with _on_signals(signal.SIG_IGN):  # a second one would leave half a stack
            say("taking down what was started; data is kept")
            compose.give_up()
            _take_back(compose, running, say)
        raise
    addresses = {name: url(HOST, port) for name, port in ports.items()}
    report = {"addresses": addresses, "seconds": round(time.perf_counter() - begun, 1)}
    write_json(settings.reports / "up.json", report)
    return report


def down(settings: Settings, *, everything: bool) -> int:
    """Stop the stack and return how many containers there were.

    Args:
        settings: of the project.
        everything: whether to remove the data and the passwords too.

    Raises:
        DockerError: when there is no engine or no Compose.
        StackError: when something cannot be removed.
    """
    docker.engine(0)
    compose = Compose(settings.home)
    stopped = len(compose.containers())
    compose.run("down", "--remove-orphans", *(["--volumes"] if everything else []))
    if everything:
        passwords.forget(settings.home / passwords.ENV_FILE)
    return stopped


def _ports(compose: Compose, running: set[str]) -> dict[str, int]:
    """Return the port of each service that has one, once those that are to be opened are free."""
    ports, taken = {}, []
    for name, chosen in compose.chosen("_PORT").items():
        service = name.removesuffix("_PORT").lower()
        if not (chosen.isdecimal() and 0 < int(chosen) <= LARGEST_PORT):
            message = f"{name}={chosen} is no port: choose one from 1 to {LARGEST_PORT}"
            raise StackError(message)
        ports[service] = int(chosen)
        if service not in running and not _free(ports[service]):
            taken.append(f"{chosen} ({name})")
    if taken:
        message = (
            f"taken on this machine: port {', '.join(taken)}. Stop what uses it, or choose another "
            f"by the variable, in {passwords.ENV_FILE} or before the command"
        )
        raise StackError(message)
    return ports


def _require_readable(compose: Compose) -> None:
    if closed := compose.unreadable():
        message = (
            f"the containers' users cannot read {', '.join(closed)}: run "
            f"`chmod a+rX {' '.join(closed)}`"
        )
        raise StackError(message)


def _free(port: int) -> bool:
    try:
        listen(HOST, port).close()
    except AddressError:
        return False
    return True


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _on_signals(handler: Callable[..., object] | signal.Handlers) -> Iterator[None]:
    """Handle Ctrl-C and SIGTERM alike: whoever ends this, the stack is not left half started."""
    before = {one: signal.signal(one, handler) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, old in before.items():
            signal.signal(one, old)


def _take_back(compose: Compose, running: dict[str, str], say: Say) -> None:
    """Remove the containers that did not run before; all of it, if none did.

    Args:
        compose: of the stack.
        running: those that ran, by their id, and the service of each.
        say: hears what is left.
    """
    there = compose.containers()
    kept = {one.service for one in there if one.name in running}
    started = {one.service for one in there} - kept
    if not running:
        compose.run("down")
        return
    if started:
        compose.run("rm", "--stop", "--force", *sorted(started))
    say(f"as before: {', '.join(sorted(kept)) or 'nothing'}")
    if lost := set(running.values()) - kept:
        say(f"replaced by this start, and down: {', '.join(sorted(lost))}")
