"""`/dashboard`: one page about the model and its traffic, and the facts that it shows, as JSON.

Anybody may open the page; its facts need a key when any is set. It loads nothing from another host,
and the browser is told to refuse if it tried.
"""

import json
import math
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from flight_delay.contract import OUTCOME, ROWS, TARGET
from flight_delay.prediction_log import PredictionLog
from flight_delay.service.findings import Findings, Reader
from flight_delay.service.history import History
from flight_delay.service.metrics import Metrics
from flight_delay.service.model_store import ModelStore
from flight_delay.service.security import keyed_route
from flight_delay.settings import Settings

PAGE = "dashboard.html"
STATIC = Path(__file__).with_name("static")
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
HEADERS = {
    # A script reads the form of the page, so that no form may send a key anywhere by itself.
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
WORDS = {"target": TARGET, "outcome": OUTCOME, "rows": ROWS}
SETTINGS = ("label_delay_days", "max_live_bias", "drift_days", "quality_days")
LOG_METRICS = {
    "dropped": "prediction_log_dropped_total",
    "failures": "prediction_log_failures_total",
    "waiting": "prediction_log_buffered_rows",
}


class Dashboard:
    """Gathers what the page shows."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        store: ModelStore,
        prediction_log: PredictionLog,
    ) -> None:
        """Begin to remember the traffic."""
        self.settings = settings
        self._history = History(metrics)
        self._metrics = metrics
        self._store = store
        self._reader = Reader(settings, prediction_log)

    async def remember(self) -> None:
        """Remember the traffic up to now; to be done every `history.SECONDS`."""
        self._history.take()

    async def facts(self) -> dict[str, Any]:
        """Return everything that the page shows, as JSON values."""
        findings = await self._reader.read()
        log = {
            short: self._metrics.registry.get_sample_value(name)
            for short, name in LOG_METRICS.items()
        }
        return {
            "words": WORDS,
            "settings": {name: getattr(self.settings, name) for name in SETTINGS},
            "champion": self._champion(findings),
            "trial": self._trial(),
            "traffic": self._history.report(),
            "log": log | {"problems": findings.problems},
            "today": findings.today,
            "monitor": findings.monitor,
            "history": findings.history,
        }

    def _champion(self, findings: Findings) -> dict[str, Any]:
        bundle, doubt = self._store.bundle, self._store.reason
        if bundle is None:
            return {"version": None, "doubt": doubt}
        manifest = bundle.manifest
        validation = manifest.metrics["validation"]
        return {
            "version": bundle.version,
            "doubt": doubt,
            "since": findings.since(bundle.version),
            "trained_until": manifest.windows["history"][1],
            "threshold": manifest.threshold,
            "validation": {name: figure["estimate"] for name, figure in validation.items()},
        }

    def _trial(self) -> dict[str, Any]:
        trials = self._store.trial
        trial = trials.challenger and trials.challenger.trial.model_dump(mode="json")
        return {"on": trial, "doubt": trials.reason}


def dashboard_router(dashboard: Dashboard) -> APIRouter:
    """Return the page and its parts, open to all, and its facts, which need a key if any is set."""
    router = APIRouter(include_in_schema=False)  # for readers: programs have /metrics
    for path in sorted(STATIC.iterdir()):
        if path.suffix in TYPES:
            at = "/dashboard" if path.name == PAGE else f"/dashboard/{path.name}"
            router.add_api_route(at, _sender(path.read_bytes(), TYPES[path.suffix]))

    keys = dashboard.settings.api_keys
    keyed = APIRouter(route_class=keyed_route(dashboard.settings) if keys else APIRoute)

    @keyed.get("/dashboard/data")
    async def data(request: Request) -> Response:
        facts = {"name": request.app.title} | await dashboard.facts()
        content = json.dumps(_finite(facts), allow_nan=False)
        return Response(content, headers=HEADERS, media_type="application/json")

    router.include_router(keyed)
    return router


def _sender(content: bytes, media_type: str) -> Any:  # noqa: ANN401 - a route's own signature
    async def send() -> Response:
        return Response(content, headers=HEADERS, media_type=media_type)

    return send


def _finite(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value without the numbers that JSON lacks: those are null."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
