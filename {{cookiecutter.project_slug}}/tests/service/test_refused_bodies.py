"""Each way in which a body is not a row or a batch at all, and requests for nothing."""

import json
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from flight_delay.contract import FIELDS, example
from flight_delay.service.app import create_app
from flight_delay.service.problems import LONGEST_TEXT, MOST_ERRORS
from flight_delay.settings import Settings

from .problems import assert_problem

JSON = {"Content-Type": "application/json"}
ROUTES = ["/v1/predict", "/v1/predict/batch"]
ROW = json.dumps(example())
NOT_JSON = {
    "a word": b"late?",
    "cut off": ROW[:-1].encode(),
    "single quotes": ROW.replace('"', "'").encode(),
    "not UTF-8": b'{"carrier": "\xff"}',
    "a number too long": b"9" * 5000,
    "nested too deep": b"[" * 100_000,
}
NOT_AN_OBJECT = ["[]", "7", '"late"', "true", "null"]


def the_error(answer: httpx2.Response) -> dict[str, Any]:
    """Return the one error of a refused request."""
    (error,) = assert_problem(answer, 422)["errors"]
    return dict(error)


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize("route", ROUTES)
def test_what_is_not_json(client: TestClient, route: str, body: bytes) -> None:
    error = the_error(client.post(route, content=body, headers=JSON))
    assert error["field"] == "body"
    assert error["rule"].startswith("not JSON")


@pytest.mark.parametrize("body", NOT_AN_OBJECT)
@pytest.mark.parametrize("route", ROUTES)
def test_what_is_json_and_no_object(client: TestClient, route: str, body: str) -> None:
    error = the_error(client.post(route, content=body, headers=JSON))
    assert error["field"] == "body"
    assert error["value"] in (body, json.loads(body))


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
@pytest.mark.parametrize("route", ROUTES)
def test_json_that_does_not_say_so(client: TestClient, route: str, headers: dict[str, str]) -> None:
    error = the_error(client.post(route, content=ROW, headers=headers))
    assert error["field"] == "body"
    assert "Content-Type: application/json" in error["rule"]


@pytest.mark.parametrize("route", ROUTES)
def test_no_body(client: TestClient, route: str) -> None:
    assert the_error(client.post(route, headers=JSON))["field"] == "body"


def test_an_empty_batch(client: TestClient) -> None:
    error = the_error(client.post("/v1/predict/batch", json={"instances": []}))
    assert error["field"] == "instances"
    assert "at least 1" in error["rule"]


def test_a_batch_over_the_limit(trained: Settings) -> None:
    limited = Settings(home=trained.home, max_instances=3)
    with TestClient(create_app(limited)) as client:
        fits = client.post("/v1/predict/batch", json={"instances": [example()] * 3})
        error = the_error(client.post("/v1/predict/batch", json={"instances": [example()] * 4}))
    assert fits.status_code == 200
    assert error["field"] == "instances"
    assert "at most 3" in error["rule"]


@pytest.mark.parametrize("instances", [example(), "late", None])
def test_a_batch_whose_rows_are_no_list(client: TestClient, instances: object) -> None:
    error = the_error(client.post("/v1/predict/batch", json={"instances": instances}))
    assert error["field"] == "instances"


def test_a_batch_with_something_beside_its_rows(client: TestClient) -> None:
    body = {"instances": [example()], "threshold": 0.9}
    error = the_error(client.post("/v1/predict/batch", json=body))
    assert (error["field"], error["value"]) == ("threshold", 0.9)


def test_half_of_a_character_is_refused_and_not_a_crash(client: TestClient) -> None:
    (name, *_) = example()
    for body in (json.dumps(example() | {name: "\ud800"}), ROW[:-1] + r', "\udfff": 1}'):
        answer = client.post("/v1/predict", content=body, headers=JSON)
        assert the_error(answer)["value"].startswith("\\ud")


def test_a_refusal_stays_short_whatever_was_sent(client: TestClient) -> None:
    (name, *_) = example()
    long = [("x" * 50_000, 1), (name, "x" * 50_000), (name, list(range(20_000))), (name, 10**400)]
    rows = [example() | {key: value} for key, value in long]
    for row in rows:
        error = the_error(client.post("/v1/predict", json=row))
        assert len(error["field"]) <= LONGEST_TEXT + 3
        assert len(str(error["value"])) <= LONGEST_TEXT + 3
    unknown = {f"x{number}": 1 for number in range(MOST_ERRORS + 1)}
    problem = assert_problem(client.post("/v1/predict", json=unknown), 422)
    assert len(problem["errors"]) == MOST_ERRORS


def test_a_row_of_far_too_many_fields_is_one_error(client: TestClient) -> None:
    most = 2 * len(FIELDS)
    row = {f"x{number}": 1 for number in range(most + 1)}
    error = the_error(client.post("/v1/predict", json=row))
    assert error["field"] == "body"
    assert f"this one has {most + 1}" in error["rule"]
    error = the_error(client.post("/v1/predict/batch", json={"instances": [example(), row]}))
    assert error["field"] == "instances.1"


def test_the_first_row_at_fault_is_named_and_no_other(client: TestClient) -> None:
    (name, *_) = example()
    rows = [example(), example() | {name: []}, example() | {name: {}}]
    answer = client.post("/v1/predict/batch", json={"instances": rows})
    assert the_error(answer)["field"].startswith(f"instances.1.{name}")


def test_there_is_nothing_at_an_unknown_path(client: TestClient) -> None:
    assert "/v1/predictt" in assert_problem(client.post("/v1/predictt"), 404)["detail"]


@pytest.mark.parametrize("path", ["/v1/predict/", "/v1/predict/batch/", "/health/live/", "/docs/"])
def test_a_slash_too_many_is_not_sent_elsewhere(client: TestClient, path: str) -> None:
    answer = client.post(path, json=example(), follow_redirects=False)
    assert path in assert_problem(answer, 404)["detail"]
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/v1/predict", "POST"), ("DELETE", "/v1/model", "GET"), ("POST", "/metrics", "GET")],
)
def test_a_method_that_a_route_does_not_have(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    assert_problem(answer, 405)
    assert answer.headers["Allow"] == allowed
