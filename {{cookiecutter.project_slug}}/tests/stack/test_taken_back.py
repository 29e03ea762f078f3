"""What is left of a stack when its `up` fails or is ended, and what is said of it."""

import signal
from collections.abc import Callable

import pytest

from flight_delay.settings import Settings
from flight_delay.stack.compose import StackError
from flight_delay.stack.run import up

from .docker_stand_in import SERVICES, STARTING, Docker, state


def failed_over(here: Settings, docker: Docker) -> list[str]:
    """Let an `up` over a running stack fail at Grafana; return what was said."""
    said: list[str] = []
    docker.install()
    docker.runs(*SERVICES[:-1])
    with pytest.raises(StackError, match=r"^grafana is exited"):
        up(here, said.append)
    return said


def test_what_ran_before_goes_on_when_up_fails(here: Settings, docker: Docker) -> None:
    docker.started = state(grafana=("exited", "Exited (1)"))
    said = failed_over(here, docker)
    assert docker.left == list(SERVICES[:-1])
    assert said[-1] == f"as before: {', '.join(sorted(SERVICES[:-1]))}"


def test_a_container_that_was_replaced_is_taken_down_and_it_is_said(
    here: Settings, docker: Docker
) -> None:
    docker.started = state(grafana=("exited", "Exited (1)"))
    (new,) = [one for one in docker.started if one[1] == "service"]
    new[0] = "another"
    said = failed_over(here, docker)
    assert docker.left == [name for name in SERVICES[:-1] if name != "service"]
    assert said[-1] == "replaced by this start, and down: service"


def interrupt() -> None:
    """Do as Ctrl-C does."""
    raise KeyboardInterrupt


def terminate() -> None:
    """Send the signal of `kill`, `timeout` and a machine that shuts down."""
    signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("end", [interrupt, terminate])
def test_an_interruption_takes_down_what_was_started(
    end: Callable[[], None], here: Settings, docker: Docker
) -> None:
    def hear(line: str) -> None:
        if line == "grafana is starting":
            end()

    before = signal.signal(signal.SIGTERM, lambda *_: pytest.fail("it was not caught"))
    docker.started = state(grafana=STARTING)
    docker.install()
    try:
        with pytest.raises(KeyboardInterrupt):
            up(here, hear)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not docker.left
