"""A day of requests has the shape that it was given, and the autoscaler what it can do about it."""

from dataclasses import replace

import numpy as np
import pytest

from flight_delay.kubernetes import day
from flight_delay.kubernetes.autoscaler import PROD
from flight_delay.kubernetes.day import STEPS, Day, requests, simulate

EVEN = [1 / 24] * 24
PEAKED = [0.01] * 12 + [0.77] + [0.01] * 11
PER_MINUTE = 4


def test_the_busiest_hour_has_its_requests_and_the_others_their_share() -> None:
    load = requests(PEAKED, seed=0)
    before = load[12 * 60 * PER_MINUTE + 29 * PER_MINUTE :][:PER_MINUTE]
    assert load.shape == (STEPS,)
    assert before == pytest.approx([day.BUSIEST_REQUESTS] * PER_MINUTE, rel=0.25)
    night = load[: 10 * 60 * PER_MINUTE]
    assert night.mean() == pytest.approx(day.BUSIEST_REQUESTS / 77, rel=0.02)


def test_everybody_asks_again_for_half_an_hour_from_the_middle_of_the_busiest_on() -> None:
    minutes = requests(EVEN, seed=1)[::PER_MINUTE] / requests(EVEN, seed=1)[-1]
    jumped = minutes > np.median(minutes) * (1 + day.SURGE) / 2
    assert list(np.flatnonzero(jumped)) == list(range(30, 60))


def test_days_differ_by_their_noise_and_a_seed_gives_the_same_one_again() -> None:
    assert np.array_equal(requests(EVEN, seed=3), requests(EVEN, seed=3))
    assert not np.array_equal(requests(EVEN, seed=3), requests(EVEN, seed=4))


def test_a_steady_load_keeps_as_many_replicas_as_the_target_asks_for() -> None:
    steady = simulate(np.full(STEPS, 6000.0), PROD, replica_requests=1000, start_seconds=30)
    assert set(steady.replicas) == {10.0}
    assert steady.over_seconds == steady.over_share == steady.lost_share == 0
    assert steady.replica_hours == pytest.approx(240)


@pytest.mark.parametrize(("start_seconds", "over_seconds"), [(15, 45), (30, 60), (120, 150)])
def test_a_jump_beyond_what_is_there_is_answered_once_new_replicas_are_ready(
    start_seconds: int, over_seconds: int
) -> None:
    """Half a minute passes until the autoscaler sees it, and then a replica has to start."""
    load = np.full(STEPS, 6000.0)
    load[100:] = 12_000
    jumped = simulate(load, PROD, replica_requests=1000, start_seconds=start_seconds)
    assert jumped.over_seconds == over_seconds
    assert jumped.lost_share == pytest.approx(2000 * over_seconds / 15 / load.sum())
    assert jumped.replicas[-1] >= 19


def test_a_jump_within_what_the_target_leaves_free_is_not_noticed() -> None:
    load = np.full(STEPS, 6000.0)
    load[100:] = 6000 * 1.5
    assert simulate(load, PROD, 1000, start_seconds=150).over_seconds == 0
    close = simulate(load, replace(PROD, target=80), 1000, start_seconds=150)
    assert close.over_seconds == 180


def test_more_than_the_most_is_never_there() -> None:
    flooded = simulate(np.full(STEPS, 1e6), PROD, 1000, start_seconds=30)
    assert set(flooded.replicas) == {float(PROD.most)}
    assert flooded.over_share == 1


def test_what_a_day_costs_and_loses_is_counted() -> None:
    small = Day(np.array([10.0, 30.0]), np.array([20.0, 20.0]), np.array([2.0, 2.0]))
    assert small.over_seconds == 15
    assert small.over_share == 0.5
    assert small.lost_share == 0.25
    assert small.replica_hours == pytest.approx(4 * 15 / 3600)
