"""Where the service listens: the socket, and the URL that leads to it."""

import errno
import socket

from flight_delay.errors import ProjectError

BACKLOG = 2048
FIXES = {
    errno.EADDRINUSE: "choose another with --port, or stop what uses it",
    errno.EACCES: "choose a port from 1024 on with --port",
}
WRONG_ADDRESS = "choose an address of this machine with --host"


class AddressError(ProjectError):
    """The address cannot be listened on."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        AddressError: when the port is taken or the address is not this machine's.
    """
    try:
        return socket.create_server((host, port), family=family(host), backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # the address is named already
        fix = FIXES.get(error.errno or 0, WRONG_ADDRESS)
        message = f"cannot listen on {_authority(host, port)}: {reason}; {fix}"
        raise AddressError(message) from None


def family(host: str) -> socket.AddressFamily:
    """Return IPv6 for its addresses, which alone have colons, and IPv4 for the rest."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def url(host: str, port: int) -> str:
    """Return the URL of a service that listens there."""
    return f"http://{_authority(host, port)}"


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
