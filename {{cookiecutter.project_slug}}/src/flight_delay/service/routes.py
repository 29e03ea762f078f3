"""The routes of the interface."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, FailFast, Field, create_model

from flight_delay.bundle import Bundle
from flight_delay.contract import example
from flight_delay.service.answering import Answering
from flight_delay.service.model_store import ModelStore
from flight_delay.service.problems import ProblemError, documented
from flight_delay.service.schemas import (
    BatchPrediction,
    Health,
    Instance,
    SinglePrediction,
)
from flight_delay.service.security import keyed_router
from flight_delay.settings import Settings

THREAD_ROWS = 100
"""Rows from which a batch is scored in a thread, so that others need not wait for it."""


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
    router = keyed_router(settings, "predictions")
    batch = _batch_model(settings.max_instances)

    @router.post("/predict", summary="Score one row")
    async def predict(
        instance: Instance,
        store: Annotated[ModelStore, Depends(_store)],
        answering: Annotated[Answering, Depends(_answering)],
    ) -> SinglePrediction:
        answers = answering.answer(_bundle(store), store.trial.challenger, [instance])
        (prediction,) = answers.predictions
        return SinglePrediction(**prediction.model_dump(), model_version=answers.model_version)

    @router.post("/predict/batch", summary="Score many rows")
    async def predict_batch(
        body: batch,  # type: ignore[valid-type]
        store: Annotated[ModelStore, Depends(_store)],
        answering: Annotated[Answering, Depends(_answering)],
    ) -> BatchPrediction:
        rows = body.instances  # type: ignore[attr-defined]
        asked = (_bundle(store), store.trial.challenger, rows)
        if len(rows) < THREAD_ROWS:
            answers = answering.answer(*asked)
        else:
            answers = await asyncio.to_thread(answering.answer, *asked)
        return BatchPrediction(**answers._asdict())

    @router.get("/model", summary="The manifest of the bundle that answers")
    async def model(store: Annotated[ModelStore, Depends(_store)]) -> dict[str, Any]:
        bundle, trial = _bundle(store), store.trial
        said = {
            "warning": store.reason,
            "trial": trial.challenger and trial.challenger.trial.model_dump(),
            "trial_warning": trial.reason,
        }
        about = {name: value for name, value in said.items() if value}
        return {"version": bundle.version, **about, **bundle.manifest.model_dump()}

    return router


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


async def _answering(request: Request) -> Answering:
    answering: Answering = request.app.state.answering
    return answering


def _bundle(store: ModelStore) -> Bundle:
    if store.bundle is None:
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, store.reason, {"Retry-After": "2"})
    return store.bundle
