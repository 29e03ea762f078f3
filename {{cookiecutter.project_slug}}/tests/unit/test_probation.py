"""A trial: which stage comes when, and what its days say, with figures by hand."""

from datetime import date, timedelta

import polars as pl
import pytest

from flight_delay.probation import (
    LEAST_CANARY_ROWS,
    Finding,
    is_due,
    judge_trial,
    next_stage,
)
from flight_delay.settings import Settings
from flight_delay.trial import Trial

CHAMPION, CHALLENGER = "c" * 12, "d" * 12
TODAY = date(2013, 6, 1)
SETTINGS = Settings(
    shadow_days=4,
    canary_days=6,
    canary_share=0.2,
    least_day_rows=10,
    least_labelled_days=3,
    resamples=200,
)
SHADOW = Trial(
    version=CHALLENGER, stage="shadow", share=0, since=TODAY, until=TODAY + timedelta(days=4)
)
CANARY = SHADOW.model_copy(update={"stage": "canary", "share": 0.2})


def day_of(
    number: int,
    rows: int,
    version: str = CHAMPION,
    probability: float = 0.5,
    shadow: float | None = None,
) -> pl.DataFrame:
    """Return rows of a day of the trial, of which every second one had the outcome."""
    return pl.DataFrame(
        {
            "day": [TODAY + timedelta(days=number)] * rows,
            "model_version": [version] * rows,
            "probability": [probability] * rows,
            "shadow_version": [None if shadow is None else CHALLENGER] * rows,
            "shadow_probability": [shadow] * rows,
            "outcome": [row % 2 == 0 for row in range(rows)],
        },
        schema_overrides={"shadow_version": pl.String, "shadow_probability": pl.Float64},
    )


def judged(trial: Trial, *days: pl.DataFrame, settings: Settings = SETTINGS) -> Finding:
    """Return what a trial with these days comes to."""
    return judge_trial(trial, CHAMPION, pl.concat(days), settings)


def test_shadow_comes_first_then_canary_then_nothing() -> None:
    shadow = next_stage(CHALLENGER, None, TODAY, SETTINGS)
    assert shadow == SHADOW
    canary = next_stage(CHALLENGER, "shadow", TODAY, SETTINGS)
    assert canary == CANARY.model_copy(update={"until": date(2013, 6, 7)})
    assert next_stage(CHALLENGER, "canary", TODAY, SETTINGS) is None


@pytest.mark.parametrize(
    ("shadow_days", "canary_days", "stages"),
    [(0, 0, [None, None]), (0, 3, ["canary", "canary"]), (3, 0, ["shadow", None])],
)
def test_a_stage_of_no_days_is_left_out(
    shadow_days: int, canary_days: int, stages: list[str | None]
) -> None:
    settings = Settings(shadow_days=shadow_days, canary_days=canary_days)
    found = [next_stage(CHALLENGER, after, TODAY, settings) for after in (None, "shadow")]
    assert [trial and trial.stage for trial in found] == stages


def test_a_stage_is_judged_when_the_outcomes_of_its_days_are_in() -> None:
    delay = SETTINGS.label_delay_days
    last = SHADOW.until + timedelta(days=delay)
    assert not is_due(SHADOW, last - timedelta(days=1), SETTINGS)
    assert is_due(SHADOW, last, SETTINGS)


def test_in_shadow_both_answers_to_the_same_row_are_compared() -> None:
    # Half of the outcomes are true: 0.5 costs 0.25 a row, 0.6 costs (0.16 + 0.36) / 2 = 0.26.
    days = [day_of(number, 20, shadow=0.6) for number in range(4)]
    worse = judged(SHADOW, *days)
    assert not worse.passed
    assert worse.reason == (
        "shadow: Brier score less the champion's over 4 days which it scored unheard: +0.0100 "
        "(+0.0100 to +0.0100), must not be wholly above 0"
    )
    better = judged(SHADOW, *(day_of(n, 20, probability=0.6, shadow=0.5) for n in range(4)))
    assert better.passed
    assert "-0.0100 (-0.0100 to -0.0100)" in better.reason


