"""The service does what its OpenAPI page says, whatever is sent to it."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from flight_delay.service.app import create_app
from flight_delay.service.security import new_key
from flight_delay.settings import Settings

from .conftest import OUTSIDE, OUTSIDE_KEY

NEW_KEY, DIGEST = new_key()
KEY = OUTSIDE_KEY or NEW_KEY
OPERATIONS = [
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),
    ("GET", "/v1/model"),
    ("POST", "/v1/feedback"),
    ("POST", "/v1/predict"),
    ("POST", "/v1/predict/batch"),
]


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> Iterator[BaseSchema]:
    """Return the page of a service that needs a key, so that going without is tried as well."""
    if OUTSIDE:
        yield schemathesis.openapi.from_url(f"{OUTSIDE}/openapi.json")
        return
    trained: Settings = request.getfixturevalue("trained")
    app = create_app(Settings(home=trained.home, api_keys=(DIGEST,)))
    with TestClient(app):
        yield schemathesis.openapi.from_asgi("/openapi.json", app)


def test_every_operation_is_tried(page: BaseSchema) -> None:
    found = [result.ok() for result in page.get_all_operations() if isinstance(result, Ok)]
    assert sorted((one.method.upper(), one.path) for one in found) == OPERATIONS


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_fits_the_page_is_answered_as_it_says(
    page: BaseSchema, method: str, path: str
) -> None:
    ask(page[path][method], GenerationMode.POSITIVE)


# The other operations take nothing that could be wrong.
@pytest.mark.parametrize("path", ["/v1/feedback", "/v1/predict", "/v1/predict/batch"])
def test_what_does_not_fit_the_page_is_refused_as_it_says(page: BaseSchema, path: str) -> None:
    ask(page[path]["POST"], GenerationMode.NEGATIVE)


def ask(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode) -> None:
    """Send what is generated from the page, and check every answer against the page."""
    # A list of outcomes may contradict itself, and no schema can say so.
    unsaid: list[Any] = [positive_data_acceptance] if operation.path == "/v1/feedback" else []

    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def as_documented(case: Case[Any]) -> None:
        case.call_and_validate(headers={"X-API-Key": KEY}, excluded_checks=unsaid)

    as_documented()
