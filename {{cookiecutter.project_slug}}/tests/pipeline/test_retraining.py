"""A retraining: what it learns, how it meets the champion, and what it leaves behind."""

from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flight_delay.bundle import Bundle, Rival, load, read_manifest
from flight_delay.champion import CHAMPION_FILE, ChampionError
from flight_delay.contract import TARGET
from flight_delay.data import DataError
from flight_delay.evaluate import Floats, choose_threshold, compare, scored
from flight_delay.model import as_arrays, gradient_boosting
from flight_delay.monitoring.watched import open_bundle
from flight_delay.past import past
from flight_delay.prediction_log import open_log
from flight_delay.retraining import HALF_LIFE_DAYS, challenge, retrain
from flight_delay.settings import Settings
from flight_delay.splits import Windows, hold_out
from flight_delay.tracking import NAME, client
from flight_delay.train import Trained, fit, probabilities

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share
from .production import RESAMPLES, TODAY

SEED = Settings().seed
SEEN_UNTIL = date(2013, 3, 31)


@dataclass(frozen=True)
class Met:
    """A challenger that met the champion, and on what."""

    windows: Windows
    champion: Bundle
    trained: Trained
    rival: Rival

    @property
    def ours(self) -> Floats:
        """What the candidate says of the rows that were held out."""
        return probabilities(self.trained.candidate, self.windows.validation)

    @property
    def theirs(self) -> Floats:
        """What the champion says of them."""
        return self.champion.probabilities(as_arrays(self.windows.validation))


def champion_bundle(settings: Settings) -> Bundle:
    """Return the champion, verified."""
    return load(settings.models / champion_of(settings))


@pytest.fixture(scope="module")
def met(in_production: Path) -> Met:
    """Return a challenger that met the champion, and was written nowhere."""
    settings = Settings(home=in_production, resamples=RESAMPLES)
    champion = champion_bundle(settings)
    with closing(open_log(settings)) as log:
        _, reference = open_bundle(champion.path)
        rows, _ = past(settings, log, TODAY, reference)
    windows = hold_out(rows, SEEN_UNTIL, settings)
    return Met(windows, champion, *challenge(windows, champion, settings, silent))


def test_the_candidate_has_not_seen_what_it_is_compared_on_and_the_final_model_has(
    met: Met,
) -> None:
    windows = met.windows

    def recipe(rows: pl.DataFrame) -> Floats:
        model = fit(gradient_boosting(SEED, rows.height), rows, HALF_LIFE_DAYS)
        return probabilities(model, windows.validation)

    assert np.array_equal(met.ours, recipe(windows.fit))
    final = probabilities(met.trained.final, windows.validation)
    assert np.array_equal(final, recipe(windows.history))
    assert not np.array_equal(final, met.ours)
    assert met.trained.threshold == choose_threshold(scored(windows.validation, met.ours))


def test_both_are_compared_on_the_very_same_rows(met: Met) -> None:
    held_out, rival = met.windows.validation, met.rival
    expected = compare(scored(held_out, met.ours), scored(held_out, met.theirs), RESAMPLES, SEED)
    assert rival.version == met.champion.version
    assert (rival.first, rival.last, rival.days) == ("2013-04-27", "2013-05-10", 14)
    assert rival.rows == held_out.height == 4069
    assert list(rival.difference) == list(expected)
    for metric, interval in expected.items():
        found = rival.difference[metric]
        assert (found.estimate, found.low, found.high) == (
            interval.estimate,
            interval.low,
            interval.high,
        )


def test_each_slice_with_rows_enough_is_compared_on_its_own_rows(met: Met) -> None:
    rival = met.rival
    rows = met.windows.validation.with_columns(
        ours=pl.Series(met.ours), theirs=pl.Series(met.theirs)
    )
    late = pl.col(TARGET).cast(pl.Float64)
    gap = ((pl.col("ours") - late) ** 2 - (pl.col("theirs") - late) ** 2).mean()
    assert {one.value for one in rival.slices if one.slice == "origin"} == {"EWR", "JFK", "LGA"}
    for one in rival.slices:
        part = rows.filter(pl.col(one.slice) == one.value)
        assert part.height == one.rows >= 200
        assert one.estimate == pytest.approx(part.select(gap).item(), abs=1e-12)
        assert one.low <= one.estimate <= one.high
    largest = rows["carrier"].value_counts().filter(pl.col("count") >= 200).height
    assert len(rival.slices) == 3 + largest


