"""Turns of the scheduler: from nothing, from what another machine left, and on through failures."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from flight_delay import schedule
from flight_delay.champion import CHAMPION_FILE, champion_version
from flight_delay.clock import set_clock
from flight_delay.data import TABLE_FILE, load_table
from flight_delay.registry import promote, status
from flight_delay.schedule import SOON, take_turn, take_turns
from flight_delay.settings import Settings
from flight_delay.tracking import NAME

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share
from .production import RESAMPLES, TODAY, store_table
from .typed import Ran, Run
from .variants import alias, variant

OFTEN = "0.00001"
"""Hours between two turns."""


def once(run: Run, settings: Settings, **environment: str) -> Ran:
    """Type the command for one turn."""
    given = {"APP_CLOCK_FILE": str(settings.clock_file or ""), "APP_RESAMPLES": str(RESAMPLES)}
    return run(settings.home, "schedule", "--once", **(given | environment))


def reported(settings: Settings, name: str) -> dict[str, Any]:
    """Return what a command reported."""
    content: dict[str, Any] = json.loads((settings.reports / f"{name}.json").read_text("utf-8"))
    return content


@pytest.fixture
def begun(table: pl.DataFrame, tmp_path: Path) -> Settings:
    """Return the settings of a machine that has the table and nothing else, as has the registry."""
    settings = Settings(home=tmp_path / "begun", resamples=RESAMPLES)
    store_table(settings, table)
    return settings


def test_the_first_turn_of_all_trains_and_promotes_a_champion(run: Run, begun: Settings) -> None:
    process = once(run, begun)
    assert process.code == 0
    champion = champion_of(begun)
    assert alias(begun, "champion") == champion
    assert f"{champion} passed the gates" in process.stderr
    assert "decision: nothing" in process.stdout
    assert len(status(begun)["versions"]) == 1


def test_a_first_champion_that_the_gates_refuse_is_none(run: Run, begun: Settings) -> None:
    process = once(run, begun, APP_MAX_CALIBRATION_ERROR="0.00001")
    assert process.code == 3
    assert "fail calibration" in process.stdout
    assert "stays a challenger" in process.stderr
    assert not champion_version(begun.models)


def test_a_machine_that_lacks_table_and_champion_gets_both(run: Run, alive: Settings) -> None:
    first = champion_of(alive)
    shutil.rmtree(alive.data)
    shutil.rmtree(alive.models)
    process = once(run, alive, APP_RETRAIN_EVERY_DAYS="300", APP_MAX_LIVE_BIAS="0.9")
    assert process.code == 0
    assert f"taking the registry's champion, {first}" in process.stderr
    assert champion_of(alive) == first
    assert load_table(alive).height > 300_000
    assert len(status(alive)["versions"]) == 1, "nothing was trained"


def test_what_another_machine_has_crowned_is_taken(alive: Settings) -> None:
    before = (alive.models / CHAMPION_FILE).read_bytes()
    today = alive.model_copy(update={"clock_file": None})  # when the first one was crowned too
    newer = variant(today, threshold=0.3)
    promote(today, newer, force="made by another machine", say=silent)
    (alive.models / CHAMPION_FILE).write_bytes(before)
    calm = alive.model_copy(update={"retrain_every_days": 300, "max_live_bias": 0.9})
    report = take_turn(calm, silent)
    assert report["result"] == "nothing"
    assert (champion_of(alive), alias(alive, "champion")) == (newer, newer)


def test_a_turn_does_what_the_policy_decides_and_the_next_finds_nothing(
    run: Run, alive: Settings
) -> None:
    first = champion_of(alive)
    process = once(run, alive)
    assert process.code == 0
    assert "decision: retrain" in process.stdout
    second = champion_of(alive)
    assert second != first
    assert "decision: nothing" in once(run, alive).stdout
    assert champion_of(alive) == second


def test_a_challenger_that_the_gates_refuse_ends_the_turn_with_3(run: Run, alive: Settings) -> None:
    first = champion_of(alive)
    process = once(run, alive, APP_MAX_SCORING_MILLISECONDS="0.000001")
    assert process.code == 3
    assert "fail latency" in process.stdout
    assert champion_of(alive) == first


DAY = timedelta(days=1)


class EnoughError(Exception):
    """Ends the scheduler, which has no end of its own."""


def pauses(settings: Settings, turns: int, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take turns a day apart, without the waits; return the seconds that each would be."""
    seconds: list[float] = []

    def wait(pause: float) -> None:
        seconds.append(pause)
        if len(seconds) == turns:
            raise EnoughError

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=wait)
    monkeypatch.setattr(schedule, "time", clock)
    with pytest.raises(EnoughError):
        take_turns(settings, DAY, silent)
    return seconds


