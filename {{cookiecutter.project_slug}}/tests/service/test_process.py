"""The service as a process: it says where it listens, and it ends when and as it is told."""

import json
import signal
import socket
import time
from pathlib import Path

import httpx2
import pytest

from flight_delay.contract import example
from flight_delay.settings import Settings

from .processes import LIFE_SECONDS, command, running
from .running import LOOPBACK, LOOPBACKS, PATIENCE_SECONDS, wait_until


def test_it_says_where_it_listens_answers_and_ends_with_nothing_to_report(
    trained: Settings,
) -> None:
    with running(trained.home) as service:
        with httpx2.Client(base_url=service.url) as client:
            wait_until(lambda: client.get("/health/ready").status_code == 200)
            assert client.post("/v1/predict", json=example()).status_code == 200
        assert service.end(signal.SIGTERM) == 0
    log = [json.loads(line) for line in service.lines]
    assert log[0]["event"] == "serving"
    assert all(entry.keys() >= {"event", "level", "timestamp"} for entry in log)
    assert {entry["level"] for entry in log} == {"info"}
    assert [entry["result"] for entry in log if entry["event"] == "model_swap"] == ["accepted"]


def test_ctrl_c_ends_it_without_an_error(trained: Settings) -> None:
    with running(trained.home) as service:
        assert service.end(signal.SIGINT) == 0
    assert "Traceback" not in "".join(service.lines)


def test_ctrl_c_again_ends_it_at_once_and_is_no_error_either(trained: Settings) -> None:
    with running(trained.home) as service:
        assert httpx2.get(f"{service.url}/health/live").status_code == 200
        service.process.send_signal(signal.SIGINT)
        time.sleep(0.03)
        assert service.end(signal.SIGINT) == 0
    assert "SystemExit" not in "".join(service.lines)


@pytest.mark.parametrize("host", LOOPBACKS)
def test_the_address_that_it_says_leads_to_it(trained: Settings, host: str) -> None:
    with running(trained.home, host) as service:
        assert httpx2.get(f"{service.url}/health/live").status_code == 200


def test_a_request_in_flight_is_answered_before_the_end(trained: Settings) -> None:
    body = json.dumps(example()).encode()
    with running(trained.home) as service:
        address = httpx2.URL(service.url)
        with socket.create_connection((LOOPBACK, address.port), PATIENCE_SECONDS) as caller:
            begin(caller, len(body))
            service.process.send_signal(signal.SIGTERM)
            wait_until(lambda: not listens(address.port))
            assert service.process.poll() is None
            caller.sendall(body)
            answer = b"".join(iter(lambda: caller.recv(4096), b"")).decode()
        assert service.process.wait(PATIENCE_SECONDS) == 0
    assert answer.startswith("HTTP/1.1 200 ")
    assert 0 <= json.loads(answer.rpartition("\r\n\r\n")[2])["probability"] <= 1


def begin(caller: socket.socket, length: int) -> None:
    """Send the head of a request and wait until the service is waiting for the body."""
    lines = ["POST /v1/predict HTTP/1.1", "Host: here", f"Content-Length: {length}"]
    lines += ["Content-Type: application/json", "Expect: 100-continue", "", ""]
    caller.sendall("\r\n".join(lines).encode())
    assert caller.recv(4096).startswith(b"HTTP/1.1 100 ")


def listens(port: int | None) -> bool:
    """Say whether somebody listens on a port of this machine."""
    assert port is not None
    with socket.socket() as caller:
        return caller.connect_ex((LOOPBACK, port)) == 0


def refusal(home: Path, port: int, **environment: str) -> tuple[int, str]:
    """Return exit code and error of a service that should not start, which is one clear line."""
    with command(home, port, **environment) as process:
        try:
            printed, errors = process.communicate(timeout=LIFE_SECONDS)
        finally:
            process.kill()
    assert printed == ""
    assert len(errors.splitlines()) == 1, errors
    return process.returncode, errors


def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        code, error = refusal(tmp_path, port)
    assert code == 1
    assert error.startswith(f"error: cannot listen on {LOOPBACK}:{port}: ")
    assert "--port" in error


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({"APP_ENV": "production"}, 1, "APP_API_KEYS is empty"),
        ({"APP_API_KEYS": "not-a-hash"}, 2, "is not the SHA-256 of a key"),
    ],
)
def test_unsafe_keys_are_one_clear_line(
    tmp_path: Path, environment: dict[str, str], code: int, said: str
) -> None:
    ended, error = refusal(tmp_path, 0, **environment)
    assert ended == code
    assert said in error
    assert environment.get("APP_API_KEYS", "no key") not in error
