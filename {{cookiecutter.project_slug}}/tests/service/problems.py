"""What every error of the service has in common."""

from http import HTTPStatus
from typing import Any

import httpx2


def assert_problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """Check that an answer is a problem document (RFC 9457) of this status, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem.keys() - {"errors"} == {"type", "title", "status", "detail"}
    assert problem["type"] == "about:blank"
    assert problem["title"] == HTTPStatus(status).phrase
    assert problem["status"] == status
    assert problem["detail"]
    return problem
