"""What holds of every decision, whatever the facts and the settings."""

from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from flight_delay.monitoring.policy import (
    BrokenDay,
    Facts,
    QualityWindow,
    Rivalry,
    breached,
    decide,
)
from flight_delay.settings import Settings

from .situations import TODAY, calm, rivalry, weeks

NAMES = st.lists(st.sampled_from(["temp", "wind", "carrier", "origin"]), unique=True).map(tuple)
EITHER_SIDE = st.floats(-0.03, 0.03)
settled = examples(max_examples=200, deadline=None)


def past(most: int, least: int = 0) -> st.SearchStrategy[date]:
    """Draw a day of the last so many, today included."""
    return st.integers(least, most).map(lambda ago: TODAY - timedelta(days=ago))


@st.composite
def policies(draw: st.DrawFn, least_cooldown: int = 0) -> Settings:
    """Draw settings of the policy that go together."""
    schedule = draw(st.integers(16, 40))
    windows = draw(st.integers(1, 4))
    return Settings(
        retrain_every_days=schedule,
        cooldown_days=draw(st.integers(least_cooldown, 15)),
        breach_windows=windows,
        breaches_needed=draw(st.integers(1, windows)),
        max_live_bias=draw(st.floats(0.01, 0.2)),
        least_labelled_days=draw(st.integers(2, 10)),
        least_holdout_days=draw(st.integers(2, 14)),
        rollback_days=draw(st.integers(2, 12)),
        rollback_margin=draw(st.floats(0, 0.02)),
    )


@st.composite
def some_weeks(draw: st.DrawFn) -> tuple[QualityWindow, ...]:
    """Draw up to five weeks in a row, of which few or all days are labelled."""
    biases = draw(st.lists(st.sampled_from((-0.3, 0.3, 0.0)) | st.floats(-0.3, 0.3), max_size=5))
    return tuple(
        replace(
            week,
            days=draw(st.sampled_from((7, 7, 7, 2))),
            standard_error=draw(st.floats(0, 0.15)),
        )
        for week in weeks(*biases)
    )


broken_days = st.lists(
    st.builds(BrokenDay, past(9), st.booleans(), st.just(("a sensor is silent",))),
    max_size=6,
    unique_by=lambda broken: broken.day,
).map(tuple)
situations = st.builds(
    Facts,
    today=st.just(TODAY),
    champion=st.sampled_from(["fedcba987654", "fedcba987654", None]),
    trained_until=st.none() | past(60),
    last_training=st.none() | past(60),
    labelled_days=st.integers(0, 40),
    windows=some_weeks(),
    broken_days=broken_days,
    predecessor=st.none()
    | st.builds(
        Rivalry, st.just("0123456789ab"), st.integers(1, 20), EITHER_SIDE, EITHER_SIDE, EITHER_SIDE
    ),
    drifted=NAMES,
)
# Every policy that is drawn here trains on these facts; on the next ones its windows decide.
due = st.builds(
    calm,
    windows=st.just(weeks(0.3, 0.3, 0.3, 0.3)),
    last_training=past(60, least=40),
    broken_days=broken_days,
    drifted=NAMES,
)
undecided = st.builds(calm, windows=some_weeks(), last_training=past(15, least=15), drifted=NAMES)


@given(situations, policies(), st.sampled_from((-10_000, 7, 10_000)).map(timedelta))
@settled
def test_the_decision_depends_on_its_arguments_alone_and_on_no_date_by_itself(
    facts: Facts, policy: Settings, later: timedelta
) -> None:
    decision = decide(facts, policy)
    assert decide(replace(facts), policy) == decision
    moved = replace(
        facts,
        today=facts.today + later,
        trained_until=facts.trained_until and facts.trained_until + later,
        last_training=facts.last_training and facts.last_training + later,
        broken_days=tuple(replace(one, day=one.day + later) for one in facts.broken_days),
    )
    then = decide(moved, policy)
    assert then.action == decision.action
    assert then.blocked_days == tuple(day + later for day in decision.blocked_days)


@given(due, policies(), st.integers(0, 40), past(60))
@settled
def test_what_is_due_is_trained_after_the_cooldown_and_on_enough_labelled_days_alone(
    facts: Facts, policy: Settings, labelled: int, last: date
) -> None:
    facts = replace(facts, labelled_days=labelled, last_training=last)
    allowed = (
        labelled >= policy.least_holdout_days and (facts.today - last).days >= policy.cooldown_days
    )
    assert (decide(facts, policy).action == "retrain") == allowed


