"""The metrics move by exactly what happened, and nobody outside can make them grow."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from flight_delay.bundle import Bundle
from flight_delay.contract import example
from flight_delay.service.app import create_app
from flight_delay.settings import Settings
from flight_delay.splits import Windows

from .problems import assert_problem
from .rows import http_rows
from .running import labels_of, sample

SECRET = "the row that broke it"  # noqa: S105 - a word to look for


@pytest.fixture
def app(trained: Settings) -> FastAPI:
    """Return a service whose metrics start from nothing."""
    return create_app(Settings(home=trained.home))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Return a client of that service."""
    with TestClient(app) as client:
        yield client


def requests(client: TestClient, **labels: str) -> float:
    """Return how many requests were counted."""
    return sample(client, "http_requests_total", **labels)


def test_requests_are_counted_by_method_route_and_status(client: TestClient) -> None:
    for _ in range(3):
        client.post("/v1/predict", json=example())
    client.post("/v1/predict", json={})
    client.get("/v1/predict")
    client.get("/health/live")
    assert requests(client, method="POST", route="/v1/predict", status="200") == 3
    assert requests(client, method="POST", route="/v1/predict", status="422") == 1
    assert requests(client, method="GET", route="/v1/predict", status="405") == 1
    assert requests(client, method="GET", route="/health/live", status="200") == 1
    assert requests(client, route="/v1/predict") == 5


def test_requests_are_timed(client: TestClient) -> None:
    for _ in range(3):
        client.post("/v1/predict", json=example())
    route = {"method": "POST", "route": "/v1/predict"}
    assert sample(client, "http_request_duration_seconds_count", **route) == 3
    assert 0 < sample(client, "http_request_duration_seconds_sum", **route) < 10


def test_predictions_are_counted_as_they_were_answered(
    client: TestClient, bundle: Bundle, windows: Windows
) -> None:
    rows = http_rows(windows.launch, 150)
    batch = client.post("/v1/predict/batch", json={"instances": rows}).json()["predictions"]
    answers = [*batch, client.post("/v1/predict", json=example()).json()]
    for prediction in (True, False):
        labels = {"model_version": bundle.version, "prediction": str(prediction).lower()}
        expected = sum(one["prediction"] is prediction for one in answers)
        assert sample(client, "predictions_total", **labels) == expected > 0
    probabilities = [one["probability"] for one in answers]
    assert sample(client, "prediction_probability_count") == len(answers) == 151
    assert sample(client, "prediction_probability_sum") == pytest.approx(sum(probabilities))
    low = sum(probability <= 0.2 for probability in probabilities)
    assert sample(client, "prediction_probability_bucket", le="0.2") == low > 0


def test_what_is_refused_is_no_prediction(client: TestClient) -> None:
    client.post("/v1/predict", json={})
    client.post("/v1/predict/batch", json={"instances": [example(), {}]})
    assert sample(client, "predictions_total") == 0
    assert sample(client, "prediction_probability_count") == 0


def test_the_bundle_that_answers_is_named(client: TestClient, bundle: Bundle) -> None:
    threshold = str(bundle.manifest.threshold)
    assert labels_of(client, "model_info") == [{"version": bundle.version, "threshold": threshold}]
    assert sample(client, "model_info") == 1
    assert sample(client, "model_swaps_total", result="accepted") == 1
    assert sample(client, "model_swaps_total", result="rejected") == 0


def test_a_path_or_method_of_nobody_does_not_make_a_series(client: TestClient) -> None:
    for number in range(20):
        client.get(f"/wp-admin/{number}")
        client.request(f"X{number}", "/health/live")
    assert requests(client, method="GET", route="unmatched", status="404") == 20
    assert requests(client, method="other", route="/health/live", status="405") == 20
    assert len(labels_of(client, "http_requests_total")) <= 3


def test_a_crash_is_a_500_that_tells_nothing_and_is_counted(
    app: FastAPI, client: TestClient
) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(SECRET)

    for _ in range(2):
        answer = client.get("/broken")
        assert_problem(answer, 500)
        assert SECRET not in answer.text
        assert "RuntimeError" not in answer.text
    assert requests(client, method="GET", route="/broken", status="500") == 2
    assert client.post("/v1/predict", json=example()).status_code == 200
