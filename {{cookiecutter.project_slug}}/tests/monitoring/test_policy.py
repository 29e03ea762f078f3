"""What the policy decides in each situation, at each limit, and in which words."""

import math
from datetime import date, timedelta
from typing import Any

import pytest

from flight_delay.monitoring.policy import (
    Decision,
    Facts,
    QualityWindow,
    breached,
    decide,
)
from flight_delay.settings import Settings

from .situations import TODAY, broken, calm, decayed, rivalry, weeks, window


def told(bias: str, chance: str) -> str:
    """Return what is said of the bias of the newest week."""
    return (
        f"mean probability less share of outcomes was {bias}, give or take {chance}, "
        f"from 2013-06-10 to 2013-06-16, limit 0.05 (APP_MAX_LIVE_BIAS)"
    )


CALM = f"{told('+0.010', '0.020')}: within it"
NEXT = "the next training is due on 2013-07-01 (APP_RETRAIN_EVERY_DAYS)"
DECAYED = (
    f"live quality breached its limit in 2 of the last 3 windows, 2 are enough "
    f"(APP_BREACHES_NEEDED), and the latest is one: {told('+0.090', '0.020')}"
)
FEW = (
    "labelled days after those that the champion learned from: 6, and 7 are needed "
    "(APP_LEAST_HOLDOUT_DAYS) for a verdict on its quality and for a training"
)
UNLABELLED = (
    "labelled days from 2013-06-10 to 2013-06-16: 6, and 7 are needed (APP_LEAST_LABELLED_DAYS) "
    "for a verdict on live quality"
)
ONE_BREACH = (
    f"{told('+0.090', '0.020')}: breached, but in 1 of the last 3 windows, and 2 are needed "
    f"(APP_BREACHES_NEEDED)"
)


def decided(facts: Facts, **chosen: Any) -> Decision:  # noqa: ANN401 - settings
    """Return the decision under the default policy, but for the chosen settings."""
    return decide(facts, Settings.model_validate(chosen))


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_a_calm_day_calls_for_nothing_and_says_what_comes_next() -> None:
    assert decided(calm()) == Decision("nothing", (CALM, NEXT), ())


def test_without_a_champion_there_is_nothing_to_do_but_days_stay_blocked() -> None:
    facts = decayed(champion=None, predecessor=rivalry(), broken_days=(broken(3),))
    reason = "there is no champion: train a model and promote it"
    assert decided(facts) == Decision("nothing", (reason,), (date(2013, 6, 3),))


def test_a_champion_that_is_clearly_worse_is_rolled_back_though_a_training_is_due() -> None:
    decision = decided(decayed(predecessor=rivalry()))
    assert decision.action == "rollback"
    (reason,) = decision.reasons
    assert reason == (
        "the champion's Brier score less that of 0123456789ab, the champion before it, is +0.0100 "
        "(+0.0040 to +0.0160) over 5 labelled days: wholly above 0, and over 0.002 "
        "(APP_ROLLBACK_MARGIN)"
    )


@pytest.mark.parametrize(
    ("case", "rolled_back"),
    [
        ({"days": 5}, True),
        ({"days": 4}, False),
        ({"low": 1e-9}, True),
        ({"low": 0.0}, False),
        ({"estimate": 0.0021, "low": 0.001}, True),
        ({"estimate": 0.002, "low": 0.001}, False),
        ({"estimate": math.nan, "low": math.nan, "high": math.nan}, False),
    ],
)
def test_a_rollback_needs_days_an_interval_above_0_and_more_than_the_margin(
    case: dict[str, Any], *, rolled_back: bool
) -> None:
    decision = decided(calm(predecessor=rivalry(**case)))
    assert decision.action == ("rollback" if rolled_back else "nothing")


def test_a_rollback_needs_neither_labels_for_a_training_nor_the_end_of_the_cooldown() -> None:
    facts = calm(predecessor=rivalry(), labelled_days=0, last_training=days_ago(1))
    assert decided(facts).action == "rollback"


