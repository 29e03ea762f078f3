"""Outcomes over HTTP: each is recorded once, all of a list or none, and faults are named."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from fastapi.testclient import TestClient

from flight_delay.contract import example
from flight_delay.service.app import create_app
from flight_delay.settings import Settings

from ..logs import logged, new_id  # noqa: TID252 - what the tests share
from .problems import assert_problem
from .running import sample, serving

ROUTE = "/v1/feedback"
MAX_INSTANCES = 10


@pytest.fixture
def own(home: Settings) -> Settings:
    """Return settings with which nothing is written by itself while a test runs."""
    return home.model_copy(update={"log_flush_seconds": 600, "max_instances": MAX_INSTANCES})


@pytest.fixture
def client(own: Settings) -> Iterator[TestClient]:
    """Return a client of a service with a log of its own."""
    with TestClient(create_app(own)) as client:
        yield client


def ask(client: TestClient, count: int) -> list[str]:
    """Return the request ids of new answers."""
    body = {"instances": [example()] * count}
    answers = client.post("/v1/predict/batch", json=body).json()["predictions"]
    return [answer["request_id"] for answer in answers]


def yes(request_id: str) -> dict[str, object]:
    """Return what a caller sends when it came true."""
    return {"request_id": request_id, "outcome": True}


def no(request_id: str) -> dict[str, object]:
    """Return what a caller sends when it did not."""
    return {"request_id": request_id, "outcome": False}


def count(client: TestClient) -> dict[str, float]:
    """Return the outcomes that were counted, by result."""
    name = "feedback_outcomes_total"
    return {result: sample(client, name, result=result) for result in ("new", "known", "refused")}


def test_an_outcome_is_recorded_once_and_may_be_sent_again(
    client: TestClient, own: Settings
) -> None:
    (request_id,) = ask(client, 1)
    first = client.post(ROUTE, json=yes(request_id))
    again = client.post(ROUTE, json=yes(request_id))
    assert (first.status_code, first.json()) == (200, {"recorded": 1, "known": 0})
    assert (again.status_code, again.json()) == (200, {"recorded": 0, "known": 1})
    assert logged(own) == {request_id: True}
    assert count(client) == {"new": 1, "known": 1, "refused": 0}


def test_an_answer_that_is_not_written_yet_is_known(client: TestClient, own: Settings) -> None:
    (request_id,) = ask(client, 1)
    assert sample(client, "prediction_log_buffered_rows") == 1
    assert client.post(ROUTE, json=no(request_id)).status_code == 200
    assert sample(client, "prediction_log_buffered_rows") == 0
    assert logged(own) == {request_id: False}


def test_a_list_is_recorded_as_a_whole(client: TestClient, own: Settings) -> None:
    one, other, third = ask(client, 3)
    body = [yes(one), no(other), yes(one)]
    assert client.post(ROUTE, json=body).json() == {"recorded": 2, "known": 0}
    body = [no(other), yes(third)]
    assert client.post(ROUTE, json=body).json() == {"recorded": 1, "known": 1}
    assert logged(own) == {one: True, other: False, third: True}


def test_an_unknown_request_is_named_and_nothing_is_recorded(
    client: TestClient, own: Settings
) -> None:
    known, absent = (*ask(client, 1), new_id())
    body = [yes(known), yes(absent)]
    problem = assert_problem(client.post(ROUTE, json=body), 404)
    rule = "no answer with this id is in the log"
    assert problem["errors"] == [{"field": "1.request_id", "value": absent, "rule": rule}]
    assert logged(own) == {known: None}
    assert count(client) == {"new": 0, "known": 0, "refused": 2}
    problem = assert_problem(client.post(ROUTE, json=yes(absent)), 404)
    assert problem["errors"] == [{"field": "request_id", "value": absent, "rule": rule}]


def test_another_outcome_is_named_with_the_recorded_one_and_nothing_is_recorded(
    client: TestClient, own: Settings
) -> None:
    one, other = ask(client, 2)
    client.post(ROUTE, json=yes(one))
    body = [yes(other), no(one)]
    problem = assert_problem(client.post(ROUTE, json=body), 409)
    rule = "another outcome, true, is recorded"
    assert problem["errors"] == [{"field": "1.request_id", "value": one, "rule": rule}]
    assert logged(own) == {one: True, other: None}


def test_a_list_that_contradicts_itself_is_refused(client: TestClient, own: Settings) -> None:
    one, other = ask(client, 2)
    body = [yes(one), yes(other), no(one)]
    problem = assert_problem(client.post(ROUTE, json=body), 422)
    assert [error["field"] for error in problem["errors"]] == ["0.request_id", "2.request_id"]
    assert {error["value"] for error in problem["errors"]} == {one}
    client.post(ROUTE, json=yes(other))
    assert logged(own) == {one: None, other: True}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"outcome": True}, "request_id"),
        ({"request_id": new_id()}, "outcome"),
        (yes(new_id().upper()), "request_id"),
        (yes(f"{new_id()}0"), "request_id"),
        (yes(f"{new_id()}\n"), "request_id"),
        (yes(new_id()) | {"outcome": "true"}, "outcome"),
        (yes(new_id()) | {"outcome": 1}, "outcome"),
        (yes(new_id()) | {"outcome": None}, "outcome"),
        (yes(new_id()) | {"late": True}, "late"),
        ({f"x{number}": 1 for number in range(5)}, "body"),
        ([yes(new_id()), {"outcome": True}], "1.request_id"),
        ([], "body"),
        ([yes(new_id())] * (MAX_INSTANCES + 1), "body"),
        ("true", "body"),
        (None, "body"),
    ],
)
def test_what_is_no_outcome_is_refused_with_the_field(
    client: TestClient, body: object, field: str
) -> None:
    problem = assert_problem(client.post(ROUTE, json=body), 422)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_of_conflicting_senders_one_wins_and_the_others_hear_so(own: Settings) -> None:
    with serving(own) as url, httpx2.Client(base_url=url) as client:
        request_id = client.post("/v1/predict", json=example()).json()["request_id"]

        def send(number: int) -> tuple[bool, int]:
            body = yes(request_id) if number % 2 == 0 else no(request_id)
            return number % 2 == 0, client.post(ROUTE, json=body).status_code

        with ThreadPoolExecutor(8) as pool:
            answers = Counter(pool.map(send, range(16)))
        (winner,) = logged(own).values()
        assert winner is not None
        assert answers == {(winner, 200): 8, (not winner, 409): 8}


def test_the_examples_on_the_page_are_outcomes(client: TestClient) -> None:
    page = client.get("/openapi.json").json()
    content = page["paths"][ROUTE]["post"]["requestBody"]["content"]["application/json"]
    shown = [one["value"] for one in content["examples"].values()]
    assert [isinstance(one, list) for one in shown] == [False, True]
    for body in shown:
        assert_problem(client.post(ROUTE, json=body), 404)  # outcomes, though of no answer here
    assert [
        one.get("maxItems") for one in content["schema"]["anyOf"] if one.get("type") == "array"
    ] == [MAX_INSTANCES]
