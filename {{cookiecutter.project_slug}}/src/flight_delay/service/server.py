"""Run the service in this process: structured logs, bounded connections, a graceful end.

Bounded are the head and the body of a request, the rows of a batch, how long a request may take to
come, to be answered and to be read, how long a connection may be idle, and how many connections are
answered: above that number each gets 503, `/health/*` too, and above twice that number none.

Not bounded are the rate of requests and the share of one caller. Whoever keeps all connections busy
keeps the others out, and all bodies at once may take connections times `max_body_bytes` of memory.
On the open internet a proxy in front of the service has to see to both.
"""

import gc
import logging
import signal
import sys

import structlog
import uvicorn
from fastapi import FastAPI

from flight_delay.service.address import listen, url
from flight_delay.service.app import create_app
from flight_delay.service.protocol import bounded
from flight_delay.settings import Settings

log = structlog.get_logger()

GRACE_SECONDS = 10
IDLE_SECONDS = 5
MARGIN_SECONDS = 1
"""What a connection has on top of the life of a request, so that a 408 is out before its end."""


def run(settings: Settings) -> None:
    """Serve until stopped; port 0 takes a free one.

    Raises:
        AddressError: when the address is taken or not this machine's.
    """
    app = create_app(settings)
    listener = listen(settings.host, settings.port)
    configure_logs()
    host, port = listener.getsockname()[:2]
    server = uvicorn.Server(server_config(app, settings))

    def stop(*_: object) -> None:
        # uvicorn ends gracefully and then raises each signal again, maybe more than one; a stop
        # that was asked for is no error. Before the start there is nothing to end.
        if not server.started:
            sys.exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    gc.freeze()  # what is loaded now stays: looking through it again would hold up requests
    log.info("serving", address=url(host, port))
    server.run(sockets=[listener])


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how uvicorn runs the app, with the bounds of its connections."""
    return uvicorn.Config(
        app,
        http=bounded(settings.request_seconds + MARGIN_SECONDS),
        ws="none",  # there is nothing to talk about, and such a connection would have no bounds
        access_log=False,  # metrics count requests; a line each would cost a third of the time
        log_config=None,
        server_header=False,
        limit_concurrency=settings.max_connections + 1,  # uvicorn refuses the one that reaches it
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def configure_logs() -> None:
    """Write one JSON object a line to standard error, uvicorn's own lines included."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it has a line for each request
