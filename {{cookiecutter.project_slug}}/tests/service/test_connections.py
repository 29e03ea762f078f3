"""No connection is endless: not before a request, not in its head, not while an answer waits."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import httpx2
import pytest

from flight_delay.contract import example
from flight_delay.service.protocol import MAX_HEAD_BYTES, REFUSED_FACTOR
from flight_delay.settings import Settings

from .running import PATIENCE_SECONDS, serving, wait_until

REQUEST_SECONDS = 0.5
LONGEST_WAIT = 5
"""Twice the life of a request and its margin, and time for a busy machine."""
MAX_CONNECTIONS = 4
LINE = b"GET /health/live HTTP/1.1\r\n"
GET = LINE + b"Host: here\r\n\r\n"


@pytest.fixture(scope="module")
def url(trained: Settings) -> Iterator[str]:
    """Return the address of a service with little patience and few connections."""
    bounded = Settings(
        home=trained.home,
        request_seconds=REQUEST_SECONDS,
        max_connections=MAX_CONNECTIONS,
    )
    with serving(bounded) as url:
        yield url


@contextlib.contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    """Connect without sending anything."""
    address = httpx2.URL(url)
    with socket.create_connection((address.host, address.port), PATIENCE_SECONDS) as caller:
        yield caller


@pytest.fixture
def caller(url: str) -> Iterator[socket.socket]:
    """Return a connection to the service, which must still answer others afterwards."""
    with connected(url) as caller:
        yield caller
    wait_until(lambda: httpx2.get(f"{url}/health/live").status_code == 200)


def rest_of(caller: socket.socket) -> bytes:
    """Return what comes until the service ends the connection."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := caller.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def assert_too_large(answer: bytes) -> None:
    """Check that an answer is a problem document about the head of a request."""
    head, _, body = answer.decode().partition("\r\n\r\n")
    lines = head.lower().splitlines()
    assert lines[0] == "http/1.1 431 request header fields too large"
    assert {"connection: close", "content-type: application/problem+json"} <= set(lines)
    assert f"content-length: {len(body)}" in lines
    assert f"{MAX_HEAD_BYTES:,} bytes" in json.loads(body)["detail"]


def test_a_head_within_the_bound_is_answered(caller: socket.socket) -> None:
    caller.sendall(LINE + b"X-Long: ")
    caller.sendall(b"x" * (MAX_HEAD_BYTES - 1000))
    caller.sendall(b"\r\n\r\n")
    assert caller.recv(12) == b"HTTP/1.1 200"


def test_a_body_is_not_taken_for_a_head(url: str) -> None:
    body = json.dumps(example()).encode().ljust(4 * MAX_HEAD_BYTES)
    headers = {"Content-Type": "application/json"}
    assert httpx2.post(f"{url}/v1/predict", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize("field", [b"x", b"X-Long: x\r\n"], ids=["one field", "many fields"])
def test_a_head_without_an_end_is_refused(caller: socket.socket, field: bytes) -> None:
    beginning = LINE + b"X-Long: "
    sent = beginning + field * (MAX_HEAD_BYTES // len(field))
    caller.sendall(sent[: MAX_HEAD_BYTES + 1])
    assert_too_large(rest_of(caller))


def test_the_head_of_a_later_request_is_bounded_too(caller: socket.socket) -> None:
    caller.sendall(GET)
    assert caller.recv(65_536).startswith(b"HTTP/1.1 200 ")
    caller.sendall((LINE + b"X-Long: ").ljust(MAX_HEAD_BYTES + 1, b"x"))
    assert_too_large(rest_of(caller))


def test_what_follows_a_body_is_bounded_too(caller: socket.socket) -> None:
    lines = b"POST /v1/predict HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    caller.sendall(lines + b"2\r\n{}\r\n0\r\nX-Trailer: ")
    with contextlib.suppress(ConnectionError):
        for _ in range(20):  # more than is read at once, which is counted with the body before it
            caller.sendall(b"x" * MAX_HEAD_BYTES)
    assert_too_large(rest_of(caller))


@pytest.mark.parametrize("sent", [b"", LINE], ids=["nothing", "half a head"])
def test_a_connection_that_asks_nothing_is_ended(caller: socket.socket, sent: bytes) -> None:
    begun = time.monotonic()
    caller.sendall(sent)
    assert rest_of(caller) == b""
    assert REQUEST_SECONDS <= time.monotonic() - begun < LONGEST_WAIT


def test_half_a_head_after_a_request_is_not_waited_for(caller: socket.socket) -> None:
    caller.sendall(GET + LINE)
    begun = time.monotonic()
    assert rest_of(caller).count(b"HTTP/1.1 200 ") == 1
    assert time.monotonic() - begun < LONGEST_WAIT


def test_a_connection_that_goes_on_asking_is_kept(caller: socket.socket) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < LONGEST_WAIT:
        caller.sendall(GET)
        assert caller.recv(65_536).startswith(b"HTTP/1.1 200 ")
        time.sleep(REQUEST_SECONDS)


def test_answers_that_nobody_reads_do_not_keep_others_out(url: str) -> None:
    scripts = [part for part in httpx2.get(f"{url}/docs").text.split('"') if part.endswith(".js")]
    ask = f"GET {scripts[0]} HTTP/1.1\r\nHost: here\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:

        def crowded() -> bool:
            # More than the kernel holds; on a busy machine the first is ended before the last asks.
            with contextlib.suppress(ConnectionError):
                for _ in range(MAX_CONNECTIONS):
                    stack.enter_context(connected(url)).sendall(ask * 20)
            return httpx2.get(f"{url}/health/live").status_code == 503

        wait_until(crowded)
        wait_until(lambda: httpx2.get(f"{url}/health/live").status_code == 200)


def test_over_the_bound_of_connections_a_request_is_refused(url: str) -> None:
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(connected(url)) for _ in range(MAX_CONNECTIONS - 1)]
        assert httpx2.post(f"{url}/v1/predict", json=example()).status_code == 200
        stack.enter_context(connected(url))
        refused = httpx2.get(f"{url}/health/live")
        assert (refused.status_code, refused.headers["connection"]) == (503, "close")
        for other in others:
            other.close()
        wait_until(lambda: httpx2.get(f"{url}/health/live").status_code == 200)


def test_far_over_the_bound_nothing_is_read(url: str) -> None:
    far_over = REFUSED_FACTOR * (MAX_CONNECTIONS + 1)
    with contextlib.ExitStack() as stack:
        for _ in range(far_over):
            stack.enter_context(connected(url))
        begun = time.monotonic()
        last = stack.enter_context(connected(url))
        assert rest_of(last) == b""
        assert time.monotonic() - begun < REQUEST_SECONDS
