"""What is known about the model beyond this process: the newest monitoring run, and its history.

It is read from the prediction log and from champion.json, only when somebody looks and then in a
thread, so that a log that is slow or out of reach holds up nobody and is told in words.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flight_delay.champion import Champion, ChampionError, read_champion
from flight_delay.clock import now
from flight_delay.errors import ProjectError
from flight_delay.prediction_log import Event, PredictionLog
from flight_delay.settings import Settings

FRESH_SECONDS = 3.0
PATIENCE_SECONDS = 1.0
"""How long a reader waits for the log, before it is given what was known before."""
MOST_ROWS = 30
CROWNING = ("rollback", "promote")
KINDS = (*CROWNING, "trial", "retrain")
"""Kinds of events in the history of the model; of one moment, the last step comes first."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known, and in words what could not be read just now."""

    today: str | None = None
    monitor: Row | None = None
    history: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ("the prediction log has not answered yet",)

    def since(self, version: str) -> str | None:
        """Return when a version became champion, as far as that is recorded."""
        crowned = (one for one in self.history if one["kind"] in CROWNING)
        return next((one["at"] for one in crowned if one["version"] == version), None)


class Reader:
    """Reads the findings when they are asked for, and keeps them for some seconds."""

    def __init__(self, settings: Settings, prediction_log: PredictionLog) -> None:
        """Read nothing yet."""
        self._settings = settings
        self._log = prediction_log
        self._today: str | None = None
        self._monitor: Row | None = None
        self._steps: list[Row] = []
        self._found = Findings()
        self._read_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def read(self) -> Findings:
        """Return the findings; while the log does not answer, those from before."""
        if self._reading is None or (self._reading.done() and self._stale()):
            self._reading = asyncio.create_task(self._refresh())
        if not self._reading.done():
            await asyncio.wait({self._reading}, timeout=PATIENCE_SECONDS)
        return self._found

    def _stale(self) -> bool:
        return time.monotonic() - self._read_at > FRESH_SECONDS

    async def _refresh(self) -> None:
        self._found = await asyncio.to_thread(self._look)
        self._read_at = time.monotonic()

    def _look(self) -> Findings:
        champion, problems = None, []
        try:
            champion = read_champion(self._settings.models)
        except (ChampionError, OSError) as error:
            problems.append(str(error))
        try:
            self._read_log()
        except ProjectError as error:
            problems.append(str(error))
        except Exception as error:  # noqa: BLE001 - whatever the log holds, the page is to say it
            problems.append(f"the prediction log holds what cannot be read: {error!r}")
        steps = tell(champion, self._steps)
        return Findings(self._today, self._monitor, steps, tuple(problems))

    def _read_log(self) -> None:
        self._today = now(self._settings.clock_file).isoformat()
        self._log.create()  # it may be as new as this process
        newest = self._log.events("monitor")
        steps = [_step(event) for kind in KINDS for event in self._log.events(kind, MOST_ROWS)]
        self._monitor = _row(newest[0].at, report=newest[0].content) if newest else None
        self._steps = steps


def tell(champion: Champion | None, steps: Sequence[Row]) -> tuple[Row, ...]:
    """Return what happened to the model, the newest first.

    A change of champion is in champion.json, and an event too if the loop made it: it is told once.
    """
    rows = list(steps)
    told = Counter((row["kind"], row["version"]) for row in rows if row["kind"] in CROWNING)
    for change in reversed(champion.changes if champion else ()):
        made = (change.action, change.version)
        if told[made]:
            told[made] -= 1
        else:
            kind, version = made
            rows.append(_row(change.at, kind=kind, version=version, reasons=[change.reason]))
    rows.sort(key=lambda row: datetime.fromisoformat(row["at"]), reverse=True)
    return tuple(rows[:MOST_ROWS])


def _step(event: Event) -> Row:
    """Return an event of the loop as a row of the history, with all of its reasons."""
    content = event.content
    reasons = [*content.get("why", ())]
    reasons += [
        f"the gate {gate['name']} failed: {gate['reason']}"
        for gate in content.get("gates", ())
        if not gate["passed"]
    ]
    reasons += [content["reason"]] if "reason" in content else []
    return _row(
        event.at,
        kind=event.kind,
        version=content["version"],
        stage=content.get("stage"),
        result=content.get("result"),
        reasons=reasons,
    )


def _row(at: datetime, **facts: Any) -> Row:  # noqa: ANN401 - JSON
    return {"at": at.isoformat()} | facts