@pytest.mark.parametrize(("ago", "action"), [(29, "nothing"), (30, "retrain"), (90, "retrain")])
def test_the_schedule_counts_from_the_last_training(ago: int, action: str) -> None:
    last = days_ago(ago)
    decision = decided(calm(last_training=last, trained_until=last - timedelta(days=4)))
    assert decision.action == action
    if action == "retrain":
        due = last + timedelta(days=30)
        reason = f"a training is due since {due}, 30 days after the last (APP_RETRAIN_EVERY_DAYS)"
        assert decision.reasons == (reason,)


@pytest.mark.parametrize(("ago", "action"), [(30, "nothing"), (31, "retrain")])
def test_the_schedule_counts_from_the_champions_last_day_when_the_loop_never_trained(
    ago: int, action: str
) -> None:
    assert decided(calm(last_training=None, trained_until=days_ago(ago))).action == action


def test_without_any_date_there_is_no_schedule() -> None:
    facts = calm(last_training=None, trained_until=None)
    assert decided(facts) == Decision("nothing", (CALM,), ())


@pytest.mark.parametrize(
    ("biases", "action"),
    [
        ((0.01, 0.01, 0.09), "nothing"),
        ((0.08, 0.09, 0.01), "nothing"),
        ((0.08, 0.01, 0.09), "retrain"),
        ((0.01, -0.08, 0.09), "retrain"),
        ((-0.08, -0.08, -0.08), "retrain"),
        ((0.08, 0.01, 0.01, 0.09), "nothing"),
        ((0.09,), "nothing"),
        ((0.09, 0.09), "retrain"),
    ],
)
def test_two_breaches_in_the_last_three_windows_are_enough_if_the_latest_is_one(
    biases: tuple[float, ...], action: str
) -> None:
    assert decided(calm(windows=weeks(*biases))).action == action


def test_how_many_breaches_of_how_many_windows_is_a_setting() -> None:
    assert decided(decayed(), breaches_needed=3).action == "nothing"
    assert decided(decayed(), breaches_needed=1, breach_windows=1).action == "retrain"
    assert decided(decayed(), breach_windows=2).action == "nothing"


def test_an_early_training_says_how_far_off_and_how_often() -> None:
    assert decided(decayed()) == Decision("retrain", (DECAYED,), ())


def test_both_reasons_for_a_training_are_given() -> None:
    decision = decided(decayed(last_training=days_ago(30)))
    assert decision.reasons[0].startswith("a training is due since 2013-06-20")
    assert decision.reasons[1] == DECAYED


@pytest.mark.parametrize(("ago", "action"), [(13, "nothing"), (14, "retrain")])
def test_the_cooldown_holds_back_what_is_due(ago: int, action: str) -> None:
    decision = decided(decayed(last_training=days_ago(ago)))
    assert decision.action == action
    held_back = (
        "and waits: the last training was on 2013-06-07, so the next is not before 2013-06-21 "
        "(APP_COOLDOWN_DAYS=14)"
    )
    assert decision.reasons == ((DECAYED, held_back) if action == "nothing" else (DECAYED,))


def test_a_cooldown_that_holds_nothing_back_is_not_mentioned() -> None:
    assert not any("COOLDOWN" in reason for reason in decided(calm(last_training=TODAY)).reasons)


@pytest.mark.parametrize(("days", "action"), [(6, "nothing"), (7, "retrain")])
def test_too_few_labelled_days_hold_back_what_is_due(days: int, action: str) -> None:
    decision = decided(decayed(labelled_days=days, last_training=days_ago(40)))
    assert decision.action == action


