"""The frame and the request are two forms of one contract: what one accepts, the other accepts."""

import string
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from flight_delay.contract import FIELDS, Field, Numeric, example
from flight_delay.service.schemas import Instance
from flight_delay.validation import ContractError, validate

from .rows import frame

CODES = st.text(string.ascii_letters + string.digits + " \n-é", max_size=4)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Return values in and out of the rule of a field, with its edges well represented."""
    if isinstance(field, Numeric):
        inside = st.floats(field.minimum, field.maximum, width=32)
        edges = [
            field.minimum,
            field.maximum,
            field.minimum - 1,
            field.maximum + 1,
            float("nan"),
            float("inf"),
        ]
        return inside | st.sampled_from(edges) | st.floats(width=32) | st.none()
    # A value of another form, such as a number, cannot be put in the frame's column at all.
    known = st.sampled_from([*field.categories, str(field.example)])
    return known | st.from_regex(field.pattern) | CODES | st.none()


def rows() -> st.SearchStrategy[dict[str, Any]]:
    """Return rows of which about half are valid: the example with a few values drawn again."""
    changes = [st.tuples(st.just(field.name), values(field)) for field in FIELDS]
    drawn = st.lists(st.one_of(changes), max_size=3).map(dict)
    return drawn.map(lambda changed: example() | changed)


def accepted_by_frame(rows: list[dict[str, Any]]) -> list[bool]:
    """Say of each row whether it may be in a table."""
    try:
        validate(frame(*rows))
    except ContractError as error:
        refused = {violation.row for violation in error.violations}
        return [number not in refused for number in range(len(rows))]
    return [True] * len(rows)


def request_accepts(row: dict[str, Any]) -> bool:
    """Say whether the row may be in a request."""
    try:
        Instance.model_validate(row)
    except ValidationError:
        return False
    return True


# Many rows in one frame: nearly all of the time of a validation does not depend on their number.
@given(st.lists(rows(), min_size=10, max_size=20))
@settings(max_examples=40, deadline=None)
def test_frame_and_request_agree_on_every_row(rows: list[dict[str, Any]]) -> None:
    accepted = accepted_by_frame(rows)
    event(f"{10 * sum(accepted) // len(rows)} of 10 rows accepted")
    assert [request_accepts(row) for row in rows] == accepted


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: str(field.name))
def test_frame_and_request_agree_on_a_row_without_a_field(field: Field) -> None:
    row = example()
    del row[field.name]
    assert not request_accepts(row)
    with pytest.raises(ContractError, match=field.name):
        validate(frame().drop(field.name))


def test_frame_and_request_refuse_a_field_more() -> None:
    assert not request_accepts(example() | {"dep_time": 517})


def test_what_is_refused_and_accepted_here_is_not_one_and_the_same() -> None:
    rows = [example(), example() | {"distance": None}, example() | {"wind_speed": None}]
    assert accepted_by_frame(rows) == [True, False, True]
    assert [request_accepts(row) for row in rows] == [True, False, True]
