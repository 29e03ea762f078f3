"""Where the service listens: IPv4 and IPv6, and what to do when it cannot."""

import errno
import os
import socket

import pytest

from flight_delay.service.address import (
    BACKLOG,
    AddressError,
    family,
    listen,
    url,
)

from .running import LOOPBACKS


@pytest.mark.parametrize(
    ("host", "kind", "address"),
    [
        ("127.0.0.1", socket.AF_INET, "http://127.0.0.1:8000"),
        ("localhost", socket.AF_INET, "http://localhost:8000"),
        ("0.0.0.0", socket.AF_INET, "http://0.0.0.0:8000"),  # noqa: S104 - only named here
        ("::1", socket.AF_INET6, "http://[::1]:8000"),
        ("::", socket.AF_INET6, "http://[::]:8000"),
    ],
)
def test_an_address_has_its_family_and_its_url(
    host: str, kind: socket.AddressFamily, address: str
) -> None:
    assert family(host) == kind
    assert url(host, 8000) == address


@pytest.mark.parametrize("host", LOOPBACKS)
def test_it_listens_on_every_address_that_this_machine_has(host: str) -> None:
    with listen(host, 0) as listener:
        assert listener.getsockname()[0] == host
        with socket.create_connection(listener.getsockname()[:2]) as caller:
            assert caller.getpeername() == listener.getsockname()


@pytest.mark.parametrize("host", LOOPBACKS)
def test_a_port_that_is_taken_asks_for_another_port(host: str) -> None:
    with listen(host, 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError, match=r"cannot listen on .*: .*another with --port"):
            listen(host, port)


# The first two are reserved for documentation, so no machine has them.
@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "no.such.host.invalid"])
def test_an_address_of_another_machine_asks_for_another_address(host: str) -> None:
    with pytest.raises(AddressError, match="choose an address of this machine with --host") as said:
        listen(host, 0)
    assert "--port" not in str(said.value)


@pytest.mark.parametrize(
    ("number", "what_to_do"),
    [
        (errno.EADDRINUSE, "choose another with --port, or stop what uses it"),
        (errno.EACCES, "choose a port from 1024 on with --port"),
        (errno.EADDRNOTAVAIL, "choose an address of this machine with --host"),
    ],
    ids=["taken", "not allowed", "not here"],
)
def test_a_refusal_is_one_line_with_address_reason_and_what_to_do(
    number: int, what_to_do: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = os.strerror(number)

    def refuse(
        address: tuple[str, int], *, family: int = socket.AF_INET, backlog: int | None = None
    ) -> None:
        assert (address, family, backlog) == (("::1", 80), socket.AF_INET6, BACKLOG)
        raise OSError(number, f"{words} (while attempting to bind on address {address})")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(AddressError) as said:
        listen("::1", 80)
    assert str(said.value) == f"cannot listen on [::1]:80: {words}; {what_to_do}"
