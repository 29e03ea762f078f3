"""The smoke test passes on a service that works, and on no other."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpx2
import pytest

from flight_delay.served import ServedError
from flight_delay.service.security import new_key
from flight_delay.settings import Settings
from flight_delay.smoke import smoke

from ..conftest import free_port  # noqa: TID252 - what the tests share
from .running import LOOPBACK, LOOPBACKS, serving


def port_of(url: str) -> int:
    """Return the port of an address."""
    port = httpx2.URL(url).port
    assert port is not None
    return port


def failed(report: dict[str, Any]) -> set[str]:
    """Return the names of the checks that failed."""
    return {check["name"] for check in report["checks"] if not check["passed"]}


def test_it_passes_on_a_running_service_and_leaves_it_running(trained: Settings) -> None:
    with serving(Settings(home=trained.home)) as url:
        report = smoke(Settings(home=trained.home, port=port_of(url)))
        assert httpx2.get(f"{url}/health/ready").status_code == 200
    assert (report["url"], report["started_for_this"], report["passed"]) == (url, False, True)
    assert len(report["checks"]) == 6
    assert failed(report) == set()


def test_it_starts_a_service_when_none_answers_and_stops_it_again(trained: Settings) -> None:
    port = free_port()
    report = smoke(Settings(home=trained.home, port=port))
    assert (report["started_for_this"], report["passed"]) == (True, True)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(report["url"])


@pytest.mark.parametrize("host", LOOPBACKS)
def test_it_finds_a_free_port_itself(trained: Settings, host: str) -> None:
    report = smoke(Settings(home=trained.home, host=host, port=0))
    assert (report["started_for_this"], report["passed"]) == (True, True)
    assert httpx2.URL(report["url"]).port


def test_a_proxy_of_the_environment_is_not_asked(
    trained: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stranger(b"I am a proxy") as proxy, serving(Settings(home=trained.home)) as url:
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://{LOOPBACK}:{proxy}")
        monkeypatch.setenv("no_proxy", "")
        assert smoke(Settings(home=trained.home, port=port_of(url)))["passed"] is True
        # Nor is it taken for the service that it would lead to.
        report = smoke(Settings(home=trained.home, port=free_port()))
    assert (report["started_for_this"], report["passed"]) == (True, True)


def test_it_passes_with_a_key_and_fails_without(trained: Settings) -> None:
    key, digest = new_key()
    with serving(Settings(home=trained.home, api_keys=(digest,))) as url:
        settings = Settings(home=trained.home, port=port_of(url))
        assert smoke(settings, key)["passed"] is True
        report = smoke(settings)
    assert report["passed"] is False
    assert {check["name"] for check in report["checks"]} - failed(report) == {"ready"}


def test_it_fails_on_a_service_without_a_model(home: Settings) -> None:
    (home.models / "champion.json").unlink()
    with serving(home) as url:
        report = smoke(Settings(home=home.home, port=port_of(url)))
    assert report["passed"] is False
    assert "ready" in failed(report)


class Stranger(BaseHTTPRequestHandler):
    """Says the same to everybody."""

    said: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.said)))
        self.end_headers()
        self.wfile.write(self.said)

    do_POST = do_GET  # noqa: N815 - the name that the standard library calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def stranger(said: bytes) -> Iterator[int]:
    """Run another server than ours until the block ends; give its port."""
    handler = type("Handler", (Stranger,), {"said": said})
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "said",
    [
        b"<html>Welcome</html>",
        b"[]",
        b"{}",
        b'{"request_id": "1", "model_version": "1", "probability": 7, "prediction": true}',
    ],
)
def test_it_fails_on_another_server(trained: Settings, said: bytes) -> None:
    with stranger(said) as port:
        report = smoke(Settings(home=trained.home, port=port))
    assert (report["started_for_this"], report["passed"]) == (False, False)
    assert failed(report) >= {"one row is answered", "the metrics counted it"}


def test_it_says_why_a_service_did_not_start(
    trained: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    with pytest.raises(ServedError, match="did not start: error: APP_ENV is production"):
        smoke(Settings(home=trained.home, port=free_port()))
