"""A screen of a hundred flights takes too long: find what is in its way, and bring its p99 down.

The service was started with a setting that lets a batch have one row, so the screen asks flight by
flight, each over a connection of its own. The budget is a ratio: p99 of the learner's screen over
that of a service without the handicap, asked in the best way in the same seconds.
"""

import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course.findings import Finding
from course.labs import ending, programs, traffic
from course.labs.callers import ROWS
from course.labs.folder import ROOT, Lab, LabError, as_typed, became
from course.labs.screens import FLIGHTS, SCRIPT
from course.labs.service import (
    OK,
    PORT,
    answering_version,
    ask,
    champion,
    environment,
    free_port,
    inside,
    project_python,
)
from course.project import Project

NAME = "p99-budget"
RATIO = 3.0
FOLDER = ROOT / "course" / NAME
SERVE = "serve.sh"
COMMAND = ("-m", "flight_delay", "serve", "--port")
PID_FILE = "service.pid"
LOG_FILE = "service.log"
LIFE_SECONDS = 3600
START_SECONDS = 30
MEASURE_SECONDS = 120
FIRST, DAYS = "2013-04-10", 5
"""So many flights that no screen is asked for twice."""
START = """#!/usr/bin/env bash
# How the service is started. Grown over the years; nobody knows any more what all of it is for.
cd "$(dirname "$0")" || exit 1
echo $$ > {pid_file}
cd {project} || exit 1
export APP_LOG_FLUSH_SECONDS=1
export APP_LOG_BUFFER_ROWS=200000
export APP_MAX_BODY_BYTES=600000
export APP_MAX_CONNECTIONS=800
export APP_MAX_INSTANCES=1
export APP_POLL_SECONDS=2
export APP_REQUEST_SECONDS=10
exec .venv/bin/python -m flight_delay serve --port {port}
"""
SCREEN = '''"""A screen of the booking site: the chance of a delay for each flight on it."""

import http.client
import json

HEADERS = {"Content-Type": "application/json"}


def ask(port, flights):
    """Return the probability of each flight, in their order."""
    chances = []
    for flight in flights:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/v1/predict", json.dumps(flight), HEADERS)
        answer = json.loads(connection.getresponse().read())
        chances.append(answer["probability"])
        connection.close()
    return chances
'''


def begin(project: Path) -> None:
    """Start the service as it is started, and write the script that asks it, unless it is on.

    What the learner made of both before is kept in course/kept.

    Raises:
        LabError: when something else listens on the port.
    """
    lab = Lab(NAME, project)
    if lab.may_begin():
        champion(project)
        if ask("/health/live").status:
            message = f"something answers on port {PORT}: stop it first; this starts a service"
            raise LabError(message)
        with ending.unless_begun(lab, end):
            _start(lab)
    serve, screen, pid, log = (
        as_typed(FOLDER / name) for name in (SERVE, SCRIPT, PID_FILE, LOG_FILE)
    )
    told = (
        f"Your service runs on port {PORT}, started by {serve}.",
        f"{screen} asks it for a screen of {FLIGHTS} flights, and users find it slow.",
        f"Bring its p99 down to {RATIO:g} times that of a service with nothing in its way.",
        f"Mend both files. To restart: kill $(cat {pid}), then bash {serve} 2> {log} &",
        lab.since,
    )
    print("\n".join(told))  # noqa: T201 - what the learner is told


def _start(lab: Lab) -> None:
    # Relative, because what is in this folder may be committed.
    place = shlex.quote(os.path.relpath(lab.project.resolve(), FOLDER))
    start = START.format(project=place, pid_file=PID_FILE, port=PORT)
    for name, text in ((SERVE, start), (SCRIPT, SCREEN)):
        Project(ROOT).write((FOLDER.relative_to(ROOT) / name).as_posix(), text)
    mark, _ = inside(lab.project, {"do": "mark"}, traffic.flights_step(lab, FIRST, DAYS))
    lab.write(mark=mark)
    programs.start(lab, "service", ["bash", str(FOLDER / SERVE)], LIFE_SECONDS)
    _wait_for(PORT)


def check(project: Path) -> list[Finding]:
    """Measure the learner's screen and the best one, turn by turn."""
    lab = Lab(NAME, project)
    if not lab.begun:
        return [Finding("begun", passed=False, said="begin the exercise first")]
    if answering_version() != champion(project)["version"]:
        said = f"no service of {project.name} answers on port {PORT}: start it with {SERVE}"
        return [Finding("the service answers", passed=False, said=said)]
    with _reference(project) as port:
        found = _measure(lab, port)
    if "error" in found:
        said = f"{SCRIPT} failed: {found['error']}{_hint(lab)}"
        return [Finding("a screen is answered", passed=False, said=said)]
    ratio = found["mine"] / found["reference"]
    said = (
        f"p99 of a screen is {found['mine']:.1f} ms, and {found['reference']:.1f} ms with nothing "
        f"in its way: {ratio:.1f} times, {RATIO:g} are allowed"
    )
    same = "every chance is the service's own" if found["same"] else "the chances are not the same"
    return [
        Finding("p99 is within the budget", ratio <= RATIO, said),
        Finding("the answers are right", found["same"], same),
    ]


def end(project: Path) -> bool:
    """Stop the service that was started; the two files stay, as the learner has mended them."""
    return ending.end(NAME, project)


def _hint(lab: Lab) -> str:
    """Return what the service says to a batch, if it refuses one."""
    lines = (lab.folder / ROWS).read_text("utf-8").splitlines()[:2]
    answer = ask("/v1/predict/batch", {"instances": [json.loads(one)["features"] for one in lines]})
    refused = answer.status != OK and isinstance(answer.body, dict)
    return f" (the service says to a batch: {answer.body.get('detail')})" if refused else ""


def _measure(lab: Lab, reference_port: int) -> dict[str, Any]:
    rows = lab.folder / ROWS
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [
                *(sys.executable, "-P", "-m", "course.labs.screens"),
                *(str(FOLDER), str(PORT), str(reference_port), str(rows)),
            ],
            capture_output=True,
            text=True,
            timeout=MEASURE_SECONDS,
            check=False,
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"error": f"it was not done after {MEASURE_SECONDS} s"}
    except ValueError:
        return {"error": (done.stderr.strip() or "it printed something").splitlines()[-1]}
    return found


@contextlib.contextmanager
def _reference(project: Path) -> Iterator[int]:
    """Run the same service without any setting, with a log of its own, until the block ends."""
    port = free_port()
    plain = {name: value for name, value in environment().items() if not name.startswith("APP_")}
    with tempfile.TemporaryDirectory() as home:
        own = {"APP_HOME": home, "APP_MODELS": str(project.resolve() / "models")}
        with Path(os.devnull).open("wb") as nowhere:
            process = subprocess.Popen(  # noqa: S603 - the project's own command
                [project_python(project), *COMMAND, str(port)],
                cwd=project,
                env=plain | own,
                stderr=nowhere,
            )
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    if not became(lambda: ask("/health/ready", port=port).status == OK, START_SECONDS):
        message = f"the service did not come up on port {port} within {START_SECONDS} s"
        raise LabError(message)
