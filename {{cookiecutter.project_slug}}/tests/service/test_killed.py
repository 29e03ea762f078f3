"""What is in the log after the process: everything after a stop, and nearly so after a kill."""

import json
import signal
import time

import pytest

from flight_delay.service.recorder import COMMIT_ROWS
from flight_delay.settings import Settings

from ..logs import logged  # noqa: TID252 - what the tests share
from .callers import asking
from .processes import running
from .running import wait_until

FLUSH_SECONDS = 6
"""Long beside the margin, so that an interval that is twice as long is seen."""
MARGIN_SECONDS = 1.5
"""On a busy machine a thread may have to wait for its turn."""
OWN_LOG = {"APP_LOG_URL": ""}


def test_a_kill_loses_no_more_than_the_last_moments(home: Settings) -> None:
    environment = OWN_LOG | {"APP_LOG_FLUSH_SECONDS": str(FLUSH_SECONDS)}
    with running(home.home, **environment) as service:
        with asking(service.url) as told:
            wait_until(lambda: len(told.answered) > 20)
        assert len(told.answered) < COMMIT_ROWS  # so many would be written without a delay
        time.sleep(FLUSH_SECONDS + MARGIN_SECONDS)
        service.process.kill()
        service.process.wait()
    assert told.ids() <= logged(home).keys()


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
