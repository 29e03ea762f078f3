"""The learner's project from outside: its service over HTTP, and its own Python at work."""

import contextlib
import http.client
import json
import os
import socket
import sqlite3
import subprocess
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from course.labs.folder import LabError, became

HOST = "127.0.0.1"
PORT = int(os.environ.get("COURSE_PORT", "8123"))
INSIDE = Path(__file__).with_name("inside.py")
ANSWER_SECONDS = 15
STEP_SECONDS = 240
FOLLOW_SECONDS = 15
"""How long a service may take to answer from the champion: a lab before this may have set it."""
PART = 500
OK = 200
MODELS = "models"
CHAMPION_FILE = f"{MODELS}/champion.json"
LOG_FILE = "predictions.db"


class Answer(NamedTuple):
    """What was said to a request; status 0 when nobody answered."""

    status: int
    body: Any


def ask(path: str, body: object = None, port: int = PORT) -> Answer:
    """Ask a service on this machine for JSON; whatever it says is an answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    with contextlib.closing(connection):
        try:
            if body is None:
                connection.request("GET", path)
            else:
                headers = {"Content-Type": "application/json"}
                connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            return Answer(0, None)
    try:
        return Answer(response.status, json.loads(content))
    except ValueError:
        return Answer(response.status, content.decode(errors="replace"))


def answering_version() -> str | None:
    """Return the version that the learner's service answers from; None when it does not answer."""
    answer = ask("/v1/model")
    return answer.body["version"] if answer.status == OK else None


def champion(project: Path) -> dict[str, Any]:
    """Return what champion.json says.

    Raises:
        LabError: when there is none.
    """
    try:
        said: dict[str, Any] = json.loads((project / CHAMPION_FILE).read_bytes())
    except (OSError, ValueError):
        message = f"{project.name} has no champion: run `make train promote` there first"
        raise LabError(message) from None
    return said


def require_service(project: Path) -> str:
    """Return the version of the champion, from which the learner's service has to answer.

    Raises:
        LabError: when it does not, with the command that starts it.
    """
    version: str = champion(project)["version"]
    became(lambda: answering_version() in {None, version}, FOLLOW_SECONDS)
    answering = answering_version()
    if answering is None:
        message = (
            f"no service answers on port {PORT}: in {project.name}, run "
            f"`.venv/bin/{project_command(project)} serve --port {PORT} &` first"
        )
        raise LabError(message)
    if answering != version:
        message = (
            f"the service on port {PORT} answers from {answering}, and the champion of "
            f"{project.name} is {version}: stop it and start that project's service"
        )
        raise LabError(message)
    if os.environ.get("APP_LOG_URL"):
        message = "APP_LOG_URL is set, and the labs keep to predictions.db: unset it first"
        raise LabError(message)
    return version


def project_command(project: Path) -> str:
    """Return the name of the project's command; with its Python where it cannot be told."""
    known = (project / ".venv/bin" / project.name).exists()
    return project.name if known else "python -m flight_delay"


def project_python(project: Path) -> Path:
    """Return the Python of the project.

    Raises:
        LabError: when it is not installed.
    """
    python = project / ".venv/bin/python"
    if not python.exists():
        message = f"{project} is not an installed project: run `make setup` in it first"
        raise LabError(message)
    return python


def environment() -> dict[str, str]:
    """Return the environment of a program of the project: its packages are its own."""
    ours = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"} | kept


def inside(project: Path, *steps: dict[str, Any]) -> list[Any]:
    """Do steps in the project, by its own Python, and return what each returns; see `inside.py`.

    Raises:
        LabError: when one fails, or all take too long.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            [project_python(project), "-P", INSIDE],
            cwd=project,
            env=environment(),
            input=json.dumps(steps),
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"{project.name} took longer than {STEP_SECONDS} s for its part of the lab"
        raise LabError(message) from None
    if done.returncode:
        said = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        message = f"{project.name} could not do its part of the lab: {said}"
        raise LabError(message)
    answers: list[Any] = json.loads(done.stdout)
    return answers


@contextlib.contextmanager
def prediction_log(project: Path) -> Iterator[sqlite3.Connection]:
    """Open the prediction log to read it.

    Raises:
        LabError: when it is missing or locked, or the block could not read it.
    """
    place = f"file:{urllib.parse.quote(str(project / LOG_FILE))}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(place, uri=True, timeout=10)) as log:
            yield log
    except sqlite3.Error as error:
        message = f"{LOG_FILE} of {project.name} cannot be read ({error}): check again"
        raise LabError(message) from error


def logged(project: Path, request_ids: Iterable[str]) -> int:
    """Return how many of these request ids the prediction log holds."""
    ids = list(request_ids)
    found = 0
    with prediction_log(project) as log:
        for start in range(0, len(ids), PART):
            part = ids[start : start + PART]
            marks = ",".join("?" * len(part))
            query = f"SELECT count(*) FROM predictions WHERE request_id IN ({marks})"  # noqa: S608
            found += log.execute(query, part).fetchone()[0]
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
