"""A replay: a day of traffic, the outcomes that have come in, and the loop; then the next day.

The service is a process of its own that is asked over HTTP. Outcomes reach it `label_delay_days`
after the day they belong to, and the loop runs every morning, on the clock of the replay, exactly
as a scheduler would run it. Nothing here decides anything.
"""

import time
from collections import Counter
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any, Protocol

import httpx2
import polars as pl
from filelock import FileLock, Timeout

from flight_delay.champion import champion_version
from flight_delay.clock import set_clock
from flight_delay.contract import DAY
from flight_delay.data import load_table
from flight_delay.files import write_json
from flight_delay.incidents import INCIDENTS
from flight_delay.loop import tend
from flight_delay.replay.bad_challenger import force_bad_challenger
from flight_delay.replay.day import DayLine, day_line
from flight_delay.replay.page import write_page
from flight_delay.replay.plan import (
    BAD_CHALLENGER,
    INCIDENT_DAYS,
    Plan,
    ReplayError,
    prepare,
    service_environment,
)
from flight_delay.replay.story import tell_story
from flight_delay.replay.traffic import Caller
from flight_delay.served import connect, served
from flight_delay.settings import Settings

HOST = "127.0.0.1"
SWAP_SECONDS = 30


class Watcher(Protocol):
    """Is told how far a replay has come."""

    def doing(self, what: str) -> None:
        """Hear of something that takes a while."""

    def day(self, line: DayLine) -> None:
        """Hear of a day that is over."""


def run_replay(plan: Plan, watcher: Watcher) -> dict[str, Any]:
    """Live through the days of a plan and report on them in `reports/replay.json`.

    Raises:
        ReplayError: when another replay is running, or the service is lost.
    """
    started = time.perf_counter()
    lock = plan.project.home / ".replay.lock"
    try:
        with FileLock(lock, blocking=False):
            prepare(plan)
            answered, lines, caller = _live(plan, watcher)
    except Timeout:
        message = f"another replay is running: wait for it, or remove {lock.name} if none is"
        raise ReplayError(message) from None
    watcher.doing("comparing with the model left alone")
    report = tell_story(plan, answered, lines)
    results = Counter(line.result for line in lines)
    report["summary"] |= {
        **asdict(caller.counts),
        "retrainings": sum(line.trained for line in lines),
        "promotions": results["promoted"],
        "rollbacks": results["rolled back"],
        "seconds": round(time.perf_counter() - started, 1),
    }
    write_json(plan.project.reports / "replay.json", report)
    write_page(plan, report)
    return report


def _live(plan: Plan, watcher: Watcher) -> tuple[pl.DataFrame, list[DayLine], Caller]:
    settings = plan.settings
    days = _traffic(plan)
    answered: dict[date, pl.DataFrame] = {}
    lines: list[DayLine] = []
    answering = plan.version
    _set_clock(settings, plan.first)
    with (
        served(settings.home, HOST, 0, service_environment(plan)) as address,
        connect(address) as http,
    ):
        caller = Caller(http)
        for number, day in enumerate(plan.days):
            _set_clock(settings, day)
            if day in days:
                answered[day] = caller.ask(days[day])
            caller.sleep()
            _set_clock(settings, day + timedelta(days=1))
            late = day - timedelta(days=settings.label_delay_days)
            if late in answered:
                caller.tell(answered[late])
            _inject_challenger(plan, day, watcher)
            report = tend(settings, watcher.doing, page=day == plan.last)
            champion = champion_version(settings.models)
            if champion != answering:
                _wait_for_swap(http, champion)
                answering = champion
            asked = answered[day].height if day in answered else 0
            lines.append(day_line(number, day, asked, champion, report))
            watcher.day(lines[-1])
    return pl.concat(answered.values()), lines, caller


def _traffic(plan: Plan) -> dict[date, pl.DataFrame]:
    """Return the rows of each day, with the incidents in them."""
    table = load_table(plan.settings)
    rows = table.filter(pl.col(DAY).is_between(plan.first, plan.last))
    for injection in plan.injections:
        if injection.name in INCIDENTS:
            end = injection.day + timedelta(days=INCIDENT_DAYS)
            rows = INCIDENTS[injection.name](rows, injection.day, end)
    return {part[DAY][0]: part for part in rows.partition_by(DAY, maintain_order=True)}


def _inject_challenger(plan: Plan, day: date, watcher: Watcher) -> None:
    for injection in plan.injections:
        if (injection.name, injection.day) == (BAD_CHALLENGER, day):
            force_bad_challenger(plan.settings, watcher.doing)


def _wait_for_swap(http: httpx2.Client, champion: str) -> None:
    """Wait until the service answers from the champion, as it does within its poll interval."""
    deadline = time.monotonic() + SWAP_SECONDS
    while http.get("/v1/model").json().get("version") != champion:
        if time.monotonic() > deadline:
            said = http.get("/health/ready").text
            message = f"the service did not take {champion}: {said}"
            raise ReplayError(message)
        time.sleep(0.02)


def _set_clock(settings: Settings, day: date) -> None:
    if settings.clock_file:
        set_clock(settings.clock_file, day)
