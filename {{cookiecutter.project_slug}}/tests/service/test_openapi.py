"""The OpenAPI page says of every field what the contract says, and shows a row that works."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from flight_delay.contract import (
    FIELDS,
    Field,
    Numeric,
    example,
    field_names,
)
from flight_delay.service.app import create_app
from flight_delay.settings import Settings

Schema = dict[str, Any]
PROBLEM = {"$ref": "#/components/schemas/Problem"}


@pytest.fixture
def page(client: TestClient) -> Schema:
    """Return the OpenAPI page."""
    answer: Schema = client.get("/openapi.json").json()
    return answer


@pytest.fixture
def instance(page: Schema) -> Schema:
    """Return the schema of one row."""
    schema: Schema = page["components"]["schemas"]["Instance"]
    return schema


def rules(field: Field) -> list[Schema]:
    """Return the schemas that a field's values may match, as the contract has them."""
    if isinstance(field, Numeric):
        value: Schema = {"type": "number", "minimum": field.minimum, "maximum": field.maximum}
    elif field.categories:
        value = {"type": "string", "enum": list(field.categories)}
    else:
        value = {"type": "string", "pattern": field.pattern}
    return [value, {"type": "null"}] if field.nullable else [value]


@pytest.mark.parametrize("field", FIELDS, ids=field_names())
def test_a_field_has_the_rules_of_the_contract(instance: Schema, field: Field) -> None:
    schema = instance["properties"][field.name]
    about = {"title", "description", "examples"}
    alone = {key: value for key, value in schema.items() if key not in about}
    assert schema.get("anyOf", [alone]) == rules(field)
    assert field.description in schema["description"]
    assert schema["examples"] == [field.example]
    if isinstance(field, Numeric):
        assert schema["description"].endswith(f"in {field.unit}")


def test_a_row_has_every_field_of_the_contract_and_no_other(instance: Schema) -> None:
    assert tuple(instance["properties"]) == field_names()
    assert tuple(instance["required"]) == field_names()
    assert instance["additionalProperties"] is False


@pytest.mark.parametrize("route", ["/v1/predict", "/v1/predict/batch"])
def test_the_example_on_the_page_gets_an_answer(
    client: TestClient, page: Schema, route: str
) -> None:
    body = page["paths"][route]["post"]["requestBody"]["content"]["application/json"]["schema"]
    (shown,) = page["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]]["examples"]
    assert shown in (example(), {"instances": [example()]})
    assert client.post(route, json=shown).status_code == 200


def test_the_page_says_how_large_a_batch_may_be(trained: Settings) -> None:
    app = create_app(Settings(home=trained.home, max_instances=7))
    batch = app.openapi()["components"]["schemas"]["Batch"]["properties"]["instances"]
    assert (batch["minItems"], batch["maxItems"]) == (1, 7)


def test_every_refusal_on_the_page_is_a_problem_document(page: Schema) -> None:
    statuses = set()
    for operations in page["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status != "200":
                    statuses.add(status)
                    content = answer["content"]
                    assert content == {"application/problem+json": {"schema": PROBLEM}}
    assert statuses == {"401", "404", "408", "409", "413", "422", "503"}


def test_every_reference_on_the_page_leads_somewhere(page: Schema) -> None:
    names = set(references(page))
    assert {"Instance", "Problem", "FieldProblem"} <= names
    assert names <= page["components"]["schemas"].keys()


def references(part: object) -> list[str]:
    """Return the names of the schemas that a part of the page refers to."""
    if isinstance(part, list):
        return [name for one in part for name in references(one)]
    if not isinstance(part, dict):
        return []
    found = [name for one in part.values() for name in references(one)]
    if isinstance(part.get("$ref"), str):
        found.append(part["$ref"].removeprefix("#/components/schemas/"))
    return found
