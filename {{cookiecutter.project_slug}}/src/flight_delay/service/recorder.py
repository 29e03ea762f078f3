"""The writer behind the answers: rows wait in memory until a thread commits them to the log.

The request path appends to a list and does nothing else. A killed process loses what was answered
in the last `flush_seconds` at most. A log that cannot be written is tried again until it can, and
the rows wait; when too many wait, the newest are dropped, which is counted and said.
"""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from flight_delay.prediction_log import Entry, PredictionLog
from flight_delay.service.challenger import Challenger
from flight_delay.service.metrics import Metrics
from flight_delay.settings import Settings

log = structlog.get_logger()

COMMIT_ROWS = 2000
"""About so many rows are committed at a time, and so many that wait are not kept waiting."""
STOP_SECONDS = 10
"""How long a stop waits for a log that cannot be written."""
RETRY_SECONDS = 0.1
PRUNE_SECONDS = 3600
PRUNE_ROWS = 5000
"""Old rows are deleted in steps of so many, with room for new rows in between."""
SAY_SECONDS = 60
"""Dropped rows are said at once, and then so often at most."""


class Answered(NamedTuple):
    """The rows of one request, and the challenger that is to score them unheard."""

    entries: Sequence[Entry]
    challenger: Challenger | None


class Recorder:
    """Takes answered rows at any time and writes them to the log in a thread of its own."""

    def __init__(
        self,
        prediction_log: PredictionLog,
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        """Take rows from now on; `start` begins to write them."""
        self._log = prediction_log
        self._metrics = metrics
        self._clock = clock
        self._pause = settings.log_flush_seconds / 2  # the other half is for the write itself
        self._buffer_rows = settings.log_buffer_rows
        self._retention = timedelta(days=settings.log_retention_days)
        self._lock = threading.Lock()  # held for an instant, over the four below
        self._waiting: deque[Answered] = deque()
        self._rows = 0
        self._dropped = 0
        self._wake = threading.Event()
        self._writing = threading.Lock()  # held for a transaction, over the two below
        self._scored: list[Entry] = []
        self._prepared = False
        self._stopping = threading.Event()
        self._deadline = 0.0
        self._thread: threading.Thread | None = None
        self._failing = False
        self._say_after = 0.0
        self._prune_after = 0.0
        metrics.log_buffered.set_function(lambda: self._rows)

    def add(self, entries: Sequence[Entry], challenger: Challenger | None = None) -> None:
        """Take the rows of a request; those that find no room are dropped and counted."""
        with self._lock:
            kept = entries[: self._buffer_rows - self._rows]
            if kept:
                self._waiting.append(Answered(kept, challenger))
                self._rows += len(kept)
            dropped = len(entries) - len(kept)
            self._dropped += dropped
            enough = self._rows >= COMMIT_ROWS
        if dropped:
            self._metrics.log_dropped.inc(dropped)
        if enough:
            self._wake.set()

    def start(self) -> None:
        """Begin to write."""
        self._stopping.clear()
        # A daemon, so that a log that cannot be written never keeps the process from ending.
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Write everything that waits, if that can be done in time; what cannot is counted."""
        self._deadline = time.monotonic() + seconds
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(seconds)
        self._say_after = 0.0
        self._say_dropped()
        if self._rows:
            self._metrics.log_dropped.inc(self._rows)
            log.error("prediction_log_dropped", rows=self._rows, reason="the service was stopped")

    def flush(self) -> None:
        """Commit every row that was added before.

        Raises:
            LogError: when the log cannot be written; the rows wait on.
        """
        with self._lock:
            wanted = self._rows
        with self._writing:
            self._prepare()
            while wanted > 0:
                written = self._write_some()
                wanted = wanted - written if written else 0

    def prepare(self) -> None:
        """Make the tables, if that has not been done.

        Raises:
            LogError: when the log cannot be reached.
        """
        if not self._prepared:
            with self._writing:
                self._prepare()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._pause)
            self._wake.clear()
            if not self._attempt(self._flush_and_prune):
                self._stopping.wait(self._pause)
        while self._rows and not self._attempt(self.flush):
            if time.monotonic() > self._deadline:
                return
            time.sleep(RETRY_SECONDS)

    def _attempt(self, step: Callable[[], None]) -> bool:
        """Do a step; a failure is counted, said once until it is over, and ends nothing."""
        error = _error_of(step)
        if error is None:
            if self._failing:
                log.info("prediction_log", result="working again", rows_waiting=self._rows)
        else:
            self._prepared = False
            self._metrics.log_failures.inc()
            if not self._failing:
                log.error("prediction_log", result="failing", reason=str(error))
        self._failing = error is not None
        self._say_dropped()
        return not self._failing

    def _say_dropped(self) -> None:
        if not self._dropped or time.monotonic() < self._say_after:
            return
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        self._say_after = time.monotonic() + SAY_SECONDS
        log.error("prediction_log_dropped", rows=dropped, reason="too many wait to be written")

    def _flush_and_prune(self) -> None:
        self.flush()
        if time.monotonic() < self._prune_after:
            return
        with self._writing:
            deleted = self._log.prune(self._clock().date() - self._retention, PRUNE_ROWS)
        if deleted < PRUNE_ROWS:
            self._prune_after = time.monotonic() + PRUNE_SECONDS

    def _prepare(self) -> None:
        if not self._prepared:
            self._log.create()
            self._prepared = True

    def _write_some(self) -> int:
        """Commit the oldest rows that wait, scored by their challenger; return how many."""
        # Kept when the write fails, so that nothing is scored or counted twice.
        self._scored = self._scored or self._take()
        if self._scored:
            self._log.record(self._scored)
        written = len(self._scored)
        self._scored = []
        with self._lock:
            self._rows -= written
        return written

    def _take(self) -> list[Entry]:
        taken: list[Answered] = []
        rows = 0
        with self._lock:
            while self._waiting and rows < COMMIT_ROWS:
                taken.append(self._waiting.popleft())
                rows += len(taken[-1].entries)
        entries: list[Entry] = []
        for challenger, group in itertools.groupby(taken, key=lambda one: one.challenger):
            part = [entry for one in group for entry in one.entries]
            entries += challenger.score(part) if challenger else part
        return entries


def _error_of(step: Callable[[], None]) -> Exception | None:
    try:
        step()
    except Exception as error:  # noqa: BLE001 - whatever it is, later rows may be written
        return error
    return None
