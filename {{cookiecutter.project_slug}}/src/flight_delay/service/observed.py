"""What the newest monitoring run found, as metrics: they are read from the log, not measured here.

Before the first run, or where the log cannot be read, they are absent: a zero would be a lie.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from flight_delay.database import LogError
from flight_delay.prediction_log import Event, PredictionLog

log = structlog.get_logger()

MONITOR = "monitor"
"""Kind of the events that hold a monitoring report."""
DRIFT = (
    "drifted",
    "psi",
    "usual_psi",
    "unusual_days",
    "distance",
    "adjusted_p",
    "null_share",
    "unseen_share",
)
"""What is shown of the drift of a field: the verdict, 1 or 0, and what it rests on."""


class Observed(Collector):
    """The metrics of the newest report; those of the next one replace them all."""

    def __init__(self, prediction_log: PredictionLog) -> None:
        """Show nothing yet."""
        self._log = prediction_log
        self._families: list[GaugeMetricFamily] = []
        self._readable = True

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics, as a registry asks for them."""
        return self._families

    async def refresh(self) -> None:
        """Take the newest report, if there is one."""
        try:
            events = await asyncio.to_thread(self._log.events, MONITOR)
        except LogError:
            return  # the recorder writes to the same log, and says when it is out of reach
        if not events:
            return
        try:
            self._families = families(events[0])
        except (KeyError, TypeError, AttributeError, ValueError):
            if self._readable:  # said once, not at every look
                log.exception("monitoring_report", result="unreadable")
            self._readable = False
        else:
            self._readable = True


def families(event: Event) -> list[GaugeMetricFamily]:
    """Return the metrics of a report; what it does not know is absent."""
    report = event.content
    fields = [*report["drift"]["fields"], report["drift"]["prediction"]]
    unlabelled = report["quality"]["unlabelled_share"]
    return [
        _gauge(
            "feature_drift",
            "Drift of a field of the contract, or of the probability, in the last window",
            ["feature", "statistic"],
            {
                (field["field"], statistic): field[statistic]
                for field in fields
                if field is not None
                for statistic in DRIFT
            },
        ),
        _gauge(
            "model_live_quality",
            "Quality on live rows whose outcome is known",
            ["metric"],
            {(name,): value for name, value in (report["quality"]["metrics"] or {}).items()},
        ),
        _gauge(
            "model_live_labelled_share",
            "Share of the live rows whose outcome is known",
            [],
            {(): None if unlabelled is None else 1 - unlabelled},
        ),
        _gauge(
            "data_contract_broken",
            "1 for a check of the data that the last window breaks",
            ["feature", "check"],
            {(one["field"] or "", one["check"]): 1.0 for one in report["checks"]["broken"]},
        ),
        _gauge(
            "policy_decision",
            "1 for what the policy decided last, and of which champion",
            ["action", "version"],
            {(report["decision"]["action"], report["champion"] or ""): 1.0},
        ),
        _gauge(
            "model_breached_windows",
            "How many of the windows of live quality that the policy looks at are breached",
            [],
            {(): float(sum(window["breached"] for window in report["windows"]))},
        ),
        _gauge(
            "monitor_last_run_timestamp_seconds",
            "When the monitor ran last",
            [],
            {(): event.at.timestamp()},
        ),
    ]


def _gauge(
    name: str, said: str, labels: list[str], samples: dict[tuple[str, ...], Any]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=labels)
    for values, value in samples.items():
        if value is not None:
            family.add_metric(values, float(value))
    return family
