"""Each way in which a row can break the contract is refused by the name of the field."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from flight_delay.contract import (
    FIELDS,
    Field,
    Numeric,
    categorical_fields,
    example,
    field_names,
    numeric_fields,
)

from .problems import assert_problem
from .rows import Row

NUMERIC = [pytest.param(field, id=field.name) for field in numeric_fields()]
CLOSED = [pytest.param(one, id=one.name) for one in categorical_fields() if one.categories]
OPEN = [pytest.param(one, id=one.name) for one in categorical_fields() if not one.categories]
Ask = Callable[[Row], httpx2.Response]


@pytest.fixture
def ask(client: TestClient) -> Ask:
    """Return a function that asks for one row."""
    return lambda row: client.post("/v1/predict", json=row)


def refused(answer: httpx2.Response, field: str) -> dict[str, Any]:
    """Return the one error of an answer, which must be about the field."""
    problem = assert_problem(answer, 422)
    (error,) = problem["errors"]
    assert error["field"] == field
    assert field in problem["detail"]
    return dict(error)


@pytest.mark.parametrize("name", field_names())
def test_a_field_that_is_missing(ask: Ask, name: str) -> None:
    row = {key: value for key, value in example().items() if key != name}
    error = refused(ask(row), name)
    assert "required" in error["rule"]
    assert "value" not in error


@pytest.mark.parametrize("field", FIELDS, ids=field_names())
def test_a_null_where_the_contract_has_none(ask: Ask, field: Field) -> None:
    answer = ask(example() | {field.name: None})
    if field.nullable:
        assert answer.status_code == 200
    else:
        assert refused(answer, field.name)["value"] is None


@pytest.mark.parametrize("field", NUMERIC)
def test_a_number_outside_its_range(ask: Ask, field: Numeric) -> None:
    for edge, beyond in ((field.minimum, -0.5), (field.maximum, 0.5)):
        assert ask(example() | {field.name: edge}).status_code == 200
        value = edge + beyond
        error = refused(ask(example() | {field.name: value}), field.name)
        assert error["value"] == value
        assert f"{edge:g}" in error["rule"]


@pytest.mark.parametrize("field", NUMERIC)
@pytest.mark.parametrize("convert", [str, bool, lambda value: [value], lambda value: {"is": value}])
def test_what_only_looks_like_a_number(
    ask: Ask, field: Numeric, convert: Callable[[Any], Any]
) -> None:
    value = convert(field.example)
    error = refused(ask(example() | {field.name: value}), field.name)
    assert error["value"] in (value, str(value))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("field", NUMERIC)
def test_what_python_calls_a_number_and_json_does_not(
    client: TestClient, field: Numeric, literal: str
) -> None:
    values = (f'"{name}": {VALUES[name]}' for name in field_names() if name != field.name)
    body = "{" + ", ".join([*values, f'"{field.name}": {literal}']) + "}"
    answer = client.post("/v1/predict", content=body, headers={"Content-Type": "application/json"})
    assert refused(answer, field.name)["value"] == str(float(literal))


VALUES = {
    name: f'"{value}"' if isinstance(value, str) else str(value)
    for name, value in example().items()
}


@pytest.mark.parametrize("value", ["XXX", "", "ewr", " EWR", "EWR\n", 7, True])
@pytest.mark.parametrize("field", CLOSED)
def test_a_value_outside_a_closed_set(ask: Ask, field: Field, value: object) -> None:
    assert refused(ask(example() | {field.name: value}), field.name)["value"] == value


@pytest.mark.parametrize("value", ["", "a", "TOO LONG", "ZZ\n", "ÅÄ", 7, False])
@pytest.mark.parametrize("field", OPEN)
def test_a_value_that_does_not_look_like_the_open_set(
    ask: Ask, field: Field, value: object
) -> None:
    assert refused(ask(example() | {field.name: value}), field.name)["value"] == value


@pytest.mark.parametrize("field", OPEN)
def test_a_value_never_seen_in_an_open_set_is_answered(ask: Ask, field: Field) -> None:
    unseen = "Z" * len(str(field.example))
    answer = ask(example() | {field.name: unseen})
    assert answer.status_code == 200
    assert 0 <= answer.json()["probability"] <= 1


def test_a_field_that_the_contract_does_not_have(ask: Ask) -> None:
    assert refused(ask(example() | {"shoe_size": 43}), "shoe_size")["value"] == 43


def test_every_field_at_fault_is_named(ask: Ask) -> None:
    names = [field.name for field in numeric_fields()]
    problem = assert_problem(ask(example() | dict.fromkeys(names, "x")), 422)
    assert [error["field"] for error in problem["errors"]] == names


def test_in_a_batch_the_row_is_named_as_well(client: TestClient) -> None:
    field = numeric_fields()[0]
    value = field.maximum + 1
    rows = [example(), example() | {field.name: value}, example()]
    answer = client.post("/v1/predict/batch", json={"instances": rows})
    assert refused(answer, f"instances.1.{field.name}")["value"] == value
