"""`POST /v1/feedback`: what turned out to be true of the rows that were answered."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from flight_delay.contract import TARGET_DESCRIPTION
from flight_delay.database import LogError
from flight_delay.prediction_log import (
    REQUEST_ID_FORM,
    ConflictingOutcomeError,
    UnknownRequestError,
)
from flight_delay.service.outcome_writer import OutcomeWriter
from flight_delay.service.problems import ProblemError
from flight_delay.service.schemas import bounded
from flight_delay.service.security import keyed_router
from flight_delay.settings import Settings

RETRY = {"Retry-After": "2"}
EXAMPLE: dict[str, Any] = {"request_id": "1d7c5b0e9a3f4c2d8e6f7a8b9c0d1e2f", "outcome": True}
EXAMPLES: dict[str, Any] = {
    "one": {"summary": "One outcome", "value": EXAMPLE},
    "many": {
        "summary": "A list: all of it is recorded, or none",
        "value": [EXAMPLE, {"request_id": "8e6f7a8b9c0d1e2f1d7c5b0e9a3f4c2d", "outcome": False}],
    },
}


class Outcome(BaseModel):
    """What turned out to be true of one row that was answered."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    request_id: str = Field(pattern=REQUEST_ID_FORM, description="As the answer had it")
    outcome: bool = Field(strict=True, description=TARGET_DESCRIPTION.capitalize())

    bounded = bounded(2)


class Feedback(BaseModel):
    """How many outcomes were recorded now, and how many were known already and agree."""

    recorded: int
    known: int


def feedback_router(settings: Settings) -> APIRouter:
    """Return `/v1/feedback`, which needs a key when any is set."""
    router = keyed_router(settings, "feedback", HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
    body = _body(settings.max_instances)

    @router.post("/feedback", summary="Say what turned out to be true; may be sent again")
    async def feedback(
        given: Annotated[body, Body(openapi_examples=EXAMPLES)],  # type: ignore[valid-type]
        writer: Annotated[OutcomeWriter, Depends(_writer)],
    ) -> Feedback:
        places = _places(given)
        try:
            recorded = await writer.record(_by_id(places))
        except UnknownRequestError as error:
            rules = dict.fromkeys(error.request_ids, "no answer with this id is in the log")
            raise _refusal(HTTPStatus.NOT_FOUND, places, rules) from None
        except ConflictingOutcomeError as error:
            rules = {
                name: f"another outcome, {str(outcome).lower()}, is recorded"
                for name, outcome in error.recorded.items()
            }
            raise _refusal(HTTPStatus.CONFLICT, places, rules) from None
        except LogError:
            detail = "the log cannot be written now: send the same again later, it does no harm"
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, RETRY) from None
        return Feedback(recorded=recorded.new, known=recorded.known)

    return router


def _body(max_instances: int) -> Any:  # noqa: ANN401 - a type is made here
    many = Annotated[list[Outcome], Field(min_length=1, max_length=max_instances)]
    adapter = TypeAdapter(Annotated[many, FailFast()])

    def one_or_many(value: Any, _: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401
        # Pydantic's own way with a union would tell of the errors of both its sides.
        if isinstance(value, dict):
            return Outcome.model_validate(value)
        if isinstance(value, list):
            return adapter.validate_python(value)
        message = "send an object with request_id and outcome, or a list of them"
        raise ValueError(message)

    return Annotated[Outcome | many, WrapValidator(one_or_many)]


def _places(given: Outcome | list[Outcome]) -> dict[str, Outcome]:
    """Return the outcomes by where their request ids stand in the body."""
    if isinstance(given, Outcome):
        return {"request_id": given}
    return {f"{place}.request_id": one for place, one in enumerate(given)}


def _by_id(places: Mapping[str, Outcome]) -> dict[str, bool]:
    """Return the outcomes by request id; the same one twice is one.

    Raises:
        ProblemError: when a list contradicts itself.
    """
    given: dict[str, bool] = {}
    contradicted = {
        one.request_id: "it is in the list with both outcomes"
        for one in places.values()
        if given.setdefault(one.request_id, one.outcome) != one.outcome
    }
    if contradicted:
        raise _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, places, contradicted)
    return given


def _refusal(
    status: HTTPStatus, places: Mapping[str, Outcome], rules: Mapping[str, str]
) -> ProblemError:
    """Return the problem that names the request ids at fault, where they stand, and why."""
    errors = [
        {"field": place, "value": one.request_id, "rule": rules[one.request_id]}
        for place, one in places.items()
        if one.request_id in rules
    ]
    detail = f"nothing was recorded: {len(rules)} of the request ids are at fault, see `errors`"
    return ProblemError(status, detail, errors=errors)


# A coroutine, since FastAPI runs a plain function in a thread.
async def _writer(request: Request) -> OutcomeWriter:
    writer: OutcomeWriter = request.app.state.outcomes
    return writer
