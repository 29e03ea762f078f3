"""Traffic of this process: its own counters, and a snapshot of them every few seconds for an hour.

What counts is what callers ask of `/v1/*`; probes, scrapes and the dashboard itself are left out.
"""

import math
import time
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.samples import Sample

from flight_delay.service.metrics import LATENCY_BUCKETS, Metrics

ROUTES = "/v1/"
SECONDS = 5
SNAPSHOTS = 3600 // SECONDS + 1
"""About an hour of them; older ones are forgotten."""
POINTS = 120
"""More of them in a line cannot be told apart."""
RECENT_SECONDS = 300
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
BOUNDS = (*LATENCY_BUCKETS, math.inf)

Counts = Counter[str | float]
"""Requests, those that ended with 4xx and 5xx, rows answered true and false, and, by each bound of
the latency histogram, the requests that took at most as long."""


class Snapshot(NamedTuple):
    """What was counted up to a moment, in seconds since 1970."""

    number: int
    at: float
    counts: Counts


class History:
    """Takes the snapshots, and tells what came to be between them."""

    def __init__(self, metrics: Metrics) -> None:
        """Begin with the counters as they are."""
        self._metrics = metrics
        self._snapshots: deque[Snapshot] = deque(maxlen=SNAPSHOTS)
        self._taken = 0
        self._begun = time.time()
        self.take()

    def take(self) -> None:
        """Take a snapshot now; when there are too many, the oldest one goes."""
        self._snapshots.append(Snapshot(self._taken, time.time(), count(self._metrics)))
        self._taken += 1

    def report(self) -> dict[str, Any]:
        """Return what was counted since the start, lately, by route, and over the last hour."""
        at, counts = time.time(), count(self._metrics)
        before = next(
            (one for one in self._snapshots if one.at >= at - RECENT_SECONDS), self._snapshots[-1]
        )
        routes = _by_route(self._metrics)
        return {
            "since": self._begun,
            "total": _summary(counts),
            "recent": _summary(counts - before.counts) | {"seconds": at - before.at},
            "routes": {route: _summary(routes[route]) for route in sorted(routes)},
            "series": self._series(),
        }

    def _series(self) -> list[dict[str, Any]]:
        """Return what came to be between snapshots; a point keeps its time as others follow."""
        step = math.ceil(len(self._snapshots) / POINTS)
        kept = [one for one in self._snapshots if one.number % step == 0]
        return [
            _summary(later.counts - earlier.counts)
            | {"at": later.at, "seconds": later.at - earlier.at}
            for earlier, later in pairwise(kept)
            if later.at > earlier.at  # the clock of a machine may be set back
        ]


def count(metrics: Metrics) -> Counts:
    """Return what was counted up to now."""
    counts: Counts = sum(_by_route(metrics).values(), Counter())
    for sample in _samples(metrics.predictions, "_total"):
        counts[sample.labels["prediction"]] += int(sample.value)
    return counts


def percentile(counts: Counts, share: float) -> float | None:
    """Return how many seconds this share of the requests took at most; None without any.

    Within a bucket of the histogram it is interpolated as Prometheus does, and above the highest
    bound it is that bound.
    """
    within = [counts[bound] for bound in BOUNDS]
    if not within[-1]:
        return None
    rank = share * within[-1]
    bucket = bisect_left(within, rank)
    if BOUNDS[bucket] == math.inf:
        return LATENCY_BUCKETS[-1]
    low, before = (BOUNDS[bucket - 1], within[bucket - 1]) if bucket else (0.0, 0)
    return low + (BOUNDS[bucket] - low) * (rank - before) / (within[bucket] - before)


def _by_route(metrics: Metrics) -> dict[str, Counts]:
    """Return the requests of each route that callers ask."""
    routes: defaultdict[str, Counts] = defaultdict(Counter)
    for sample in _samples(metrics.requests, "_total"):
        counts, status = routes[sample.labels["route"]], sample.labels["status"]
        counts["requests"] += int(sample.value)
        counts[f"{status[0]}xx"] += int(sample.value)
    for sample in _samples(metrics.duration, "_bucket"):
        routes[sample.labels["route"]][float(sample.labels["le"])] += int(sample.value)
    return {route: counts for route, counts in routes.items() if route.startswith(ROUTES)}


def _samples(metric: MetricWrapperBase, ending: str) -> Iterator[Sample]:
    for family in metric.collect():
        yield from (sample for sample in family.samples if sample.name.endswith(ending))


def _summary(counts: Counts) -> dict[str, Any]:
    return {
        "requests": counts["requests"],
        "client_errors": counts["4xx"],
        "server_errors": counts["5xx"],
        "positive": counts["true"],
        "negative": counts["false"],
    } | {name: percentile(counts, share) for name, share in PERCENTILES.items()}
