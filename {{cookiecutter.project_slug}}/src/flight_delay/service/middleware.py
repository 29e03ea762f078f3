"""Bounds and measurements around every request, as plain ASGI: no per-request task, no copying."""

import asyncio
import time
from http import HTTPMethod, HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flight_delay.service.metrics import Metrics
from flight_delay.service.problems import problem_response

log = structlog.get_logger()

UNMATCHED = "unmatched"
"""Route label of requests that reached no route: a scanner must not make a time series a path."""
METHODS = frozenset(HTTPMethod)
OTHER_METHOD = "other"
"""Method label of what is not a method of HTTP, for the same reason."""
CLOSE = {"Connection": "close"}
"""What is left of a body is not read, so the connection cannot serve another request."""


class Bounds:
    """Bound the size of a body and the life of a request."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, request_seconds: float) -> None:
        """Wrap an app."""
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.request_seconds = request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 to a body that is too large and 408 to a request that takes too long."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        received = 0
        too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        bound = f"the body is over {self.max_body_bytes:,} bytes: send smaller batches"

        async def bounded_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_body_bytes:
                # FastAPI makes a 400 of any other error that comes up while a body is read.
                raise HTTPException(too_large, bound, CLOSE)
            return message

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self.request_seconds):
                if _declared_length(scope) <= self.max_body_bytes:
                    await self.app(scope, bounded_receive, noting_send)
                    return
            response = problem_response(too_large, bound, headers=CLOSE)
        except TimeoutError:
            if started:
                return
            late = f"the request was not done after {self.request_seconds:g} s"
            response = problem_response(HTTPStatus.REQUEST_TIMEOUT, late, headers=CLOSE)
        await response(scope, receive, send)


class Measure:
    """Count and time requests by route, and log those that fail."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap an app."""
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Measure one request; an exception is a 500 that is counted, logged and answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 0

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting_send)
        except Exception:
            log.exception("request_failed", path=scope["path"])
            if status == 0:
                status = int(HTTPStatus.INTERNAL_SERVER_ERROR)
                response = problem_response(status, "an error of the service; it was logged")
                await response(scope, receive, send)
        finally:
            method, route = _method(scope), _route(scope)
            self.metrics.requests.labels(method, route, str(status)).inc()
            self.metrics.duration.labels(method, route).observe(time.perf_counter() - begun)


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in METHODS else OTHER_METHOD


def _route(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path", UNMATCHED))
