"""Where the service listens: IPv4 and IPv6, and what to do when it cannot."""

import socket

import pytest

from flight_delay.service.address import AddressError, family, listen, url

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