def test_what_fails_after_the_monitor_is_a_failed_turn_and_tried_again_soon(
    alive: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alive.data / TABLE_FILE).write_bytes(b"damaged")
    assert pauses(alive, 2, monkeypatch) == [SOON.total_seconds(), 2 * SOON.total_seconds()]
    said = reported(alive, "schedule")
    assert said["failed"]
    assert said["said"].startswith("retrain failed: ")


def test_a_refused_first_champion_is_a_failure_that_waits_for_the_next_day(
    begun: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = begun.model_copy(update={"max_calibration_error": 0.00001})
    (pause,) = pauses(strict, 1, monkeypatch)
    assert pause > DAY.total_seconds() / 2
    assert reported(strict, "schedule")["failed"], "nobody answers, which is not healthy"


def test_the_waits_after_failures_grow_up_to_that_between_turns(
    begun: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_file = f"sqlite:///{begun.data / TABLE_FILE}/mlflow.db"
    broken = begun.model_copy(update={"tracking_uri": in_a_file})
    seconds = pauses(broken, 50, monkeypatch)
    assert seconds[:3] == [10, 20, 40]
    assert seconds[-1] == max(seconds) == DAY.total_seconds()


@pytest.mark.parametrize("options", [(), ("--once",)])
def test_a_trial_that_no_service_would_hold_is_refused(
    options: tuple[str, ...], run: Run, begun: Settings
) -> None:
    given = {"MLFLOW_TRACKING_URI": "http://mlflow:5000", "APP_CANARY_DAYS": "3"}
    process = run(begun.home, "schedule", *options, **given)
    assert process.code == 1
    assert "APP_CANARY_DAYS=3 asks for a trial" in process.stderr


@contextmanager
def scheduler(settings: Settings) -> Iterator[tuple["subprocess.Popen[str]", Iterator[str]]]:
    """Run the command as a container does, for ever; give it and the lines that it says."""
    command = [sys.executable, "-m", NAME, "schedule", "--every-hours", OFTEN]
    given = {
        "APP_HOME": str(settings.home),
        "APP_RESAMPLES": str(RESAMPLES),
        "APP_CLOCK_FILE": str(settings.clock_file or ""),
    }
    with subprocess.Popen(
        command,
        env=os.environ | given,
        cwd=settings.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, iter(process.stdout)
        finally:
            process.kill()


def wait_for(lines: Iterator[str], part: str) -> list[str]:
    """Read lines up to one that holds a text, and return them."""
    read = []
    for line in lines:
        read.append(line)
        if part in line:
            return read
    pytest.fail(f"{part!r} was not said, but\n{''.join(read)}")


def test_a_turn_that_fails_is_one_line_and_the_next_one_is_taken(alive: Settings) -> None:
    assert alive.clock_file is not None
    alive.clock_file.unlink()
    with scheduler(alive) as (process, lines):
        for _ in range(2):
            *_, line = wait_for(lines, "this turn failed: APP_CLOCK_FILE=")
        assert reported(alive, "schedule")["failed"]
        assert "Traceback" not in line
        set_clock(alive.clock_file, TODAY)
        wait_for(lines, "promoted:")
        wait_for(lines, "nothing to do: ")
        process.terminate()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert not reported(alive, "schedule")["failed"]


def test_it_stops_at_once_in_the_middle_of_a_training(begun: Settings) -> None:
    with scheduler(begun) as (process, lines):
        wait_for(lines, "fitting")
        process.terminate()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
        assert "converting" not in "".join(lines), "it went on until the training was done"
    assert not champion_version(begun.models)
    assert (begun.data / TABLE_FILE).is_file()
