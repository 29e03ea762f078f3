"""Prometheus metrics of the service, in a registry of their own."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

# A second series a counter, for the moment it was made, doubles the page and helps nobody here.
disable_created_metrics()  # type: ignore[no-untyped-call]

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PROBABILITY_BUCKETS = tuple(step / 10 for step in range(1, 11))


class Metrics:
    """Every metric the service exposes at `/metrics`."""

    def __init__(self) -> None:
        """Register the metrics, so that two services in one process do not clash."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.duration = Histogram(
            "http_request_duration_seconds",
            "From the end of the head of a request to the last byte of its answer",
            ["method", "route"],
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.predictions = Counter(
            "predictions",
            "Rows answered",
            ["model_version", "prediction"],
            registry=self.registry,
        )
        self.probability = Histogram(
            "prediction_probability",
            "Probabilities answered",
            buckets=PROBABILITY_BUCKETS,
            registry=self.registry,
        )
        self.model = Gauge(
            "model_info",
            "1 for the bundle that answers",
            ["version", "threshold"],
            registry=self.registry,
        )
        self.mismatch = Gauge(
            "model_champion_mismatch",
            "1 while the champion is not the bundle that answers; /health/ready says why",
            registry=self.registry,
        )
        self.swaps = Counter(
            "model_swaps",
            "Attempts to take a new champion",
            ["result"],
            registry=self.registry,
        )
        for result in ("accepted", "rejected"):
            self.swaps.labels(result)
        self.registry_failures = Counter(
            "registry_failures",
            "Times that the registry did not say who is champion; the one at hand answers on",
            registry=self.registry,
        )
        self._register_trial()
        self._register_log()

    def _register_trial(self) -> None:
        self.trial = Gauge(
            "model_trial_info",
            "1 for the challenger on trial and its stage",
            ["version", "stage"],
            registry=self.registry,
        )
        self.trial_rejected = Counter(
            "model_trial_rejected",
            "Challengers that failed their checks and were not tried",
            registry=self.registry,
        )
        self.trial_failures = Counter(
            "model_trial_failures",
            "Times that a challenger on trial could not score rows; no caller noticed",
            registry=self.registry,
        )
        self.shadow = Counter(
            "shadow_predictions",
            "Rows scored by a challenger that is not heard",
            ["model_version"],
            registry=self.registry,
        )

    def _register_log(self) -> None:
        self.log_buffered = Gauge(
            "prediction_log_buffered_rows",
            "Answered rows that wait to be written",
            registry=self.registry,
        )
        self.log_dropped = Counter(
            "prediction_log_dropped",
            "Answered rows that are lost to the log",
            registry=self.registry,
        )
        self.log_failures = Counter(
            "prediction_log_failures",
            "Writes that failed; the rows wait and are tried again",
            registry=self.registry,
        )
        self.feedback = Counter(
            "feedback_outcomes",
            "Outcomes that came in",
            ["result"],
            registry=self.registry,
        )
        for result in ("new", "known", "refused"):
            self.feedback.labels(result)
