"""Who gets in, and with how much: the guards by themselves, with no service behind them."""

import asyncio
import hmac
import json
import secrets
from collections.abc import Iterable

import pytest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flight_delay.service import security
from flight_delay.service.middleware import Bounds
from flight_delay.service.problems import ProblemError
from flight_delay.service.security import new_key

ONE, OTHER, STRANGER = new_key(), new_key(), new_key()
ACCEPTED = (ONE[1], OTHER[1])
MAX_BODY_BYTES = 100
REQUEST_SECONDS = 0.2


@pytest.mark.parametrize("key", [ONE[0], OTHER[0]], ids=["one", "other"])
def test_each_accepted_key_gets_in(key: str) -> None:
    security._check(ACCEPTED, key)  # noqa: SLF001 - the guard itself


@pytest.mark.parametrize(
    "key",
    ["", "wrong", STRANGER[0], ONE[1], ONE[0][:-1], f"{ONE[0]} ", "å"],
    ids=["none", "a word", "another key", "a hash", "too short", "a space more", "not ASCII"],
)
def test_nothing_else_gets_in_and_the_answer_says_what_to_send(key: str) -> None:
    with pytest.raises(ProblemError, match="X-API-Key") as refused:
        security._check(ACCEPTED, key)  # noqa: SLF001 - the guard itself
    assert refused.value.status == 401
    assert refused.value.headers == {"WWW-Authenticate": 'ApiKey header="X-API-Key"'}
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize("key", [ONE[0], OTHER[0]], ids=["one", "other"])
def test_a_key_costs_the_same_time_wherever_it_stands(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[bool] = []

    def compare(one: str | bytes, other: str | bytes) -> bool:
        fits.append(one == other)
        return fits[-1]

    # By whatever name it is called, with its arguments either way round, of text or of bytes.
    for module in (hmac, secrets, security):
        monkeypatch.setattr(module, "compare_digest", compare, raising=False)
    security._check(ACCEPTED, key)  # noqa: SLF001 - the guard itself
    assert sorted(fits) == [False, True], (
        "compare_digest has to compare the key with every accepted hash, once one fits too"
    )


async def read_all(_: Scope, receive: Receive, send: Send) -> None:
    """Read the body and answer with its length, as an app."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(length).encode()})


async def begin_and_sleep(_: Scope, __: Receive, send: Send) -> None:
    """Begin an answer and never end it."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.sleep(60)


async def sleep(_: Scope, __: Receive, ___: Send) -> None:
    """Answer nothing."""
    await asyncio.sleep(60)


def status_of(app: ASGIApp, pieces: Iterable[bytes], length: str | None = None) -> int:
    """Send a body in pieces through the bounds; return the status, 413 if reading was refused."""
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    waiting[-1]["more_body"] = False
    sent: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-length", length.encode())] if length else []
    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    bounds = Bounds(app, MAX_BODY_BYTES, REQUEST_SECONDS)
    try:
        asyncio.run(bounds(scope, receive, send))
    except HTTPException as error:  # FastAPI makes an answer of it
        return error.status_code
    starts = [message["status"] for message in sent if message["type"] == "http.response.start"]
    assert len(starts) == 1, "an answer begins once"
    return int(starts[0])


def test_a_body_up_to_the_bound_is_read() -> None:
    assert status_of(read_all, [b"x" * MAX_BODY_BYTES]) == 200
    assert status_of(read_all, [b"x" * 10] * 10, str(MAX_BODY_BYTES)) == 200


def test_a_body_that_says_it_is_larger_is_not_read() -> None:
    assert status_of(read_all, [b""], str(MAX_BODY_BYTES + 1)) == 413


@pytest.mark.parametrize("length", [None, "10"], ids=["no length", "a lie"])
def test_a_body_that_grows_larger_piece_by_piece_is_refused(length: str | None) -> None:
    assert status_of(read_all, [b"x" * 10] * 11, length) == 413


def test_a_request_that_takes_too_long_is_answered_once() -> None:
    assert status_of(sleep, [b""]) == 408
    assert status_of(begin_and_sleep, [b""]) == 200
