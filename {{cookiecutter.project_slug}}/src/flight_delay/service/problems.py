"""Errors as problem documents (RFC 9457): which field, which value, and the rule it breaks."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
LONGEST_VALUE = 100
MOST_ERRORS = 20


class ProblemError(Exception):
    """An error with a problem document of its own."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        """Carry a status and a sentence that says what to do."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def problem_response(
    status: int,
    detail: str,
    errors: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return a problem document; the type `about:blank` says that the status tells it all."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors is not None:
        body["errors"] = errors
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""
    app.add_exception_handler(ProblemError, _own)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _own(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)  # noqa: S101 - narrows the type for the checker
    return problem_response(error.status, error.detail, headers=error.headers)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type for the checker
    headers = dict(error.headers) if error.headers else None
    detail = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"there is nothing at {request.url.path}: /docs lists what there is"
    return problem_response(error.status_code, detail, headers=headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - narrows the type for the checker
    errors = [_field_error(one) for one in error.errors()[:MOST_ERRORS]]
    fields = ", ".join(dict.fromkeys(one["field"] for one in errors))
    return problem_response(
        HTTPStatus.UNPROCESSABLE_ENTITY, f"the request breaks the data contract: {fields}", errors
    )


def _field_error(error: dict[str, Any]) -> dict[str, Any]:
    # The location starts with "body"; for malformed JSON a character position follows.
    path = [str(part) for part in error["loc"][1:]] or ["body"]
    if error["type"] == "json_invalid":
        path = ["body"]
    problem = {"field": ".".join(path), "rule": str(error["msg"])}
    if error["type"] == "missing":
        return problem | {"rule": "Field required; write null where a null is allowed"}
    if isinstance(error["input"], bytes):
        return problem | {"rule": "send JSON with the header Content-Type: application/json"}
    if error["type"] == "json_invalid":
        return problem | {"rule": f"not JSON: {error.get('ctx', {}).get('error', 'malformed')}"}
    return problem | {"value": _short(error["input"])}


def _short(value: Any) -> Any:  # noqa: ANN401 - what the client sent
    if value is None or isinstance(value, bool | int):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
