"""A day of requests, and what an autoscaler makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flight_delay.kubernetes.autoscaler import (
    SYNC_SECONDS,
    Autoscaler,
    Controller,
    wanted,
)

Series = NDArray[np.float64]
HOURS = 24
STEPS = HOURS * 3600 // SYNC_SECONDS
LAG_STEPS = 2
"""The autoscaler sees CPU as it was half a minute ago: metrics are collected and averaged first."""
BUSIEST_REQUESTS = 20_000
"""Requests a second in the busiest hour: what the shape of the day is scaled up to."""
NOISE = 0.05
"""Standard deviation of one minute's requests around the shape, as a share of it."""
SURGE = 1.5
SURGE_MINUTES = 30
"""In the busiest hour everybody asks again at once: so many times the requests, for so long."""


@dataclass(frozen=True, slots=True)
class Day:
    """A simulated day in steps of `SYNC_SECONDS`, each array of shape (STEPS,)."""

    load: Series
    capacity: Series
    replicas: Series

    @property
    def over_seconds(self) -> float:
        """How long more was asked than the replicas could answer."""
        return float((self.load > self.capacity).sum() * SYNC_SECONDS)

    @property
    def over_share(self) -> float:
        """The same as a share of the day."""
        return self.over_seconds / (len(self.load) * SYNC_SECONDS)

    @property
    def lost_share(self) -> float:
        """Share of the day's requests beyond what could be answered at their time."""
        return float(np.maximum(self.load - self.capacity, 0).sum() / self.load.sum())

    @property
    def replica_hours(self) -> float:
        """What the day costs."""
        return float(self.replicas.sum() * SYNC_SECONDS / 3600)


def requests(hourly_share: Sequence[float], seed: int) -> Series:
    """Return requests a second at every step of a day, shape (STEPS,).

    Args:
        hourly_share: the share of a day's requests in each of its 24 hours; midnight joins.
        seed: of the noise.
    """
    shape = np.array(hourly_share) / max(hourly_share)
    minute = np.arange(STEPS) * SYNC_SECONDS / 60
    middle = (np.arange(-1, HOURS + 1) + 0.5) * 60
    smooth = np.interp(minute, middle, np.concatenate((shape[-1:], shape, shape[:1])))
    noise = np.random.default_rng(seed).normal(1, NOISE, HOURS * 60)
    start = middle[1 + np.argmax(shape)]
    surge = np.where((minute >= start) & (minute < start + SURGE_MINUTES), SURGE, 1)
    load: Series = BUSIEST_REQUESTS * smooth * surge * noise[minute.astype(int)]
    return load


def simulate(
    load: Series, autoscaler: Autoscaler, replica_requests: float, start_seconds: int
) -> Day:
    """Return what an autoscaler does on a day.

    Args:
        load: requests a second, shape (STEPS,).
        autoscaler: its settings.
        replica_requests: requests a second that use all the CPU which a replica requests.
        start_seconds: from the decision to a replica that is ready.
    """
    controller = Controller(autoscaler)
    used = load / replica_requests
    first = wanted(used[0], 1, 1, autoscaler.target)
    born = [-start_seconds] * min(max(first, autoscaler.least), autoscaler.most)
    capacity, replicas, busy = [], [], []
    for step in range(len(load)):
        now = step * SYNC_SECONDS
        ready = sum(at + start_seconds <= now for at in born)
        busy.append(min(used[step], float(ready)))  # nobody works more than all the time
        seen = busy[max(0, step - LAG_STEPS)]
        count = controller.decide(now, min(seen, float(ready)), ready, len(born))
        born = born[:count] + [now] * (count - len(born))
        capacity.append(ready * replica_requests)
        replicas.append(len(born))
    return Day(load, np.array(capacity), np.array(replicas, dtype=float))
