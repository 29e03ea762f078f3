"""Whatever is sent: a row of the contract is answered, anything else refused, nothing crashes."""

import json

from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from flight_delay.contract import example, field_names

from .problems import assert_problem
from .rows import Row, valid_rows

# Strings here may hold halves of surrogate pairs, which JSON can spell and UTF-8 cannot.
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, database=None)
@given(row=valid_rows())
def test_any_row_of_the_contract_gets_a_probability(client: TestClient, row: Row) -> None:
    answer = client.post("/v1/predict", json=row)
    assert answer.status_code == 200, answer.text
    assert 0 <= answer.json()["probability"] <= 1


@settings(max_examples=20, deadline=None, database=None)
@given(rows=st.lists(valid_rows(), min_size=1, max_size=10))
def test_any_batch_gets_as_many_answers_as_it_has_rows(client: TestClient, rows: list[Row]) -> None:
    answer = client.post("/v1/predict/batch", json={"instances": rows})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["predictions"]) == len(rows)


@settings(max_examples=150, deadline=None, database=None)
@given(name=st.sampled_from(field_names()) | st.text(st.characters()), value=VALUES)
def test_any_value_in_any_field_is_answered_or_refused(
    client: TestClient, name: str, value: object
) -> None:
    settled(client, example() | {name: value})


@settings(max_examples=100, deadline=None, database=None)
@given(body=VALUES)
def test_any_body_is_answered_or_refused(client: TestClient, body: object) -> None:
    settled(client, body)


def settled(client: TestClient, body: object) -> None:
    """Check that a body is answered, or refused with a reason."""
    content = json.dumps(body)
    headers = {"Content-Type": "application/json"}
    answer = client.post("/v1/predict", content=content, headers=headers)
    if answer.status_code != 200:
        assert assert_problem(answer, 422)["errors"]
