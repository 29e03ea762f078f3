"""Keys: who gets in with them, who without, and what the service refuses to start with."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from flight_delay.contract import example
from flight_delay.service.app import create_app
from flight_delay.service.security import (
    UnsafeSettingsError,
    hash_key,
    new_key,
)
from flight_delay.settings import Settings

from .problems import assert_problem

PROTECTED = [
    ("GET", "/v1/model"),
    ("POST", "/v1/feedback"),
    ("POST", "/v1/predict"),
    ("POST", "/v1/predict/batch"),
]
OPEN_TO_ALL = ["/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"]
ONE, OTHER = new_key(), new_key()


@pytest.fixture(scope="module")
def client(trained: Settings) -> Iterator[TestClient]:
    """Return a client, without a key of its own, of a service that accepts two keys."""
    keys = (ONE[1], OTHER[1])
    with TestClient(create_app(Settings(home=trained.home, api_keys=keys))) as client:
        yield client


@pytest.mark.parametrize("key", [None, "", "wrong", ONE[1], ONE[0][:-1], f"{ONE[0]} ", "å"])
@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_without_an_accepted_key_there_is_no_answer(
    client: TestClient, method: str, path: str, key: str | None
) -> None:
    headers = {} if key is None else {b"X-API-Key": key.encode()}
    answer = client.request(method, path, headers=headers, json=example())
    assert "X-API-Key" in assert_problem(answer, 401)["detail"]
    assert answer.headers["WWW-Authenticate"] == 'ApiKey header="X-API-Key"'


def test_without_a_key_the_body_is_not_even_read(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    assert_problem(client.post("/v1/predict", content=b"not JSON", headers=headers), 401)


@pytest.mark.parametrize("key", [ONE[0], OTHER[0]])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/model", None),
        ("POST", "/v1/predict", example()),
        ("POST", "/v1/predict/batch", {"instances": [example()]}),
    ],
)
def test_each_accepted_key_gets_an_answer(
    client: TestClient, method: str, path: str, body: object, key: str
) -> None:
    answer = client.request(method, path, json=body, headers={"X-API-Key": key})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_what_machines_and_readers_need_takes_no_key(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_the_openapi_page_asks_for_a_key_only_where_one_is_needed(
    client: TestClient, trained: Settings
) -> None:
    page = client.get("/openapi.json").json()
    for path, operations in page["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) is path.startswith("/v1/")
    without = create_app(Settings(home=trained.home)).openapi()
    assert all("security" not in one for path in without["paths"].values() for one in path.values())


def test_a_new_pair_is_a_long_key_and_its_hash() -> None:
    key, digest = new_key()
    assert len(key) >= 43, "32 random bytes, in base 64"
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert digest == hash_key(key)
    assert new_key() != (key, digest)


def test_production_without_keys_is_refused(trained: Settings) -> None:
    with pytest.raises(UnsafeSettingsError, match=r"APP_API_KEYS is empty.*`keys new`"):
        create_app(Settings(home=trained.home, env="production"))
    with_keys = Settings(home=trained.home, env="production", api_keys=(ONE[1],))
    assert create_app(with_keys).title


def test_keys_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_API_KEYS", f" {ONE[1].upper()} ,{OTHER[1]},")
    assert Settings().api_keys == (ONE[1], OTHER[1])
    monkeypatch.setenv("APP_API_KEYS", "")
    assert Settings().api_keys == ()


@pytest.mark.parametrize("value", ["secret", ONE[0], ONE[1][:-1], f"{ONE[1]},{'g' * 64}"])
def test_keys_that_are_no_hashes_are_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("APP_API_KEYS", value)
    with pytest.raises(ValidationError, match=r"is not the SHA-256 of a key .* `keys new`"):
        Settings()
