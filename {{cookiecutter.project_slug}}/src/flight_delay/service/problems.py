"""Errors as problem documents (RFC 9457): which field, which value, and the rule it breaks."""

import reprlib
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from flight_delay.contract import field_names
from flight_delay.service.schemas import Problem

MEDIA_TYPE = "application/problem+json"
SCHEMAS = "#/components/schemas/"
LONGEST_TEXT = 100
LARGEST_NUMBER = 2**53
"""Up to here every reader of JSON sees the same integer (RFC 8259, section 6)."""
MOST_ERRORS = 20


class ProblemError(Exception):
    """An error with a problem document of its own."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        headers: dict[str, str] | None = None,
        errors: list[dict[str, Any]] | None = None,
    ) -> None:
        """Carry a status, a sentence that says what to do, and maybe what is at fault."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.errors = errors if errors is None else errors[:MOST_ERRORS]


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


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of routes that may answer with these problem documents."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMAS}{Problem.__name__}"}}}
    return {int(status): {"description": status.phrase, "content": content} for status in statuses}


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document, and put its schema on the OpenAPI page."""
    app.add_exception_handler(ProblemError, _own)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    schema = Problem.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
    schemas = schema.pop("$defs") | {Problem.__name__: schema}
    without = app.openapi

    def openapi() -> dict[str, Any]:
        page = without()
        page["components"]["schemas"].update(schemas)
        return page

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend the page


async def _own(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)  # noqa: S101 - narrows the type for the checker
    return problem_response(error.status, error.detail, error.errors, error.headers)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type for the checker
    headers = dict(error.headers) if error.headers else None
    detail = str(error.detail)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # FastAPI's answer to bytes that are not text, nesting too deep and numbers too long.
        return _broken([{"field": "body", "rule": "not JSON that can be read"}])
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"there is nothing at {request.url.path}: /docs lists what there is"
    return problem_response(error.status_code, detail, headers=headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - narrows the type for the checker
    return _broken([_field_error(one) for one in error.errors()[:MOST_ERRORS]])


def _broken(errors: list[dict[str, Any]]) -> JSONResponse:
    fields = ", ".join(dict.fromkeys(one["field"] for one in errors))
    return problem_response(
        HTTPStatus.UNPROCESSABLE_ENTITY, f"the request breaks the data contract: {fields}", errors
    )


def _field_error(error: dict[str, Any]) -> dict[str, Any]:
    # The location starts with "body"; for malformed JSON a character position follows.
    path = [str(part) for part in error["loc"][1:]] or ["body"]
    if error["type"] == "json_invalid":
        path = ["body"]
    problem = {"field": _text(".".join(path)), "rule": str(error["msg"])}
    if error["type"] == "missing":
        hint = "; write null where a null is allowed" if path[-1] in field_names() else ""
        return problem | {"rule": f"Field required{hint}"}
    if isinstance(error["input"], bytes):
        return problem | {"rule": "send JSON with the header Content-Type: application/json"}
    if error["type"] == "json_invalid":
        return problem | {"rule": f"not JSON: {error.get('ctx', {}).get('error', 'malformed')}"}
    return problem | {"value": _short(error["input"])}


def _short(value: Any) -> Any:  # noqa: ANN401 - what the client sent
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) <= LARGEST_NUMBER:
        return value
    return _text(value if isinstance(value, str) else reprlib.repr(value))


def _text(value: str) -> str:
    short = value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}..."
    # JSON can spell half of a surrogate pair; UTF-8 cannot, and an answer is UTF-8.
    return short.encode("utf-8", "backslashreplace").decode()