@given(situations, policies(), st.integers(1, 20))
@settled
def test_nothing_is_rolled_back_on_too_few_labelled_days(
    facts: Facts, policy: Settings, days: int
) -> None:
    decision = decide(replace(facts, predecessor=rivalry(days, 0.5, 0.4, 0.6)), policy)
    judged = facts.champion is not None and days >= policy.rollback_days
    assert (decision.action == "rollback") == judged


@given(due, policies())
@settled
def test_a_rollback_comes_before_a_training(facts: Facts, policy: Settings) -> None:
    assert decide(facts, policy).action == "retrain"
    worse = rivalry(days=policy.rollback_days, estimate=0.5, low=0.4, high=0.6)
    assert decide(replace(facts, predecessor=worse), policy).action == "rollback"


@given(undecided, policies(), st.integers(0, 2))
@examples(max_examples=500, deadline=None)
def test_more_breaches_never_call_a_training_off(facts: Facts, policy: Settings, back: int) -> None:
    worse = replace(weeks(0.9)[0], standard_error=0.0)
    assert breached(worse, policy)
    windows = list(facts.windows)
    if back < len(windows):
        windows[-1 - back] = worse
    after = decide(replace(facts, windows=tuple(windows)), policy).action
    assert after == "retrain" or decide(facts, policy).action != "retrain"


@given(undecided, policies(), st.floats(1, 10))
@settled
def test_more_noise_between_days_never_makes_a_breach_or_a_training(
    facts: Facts, policy: Settings, times: float
) -> None:
    noisier = tuple(
        replace(week, standard_error=week.standard_error * times) for week in facts.windows
    )
    for before, after in zip(facts.windows, noisier, strict=True):
        assert breached(before, policy) or not breached(after, policy)
    noisy = decide(replace(facts, windows=noisier), policy).action
    assert noisy != "retrain" or decide(facts, policy).action == "retrain"


@given(situations, policies(), NAMES)
@settled
def test_drift_decides_nothing(facts: Facts, policy: Settings, drifted: tuple[str, ...]) -> None:
    decision, other = (decide(one, policy) for one in (facts, replace(facts, drifted=drifted)))
    assert (decision.action, decision.blocked_days) == (other.action, other.blocked_days)


@given(situations, policies())
@settled
def test_blocked_are_exactly_the_broken_days_that_block_and_a_broken_day_only_ever_warns(
    facts: Facts, policy: Settings
) -> None:
    decision = decide(facts, policy)
    assert decision.blocked_days == tuple(
        sorted(broken.day for broken in facts.broken_days if broken.blocks)
    )
    whole = decide(replace(facts, broken_days=()), policy)
    warned = facts.champion is not None and facts.broken_days and whole.action == "nothing"
    assert decision.action == ("warn" if warned else whole.action)
    assert whole.action != "warn"


@given(situations, policies())
@settled
def test_every_decision_says_why(facts: Facts, policy: Settings) -> None:
    reasons = decide(facts, policy).reasons
    assert reasons
    assert len(set(reasons)) == len(reasons)
    assert all(reason.strip() for reason in reasons)


@given(policies(least_cooldown=1))
@examples(max_examples=50, deadline=None)
def test_a_year_of_breaches_makes_no_storm_of_trainings(policy: Settings) -> None:
    trainings: list[date] = []
    for day in range(365):
        today = TODAY + timedelta(days=day)
        facts = calm(
            today=today,
            windows=weeks(0.3, 0.3, 0.3, 0.3),
            last_training=trainings[-1] if trainings else None,
            labelled_days=policy.least_holdout_days,
        )
        if decide(facts, policy).action == "retrain":
            trainings.append(today)
    assert 365 // policy.retrain_every_days <= len(trainings)
    assert len(trainings) <= 365 / policy.cooldown_days + 1
    apart = [(second - first).days for first, second in pairwise(trainings)]
    assert all(policy.cooldown_days <= gap <= policy.retrain_every_days for gap in apart)


def test_the_policy_is_told_of_days_and_of_no_rows() -> None:
    told = {field.name for kind in (Facts, QualityWindow, Rivalry) for field in fields(kind)}
    assert "days" in told
    assert not any("row" in name for name in told)