def test_worse_by_no_more_than_the_noise_of_days_passes() -> None:
    bad, good = (
        day_of(0, 20, shadow=0.7),
        [day_of(n, 20, probability=0.62, shadow=0.6) for n in (1, 2, 3)],
    )
    found = judged(SHADOW, bad, *good)
    # One day costs 0.04 more, three days 0.0044 less each: 0.0067 on average, from one day alone.
    assert "+0.0067 (-0.0044 to " in found.reason
    assert found.passed


def test_rows_of_others_and_without_an_outcome_do_not_count() -> None:
    noise = [
        day_of(0, 500, version="e" * 12, shadow=0.9),
        day_of(1, 500, shadow=0.9).with_columns(shadow_version=pl.lit("e" * 12)),
        day_of(2, 500, shadow=0.9).with_columns(outcome=pl.lit(None, pl.Boolean)),
        day_of(3, 500),
    ]
    days = [day_of(number, 20, shadow=0.6) for number in range(4)]
    assert judged(SHADOW, *days, *noise) == judged(SHADOW, *days)


def test_too_few_days_show_nothing_and_do_not_pass() -> None:
    days = [day_of(0, 20, shadow=0.5), day_of(1, 20, shadow=0.5), day_of(2, 9, shadow=0.5)]
    found = judged(SHADOW, *days)
    assert not found.passed
    assert found.reason == (
        "shadow: 2 days have 10 labelled rows which it scored unheard, and 3 are needed"
    )
    assert judged(SHADOW, *days, day_of(3, 10, shadow=0.5)).passed


def test_a_stage_shorter_than_the_days_needed_needs_all_of_its_days() -> None:
    short = SHADOW.model_copy(update={"until": TODAY + timedelta(days=2)})
    assert judged(short, day_of(0, 20, shadow=0.5), day_of(1, 20, shadow=0.5)).passed
    assert not judged(short, day_of(0, 20, shadow=0.5)).passed


def test_a_canary_is_compared_day_by_day_with_what_the_champion_answered() -> None:
    days = [
        part
        for number in range(4)
        for part in (day_of(number, 20), day_of(number, 10, CHALLENGER, probability=0.6))
    ]
    found = judged(CANARY, *days)
    assert not found.passed
    assert found.reason == (
        "canary: Brier score less the champion's over 4 days of which it answered a share: "
        "+0.0100 (+0.0100 to +0.0100), must not be wholly above 0"
    )
    assert judged(CANARY, *(day.with_columns(probability=0.5) for day in days)).passed


def test_a_day_weighs_as_many_rows_as_the_canary_answered_on_it() -> None:
    # On three days ten rows cost 0.01 more each. On the fourth both cost the same, and more.
    days = [
        part
        for number in range(3)
        for part in (day_of(number, 20), day_of(number, 10, CHALLENGER, probability=0.6))
    ]
    hard = [
        day_of(3, 400, probability=0.6),
        day_of(3, 100, CHALLENGER, probability=0.6),
    ]
    found = judged(CANARY, *days, *hard)
    assert f": {3 * 10 * 0.01 / 130:+.4f} (" in found.reason


def test_a_day_on_which_only_one_of_them_answered_enough_is_no_comparison() -> None:
    both = [
        part for n in (0, 1) for part in (day_of(n, 10), day_of(n, 10, CHALLENGER, probability=0.9))
    ]
    alone = [day_of(2, 20), day_of(3, 20, CHALLENGER)]
    few = [
        *(day_of(4, 500), day_of(4, 9, CHALLENGER)),
        *(day_of(5, 9), day_of(5, 500, CHALLENGER)),
    ]
    found = judged(CANARY, *both, *alone, *few)
    assert not found.passed
    assert found.reason == (
        "canary: 2 days have 10 labelled rows of the champion and 10 of the challenger, and 3 are "
        "needed"
    )


@pytest.mark.parametrize(("rows", "passed"), [(LEAST_CANARY_ROWS - 1, False), (30, True)])
def test_a_handful_of_rows_a_day_shows_nothing_of_a_canary(rows: int, *, passed: bool) -> None:
    days = [
        part
        for number in range(6)
        for part in (day_of(number, 900), day_of(number, rows, CHALLENGER))
    ]
    usual = SETTINGS.model_copy(update={"least_day_rows": 100})
    found = judged(CANARY, *days, settings=usual)
    assert found.passed is passed
    if not passed:
        assert "0 days have 100 labelled rows of the champion and 30 of the chall" in found.reason
