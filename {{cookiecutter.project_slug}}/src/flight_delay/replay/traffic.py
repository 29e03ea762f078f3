"""A day's requests and outcomes over HTTP, as the callers of the service would send them."""

import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx2
import polars as pl

from flight_delay.contract import SCHEDULED_AT, TARGET, field_names
from flight_delay.replay.plan import ReplayError

OUTCOMES_AT_ONCE = 1000
NIGHT_SECONDS = 60
EMPTY = re.compile(r"^prediction_log_buffered_rows 0\.0$", re.MULTILINE)


@dataclass(slots=True)
class Counts:
    """HTTP calls, rows answered, and calls that failed."""

    requests: int = 0
    predictions: int = 0
    failed_requests: int = 0


@dataclass(slots=True)
class Caller:
    """Sends rows and outcomes to a service, and counts what came back."""

    http: httpx2.Client
    counts: Counts = field(default_factory=Counts)

    def ask(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Send the rows of a day, a batch an hour, and return those that were answered.

        Args:
            rows: rows of the table of the contract.

        Returns:
            The answered rows with `request_id`, `model_version` and `probability`.
        """
        hour = pl.col(SCHEDULED_AT).dt.truncate("1h")
        batches = rows.with_columns(hour=hour).partition_by("hour", maintain_order=True)
        answered = [self._batch(batch.drop("hour")) for batch in batches]
        return pl.concat([frame for frame in answered if frame is not None])

    def tell(self, rows: pl.DataFrame) -> None:
        """Send what turned out to be true of answered rows; some never get an outcome."""
        known = rows.filter(pl.col(TARGET).is_not_null())
        for part in known.iter_slices(OUTCOMES_AT_ONCE):
            outcomes = [
                {"request_id": name, "outcome": outcome}
                for name, outcome in part.select("request_id", TARGET).iter_rows()
            ]
            self._post("/v1/feedback", outcomes)

    def sleep(self) -> None:
        """Wait until what was answered is in the log: the loop runs in the morning after.

        Raises:
            ReplayError: when the service does not get it written.
        """
        deadline = time.monotonic() + NIGHT_SECONDS
        while EMPTY.search(self.http.get("/metrics").text) is None:
            if time.monotonic() > deadline:
                message = f"the service has rows in its buffer after {NIGHT_SECONDS} s"
                raise ReplayError(message)
            time.sleep(0.01)

    def _batch(self, rows: pl.DataFrame) -> pl.DataFrame | None:
        instances = rows.select(field_names()).to_dicts()
        answer = self._post("/v1/predict/batch", {"instances": instances})
        if answer is None:
            return None
        self.counts.predictions += len(instances)
        predictions = answer["predictions"]
        return rows.with_columns(
            request_id=pl.Series([one["request_id"] for one in predictions]),
            probability=pl.Series([one["probability"] for one in predictions]),
            model_version=pl.lit(answer["model_version"]),
        )

    def _post(self, route: str, body: object) -> Any:  # noqa: ANN401 - JSON
        """Return the answer, or None when the request failed, which is counted."""
        self.counts.requests += 1
        try:
            response = self.http.post(route, json=body)
        except httpx2.TransportError:
            self.counts.failed_requests += 1
            return None
        if response.status_code != HTTPStatus.OK:
            self.counts.failed_requests += 1
            return None
        return response.json()
