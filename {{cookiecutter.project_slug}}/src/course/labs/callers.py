"""The callers of a service: real flights at a steady pace, and a journal of what became of each.

Called as: python -m course.labs.callers FOLDER, with the plan in FOLDER/traffic.json. It ends by
itself. A caller whose request fails sends the same row again until it is answered; one that is
refused for being slow sends at once from then on.
"""

import contextlib
import http.client
import json
import select
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from course.labs.feed import Feed
from course.labs.folder import write_json

CALLERS = 4
JOURNAL_SECONDS = 0.2
AGAIN_SECONDS = 0.2
LAST_SECONDS = 5
TIMEOUT_SECONDS = 15
PATH = "/v1/predict"
OK, TIMED_OUT, SERVER_ERROR = 200, 408, 500
JOURNAL, ANSWERED, ROWS, PLAN = "journal.json", "answered.txt", "flights.jsonl", "traffic.json"


@dataclass
class Counts:
    """Of rows: asked, answered, lost (given up), refused and sent again; of requests: failed."""

    asked: int = 0
    answered: int = 0
    lost: int = 0
    refused: int = 0
    again: int = 0
    unreachable: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    worse: int = 0
    spent_at: float | None = None
    last_at: float = 0.0
    over: bool = False


class Callers:
    """All callers of a plan, and what they count together."""

    def __init__(self, folder: Path) -> None:
        """Read the plan and the flights."""
        self.folder = folder
        self.plan: dict[str, Any] = json.loads((folder / PLAN).read_bytes())
        lines = (folder / ROWS).read_text("utf-8").splitlines()
        self.rows = [json.loads(line) for line in lines]
        self.counts = Counts()
        self.ids: list[str] = []
        self.lock = threading.Lock()
        self.enough = threading.Event()
        self.gone = threading.Event()
        self.next_row = 0

    def run(self) -> None:
        """Call until the time is over, then let what waits be answered."""
        signal.signal(signal.SIGTERM, lambda *_: self.enough.set())
        slow = [threading.Thread(target=self._slow) for _ in range(self.plan.get("slow", 0))]
        steady = [threading.Thread(target=self._steady, args=(n,)) for n in range(CALLERS)]
        if feed := self.plan.get("feed"):
            steady.append(threading.Thread(target=Feed(feed, self.plan["port"]).run, args=(self,)))
        for one in (*slow, *steady):
            one.start()
        until = time.monotonic() + self.plan["seconds"]
        while not self.enough.wait(JOURNAL_SECONDS) and time.monotonic() < until:
            if not self.folder.is_dir():  # the lab was removed by hand
                break
            self._write()
        self.enough.set()
        threading.Timer(LAST_SECONDS, self.gone.set).start()
        for one in (*slow, *steady):
            one.join()
        self.counts.over = True
        if self.folder.is_dir():
            self._write()

    def _steady(self, number: int) -> None:
        pause = CALLERS / self.plan["pace"]
        with contextlib.closing(self._connect()) as connection:
            due = time.monotonic() + number * pause / CALLERS
            while not self.enough.wait(max(0.0, due - time.monotonic())):
                self._until_answered(connection, self._row())
                due = max(due + pause, time.monotonic())

    def _slow(self) -> None:
        """Send half of each body, wait, and send the rest, until refused for it."""
        patient = True
        while not self.enough.is_set():
            row = self._row()
            with contextlib.closing(self._connect()) as connection:
                status = self._send(connection, row, self.plan["slow_seconds"] if patient else 0)
                if status == OK:
                    self.enough.wait(0 if patient else self.plan["slow_seconds"])
                    continue
                if status == TIMED_OUT:
                    patient = False
                    self._count("refused")
                self._until_answered(connection, row)
                if status == TIMED_OUT:
                    self._count("again")

    def _row(self) -> dict[str, Any]:
        with self.lock:
            row: dict[str, Any] = self.rows[self.next_row % len(self.rows)]
            self.next_row += 1
            self.counts.asked += 1
        return row

    def _until_answered(self, connection: http.client.HTTPConnection, row: dict[str, Any]) -> None:
        while (status := self._send(connection, row)) != OK:
            if 0 < status < SERVER_ERROR or self.gone.wait(AGAIN_SECONDS):
                self._count("lost")
                return

    def _send(
        self, connection: http.client.HTTPConnection, row: dict[str, Any], pause: float = 0
    ) -> int:
        """Ask once; return the status, 0 when nobody answered."""
        body = json.dumps(row["features"]).encode()
        try:
            connection.putrequest("POST", PATH)
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
            if pause:
                connection.endheaders(body[: len(body) // 2])
                early, _, _ = select.select([connection.sock], [], [], pause)
                if not early:
                    connection.send(body[len(body) // 2 :])
            else:
                connection.endheaders(body)
            response = connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self._count("unreachable")
            return 0
        if response.status == OK:
            self._note(json.loads(said), row)
        elif response.status >= SERVER_ERROR:
            with self.lock:
                failed = self.counts.failed
                failed[str(response.status)] = failed.get(str(response.status), 0) + 1
        return response.status

    def _note(self, said: dict[str, Any], row: dict[str, Any]) -> None:
        """Count an answer, and whether it is worse than the one that the champion gave before."""
        truth = float(row["late"])
        loss = (said["probability"] - truth) ** 2 - (row["said"] - truth) ** 2
        with self.lock:
            counts = self.counts
            counts.answered += 1
            counts.last_at = time.time()
            self.ids.append(said["request_id"])
            budget = self.plan.get("budget")
            if budget and loss > budget["margin"]:
                counts.worse += 1
                if counts.worse >= budget["answers"] and counts.spent_at is None:
                    counts.spent_at = time.time()

    def _count(self, name: str) -> None:
        with self.lock:
            setattr(self.counts, name, getattr(self.counts, name) + 1)

    def _write(self) -> None:
        with self.lock:
            ids, self.ids = self.ids, []
            journal = asdict(self.counts)
        with (self.folder / ANSWERED).open("a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in ids)
        write_json(self.folder / JOURNAL, journal)

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.plan["port"], timeout=TIMEOUT_SECONDS)


if __name__ == "__main__":
    Callers(Path(sys.argv[1])).run()
