"""Three replicas behind nginx: one registry, one log, and what a promotion or a kill costs.

The configuration of nginx is the one that the project ships; the registry wants a password, which
nginx asks for.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from monitoring_stack import wait_until
from replicas import (
    FLUSH_SECONDS,
    PASSWORD,
    REPLICAS,
    Stack,
    running_replicas,
    set_clock,
)
from steady_load import CALLERS, Load, asking

pytestmark = pytest.mark.slow

MARGIN_SECONDS = 1.5
"""On a busy machine a thread may have to wait for its turn."""


@pytest.fixture(scope="module")
def stack(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return three replicas that answer from the first champion, taken from the registry."""
    with running_replicas(project, tmp_path_factory.mktemp("replicas")) as stack:
        yield stack


def wait_for(stack: Stack, version: str) -> None:
    """Wait until every replica answers from a version."""
    wait_until(lambda: stack.answered_by_all(version), f"all answer from {version}")


def assert_taken(load: Load, stack: Stack, version: str) -> None:
    """Check that no request failed, and that no replica went back from a version."""
    assert load.failed == []
    for replica in stack.replicas:
        mine = [one for one in load.answers if one.replica == replica.address]
        since = min(one.at for one in mine if one.version == version)
        assert {one.version for one in mine} == set(stack.versions)
        assert {one.version for one in mine if one.asked > since} == {version}


def test_one_promotion_and_one_rollback_reach_all_and_cost_no_request(stack: Stack) -> None:
    first, second = stack.versions
    wait_for(stack, first)
    with asking(stack.url) as load:
        assert second in stack.verb("promote", "--version", second)
        wait_for(stack, second)
        load.goes_on()
    assert_taken(load, stack, second)
    with asking(stack.url) as load:
        assert first in stack.verb("rollback", "--reason", "it answers oddly")
        wait_for(stack, first)
        load.goes_on()
    assert_taken(load, stack, first)
    assert not any(PASSWORD in replica.said() for replica in stack.replicas)


def test_what_all_have_answered_is_in_one_log_once_and_the_monitor_adds_it_up(
    stack: Stack,
) -> None:
    set_clock(stack.folder, "2013-06-20T12:00:00+00:00")  # long after what others have logged
    before = stack.settled()
    with asking(stack.url) as load:
        load.goes_on(150)
    assert load.failed == []
    assert {one.replica for one in load.answers} == {one.address for one in stack.replicas}
    answered = {one.request_id: one.version for one in load.answers}
    assert stack.settled() == before | answered
    set_clock(stack.folder, "2013-06-21T12:00:00+00:00")
    assert stack.monitored()["traffic"]["rows"] == len(load.answers)


# One that hangs has requests in it for sure.
@pytest.mark.parametrize(("number", "hangs"), [(0, True), (1, False)], ids=["hung", "at work"])
def test_a_replica_that_is_killed_costs_no_answer_and_the_last_moments_of_its_log(
    stack: Stack,
    number: int,
    hangs: bool,  # noqa: FBT001 - a case
) -> None:
    killed = stack.replicas[number]
    before = stack.settled().keys()
    with asking(stack.url) as load:
        if hangs:
            killed.send(signal.SIGSTOP)
            wait_until(lambda: len(load.waiting) == CALLERS, "every caller waits for it")
        at = time.monotonic()
        killed.end(signal.SIGKILL)
        load.goes_on()
        killed.start()
        load.goes_on()
    assert load.failed == []
    assert any(one.replica == killed.address and one.at > at for one in load.answers)
    lasts = at - FLUSH_SECONDS - MARGIN_SECONDS
    unsafe = {
        one.request_id for one in load.answers if one.replica == killed.address and one.at > lasts
    }
    logged = stack.settled().keys() - before
    assert load.ids - logged <= unsafe
    assert len(logged - load.ids) <= CALLERS, "rows whose answer nobody got"


def test_a_rolling_restart_loses_no_request_and_no_row(stack: Stack) -> None:
    before = stack.settled().keys()
    with asking(stack.url) as load:
        for replica in stack.replicas:
            assert replica.end(signal.SIGTERM) == 0
            load.goes_on(20)
            replica.start()
            load.goes_on(20)
    assert load.failed == []
    assert stack.settled().keys() - before == load.ids


def test_metrics_are_those_of_each_replica_and_not_to_be_had_through_nginx(stack: Stack) -> None:
    assert httpx2.get(f"{stack.url}/metrics").status_code == 404
    assert len({one.address for one in stack.replicas}) == REPLICAS
    for replica in stack.replicas:
        metrics = httpx2.get(f"http://{replica.address}/metrics").text
        assert "model_info{" in metrics
