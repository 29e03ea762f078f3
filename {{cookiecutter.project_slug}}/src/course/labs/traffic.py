"""Traffic for a lab: started in the background, bounded, and read from its journal."""

import json
import sys
from typing import Any

from course.labs import programs
from course.labs.callers import ANSWERED, JOURNAL, PLAN, ROWS
from course.labs.folder import Lab, LabError, became, write_json
from course.labs.service import PORT

Journal = dict[str, Any]

LONGEST_SECONDS = 600
SPARE_SECONDS = 20
FIRST_SECONDS = 20


def flights_step(lab: Lab, first: str, days: int) -> dict[str, Any]:
    """Return the step that writes real flights for the callers; see `inside.py`."""
    return {"do": "flights", "first": first, "days": days, "out": str(lab.folder / ROWS)}


def start(lab: Lab, pace: float, **plan: object) -> None:
    """Start callers, `pace` requests a second together, and wait for their first answers.

    Raises:
        LabError: when nobody answers them.
    """
    write_json(lab.folder / PLAN, {"port": PORT, "pace": pace, "seconds": LONGEST_SECONDS, **plan})
    command = [sys.executable, "-P", "-m", "course.labs.callers", str(lab.folder)]
    programs.start(lab, "traffic", command, LONGEST_SECONDS + SPARE_SECONDS)
    if not became(lambda: read(lab).get("answered"), FIRST_SECONDS):
        message = "the service answers none of the lab's requests"
        raise LabError(message)


def read(lab: Lab) -> Journal:
    """Return what became of the requests so far."""
    try:
        journal: Journal = json.loads((lab.folder / JOURNAL).read_bytes())
    except FileNotFoundError:
        return {}
    return journal


def answered_ids(lab: Lab) -> list[str]:
    """Return the request id of every answer that was written down so far."""
    try:
        return (lab.folder / ANSWERED).read_text("utf-8").split()
    except FileNotFoundError:
        return []
