"""A retraining: what it learns, how it meets the champion, and what it leaves behind."""

from contextlib import closing
from datetime import date

import numpy as np
import polars as pl
import pytest

from flight_delay.bundle import Bundle, load, read_manifest
from flight_delay.champion import CHAMPION_FILE, ChampionError
from flight_delay.contract import DAY, TARGET
from flight_delay.data import DataError
from flight_delay.evaluate import choose_threshold, compare, scored
from flight_delay.model import as_arrays, gradient_boosting
from flight_delay.past import past
from flight_delay.prediction_log import open_log
from flight_delay.retraining import HALF_LIFE_DAYS, challenge, retrain
from flight_delay.settings import Settings
from flight_delay.splits import Windows, hold_out
from flight_delay.tracking import NAME, client
from flight_delay.train import fit, probabilities

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share
from .production import TODAY

SEEN_UNTIL = date(2013, 3, 31)


def champion_bundle(settings: Settings) -> Bundle:
    """Return the champion, verified."""
    return load(settings.models / champion_of(settings))


def windows_of(settings: Settings) -> Windows:
    """Return the windows of a retraining today."""
    with closing(open_log(settings)) as log:
        return hold_out(past(settings, log, TODAY), SEEN_UNTIL, settings)


def test_the_candidate_has_not_seen_what_it_is_compared_on_and_the_final_model_has(
    alive: Settings,
) -> None:
    windows, champion = windows_of(alive), champion_bundle(alive)
    trained, rival = challenge(windows, champion, alive, silent)
    held_out = windows.validation

    def recipe(rows: pl.DataFrame) -> np.ndarray:  # type: ignore[type-arg]
        model = fit(gradient_boosting(alive.seed, rows.height), rows, HALF_LIFE_DAYS)
        return probabilities(model, held_out)

    ours = probabilities(trained.candidate, held_out)
    assert np.array_equal(ours, recipe(windows.fit))
    assert np.array_equal(probabilities(trained.final, held_out), recipe(windows.history))
    assert trained.threshold == choose_threshold(scored(held_out, ours))
    theirs = champion.probabilities(as_arrays(held_out))
    expected = compare(
        scored(held_out, ours), scored(held_out, theirs), alive.resamples, alive.seed
    )
    assert rival.version == champion.version
    assert (rival.first, rival.last, rival.days) == ("2013-04-27", "2013-05-10", 14)
    assert rival.rows == held_out.height == trained.validation.daily[0]["rows"] * 0 + 4069
    for metric, interval in expected.items():
        found = rival.difference[metric]
        assert (found.estimate, found.low, found.high) == (
            interval.estimate,
            interval.low,
            interval.high,
        )


def test_each_slice_with_rows_enough_is_compared_on_its_own_rows(alive: Settings) -> None:
    windows, champion = windows_of(alive), champion_bundle(alive)
    trained, rival = challenge(windows, champion, alive, silent)
    rows = windows.validation.with_columns(
        ours=pl.Series(probabilities(trained.candidate, windows.validation)),
        theirs=pl.Series(champion.probabilities(as_arrays(windows.validation))),
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
    assert f"the model less the champion of then, {first}," in card
    assert "baseline" not in card


def test_the_same_past_gives_the_same_challenger_and_it_is_not_learned_twice(
    alive: Settings, in_production: Settings
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
        "flights with their outcomes, and 7 are needed to compare: wait for outcomes, or lower "
        "APP_LEAST_HOLDOUT_DAYS"
    )
    assert len(said) == 1, "nothing was fitted"


def test_without_a_champion_there_is_nothing_to_compare_with(alive: Settings) -> None:
    (alive.models / CHAMPION_FILE).unlink()
    with pytest.raises(ChampionError, match="run the commands `train` and `promote`"):
        retrain(alive, silent, TODAY)


def test_blocked_days_are_named(alive: Settings) -> None:
    blocked = windows_of(alive).validation[DAY].min()
    with closing(open_log(alive)) as log:
        event = {"day": str(blocked), "blocks": True, "reasons": ["frozen"]}
        log.record_event("broken_day", event, log.events("promote")[0].at)
    report = retrain(alive, silent, TODAY)
    assert report["blocked_days"] == [str(blocked)]
    assert report["windows"]["validation"][0] == "2013-04-26", "the next older day takes its place"
