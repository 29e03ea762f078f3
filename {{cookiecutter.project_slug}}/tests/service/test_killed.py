"""What is in the log after the process: everything after a stop, and nearly so after a kill."""

import json
import signal
import time

import pytest

from flight_delay.settings import Settings

from ..logs import logged  # noqa: TID252 - what the tests share
from .callers import asking
from .processes import running
from .running import wait_until

FLUSH_SECONDS = 0.5
MARGIN_SECONDS = 1.5
"""On a busy machine a thread may have to wait for its turn."""
OWN_LOG = {"APP_LOG_URL": ""}


def test_a_kill_loses_no_more_than_the_last_moments(home: Settings) -> None:
    environment = OWN_LOG | {"APP_LOG_FLUSH_SECONDS": str(FLUSH_SECONDS)}
    with running(home.home, **environment) as service, asking(service.url) as told:
        time.sleep(FLUSH_SECONDS + MARGIN_SECONDS + 1)
        killed = time.monotonic()
        service.process.kill()
        service.process.wait()
    safe = told.ids(before=killed - FLUSH_SECONDS - MARGIN_SECONDS)
    assert len(safe) > 20
    assert safe <= logged(home).keys()


def test_no_acknowledged_outcome_is_lost_in_a_kill(home: Settings) -> None:
    environment = OWN_LOG | {"APP_LOG_FLUSH_SECONDS": "60"}
    with (
        running(home.home, **environment) as service,
        asking(service.url, with_outcomes=True) as told,
    ):
        wait_until(lambda: len(told.acknowledged) > 50)
        service.process.kill()
        service.process.wait()
    log = logged(home)
    assert len(told.acknowledged) > 50
    assert {name: log.get(name) for name, _ in told.acknowledged} == dict(told.acknowledged)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_loses_nothing(home: Settings, number: signal.Signals) -> None:
    environment = OWN_LOG | {"APP_LOG_FLUSH_SECONDS": "60"}
    with running(home.home, **environment) as service, asking(service.url) as told:
        wait_until(lambda: len(told.answered) > 100)
        assert service.end(number) == 0
    assert told.ids() <= logged(home).keys()
    assert {json.loads(line)["level"] for line in service.lines} == {"info"}
