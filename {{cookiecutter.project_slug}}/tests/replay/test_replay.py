"""A few real weeks: a real service, real outcomes, a real retraining, and the figures of it."""

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from flight_delay.bundle import load
from flight_delay.champion import read_champion
from flight_delay.contract import DAY, TARGET, field_names
from flight_delay.data import load_table
from flight_delay.encoding import encode
from flight_delay.evaluate import point, scored
from flight_delay.monitoring.window import read_window
from flight_delay.prediction_log import open_log
from flight_delay.replay.day import DayLine
from flight_delay.replay.plan import Plan
from flight_delay.replay.run import run_replay
from flight_delay.settings import Settings

DAYS = 16
LAUNCH = date(2013, 4, 1)
LAST = LAUNCH + timedelta(days=DAYS - 1)
DUE = 12
"""Days after launch on which a training is due, so that a short replay sees one."""


class Watcher:
    """Keeps what it is told."""

    def __init__(self) -> None:
        """Hear nothing yet."""
        self.days: list[DayLine] = []

    def doing(self, _what: str) -> None:
        """Hear of something that takes a while."""

    def day(self, line: DayLine) -> None:
        """Hear of a day that is over."""
        self.days.append(line)


@dataclass(frozen=True)
class Lived:
    """A replay that is over."""

    plan: Plan
    report: dict[str, Any]
    days: list[DayLine]
    before: dict[str, str]


