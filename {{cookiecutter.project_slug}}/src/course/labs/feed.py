"""A feed of outcomes: a file that another department writes, sent to the service every second.

The service takes all of a file or none of it, so one line at fault holds up the rest. What it was
told is written beside the file, as any feed would log it.
"""

import csv
import json
import threading
from pathlib import Path
from typing import Protocol

from course.labs.service import OK, ask

FILE = "outcomes.csv"
LOG = "feed.log"
PATH = "/v1/feedback"
SECONDS = 1.0


class Caller(Protocol):
    """Who runs the feed, and says when it is enough."""

    enough: threading.Event


class Feed:
    """Sends one file until it is taken."""

    def __init__(self, folder: str, port: int) -> None:
        """Remember where the file is."""
        self.folder = Path(folder)
        self.port = port
        self.said = ""

    def run(self, caller: Caller) -> None:
        """Send the file again and again, and log each answer that is another than the last."""
        while not caller.enough.wait(SECONDS):
            said = self._send()
            if said and said != self.said:
                with (self.folder / LOG).open("a", encoding="utf-8") as log:
                    log.write(f"{said}\n")
                self.said = said

    def _send(self) -> str:
        try:
            with (self.folder / FILE).open(encoding="utf-8", newline="") as file:
                outcomes = [
                    {
                        "request_id": row["request_id"],
                        "outcome": {"true": True, "false": False}.get(row["outcome"]),
                    }
                    for row in csv.DictReader(file)
                ]
        except (OSError, KeyError, csv.Error) as error:
            return f"{FILE} cannot be read: {error}"
        answer = ask(PATH, outcomes, self.port)
        if answer.status == OK:
            return f"200 {len(outcomes)} outcomes were taken"
        body = answer.body if isinstance(answer.body, dict) else {}
        errors = body.get("errors") or []
        first = f"; the first: {json.dumps(errors[0])}" if errors else ""
        return f"{answer.status} {body.get('detail', answer.body)}{first}"
