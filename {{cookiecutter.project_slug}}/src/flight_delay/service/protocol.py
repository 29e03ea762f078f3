"""Bounds of a connection that uvicorn does not have with its fast parser."""

import asyncio
from http import HTTPStatus
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from flight_delay.service.problems import problem_response

MAX_HEAD_BYTES = 65_536
REFUSED_FACTOR = 2
"""Connections over so many times the bound are dropped before they can send anything."""


class BoundedProtocol(HttpToolsProtocol):
    """HTTP on a connection that may not send an endless head, and may not stand still."""

    patience: ClassVar[float]
    """Seconds in which a connection must begin a request; longer than a request may live."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start watching, or drop a connection over the bound."""
        super().connection_made(transport)
        self._unfinished = 0
        self._seen: RequestResponseCycle | None = None
        # One timer a connection, not one a request: it costs the usual caller nothing.
        self._timer = self.loop.call_later(self.patience, self._watch)
        if self.limit_concurrency and len(self.connections) > (
            REFUSED_FACTOR * self.limit_concurrency
        ):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to no finished head and no body: heads, and trailers after a body."""
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.logger.warning("A head of over %d bytes was refused", MAX_HEAD_BYTES)
            self.transport.write(HEAD_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Begin a request."""
        self._unfinished = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Leave the bytes of a body to the middleware, which bounds them."""
        self._unfinished = 0
        super().on_body(body)

    def _watch(self) -> None:
        if self.cycle is self._seen:  # no request began since the last look
            self.transport.abort()  # a caller that does not read would keep `close` waiting
            return
        self._seen = self.cycle
        self._timer = self.loop.call_later(self.patience, self._watch)


def bounded(patience: float) -> type[BoundedProtocol]:
    """Return the protocol with its patience; uvicorn makes the instances."""
    return type(BoundedProtocol.__name__, (BoundedProtocol,), {"patience": patience})


def _head_too_large() -> bytes:
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    detail = f"the head of the request is over {MAX_HEAD_BYTES:,} bytes"
    answer = problem_response(status, detail, headers={"Connection": "close"})
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [b": ".join(header) for header in answer.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])


HEAD_TOO_LARGE = _head_too_large()
