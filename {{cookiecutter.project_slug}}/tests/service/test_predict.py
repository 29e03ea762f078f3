"""What the service answers when all is well."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from flight_delay.bundle import Bundle
from flight_delay.contract import example
from flight_delay.encoding import Arrays, encode_rows
from flight_delay.service.app import create_app
from flight_delay.service.routes import THREAD_ROWS
from flight_delay.settings import Settings
from flight_delay.splits import Windows

from .rows import http_rows
from .running import PATIENCE_SECONDS, serving


def test_one_row_gets_the_answer_of_the_bundle(client: TestClient, bundle: Bundle) -> None:
    answer = client.post("/v1/predict", json=example()).json()
    (probability,) = bundle.probabilities(encode_rows([example()]))
    assert answer.keys() == {"request_id", "model_version", "probability", "prediction"}
    assert answer["probability"] == probability
    assert answer["prediction"] is bool(probability >= bundle.manifest.threshold)
    assert answer["model_version"] == bundle.version


def test_every_answer_has_a_request_id_of_its_own(client: TestClient) -> None:
    body = {"instances": [example()] * 5}
    answers = [*client.post("/v1/predict/batch", json=body).json()["predictions"]]
    answers += [client.post("/v1/predict", json=example()).json() for _ in range(5)]
    assert len({answer["request_id"] for answer in answers}) == 10


# A large batch is scored in a thread: another way through the code.
@pytest.mark.parametrize("count", [2, THREAD_ROWS + 1])
def test_a_batch_keeps_its_order_and_agrees_with_single_rows(
    client: TestClient, windows: Windows, count: int
) -> None:
    rows = http_rows(windows.launch, count)
    batch = client.post("/v1/predict/batch", json={"instances": rows}).json()
    singles = [client.post("/v1/predict", json=row).json() for row in rows]
    assert batch.keys() == {"model_version", "predictions"}
    assert answers(batch["predictions"]) == answers(singles)
    assert {batch["model_version"]} == {single["model_version"] for single in singles}
    assert len(set(answers(singles))) > 1, "with equal answers, order would show nothing"


def answers(predictions: list[dict[str, Any]]) -> list[tuple[float, bool]]:
    """Return what was answered, without the request ids."""
    return [(one["probability"], one["prediction"]) for one in predictions]


def test_a_large_batch_does_not_hold_up_the_others(
    trained: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, enough = threading.Event(), threading.Event()
    probabilities = Bundle.probabilities

    def slow_for_many(bundle: Bundle, arrays: Arrays) -> np.ndarray[Any, Any]:
        if len(next(iter(arrays.values()))) >= THREAD_ROWS:
            begun.set()
            enough.wait(PATIENCE_SECONDS)
        return probabilities(bundle, arrays)

    monkeypatch.setattr(Bundle, "probabilities", slow_for_many)
    many = {"instances": [example()] * THREAD_ROWS}
    with (
        serving(Settings(home=trained.home)) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS / 2) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        large = pool.submit(httpx2.post, f"{url}/v1/predict/batch", json=many)
        assert begun.wait(PATIENCE_SECONDS)
        assert client.post("/v1/predict", json=example()).status_code == 200
        enough.set()
        assert large.result().status_code == 200


def test_both_predictions_occur_on_real_rows(client: TestClient, windows: Windows) -> None:
    rows = http_rows(windows.launch, 100)
    batch = client.post("/v1/predict/batch", json={"instances": rows}).json()
    assert {one["prediction"] for one in batch["predictions"]} == {True, False}


def test_the_model_route_is_the_manifest_with_its_version(
    client: TestClient, bundle: Bundle
) -> None:
    answer = client.get("/v1/model").json()
    assert answer == bundle.manifest.model_dump() | {"version": bundle.version}


def test_health_says_ok_with_a_model(client: TestClient) -> None:
    for route in ("/health/live", "/health/ready"):
        answer = client.get(route)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("route", ["/health/live", "/health/ready"])
def test_health_answers_head_as_it_answers_get(client: TestClient, route: str) -> None:
    asked, headed = client.get(route), client.head(route)
    assert headed.status_code == 200
    assert headed.headers == asked.headers


def test_without_a_model_the_service_lives_and_says_why_it_is_not_ready(home: Settings) -> None:
    (home.models / "champion.json").unlink()
    with TestClient(create_app(home)) as client:
        assert client.get("/health/live").status_code == 200
        assert client.head("/health/ready").status_code == 503
        asked = [
            client.get("/health/ready"),
            client.get("/v1/model"),
            client.post("/v1/predict", json=example()),
            client.post("/v1/predict/batch", json={"instances": [example()]}),
        ]
    for answer in asked:
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "run the commands `train` and `promote`" in answer.json()["detail"]
        assert int(answer.headers["Retry-After"]) > 0
