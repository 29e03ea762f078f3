"""One turn of the loop after another: monitor, decide, act, and a line for all that was done."""

import json
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from flight_delay.bundle import load
from flight_delay.clock import now
from flight_delay.contract import DAY
from flight_delay.errors import ProjectError
from flight_delay.loop import run_retrain, tend
from flight_delay.model import as_arrays
from flight_delay.prediction_log import Event, open_log
from flight_delay.registry import promote, rollback
from flight_delay.replay.bad_challenger import REASON, force_bad_challenger
from flight_delay.settings import Settings

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share
from .production import TODAY, log_day, on

NOWHERE = "http://127.0.0.1:9"


def events(settings: Settings, kind: str) -> list[Event]:
    """Return the events of a kind, the oldest first."""
    with closing(open_log(settings)) as log:
        return log.events(kind, last=100)[::-1]


def written(settings: Settings) -> dict[str, Any]:
    """Return what the last turn reported."""
    report: dict[str, Any] = json.loads((settings.reports / "retrain.json").read_text())
    return report


def test_a_training_that_is_due_is_done_and_every_step_is_recorded(alive: Settings) -> None:
    first = champion_of(alive)
    report = tend(alive, silent)
    second = champion_of(alive)
    assert (report["result"], report["version"]) == ("promoted", second)
    assert report["decision"]["action"] == "retrain"
    assert report["said"].startswith(f"{second} promoted: Brier score less the champion's over ")
    assert report["why"] == report["decision"]["reasons"]
    assert written(alive) == json.loads(json.dumps(report))
    page = (alive.reports / "retrain.md").read_text(encoding="utf-8")
    assert page.startswith("# The loop: retrain, promoted\n")
    assert f"## The challenger less the champion {first}" in page

    (retrained,) = events(alive, "retrain")
    assert retrained.at == now(alive.clock_file)
    assert retrained.content == {
        "version": second,
        "result": "promoted",
        "gates": report["gates"],
        "why": report["why"],
    }
    promoted = events(alive, "promote")[-1]
    assert promoted.at == now(alive.clock_file)
    assert (promoted.content["version"], promoted.content["previous"]) == (second, first)
    assert events(alive, "monitor")[-1].content["champion"] == first

    quiet = tend(alive, silent)
    assert (quiet["result"], quiet["said"], quiet["gates"]) == ("nothing", "", [])
    assert champion_of(alive) == second
    assert len(events(alive, "retrain")) == 1


def test_nothing_is_done_before_it_is_due(alive: Settings) -> None:
    first = champion_of(alive)
    report = tend(on(alive, date(2013, 4, 20)), silent)
    assert report["decision"]["action"] in {"nothing", "warn"}
    assert report["result"] == "nothing"
    assert champion_of(alive) == first
    assert events(alive, "retrain") == []


def test_a_training_that_fails_is_a_result_with_its_reason_and_the_champion_stays(
    alive: Settings,
) -> None:
    first = champion_of(alive)
    cut_off = alive.model_copy(update={"tracking_uri": NOWHERE})
    report = tend(cut_off, silent)
    assert report["result"] == "failed"
    assert report["said"].startswith(f"retrain failed: MLflow at {NOWHERE} does not answer: ")
    assert champion_of(alive) == first
    (event,) = events(alive, "retrain")
    assert (event.content["version"], event.content["result"]) == (None, "failed")
    assert event.content["why"][:-1] == report["decision"]["reasons"]
    assert "does not answer" in event.content["why"][-1]


def test_asked_for_by_hand_it_trains_whatever_the_policy_says(alive: Settings) -> None:
    tomorrow = on(alive, date(2013, 4, 30))
    assert tend(tomorrow, silent)["result"] == "nothing", "it is due a day later"
    report = run_retrain(tomorrow, silent)
    assert (report["decision"], report["result"]) == (None, "promoted")
    (event,) = events(alive, "retrain")
    assert event.content["why"] == report["why"] == ["asked for by hand"]
    assert written(alive)["version"] == champion_of(alive)


def test_asked_for_by_hand_a_failure_is_recorded_and_raised(alive: Settings) -> None:
    with pytest.raises(ProjectError, match="3 days since 2013-03-31"):
        run_retrain(on(alive, date(2013, 4, 7)), silent)
    assert written(alive)["result"] == "failed"
    assert "3 days since" in events(alive, "retrain")[-1].content["why"][-1]


def test_a_log_that_cannot_be_written_stops_neither_promotion_nor_rollback(
    alive: Settings,
) -> None:
    report = run_retrain(alive, silent)
    broken = alive.model_copy(update={"log_url": "sqlite:////nowhere/at/all.db"})
    said: list[str] = []
    champion = rollback(broken, "it answers oddly", said.append)
    assert champion.version == report["previous"] == champion_of(alive)
    (line,) = said
    assert line.startswith("the event 'rollback' is not in the prediction log: ")
    assert promote(broken, report["version"], say=said.append).champion is not None
    assert said[1].startswith("the event 'promote' is not in the prediction log: ")


def test_a_bad_challenger_that_was_forced_is_rolled_back_by_the_policy(
    alive: Settings, table: pl.DataFrame
) -> None:
    first = champion_of(alive)
    bad_challenger = force_bad_challenger(alive, silent)
    assert champion_of(alive) == bad_challenger
    forced = events(alive, "promote")[-1].content
    assert forced["version"] == bad_challenger
    assert forced["reason"].startswith(f"forced, {REASON}; the gates said: baseline: ")

    bundle = load(alive.models / bad_challenger)
    after = table.filter(pl.col(DAY).is_between(TODAY, TODAY + timedelta(days=6)))
    with closing(open_log(alive)) as log:
        for rows in after.filter(pl.int_range(pl.len()).over(DAY) < 300).partition_by(DAY):
            log_day(log, rows, bad_challenger, bundle.probabilities(as_arrays(rows)).tolist())
    report = tend(on(alive, TODAY + timedelta(days=10)), silent)
    assert report["decision"]["action"] == "rollback"
    assert report["result"] == "rolled back"
    assert champion_of(alive) == report["version"] == first
    (event,) = events(alive, "rollback")
    assert event.content == {
        "version": first,
        "previous": bad_challenger,
        "reason": "; ".join(report["decision"]["reasons"]),
    }
    assert promote(alive, bad_challenger).champion is None, "the gates still refuse it"
