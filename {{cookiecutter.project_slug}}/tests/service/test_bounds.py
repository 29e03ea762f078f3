"""No request is endless: not in bytes, not in seconds, and none takes the service with it."""

import json
import socket
import time
from collections.abc import Iterator

import httpx2
import pytest

from flight_delay.contract import example
from flight_delay.settings import Settings

from .problems import assert_problem
from .running import PATIENCE_SECONDS, sample, serving

MAX_BODY_BYTES = 20_000
REQUEST_SECONDS = 0.5
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def url(trained: Settings) -> Iterator[str]:
    """Return the address of a service with tight bounds, on a real socket."""
    bounded = Settings(
        home=trained.home,
        max_body_bytes=MAX_BODY_BYTES,
        request_seconds=REQUEST_SECONDS,
    )
    with serving(bounded) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[httpx2.Client]:
    """Return a client of that service, which must still answer after each test."""
    with httpx2.Client(base_url=url) as client:
        yield client
    with httpx2.Client(base_url=url) as afterwards:
        assert afterwards.post("/v1/predict", json=example()).status_code == 200


def body_of(length: int) -> bytes:
    """Return a valid row of exactly so many bytes."""
    return json.dumps(example()).encode().ljust(length)


def test_a_body_as_large_as_allowed_is_read(client: httpx2.Client) -> None:
    answer = client.post("/v1/predict", content=body_of(MAX_BODY_BYTES), headers=JSON)
    assert answer.status_code == 200


def test_the_largest_batch_fits_the_default_bound() -> None:
    settings = Settings()
    # As long as a row gets: every number written with all the digits of a double.
    row = {
        name: 1234.5678901234567 if isinstance(value, float | int) else value
        for name, value in example().items()
    }
    body = json.dumps({"instances": [row] * settings.max_instances})
    assert len(body) < settings.max_body_bytes


def test_a_body_that_says_it_is_larger_is_refused(client: httpx2.Client) -> None:
    answer = client.post("/v1/predict", content=body_of(MAX_BODY_BYTES + 1), headers=JSON)
    assert "20,000 bytes" in assert_problem(answer, 413)["detail"]
    assert answer.headers["Connection"] == "close"


def test_a_body_that_says_it_is_larger_is_not_waited_for(client: httpx2.Client, url: str) -> None:
    # None of it is sent: a service that waited for it would answer 408.
    head, _ = slow_request(url, b"", length=MAX_BODY_BYTES + 1)
    assert head.startswith("HTTP/1.1 413 ")
    assert client.get("/health/live").status_code == 200


def test_a_body_that_grows_larger_is_read_no_further(client: httpx2.Client) -> None:
    before = sample(client, "http_requests_total", route="/v1/predict", status="413")
    answer = client.post("/v1/predict", content=iter([b" " * 1000] * 21), headers=JSON)
    assert "20,000 bytes" in assert_problem(answer, 413)["detail"]
    assert answer.headers["Connection"] == "close"
    assert sample(client, "http_requests_total", route="/v1/predict", status="413") == before + 1


def test_a_body_in_pieces_within_the_bound_is_read(client: httpx2.Client) -> None:
    body = body_of(MAX_BODY_BYTES)
    pieces = (body[start : start + 1000] for start in range(0, len(body), 1000))
    assert client.post("/v1/predict", content=pieces, headers=JSON).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"{"])
def test_a_body_that_does_not_come_is_waited_for_so_long_and_no_longer(
    client: httpx2.Client, url: str, sent: bytes
) -> None:
    begun = time.monotonic()
    head, body = slow_request(url, sent)
    assert REQUEST_SECONDS <= time.monotonic() - begun < REQUEST_SECONDS + 2
    assert head.startswith("HTTP/1.1 408 ")
    assert "content-type: application/problem+json" in head.lower()
    assert "connection: close" in head.lower()
    assert json.loads(body)["detail"] == "the request was not done after 0.5 s"
    assert sample(client, "http_requests_total", route="/v1/predict", status="408") > 0


def slow_request(url: str, sent: bytes, length: int = 500) -> tuple[str, str]:
    """Promise a body, send only its beginning, and return head and body of the answer."""
    address = httpx2.URL(url)
    with socket.create_connection((address.host, address.port), PATIENCE_SECONDS) as caller:
        lines = ["POST /v1/predict HTTP/1.1", "Host: here", f"Content-Length: {length}"]
        lines += ["Content-Type: application/json", "", ""]
        caller.sendall("\r\n".join(lines).encode() + sent)
        # The service closes the connection after its answer, so reading has an end.
        answer = b"".join(iter(lambda: caller.recv(4096), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


def test_slow_callers_do_not_hold_up_the_others(client: httpx2.Client, url: str) -> None:
    address = httpx2.URL(url)
    head = b"POST /v1/predict HTTP/1.1\r\nHost: here\r\nContent-Length: 500\r\n\r\n"
    callers = [socket.create_connection((address.host, address.port)) for _ in range(20)]
    try:
        for caller in callers:
            caller.sendall(head)
        assert client.post("/v1/predict", json=example()).status_code == 200
    finally:
        for caller in callers:
            caller.close()
