"""Servers of the same model side by side: CPU time a request, in interleaved rounds."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load import send
from benchmarks.processes import MeasurementError, Running, Server, environment, run, serving
from benchmarks.project import Workspace
from benchmarks.report import Peer
from benchmarks.service import golden, this_service

HERE = Path(__file__).resolve().parent / "peers"
ROWS = 32
ROUNDS = 3
REQUESTS = 2000
WARM_UP = 200
STARTS = 3
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Contender:
    """A server, how a row is put to it, and where the probability is in its answer."""

    server: Server
    path: str
    body: Callable[[dict[str, Any]], object]
    probability: Callable[[Any], float]


def measure_peers(workspace: Workspace) -> Iterator[Peer | str]:
    """Measure this service and its peers; a peer that cannot be made to answer is named."""
    rows, expected = golden(workspace, ROWS)
    contenders = [_this_service(workspace)]
    made = workspace.scratch / "peers"
    made.mkdir()
    python = str(workspace.project / ".venv" / "bin" / "python")
    run([python, str(HERE / "fit.py"), str(made)], workspace.project, environment(), 300)
    for contender in (_tutorial(workspace, made), _mlflow(workspace, made)):
        # The first start also compiles the bytecode, so it is not one of those measured.
        try:
            with serving(contender.server) as running:
                _check(contender, running, rows, expected)
        except MeasurementError as error:
            yield f"left out: {contender.server.name}: {error}"
        else:
            contenders.append(contender)
    yield from _compare(contenders, rows)


def _compare(contenders: list[Contender], rows: list[dict[str, Any]]) -> Iterator[Peer]:
    starts: dict[str, list[float]] = {one.server.name: [] for one in contenders}
    for _ in range(STARTS):
        for one in contenders:
            with serving(one.server) as running:
                starts[one.server.name].append(running.seconds)
    rounds: dict[str, list[float]] = {name: [] for name in starts}
    with ExitStack() as stack:
        running_ones = [(one, stack.enter_context(serving(one.server))) for one in contenders]
        bodies = {one.server.name: [one.body(row) for row in rows] for one in contenders}
        for one, running in running_ones:
            send(running.port, one.path, bodies[one.server.name], WARM_UP)
        for _ in range(ROUNDS):
            for one, running in running_ones:
                before = running.cpu_seconds()
                send(running.port, one.path, bodies[one.server.name], REQUESTS)
                used = running.cpu_seconds() - before
                rounds[one.server.name].append(round(used / REQUESTS * 1e6, 1))
        resident = {one.server.name: running.resident_megabytes() for one, running in running_ones}
    ours = statistics.median(rounds[contenders[0].server.name])
    for name, measured in rounds.items():
        cpu = statistics.median(measured)
        cold = statistics.median(starts[name])
        yield Peer(
            name,
            cpu,
            measured,
            ratio=round(cpu / ours, 2),
            resident_mb=round(resident[name], 1),
            cold_start_seconds=round(cold, 2),
        )


def _check(
    contender: Contender, running: Running, rows: list[dict[str, Any]], expected: list[float]
) -> None:
    """Hold the answers against scikit-learn's: servers of other models cannot be compared."""
    bodies = [contender.body(row) for row in rows]
    answers = send(running.port, contender.path, bodies, len(bodies))
    differences = [
        abs(contender.probability(answer) - probability)
        for answer, probability in zip(answers, expected, strict=True)
    ]
    if max(differences) > TOLERANCE:
        message = f"it answers {max(differences):.2g} away from scikit-learn"
        raise MeasurementError(message)


def _this_service(workspace: Workspace) -> Contender:
    return Contender(
        this_service(workspace), "/v1/predict", dict, lambda answer: float(answer["probability"])
    )


def _tutorial(workspace: Workspace, made: Path) -> Contender:
    python = str(workspace.project / ".venv" / "bin" / "python")
    command = [python, "-m", "uvicorn", "tutorial:app", "--app-dir", str(HERE), "--port", "{port}"]
    server = Server(
        "FastAPI, joblib, pandas",
        [*command, "--no-access-log"],
        "/health",
        made,
        {"MODEL_FILE": str(made / "model.joblib")},
    )
    return Contender(server, "/predict", dict, lambda answer: float(answer["probability"]))


def _mlflow(workspace: Workspace, made: Path) -> Contender:
    tools = workspace.project / ".venv" / "bin"
    command = [str(tools / "mlflow"), "models", "serve", "--env-manager", "local"]
    server = Server(
        "mlflow models serve",
        [*command, "--model-uri", str(made / "mlflow"), "--port", "{port}"],
        "/ping",
        made,
        {"PATH": f"{tools}:{environment()['PATH']}"},
    )
    return Contender(
        server,
        "/invocations",
        lambda row: {"dataframe_records": [row]},
        lambda answer: float(answer["predictions"][0][1]),
    )