def test_too_few_labelled_days_are_no_verdict_on_quality_and_are_said_aloud() -> None:
    assert decided(decayed(labelled_days=6)).reasons == (FEW, NEXT)
    overdue = decided(decayed(labelled_days=6, last_training=days_ago(40)))
    assert overdue.reasons == (
        "a training is due since 2013-06-10, 30 days after the last (APP_RETRAIN_EVERY_DAYS)",
        f"and waits: {FEW}",
    )


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ((), "no window has a labelled day as yet: no verdict on live quality"),
        ((window(0.3, 0.0, days=6),), UNLABELLED),
        ((window(-0.09, 0.05),), f"{told('-0.090', '0.100')}: within chance"),
        ((window(0.09, 0.01),), ONE_BREACH),
    ],
)
def test_quality_that_calls_for_nothing_is_told(
    windows: tuple[QualityWindow, ...], said: str
) -> None:
    assert decided(calm(windows=windows)) == Decision("nothing", (said, NEXT), ())


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (window(0.0501, 0.01), True),
        (window(0.05, 0.01), False),
        (window(-0.0501, 0.01), True),
        (window(0.1, 0.049), True),
        (window(0.1, 0.05), False),
        (window(0.1, 0.01, days=6), False),
        (window(0.1, math.nan), False),
        (window(math.nan, 0.01), False),
    ],
)
def test_a_breach_is_beyond_its_limit_and_beyond_chance_over_enough_days(
    observed: QualityWindow, *, expected: bool
) -> None:
    assert breached(observed, Settings()) is expected


def test_the_whole_of_a_short_window_is_enough() -> None:
    short = Settings(breach_days=4)
    assert breached(window(0.1, days=4), short)
    assert not breached(window(0.1, days=3), short)


def test_a_broken_day_warns_in_words_and_is_blocked_if_it_cannot_be_learned_from() -> None:
    days = (broken(12, reasons=("2013-06-12, wind: silent", "gust: silent")), broken(13))
    opened = broken(15, blocks=False, reasons=("a new carrier",))
    decision = decided(calm(broken_days=(opened, *days)))
    assert decision.action == "warn"
    assert decision.blocked_days == (date(2013, 6, 12), date(2013, 6, 13))
    blocks = "broke the data contract, and is not to be learned from"
    assert decision.reasons == (
        "2013-06-15 broke the data contract: a new carrier",
        f"2013-06-13 {blocks}: silent",
        f"2013-06-12 {blocks}: wind: silent; gust: silent",
        CALM,
        NEXT,
    )


def test_only_the_newest_broken_days_are_told_in_full() -> None:
    decision = decided(calm(broken_days=tuple(broken(day) for day in range(10, 16))))
    told = [reason for reason in decision.reasons if "broke" in reason]
    assert [reason[:10] for reason in told[:3]] == ["2013-06-15", "2013-06-14", "2013-06-13"]
    assert told[3:] == ["earlier broken days: 3, the first 2013-06-10"]
    assert len(decision.blocked_days) == 6


def test_a_broken_day_does_not_stop_a_training_but_stays_out_of_it() -> None:
    decision = decided(decayed(broken_days=(broken(13),)))
    assert decision == Decision(
        "retrain",
        (DECAYED, "2013-06-13 broke the data contract, and is not to be learned from: silent"),
        (date(2013, 6, 13),),
    )


def test_a_broken_day_is_told_beside_a_rollback_and_beside_what_the_cooldown_holds_back() -> None:
    rolled_back = decided(calm(predecessor=rivalry(), broken_days=(broken(13),)))
    assert rolled_back.action == "rollback"
    assert rolled_back.blocked_days == (date(2013, 6, 13),)
    assert rolled_back.reasons[1].startswith("2013-06-13 broke the data contract")
    held_back = decided(decayed(last_training=TODAY, broken_days=(broken(13),)))
    assert held_back.action == "warn"
    assert "APP_COOLDOWN_DAYS=14" in held_back.reasons[2]


def test_drift_alone_is_told_and_changes_nothing() -> None:
    decision = decided(calm(drifted=("temp", "wind")))
    drift = "temp, wind drifted away from training, and drift is not decay"
    assert decision == Decision("nothing", (CALM, NEXT, drift), ())


def test_drift_explains_what_is_wrong() -> None:
    drift = "what may explain it: temp drifted away from training"
    assert decided(decayed(drifted=("temp",))).reasons == (DECAYED, drift)
    warned = decided(calm(drifted=("temp",), broken_days=(broken(13),)))
    assert (warned.action, warned.reasons[-1]) == ("warn", drift)


def test_of_many_drifted_fields_five_are_named() -> None:
    decision = decided(calm(drifted=tuple("abcdefg")))
    assert decision.reasons[-1].startswith("a, b, c, d, e and 2 more drifted away")
