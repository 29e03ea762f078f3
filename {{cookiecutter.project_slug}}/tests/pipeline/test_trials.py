"""A challenger on trial: gates, shadow, canary, crown, and each way out of it."""

import shutil
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flight_delay.bundle import load
from flight_delay.contract import DAY
from flight_delay.loop import run_retrain, tend
from flight_delay.model import as_arrays
from flight_delay.prediction_log import open_log
from flight_delay.registry import promote, rollback
from flight_delay.replay.day import day_line
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, client
from flight_delay.trial import TRIAL_FILE, Trial, read_trial, write_trial

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share
from .production import RESAMPLES, TODAY, log_day, on

DAYS = 3
OVER = TODAY + timedelta(days=DAYS + 3)
"""Three days of a stage, and three until their outcomes are complete."""


def with_trials(home: Path) -> Settings:
    """Return the settings of a project in that folder, today, in which a trial has two stages."""
    settings = Settings(
        home=home,
        resamples=RESAMPLES,
        clock_file=home / "clock",
        shadow_days=DAYS,
        canary_days=DAYS,
        retrain_every_days=300,
    )
    return on(settings, TODAY)


@pytest.fixture(scope="module")
def in_shadow(in_production: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a project whose challenger is in shadow; no test may change it."""
    home = tmp_path_factory.mktemp("trial") / "in-shadow"
    shutil.copytree(in_production, home)
    assert run_retrain(with_trials(home), silent)["result"] == "shadow"
    return home


@pytest.fixture
def trial(in_shadow: Path, tmp_path: Path) -> Settings:
    """Return the settings of a copy of that project."""
    shutil.copytree(in_shadow, tmp_path / "trial")
    return with_trials(tmp_path / "trial")


def challenger_of(settings: Settings) -> str:
    """Return the version that is on trial."""
    trial = read_trial(settings.models)
    assert trial is not None
    return trial.version


def answer(
    settings: Settings, table: pl.DataFrame, start: date, *, canary: bool = False, off: float = 0.0
) -> None:
    """Log three days of traffic: both models score every row, and a canary answers every third.

    The challenger's probabilities are moved by `off`.
    """
    theirs, ours = (
        load(settings.models / version)
        for version in (champion_of(settings), challenger_of(settings))
    )

    def challenged(rows: pl.DataFrame) -> list[float]:
        said: list[float] = (ours.probabilities(as_arrays(rows)) * (1 - off) + off).tolist()
        return said

    days = table.filter(pl.col(DAY).is_between(start, start + timedelta(days=DAYS - 1)))
    with closing(open_log(settings)) as log:
        for rows in days.partition_by(DAY):
            third = pl.int_range(pl.len()) % 3 == 0
            heard = rows.filter(~third) if canary else rows
            shadow = None if canary else (ours.version, challenged(rows))
            answers = theirs.probabilities(as_arrays(heard)).tolist()
            log_day(log, heard, theirs.version, answers, shadow)
            if canary:
                own = rows.filter(third)
                log_day(log, own, ours.version, challenged(own))


def steps(settings: Settings) -> list[tuple[str, str]]:
    """Return stage and result of each event of the trial, in order."""
    with closing(open_log(settings)) as log:
        contents: list[dict[str, Any]] = [one.content for one in log.events("trial", last=9)][::-1]
    assert all(content["reason"] for content in contents)
    return [(content["stage"], content["result"]) for content in contents]


def gates_tag(settings: Settings) -> str:
    """Return what the registry says of the challenger."""
    entry = client(settings).get_model_version_by_alias(NAME, "challenger")
    return f"{entry.tags['gates']}: {entry.tags['gates_reason']}"


def test_a_challenger_goes_through_shadow_and_canary_to_the_crown(
    trial: Settings, table: pl.DataFrame
) -> None:
    first, challenger = champion_of(trial), challenger_of(trial)
    assert champion_of(trial) != challenger
    answer(trial, table, TODAY)
    waiting = tend(on(trial, OVER - timedelta(days=1)), silent)
    assert (waiting["result"], champion_of(trial)) == ("nothing", first)

    advanced = tend(on(trial, OVER), silent)
    assert (advanced["result"], advanced["version"]) == ("canary", challenger)
    stage = read_trial(trial.models)
    assert stage is not None
    assert (stage.stage, stage.share) == ("canary", trial.canary_share)
    assert (stage.since, stage.until) == (OVER, OVER + timedelta(days=DAYS))
    assert champion_of(trial) == first

    answer(trial, table, OVER, canary=True)
    crowned = tend(on(trial, OVER + timedelta(days=DAYS + 3)), silent)
    assert (crowned["result"], crowned["version"]) == ("promoted", challenger)
    assert champion_of(trial) == challenger
    assert read_trial(trial.models) is None
    assert steps(trial) == [("shadow", "started"), ("canary", "advanced"), ("canary", "promoted")]
    # A replay counts one training for all of it, which was before the first stage.
    assert not any(day_line(0, OVER, 0, first, done).trained for done in (advanced, crowned))
    assert gates_tag(trial).startswith(
        "passed: canary: Brier score less the champion's over 3 days"
    )
    with closing(open_log(trial)) as log:
        assert log.events("promote")[0].content["version"] == challenger


def test_a_challenger_that_does_worse_in_shadow_is_sent_back(
    trial: Settings, table: pl.DataFrame
) -> None:
    first = champion_of(trial)
    answer(trial, table, TODAY, off=0.3)
    report = tend(on(trial, OVER), silent)
    assert report["result"] == "refused"
    assert "must not be wholly above 0" in report["said"]
    assert champion_of(trial) == first
    assert read_trial(trial.models) is None
    assert steps(trial) == [("shadow", "started"), ("shadow", "refused")]
    assert gates_tag(trial).startswith("refused: shadow: Brier score")


def test_without_traffic_a_trial_shows_nothing_and_nobody_is_promoted(trial: Settings) -> None:
    report = tend(on(trial, OVER), silent)
    assert report["result"] == "refused"
    assert "0 days have 100 labelled rows which it scored unheard, and 3 are" in report["said"]


def test_a_damaged_challenger_is_not_crowned_and_its_trial_is_said_to_fail(
    trial: Settings, table: pl.DataFrame
) -> None:
    first, challenger = champion_of(trial), challenger_of(trial)
    answer(trial, table, TODAY)
    without_canary = trial.model_copy(update={"canary_days": 0})
    (trial.models / challenger / "golden.json").unlink()
    report = tend(on(without_canary, OVER), silent)
    assert report["result"] == "failed"
    assert report["said"] == f"trial failed: bundle {challenger}: golden.json is missing"
    assert champion_of(trial) == first
    assert not (trial.models / TRIAL_FILE).exists(), "it would keep every other challenger out"


def test_a_rollback_or_another_champion_ends_the_trial(trial: Settings) -> None:
    challenger = challenger_of(trial)
    assert promote(trial, challenger, force="it cannot wait", say=silent).champion is not None
    assert champion_of(trial) == challenger
    assert not (trial.models / TRIAL_FILE).exists()
    first = rollback(trial, "it was a mistake", silent).version
    assert promote(trial, challenger, say=silent).trial is not None
    assert challenger_of(trial) == challenger
    assert promote(trial, first, say=silent).champion is not None, "it is the champion already"


def test_a_rollback_ends_the_trial_of_another(trial: Settings) -> None:
    second = challenger_of(trial)
    promote(trial, second, force="it cannot wait", say=silent)
    third = Trial(version="0" * 12, stage="shadow", share=0, since=TODAY, until=OVER)
    write_trial(trial.models, third)
    rollback(trial, "the second was worse", silent)
    assert read_trial(trial.models) is None


def test_a_trial_that_a_crash_left_behind_is_cleared_away(trial: Settings) -> None:
    left = (trial.models / TRIAL_FILE).read_bytes()
    promote(trial, challenger_of(trial), force="it cannot wait", say=silent)
    (trial.models / TRIAL_FILE).write_bytes(left)
    assert tend(on(trial, OVER), silent)["result"] == "nothing"
    assert read_trial(trial.models) is None


def test_a_trial_that_cannot_be_read_is_said_and_harms_nobody(trial: Settings) -> None:
    first = champion_of(trial)
    (trial.models / TRIAL_FILE).write_text("{bad")
    report = tend(on(trial, OVER), silent)
    assert report["result"] == "failed"
    assert report["said"].startswith("trial failed: trial.json cannot be read: ")
    assert champion_of(trial) == first