def test_a_better_challenger_is_promoted_with_its_comparison(alive: Settings) -> None:
    first = champion_of(alive)
    report = retrain(alive, silent, TODAY)
    assert report["result"] == "promoted"
    assert champion_of(alive) == report["version"] != first
    manifest = champion_bundle(alive).manifest
    assert manifest.rival is not None
    assert (manifest.rival.version, report["previous"]) == (first, first)
    assert manifest.windows == {
        "history": ["2013-01-01", "2013-05-10"],
        "validation": ["2013-04-27", "2013-05-10"],
    }
    assert "advantage_brier" not in manifest.metrics["validation"], "the baseline was for birth"
    assert [gate["name"] for gate in report["gates"] if not gate["passed"]] == []
    assert report["rows"] == {"fit": 17_288, "held_out": 4069}
    run = client(alive).get_run(report["run_id"])
    assert run.data.metrics["rival_brier"] == manifest.rival.difference["brier"].estimate < 0
    assert run.data.tags["gates"] == "passed"
    card = (alive.models / report["version"] / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"the difference is the model less {first}, the champion then," in card
    assert "baseline" not in card


def test_the_same_past_gives_the_same_challenger_and_it_is_not_learned_twice(
    alive: Settings,
) -> None:
    refused = alive.model_copy(update={"max_scoring_milliseconds": 1e-6})
    first = retrain(refused, silent, TODAY)
    again = retrain(alive, silent, TODAY)
    assert (first["result"], again["result"]) == ("refused", "promoted")
    assert first["version"] == again["version"]
    with pytest.raises(DataError, match="0 days since 2013-05-10, the last that the champion was"):
        retrain(alive, silent, TODAY)


def test_a_refused_challenger_leaves_the_champion_and_its_reasons(alive: Settings) -> None:
    first = champion_of(alive)
    strict = alive.model_copy(update={"max_scoring_milliseconds": 1e-6})
    report = retrain(strict, silent, TODAY)
    assert report["result"] == "refused"
    assert champion_of(alive) == first
    (refusal,) = [gate for gate in report["gates"] if not gate["passed"]]
    assert refusal["name"] == "latency"
    assert read_manifest(alive.models / report["version"]).version == report["version"]
    entry = client(alive).get_model_version_by_alias(NAME, "challenger")
    assert entry.tags["bundle"] == report["version"]
    run = client(alive).get_run(report["run_id"])
    for tags in (entry.tags, run.data.tags):
        assert tags["gates"] == "refused"
        assert tags["gates_reason"] == f"latency: {refusal['reason']}"


def test_too_few_days_refuse_before_anything_is_fitted(alive: Settings) -> None:
    said: list[str] = []
    with pytest.raises(DataError) as caught:
        retrain(alive, said.append, date(2013, 4, 10))
    assert str(caught.value) == (
        "6 days since 2013-03-31, the last that the champion was fitted on, have at least 100 "
        "flights with their outcomes, and 7 are needed to compare: send outcomes to /v1/feedback, "
        "or wait for more days of them"
    )
    assert len(said) == 1, "nothing was fitted"


def test_without_a_champion_there_is_nothing_to_compare_with(alive: Settings) -> None:
    (alive.models / CHAMPION_FILE).unlink()
    with pytest.raises(ChampionError, match="run the commands `train` and `promote`"):
        retrain(alive, silent, TODAY)


def test_blocked_days_are_named(alive: Settings) -> None:
    blocked = "2013-04-27"
    with closing(open_log(alive)) as log:
        event = {"day": blocked, "blocks": True, "reasons": ["frozen"]}
        log.record_event("broken_day", event, log.events("promote")[0].at)
    report = retrain(alive, silent, TODAY)
    assert report["blocked_days"] == [blocked]
    assert report["windows"]["validation"][0] == "2013-04-26", "the next older day takes its place"
