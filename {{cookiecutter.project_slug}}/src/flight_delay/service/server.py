"""Run the service in this process: structured logs, bounded connections, a graceful end."""

import logging
import signal
import socket
import sys

import structlog
import uvicorn

from flight_delay.errors import ProjectError
from flight_delay.service.app import create_app
from flight_delay.settings import Settings

log = structlog.get_logger()

GRACE_SECONDS = 10
IDLE_SECONDS = 5


class PortError(ProjectError):
    """The address cannot be listened on."""


def run(settings: Settings) -> None:
    """Serve until stopped; port 0 takes a free one.

    Raises:
        PortError: when the address is taken or not this machine's.
    """
    app = create_app(settings)
    listener = _listen(settings.host, settings.port)
    configure_logs()
    config = uvicorn.Config(
        app,
        access_log=False,  # metrics count requests; a line each would cost a third of the time
        log_config=None,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    # uvicorn ends gracefully, then raises the signal again; a stop that was asked for is no error.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    log.info("serving", address=f"http://{host}:{port}")
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # the address is named already
        message = (
            f"cannot listen on {host}:{port}: {reason}; choose another with --port, "
            f"or stop what uses it"
        )
        raise PortError(message) from None


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