def state_of(home: Path) -> dict[str, str]:
    """Return the hash of every file of a project's state, but for reports and the replay's own."""
    places = [home / "data", home / "models", home / "mlflow.db", home / "predictions.db"]
    files = [path for place in places for path in (place, *place.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def live(project: Settings, *incidents: str, days: int = DAYS) -> Lived:
    """Replay the first days."""
    before = state_of(project.home)
    plan = Plan.of(project, days=days, incidents=incidents)
    watcher = Watcher()
    return Lived(plan, run_replay(plan, watcher), watcher.days, before)


@pytest.fixture(scope="module")
def lived(trained: Settings, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Return a replay of sixteen days, in which an airport closes."""
    home = tmp_path_factory.mktemp("lived")
    for name in ("data", "models"):
        (home / name).symlink_to(trained.home / name)
    hurried = {"home": home, "retrain_every_days": DUE, "least_holdout_days": 5}
    return live(trained.model_copy(update=hurried), "closed_airport@2013-04-10")


@pytest.fixture(scope="module")
def logged(lived: Lived) -> pl.DataFrame:
    """Return every row of the replay's log."""
    with closing(open_log(lived.plan.settings)) as log:
        return read_window(log, LAUNCH, LAST + timedelta(days=1))


def sent(lived: Lived) -> pl.DataFrame:
    """Return the flights that were to be asked about: without those of the closed airport."""
    table = load_table(lived.plan.project).filter(pl.col(DAY).is_between(LAUNCH, LAST))
    closed = (pl.col("origin") == "JFK") & pl.col(DAY).is_between(
        date(2013, 4, 10), date(2013, 4, 16)
    )
    return table.filter(~closed)


def test_every_flight_was_asked_about_once_on_its_day(lived: Lived, logged: pl.DataFrame) -> None:
    expected = sent(lived).group_by(DAY).len().sort(DAY)
    assert logged.group_by(DAY).len().sort(DAY).to_dicts() == expected.to_dicts()
    assert logged["request_id"].n_unique() == logged.height
    summary = lived.report["summary"]
    assert summary["predictions"] == logged.height
    assert summary["failed_requests"] == 0
    assert summary["requests"] < logged.height / 10


def test_outcomes_came_late_and_those_of_the_last_days_have_not_come(
    lived: Lived, logged: pl.DataFrame
) -> None:
    known = logged.filter(pl.col("outcome").is_not_null())
    newest = LAST - timedelta(days=lived.plan.settings.label_delay_days)
    assert known[DAY].max() == newest
    departed = sent(lived).filter(pl.col(TARGET).is_not_null(), pl.col(DAY) <= newest)
    assert known.height == departed.height
    assert known["outcome"].sum() == departed[TARGET].sum()


def test_a_training_was_due_and_what_came_of_it_answered_from_then_on(
    lived: Lived, logged: pl.DataFrame
) -> None:
    (trained_on,) = (day for day in lived.days if day.trained)
    assert trained_on.action == "retrain"
    assert trained_on.day == LAUNCH + timedelta(days=DUE - 1)  # in the morning after
    assert trained_on.result in {"promoted", "refused"}
    champion = read_champion(lived.plan.settings.models)
    assert champion is not None
    promoted = trained_on.result == "promoted"
    assert len(champion.line) == 1 + promoted
    assert lived.report["summary"]["retrainings"] == 1
    assert lived.report["summary"]["promotions"] == promoted
    versions = logged.group_by(DAY).agg(pl.col("model_version").unique()).sort(DAY)
    for day, answered in versions.iter_rows():
        later = promoted and day > trained_on.day
        assert answered == [champion.line[-1] if later else lived.plan.version]


def test_the_closed_airport_was_named_the_day_after(lived: Lived) -> None:
    first = next(day for day in lived.days if day.broken)
    assert first.day == date(2013, 4, 10)
    assert first.action == "warn"
    assert "JFK" in first.broken[0]
    assert "JFK" in first.said


def test_the_figures_are_those_of_the_log(lived: Lived, logged: pl.DataFrame) -> None:
    bundle = load(lived.plan.settings.models / lived.plan.version)
    truth = sent(lived).filter(pl.col(TARGET).is_not_null())
    alone = bundle.probabilities(encode({name: truth[name] for name in field_names()}))
    expected = point(scored(truth, np.asarray(alone)))
    assert lived.report["summary"]["left_alone"] == pytest.approx(expected, abs=1e-9)
    # Until the training both are the same model.
    until = [day for day in lived.report["daily"] if day["day"] <= "2013-04-12"]
    assert len(until) == 12
    assert all(day["left_alone"] == pytest.approx(day["kept_alive"]) for day in until)
    by_day = logged.group_by(DAY).len().sort(DAY)["len"]
    assert [day.predictions for day in lived.days] == by_day.to_list()


def test_the_project_itself_was_not_touched(lived: Lived) -> None:
    home = lived.plan.project.home
    assert state_of(home) == lived.before
    assert not (home / "predictions.db").exists()
    assert not (home / "mlflow.db").exists()


def test_it_leaves_a_report_a_picture_and_a_page_that_stands_alone(lived: Lived) -> None:
    reports = lived.plan.project.reports
    assert json.loads((reports / "replay.json").read_text("utf-8")) == lived.report
    assert (reports / "replay.png").read_bytes().startswith(b"\x89PNG")
    page = (reports / "replay.html").read_text("utf-8")
    assert "<svg" in page
    assert "computed by the" in page
    assert "arrived 3 days later" in page
    assert "closed_airport@2013-04-10" in page
    for outside in ('src="http', 'href="http', "@import", "url(http"):
        assert outside not in page


def test_a_bad_challenger_is_rolled_back_by_the_policy_itself(
    trained: Settings, tmp_path: Path
) -> None:
    for name in ("data", "models"):
        (tmp_path / name).symlink_to(trained.home / name)
    project = trained.model_copy(update={"home": tmp_path})
    lived = live(project, "bad_challenger@2013-04-02", days=12)
    (back,) = (day for day in lived.days if day.result == "rolled back")
    assert back.champion == lived.plan.version
    worse = {day.champion for day in lived.days} - {lived.plan.version}
    assert len(worse) == 1
    assert lived.report["summary"]["rollbacks"] == 1
    champion = read_champion(lived.plan.settings.models)
    assert champion is not None
    assert champion.changes[-1].action == "rollback"
    assert lived.plan.version in champion.changes[-1].reason
