"""A bounded load over plain sockets: each connection asks, waits for the answer, asks again."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any

from benchmarks.processes import MeasurementError

CONNECTIONS = 16
TIMEOUT_SECONDS = 300
OK = b"HTTP/1.1 200 "


def send(port: int, path: str, bodies: Sequence[object], requests: int) -> list[Any]:
    """Send exactly `requests` POST requests over 16 connections, taking the bodies in turn.

    Returns:
        The JSON of the answers to the first `len(bodies)` requests, in the order of the bodies.

    Raises:
        MeasurementError: when an answer is not 200 or the whole takes too long.
    """
    payloads = [request_bytes(path, body) for body in bodies]
    answers: list[bytes] = [b""] * len(payloads)
    counter = itertools.count()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while (number := next(counter)) < requests:
                writer.write(payloads[number % len(payloads)])
                answer = await read_answer(reader)
                if number < len(payloads):
                    answers[number] = answer
        finally:
            writer.close()

    async def everything() -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS), asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(connection())

    try:
        asyncio.run(everything())
    except TimeoutError:
        message = f"{requests} requests took more than {TIMEOUT_SECONDS} s"
        raise MeasurementError(message) from None
    except ExceptionGroup as group:
        first = group.exceptions[0]
        message = f"a request failed: {first or type(first).__name__}"
        raise MeasurementError(message) from None
    return [json.loads(answer) for answer in answers if answer]


def request_bytes(path: str, body: object) -> bytes:
    """Return a POST request as it goes over the wire."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """Return the body of an answer.

    Raises:
        MeasurementError: when it is not 200.
    """
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    body = await reader.readexactly(length)
    if not head.startswith(OK):
        status = head.split(b"\r\n")[0]
        message = f"{status.decode()}: {body[:500].decode()}"
        raise MeasurementError(message)
    return body
