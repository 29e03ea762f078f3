"""What the dashboard says of the traffic is what was counted, over a history that is bounded."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from flight_delay.contract import example
from flight_delay.service import history
from flight_delay.service.app import create_app
from flight_delay.service.history import (
    POINTS,
    SECONDS,
    SNAPSHOTS,
    History,
    percentile,
)
from flight_delay.service.metrics import LATENCY_BUCKETS, Metrics
from flight_delay.settings import Settings

from .running import sample

ROUTE = "/v1/predict"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        """Begin on a round second."""
        self.now = 1_700_000_000.0

    def time(self) -> float:
        """Return the seconds since 1970."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that the history looks at."""
    clock = Clock()
    monkeypatch.setattr(history, "time", clock)
    return clock


@pytest.fixture
def client(home: Settings) -> Iterator[TestClient]:
    """Return a client of a service whose counters start from nothing."""
    with TestClient(create_app(home)) as client:
        yield client


def traffic_of(client: TestClient) -> dict[str, Any]:
    """Return what the dashboard says of the traffic."""
    traffic: dict[str, Any] = client.get("/dashboard/data").json()["traffic"]
    return traffic


def answer(metrics: Metrics, seconds: float, *, status: int = 200, route: str = ROUTE) -> None:
    """Count a request as the service does."""
    metrics.requests.labels("POST", route, str(status)).inc()
    metrics.duration.labels("POST", route).observe(seconds)


def test_the_totals_are_those_of_the_metrics(client: TestClient) -> None:
    for _ in range(3):
        client.post(ROUTE, json=example())
    client.post("/v1/predict/batch", json={"instances": [example()] * 5})
    client.post(ROUTE, json={})
    client.get(ROUTE)
    for path in ("/health/live", "/metrics", "/dashboard", "/nowhere"):
        client.get(path)
    traffic = traffic_of(client)
    total = traffic["total"]
    assert total["requests"] == 6
    assert (total["client_errors"], total["server_errors"]) == (2, 0)
    assert total["positive"] == sample(client, "predictions_total", prediction="true") == 8
    assert total["negative"] == sample(client, "predictions_total", prediction="false") == 0
    by_route = {route: counts["requests"] for route, counts in traffic["routes"].items()}
    assert by_route == {ROUTE: 5, "/v1/predict/batch": 1}
    assert traffic["recent"].items() >= total.items()


def test_a_service_without_a_model_counts_its_own_errors_apart(home: Settings) -> None:
    (home.models / "champion.json").unlink()
    with TestClient(create_app(home)) as client:
        for _ in range(2):
            assert client.post(ROUTE, json=example()).status_code == 503
        client.post(ROUTE, json={})
        total = traffic_of(client)["total"]
    assert (total["requests"], total["client_errors"], total["server_errors"]) == (3, 1, 2)


def test_before_any_request_there_is_no_latency(client: TestClient) -> None:
    total = traffic_of(client)["total"]
    assert total["requests"] == 0
    assert total["p50"] is total["p95"] is total["p99"] is None


def test_percentiles_of_a_known_histogram() -> None:
    metrics = Metrics()
    # The bounds are 0.0025, 0.005, 0.01 and so on: 50 requests in one bucket, 40 in the next.
    for seconds, requests in ((0.003, 50), (0.007, 40), (0.2, 10)):
        for _ in range(requests):
            answer(metrics, seconds)
    counts = history.count(metrics)
    assert percentile(counts, 0.25) == pytest.approx(0.00375), "half of the way through its bucket"
    assert percentile(counts, 0.5) == pytest.approx(0.005)
    assert percentile(counts, 0.7) == pytest.approx(0.0075)
    assert percentile(counts, 0.95) == pytest.approx(0.1 + 0.15 / 2)
    assert percentile(counts, 0.99) == pytest.approx(0.1 + 0.15 * 0.9)


def test_the_first_bucket_begins_at_0_seconds() -> None:
    metrics = Metrics()
    for seconds in (LATENCY_BUCKETS[0] / 2, 0.003):
        answer(metrics, seconds)
    assert percentile(history.count(metrics), 0.25) == pytest.approx(LATENCY_BUCKETS[0] / 2)


def test_above_the_highest_bound_the_percentile_is_that_bound() -> None:
    metrics = Metrics()
    answer(metrics, 60)
    assert percentile(history.count(metrics), 0.5) == LATENCY_BUCKETS[-1]
    assert percentile(Counter(), 0.5) is None


def test_each_point_holds_what_came_to_be_in_its_time(clock: Clock) -> None:
    metrics = Metrics()
    taken = History(metrics)
    for requests, status in ((10, 200), (0, 200), (4, 500)):
        for _ in range(requests):
            answer(metrics, 0.003, status=status)
        clock.now += SECONDS
        taken.take()
    points = taken.report()["series"]
    assert [point["requests"] for point in points] == [10, 0, 4]
    assert [point["server_errors"] for point in points] == [0, 0, 4]
    assert [point["seconds"] for point in points] == [SECONDS] * 3
    assert [point["p50"] is None for point in points] == [False, True, False]


def test_the_recent_figures_forget_what_is_long_over(clock: Clock) -> None:
    metrics = Metrics()
    taken = History(metrics)
    for _ in range(7):
        answer(metrics, 0.003, status=500)
    for _ in range(2 * history.RECENT_SECONDS // SECONDS):
        clock.now += SECONDS
        taken.take()
    answer(metrics, 0.003)
    clock.now += 1
    report = taken.report()
    assert (report["total"]["requests"], report["total"]["server_errors"]) == (8, 7)
    assert (report["recent"]["requests"], report["recent"]["server_errors"]) == (1, 0)
    assert history.RECENT_SECONDS - SECONDS < report["recent"]["seconds"] <= history.RECENT_SECONDS


def test_the_history_is_about_an_hour_and_few_points(clock: Clock) -> None:
    metrics = Metrics()
    taken = History(metrics)
    for number in range(3 * SNAPSHOTS):
        if number % 3 == 0:
            answer(metrics, 0.003)
        clock.now += SECONDS
        taken.take()
    points = taken.report()["series"]
    assert POINTS / 2 < len(points) <= POINTS
    assert points[-1]["at"] - points[0]["at"] == pytest.approx(3600, rel=0.05)
    assert sum(point["requests"] for point in points) == pytest.approx(SNAPSHOTS / 3, rel=0.05)
    clock.now += SECONDS
    taken.take()
    again = taken.report()["series"]
    assert [point for point in again if point in points] == points[len(points) - len(again) :], (
        "points keep their times, or every line would dance at every look"
    )


def test_a_clock_that_is_set_back_breaks_nothing(clock: Clock) -> None:
    taken = History(Metrics())
    clock.now -= 3600
    taken.take()
    assert taken.report()["series"] == []
