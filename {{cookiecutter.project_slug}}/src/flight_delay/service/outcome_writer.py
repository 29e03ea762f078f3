"""Outcomes on their way to the log: in threads of their own, and acknowledged once committed."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import structlog

from flight_delay.database import LogError
from flight_delay.prediction_log import (
    ConflictingOutcomeError,
    PredictionLog,
    Recorded,
    UnknownRequestError,
)
from flight_delay.service.metrics import Metrics
from flight_delay.service.recorder import Recorder

log = structlog.get_logger()

THREADS = 4
"""Not those that score batches: a log that keeps callers waiting must not hold up predictions."""
PATIENCE_SECONDS = 8
"""Longer than the log waits for another writer, and shorter than a request may live by default."""


class OutcomeWriter:
    """Records outcomes, also those of rows that the recorder has not written yet."""

    def __init__(
        self,
        prediction_log: PredictionLog,
        recorder: Recorder,
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        """Prepare the threads."""
        self._log = prediction_log
        self._recorder = recorder
        self._metrics = metrics
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="outcomes")
        self._failing = False

    async def record(self, given: Mapping[str, bool]) -> Recorded:
        """Commit outcomes by request id, all or none.

        Raises:
            UnknownRequestError: when a request is not in the log.
            ConflictingOutcomeError: when another outcome is recorded for one.
            LogError: when the log cannot be written in time; sending them again does no harm.
        """
        try:
            recorded = await self._in_thread(given)
        except (UnknownRequestError, ConflictingOutcomeError):
            self._metrics.feedback.labels("refused").inc(len(given))
            raise
        except LogError as error:
            self._note_failure(error)
            raise
        self._failing = False
        self._metrics.feedback.labels("new").inc(recorded.new)
        self._metrics.feedback.labels("known").inc(recorded.known)
        return recorded

    async def _in_thread(self, given: Mapping[str, bool]) -> Recorded:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await loop.run_in_executor(self._threads, self._record, given)
        except TimeoutError:
            message = f"the prediction log was busy for {PATIENCE_SECONDS} s"
            raise LogError(message) from None

    def _note_failure(self, error: LogError) -> None:
        if not self._failing:  # said once, not for every caller
            log.error("feedback", result="failing", reason=str(error))
        self._failing = True

    def _record(self, given: Mapping[str, bool]) -> Recorded:
        self._recorder.prepare()
        received_at = self._clock()
        try:
            return self._log.record_outcomes(given, received_at)
        except UnknownRequestError:
            self._recorder.flush()
            return self._log.record_outcomes(given, received_at)
