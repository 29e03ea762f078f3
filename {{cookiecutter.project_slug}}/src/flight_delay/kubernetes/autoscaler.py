"""A model of the HorizontalPodAutoscaler on CPU, as Kubernetes documents and implements it.

Every `SYNC_SECONDS` it divides the utilization by the target and wants that many times the
replicas. A window then takes the most cautious of the last wishes, policies bound how fast replicas
come and go, and `least` and `most` how many there are. Source: the section "Algorithm details" of
Kubernetes' page on horizontal pod autoscaling, and its package `pkg/controller/podautoscaler`.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

SYNC_SECONDS = 15
TOLERANCE = 0.1
"""Utilization this close to the target, as a share of it, changes nothing."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How many replicas, or how many percent of them, may come or go in a period."""

    kind: Literal["Pods", "Percent"]
    value: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Scaling:
    """One direction: for how long a wish must have stood, and how fast it is followed."""

    window_seconds: int
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """The settings; `target` is in percent of the CPU that a replica requests."""

    least: int
    most: int
    target: int
    up: Scaling
    down: Scaling


PROD = Autoscaler(
    least=3,
    most=40,
    target=60,
    up=Scaling(0, (Policy("Percent", 100, 15), Policy("Pods", 4, 15))),
    down=Scaling(600, (Policy("Percent", 10, 60), Policy("Pods", 1, 60))),
)
"""As in `deploy/kubernetes/base/autoscaler.yaml`; a test compares the two."""


def wanted(used: float, ready: int, replicas: int, target: int) -> int:
    """Return how many replicas the utilization asks for.

    Args:
        used: CPU used by all ready replicas, in units of what one of them requests.
        ready: replicas that are ready; of the others nothing is known.
        replicas: all of them.
        target: utilization that is aimed at, in percent.
    """
    if not ready:
        return replicas
    ratio = _percent(used, ready) / target
    counted = ready
    if ready < replicas and ratio > 1:
        # Those that are on their way are taken to help already, so that nothing is asked for twice.
        ratio = _percent(used, replicas) / target
        counted = replicas
        if ratio < 1:
            return replicas
    close = 1 - TOLERANCE <= ratio <= 1 + TOLERANCE
    return replicas if close else math.ceil(ratio * counted)


def _percent(used: float, replicas: int) -> int:
    return int(100 * used / replicas)


@dataclass(slots=True)
class Controller:
    """An autoscaler at work: it remembers what it wished for and what it changed."""

    autoscaler: Autoscaler
    wishes: list[tuple[int, int]] = field(default_factory=list)
    changes: list[tuple[int, int]] = field(default_factory=list)

    def decide(self, now: int, used: float, ready: int, replicas: int) -> int:
        """Return how many replicas there are to be from `now` on, in seconds of any clock."""
        scaler = self.autoscaler
        longest = max(scaler.up.window_seconds, scaler.down.window_seconds)
        self.wishes = [(at, wish) for at, wish in self.wishes if at > now - longest]
        self.wishes.append((now, wanted(used, ready, replicas, scaler.target)))
        decided = self._bounded(now, self._stable(now, replicas), replicas)
        if decided != replicas:
            self.changes.append((now, decided - replicas))
        return decided

    def _stable(self, now: int, replicas: int) -> int:
        """Return the most cautious of the wishes in each direction's window."""
        up = min(self._wishes_since(now - self.autoscaler.up.window_seconds))
        down = max(self._wishes_since(now - self.autoscaler.down.window_seconds))
        return min(max(replicas, up), down)

    def _wishes_since(self, start: int) -> list[int]:
        return [wish for at, wish in self.wishes if at > start] or [self.wishes[-1][1]]

    def _bounded(self, now: int, wish: int, replicas: int) -> int:
        """Return the wish, no faster than the policies and within least and most."""
        scaler = self.autoscaler
        wish = min(max(wish, scaler.least), scaler.most)
        if wish > replicas:
            return min(wish, max(replicas, self._limit(now, replicas, scaler.up, 1, max)))
        return max(wish, min(replicas, self._limit(now, replicas, scaler.down, -1, min)))

    def _limit(
        self,
        now: int,
        replicas: int,
        scaling: Scaling,
        sign: int,
        select: Callable[[Iterable[int]], int],
    ) -> int:
        """Return the count at which the policy that allows most of a direction's stops it."""
        return select(
            _allowed(policy, replicas - self._changed_since(now - policy.seconds), sign)
            for policy in scaling.policies
        )

    def _changed_since(self, start: int) -> int:
        return sum(change for at, change in self.changes if at > start)


def _allowed(policy: Policy, before: int, sign: int) -> int:
    """Return the count that a policy allows after so many at the start of its period."""
    if policy.kind == "Pods":
        return before + sign * policy.value
    share = before * (100 + sign * policy.value) / 100
    return math.ceil(share) if sign > 0 else int(share)
