"""Child processes: a clean environment, one command, or a server that always ends."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MEGABYTE = 2**20
"""As `du`, `free` and `top` count it."""
READY_SECONDS = 120
GRACE_SECONDS = 20
POLL_SECONDS = 0.01
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class MeasurementError(Exception):
    """A figure could not be measured; the message says why."""


class ProjectError(MeasurementError):
    """The demo project could not be made, so nothing that needs it can be measured."""


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is started and asked; `{port}` in the command is replaced by a free port."""

    name: str
    command: Sequence[str]
    ready_path: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers; `seconds` passed between starting it and its first ready answer."""

    pid: int
    port: int
    seconds: float

    def cpu_seconds(self) -> float:
        """Return user and system time used so far by the server and its child processes."""
        return sum(ticks for ticks, _ in _session(self.pid)) / TICKS_PER_SECOND

    def resident_megabytes(self) -> float:
        """Return the resident memory (VmRSS) of the server and its child processes."""
        return sum(size for _, size in _session(self.pid)) / MEGABYTE


def environment(**given: str) -> dict[str, str]:
    """Return this process's environment without what `make`, `uv run` and the caller added.

    Bytecode is written, as on any machine of a user, and OpenMP neither spins nor takes both cores.
    """
    dropped = ("MAKE", "MFLAGS", "UV_RUN", "UV_PROJECT", "UV_COMPILE", "VIRTUAL_ENV", "PYTHON")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(dropped) and name != "UV"
    }
    quiet = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "NO_COLOR": "1"}
    return kept | quiet | {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"} | given


def uv() -> str:
    """Return the uv that runs this script, or else the one on the PATH."""
    found = os.environ.get("UV") or shutil.which("uv")
    if found is None:
        message = "uv is not on the PATH: run `make bench`"
        raise MeasurementError(message)
    return found


def run(
    command: Sequence[str], folder: Path, given: Mapping[str, str], timeout_seconds: float
) -> float:
    """Run a command to its end in `folder`; return its wall seconds.

    Raises:
        MeasurementError: with the end of its output, when it fails or takes too long.
    """
    shown = " ".join([Path(command[0]).name, *command[1:2]])
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(given),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        message = f"`{shown}` took more than {timeout_seconds:.0f} s"
        raise MeasurementError(message) from None
    finally:
        if process.returncode is None:
            _end(process)
    if process.returncode:
        message = f"`{shown}` ended with {process.returncode}:\n{output[-2000:]}"
        raise MeasurementError(message)
    return time.perf_counter() - started


@contextlib.contextmanager
def serving(server: Server) -> Iterator[Running]:
    """Start a server, wait until it is ready, and end it with the block.

    Raises:
        MeasurementError: when it ends or is not ready in time, with the end of its output.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    log = server.folder / f"{server.name.replace(' ', '-')}.log"
    with log.open("w", encoding="utf-8") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in server.command],
            cwd=server.folder,
            env=environment(**server.environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while not _ready(port, server.ready_path):
                late = time.perf_counter() - started > READY_SECONDS
                if late or process.poll() is not None:
                    message = f"{server.name} did not get ready:\n{log.read_text()[-2000:]}"
                    raise MeasurementError(message)
                time.sleep(POLL_SECONDS)
            yield Running(process.pid, port, time.perf_counter() - started)
        finally:
            _end(process)


def _ready(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Interrupt the process and its children, as Ctrl-C does; kill what remains after a while."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _session(leader: int) -> list[tuple[int, int]]:
    """Return CPU ticks and resident bytes of each process in the session of `leader`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, StopIteration):
            # The name, in brackets, may hold spaces; state, parent, group and session follow it.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                lines = (folder / "status").read_text().splitlines()
                resident = next(line for line in lines if line.startswith("VmRSS:"))
                ticks = int(fields[11]) + int(fields[12])
                found.append((ticks, int(resident.split()[1]) * 1024))
    return found
