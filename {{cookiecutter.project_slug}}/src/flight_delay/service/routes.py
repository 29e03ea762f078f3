"""The routes of the interface."""

import asyncio
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, FailFast, Field, create_model

from flight_delay.bundle import Bundle
from flight_delay.contract import example
from flight_delay.encoding import encode_rows
from flight_delay.service.metrics import Metrics
from flight_delay.service.model_store import ModelStore
from flight_delay.service.problems import ProblemError, documented
from flight_delay.service.schemas import (
    BatchPrediction,
    Health,
    Instance,
    Prediction,
    SinglePrediction,
)
from flight_delay.service.security import HEADER, keyed_route
from flight_delay.settings import Settings

THREAD_ROWS = 100
"""Rows from which a batch is scored in a thread, so that others need not wait for it."""


REFUSALS = documented(
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def health_router() -> APIRouter:
    """Return `/health/*` and `/metrics`, which never need a key."""
    router = APIRouter(tags=["operations"])

    # Probes ask with HEAD too; the page shows each question once.
    @router.head("/health/live", include_in_schema=False, response_model_exclude_none=True)
    @router.get(
        "/health/live", summary="Does the process answer?", response_model_exclude_none=True
    )
    async def live() -> Health:
        return Health(status="ok")

    @router.head("/health/ready", include_in_schema=False, response_model_exclude_none=True)
    @router.get(
        "/health/ready",
        summary="Is a verified champion loaded?",
        response_model_exclude_none=True,
        responses=documented(HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def ready(store: Annotated[ModelStore, Depends(_store)]) -> Health:
        _bundle(store)
        return Health(status="ok", version=store.doubted, warning=store.reason or None)

    @router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    async def metrics(request: Request) -> Response:
        content = generate_latest(request.app.state.metrics.registry)
        return Response(content, media_type=CONTENT_TYPE_LATEST)

    return router


def prediction_router(settings: Settings) -> APIRouter:
    """Return `/v1/*`, which needs a key when any is set."""
    router = APIRouter(
        prefix="/v1",
        tags=["predictions"],
        route_class=keyed_route(settings) if settings.api_keys else APIRoute,
        dependencies=[Security(HEADER)] if settings.api_keys else [],  # for the OpenAPI page
        responses=REFUSALS,
    )
    batch = _batch_model(settings.max_instances)

    @router.post("/predict", summary="Score one row")
    async def predict(
        instance: Instance,
        store: Annotated[ModelStore, Depends(_store)],
        metrics: Annotated[Metrics, Depends(_metrics)],
    ) -> SinglePrediction:
        bundle = _bundle(store)
        (prediction,) = _answer(bundle, metrics, [instance])
        return SinglePrediction(**prediction.model_dump(), model_version=bundle.version)

    @router.post("/predict/batch", summary="Score many rows")
    async def predict_batch(
        body: batch,  # type: ignore[valid-type]
        store: Annotated[ModelStore, Depends(_store)],
        metrics: Annotated[Metrics, Depends(_metrics)],
    ) -> BatchPrediction:
        bundle, rows = _bundle(store), body.instances  # type: ignore[attr-defined]
        if len(rows) < THREAD_ROWS:
            predictions = _answer(bundle, metrics, rows)
        else:
            predictions = await asyncio.to_thread(_answer, bundle, metrics, rows)
        return BatchPrediction(model_version=bundle.version, predictions=predictions)

    @router.get("/model", summary="The manifest of the bundle that answers")
    async def model(store: Annotated[ModelStore, Depends(_store)]) -> dict[str, Any]:
        bundle = _bundle(store)
        return {"version": bundle.version, **bundle.manifest.model_dump()}

    return router


def _answer(bundle: Bundle, metrics: Metrics, rows: Sequence[BaseModel]) -> list[Prediction]:
    probabilities = bundle.probabilities(encode_rows([row.model_dump() for row in rows]))
    predictions = [
        Prediction(
            request_id=uuid.uuid4().hex,
            probability=probability,
            prediction=bundle.decide(probability),
        )
        for probability in probabilities.tolist()
    ]
    for prediction in predictions:
        outcome = str(prediction.prediction).lower()
        metrics.predictions.labels(bundle.version, outcome).inc()
        metrics.probability.observe(prediction.probability)
    return predictions


def _batch_model(max_instances: int) -> type[BaseModel]:
    instances: Any = Annotated[
        list[Instance],
        FailFast(),  # the first row at fault: 1,000 rows of errors would hold up the others
        Field(min_length=1, max_length=max_instances, description="Rows, answered in this order"),
    ]
    return create_model(
        "Batch",
        __doc__="Rows to be scored together.",
        __config__=ConfigDict(
            extra="forbid", json_schema_extra={"examples": [{"instances": [dict(example())]}]}
        ),
        instances=(instances, ...),
    )


# Coroutines, since FastAPI runs a plain function in a thread, which costs more than the answer.
async def _store(request: Request) -> ModelStore:
    store: ModelStore = request.app.state.store
    return store


async def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


def _bundle(store: ModelStore) -> Bundle:
    if store.bundle is None:
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, store.reason, {"Retry-After": "2"})
    return store.bundle
