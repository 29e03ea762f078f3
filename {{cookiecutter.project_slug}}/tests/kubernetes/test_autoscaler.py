"""The model does what Kubernetes says of its autoscaler, case by case."""

from dataclasses import replace

import pytest

from flight_delay.kubernetes.autoscaler import (
    PROD,
    Autoscaler,
    Controller,
    Policy,
    Scaling,
    wanted,
)

FREE = Scaling(0, (Policy("Percent", 1000, 15),))
LOOSE = Autoscaler(1, 100, 50, FREE, Scaling(0, (Policy("Percent", 100, 15),)))
"""Nothing but the formula: no window, and no policy that holds back."""


@pytest.mark.parametrize(
    ("used", "ready", "replicas", "wish"),
    [
        (4.0, 4, 4, 8),  # twice the target: twice the replicas
        (1.0, 4, 4, 2),  # half of it: half of them
        (2.2, 4, 4, 4),  # 55 % of 50 %: within the tolerance, which is a tenth
        (2.24, 4, 4, 5),  # 56 %: beyond it, and rounded up
        (1.8, 4, 4, 4),  # 45 %: within it
        (1.75, 4, 4, 4),  # 43 %: beyond it, but three would be too few
        (1.47, 4, 4, 3),
        (0.0, 4, 4, 0),
    ],
)
def test_the_wish_is_the_ratio_of_use_to_target_rounded_up(
    used: float, ready: int, replicas: int, wish: int
) -> None:
    assert wanted(used, ready, replicas, target=50) == wish


@pytest.mark.parametrize(
    ("used", "ready", "replicas", "wish"),
    [
        (4.0, 4, 8, 8),  # the four on their way are as many as are needed
        (4.0, 4, 6, 8),  # two more than are on their way
        (2.4, 4, 8, 8),  # they will be too many, but more were asked for a moment ago
        (1.0, 4, 8, 2),  # fewer are wanted by what is known
        (0.0, 0, 3, 3),  # nothing is known
    ],
)
def test_replicas_on_their_way_are_taken_to_help_already(
    used: float, ready: int, replicas: int, wish: int
) -> None:
    assert wanted(used, ready, replicas, target=50) == wish


def test_least_and_most_are_kept_to() -> None:
    bounded = replace(LOOSE, least=3, most=6)
    assert Controller(bounded).decide(0, 0.1, 4, 4) == 3
    assert Controller(bounded).decide(0, 4.0, 4, 4) == 6


def decisions(autoscaler: Autoscaler, used: list[float], replicas: int) -> list[int]:
    """Return the count after each of the uses, 15 s apart; every replica is ready at once."""
    controller = Controller(autoscaler)
    counts = []
    for number, use in enumerate(used):
        replicas = controller.decide(number * 15, use, replicas, replicas)
        counts.append(replicas)
    return counts


def test_fewer_are_waited_for_until_the_window_has_seen_no_other_wish() -> None:
    calm = replace(LOOSE, down=Scaling(60, LOOSE.down.policies))
    # At 15 s one replica would do; the wish for four, of 0 s, is forgotten after 60 s.
    assert decisions(calm, [2.0, 0.5, 0.5, 0.5, 0.5], 4) == [4, 4, 4, 4, 1]
    # One more glance of it begins the wait anew.
    assert decisions(calm, [2.0, 0.5, 2.0, 0.5, 0.5, 0.5, 0.5], 4) == [4, 4, 4, 4, 4, 4, 1]


def test_more_are_waited_for_when_that_direction_has_a_window() -> None:
    wary = replace(LOOSE, up=Scaling(30, FREE.policies))
    assert decisions(wary, [2.0, 4.0, 4.0], 4) == [4, 4, 8]
    assert decisions(LOOSE, [2.0, 4.0, 8.0], 4) == [4, 8, 16]


def test_the_policy_that_allows_most_decides() -> None:
    rushed = replace(PROD, most=1000)
    # From 3, four more are more than twice as many; from 7 on doubling is.
    assert decisions(rushed, [1000.0] * 4, 3) == [7, 14, 28, 56]


def test_a_policy_counts_what_changed_in_its_period() -> None:
    slow = replace(LOOSE, up=Scaling(0, (Policy("Pods", 4, 60),)))
    assert decisions(slow, [1000.0] * 6, 3) == [7, 7, 7, 7, 11, 11]


def test_the_way_down_is_a_tenth_a_minute() -> None:
    down = replace(PROD, down=Scaling(0, PROD.down.policies))
    assert decisions(down, [0.0] * 9, 40) == [36, 36, 36, 36, 32, 32, 32, 32, 28]
    # A tenth of less than ten would be none at all: then it is one.
    assert decisions(down, [0.0] * 9, 6) == [5, 5, 5, 5, 4, 4, 4, 4, 3]


def test_what_was_taken_away_may_come_back_at_once() -> None:
    controller = Controller(replace(PROD, down=Scaling(0, PROD.down.policies)))
    assert controller.decide(0, 0.0, 40, 40) == 36
    assert controller.decide(15, 30.0, 36, 36) == 40
