"""What the validation of a training table accepts, what it refuses, and how it says so."""

from typing import Any

import polars as pl
import pytest

from flight_delay.contract import (
    DAY,
    SCHEDULED_AT,
    TARGET,
    Numeric,
    field_names,
    numeric_fields,
)
from flight_delay.validation import SHOWN, ContractError, Violation, validate

from .rows import frame

NULLABLE = [field for field in numeric_fields() if field.nullable]
REQUIRED = [name for name in field_names() if name not in {field.name for field in NULLABLE}]
REQUIRED_RULE = "a value is required"


def name_of(field: Numeric) -> str:
    """Name a parametrized test."""
    return field.name


def violations(table: pl.DataFrame) -> list[Violation]:
    """Return what is wrong with a table, which must be something."""
    with pytest.raises(ContractError) as caught:
        validate(table)
    return caught.value.violations


def test_a_valid_table_comes_back_as_it_was() -> None:
    table = frame({}, {"carrier": "9E"}, {"wind_speed": None})
    before = table.clone()
    assert validate(table) is table
    assert table.equals(before)


def test_the_real_table_keeps_the_contract(table: pl.DataFrame) -> None:
    assert validate(table) is table


@pytest.mark.parametrize("name", [*field_names(), TARGET, "day", "scheduled_at"])
def test_a_missing_column_is_named(name: str) -> None:
    (found,) = violations(frame().drop(name))
    assert (found.row, found.column) == (None, name)
    assert found.rule == "every column of the contract is there"


def test_rows_of_the_prediction_log_have_the_day_as_their_only_key() -> None:
    table = frame()
    logged = table.drop(SCHEDULED_AT)
    assert validate(logged, keys=(DAY,)) is logged
    for wrong, column in ((table, SCHEDULED_AT), (logged.drop(DAY), DAY)):
        with pytest.raises(ContractError, match=f"column '{column}'"):
            validate(wrong, keys=(DAY,))


@pytest.mark.parametrize("name", ["dep_time", "month"])
def test_an_unexpected_column_is_named(name: str) -> None:
    (found,) = violations(frame().with_columns(pl.lit(1.0).alias(name)))
    assert (found.row, found.column) == (None, name)
    assert found.rule == "no column is there but those of the contract"


@pytest.mark.parametrize("name", REQUIRED)
def test_a_null_where_a_value_is_required(name: str) -> None:
    found = violations(frame({}, {name: None}))
    assert found == [Violation(1, name, None, REQUIRED_RULE)]


def test_nulls_where_they_are_allowed() -> None:
    assert len(NULLABLE) == 9
    changes: list[dict[str, Any]] = [{field.name: None} for field in NULLABLE]
    validate(frame(*changes, {TARGET: None}))
    validate(frame({field.name: None for field in NULLABLE}))


@pytest.mark.parametrize("field", numeric_fields(), ids=name_of)
def test_bounds_are_allowed_and_beyond_them_is_not(field: Numeric) -> None:
    validate(frame({field.name: field.minimum}, {field.name: field.maximum}))
    low, high = field.minimum - 0.5, field.maximum + 0.5
    found = violations(frame({}, {field.name: low}, {field.name: high}))
    rule = f"in_range({field.minimum}, {field.maximum})"
    assert found == [
        Violation(1, field.name, str(low), rule),
        Violation(2, field.name, str(high), rule),
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["distance", "wind_speed"])
def test_a_number_that_is_none_is_refused_even_where_null_is_allowed(
    name: str, value: float
) -> None:
    found = violations(frame({name: value}))
    assert {(one.row, one.column) for one in found} == {(0, name)}
    assert any(one.rule.startswith("in_range") for one in found)


def test_a_category_outside_a_closed_set_is_refused() -> None:
    (found,) = violations(frame({}, {"origin": "SFO"}))
    assert (found.row, found.column, found.value) == (1, "origin", "SFO")
    assert all(airport in found.rule for airport in ("isin", "EWR", "JFK", "LGA"))


@pytest.mark.parametrize("code", ["ua", "U", "UAL", "", " UA", "UA\n", "U-", "missing"])
def test_a_malformed_code_in_an_open_set_is_refused(code: str) -> None:
    (found,) = violations(frame({"carrier": code}))
    assert found == Violation(0, "carrier", code, "str_matches('^[A-Z0-9]{2}$')")


def test_a_carrier_never_seen_is_accepted_if_well_formed() -> None:
    validate(frame({"carrier": "ZZ"}, {"carrier": "Q7"}, {"destination": "XXX"}))


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("distance", pl.Float64, "Float32"),
        ("distance", pl.Int64, "Float32"),
        ("distance", pl.String, "Float32"),
        ("carrier", pl.Categorical, "String"),
        (TARGET, pl.Int8, "Boolean"),
        ("scheduled_at", pl.Datetime("ms"), "time_unit='us'"),
    ],
)
def test_a_wrong_type_is_the_one_thing_said_of_a_column(
    name: str, wrong: pl.DataType, right: str
) -> None:
    (found,) = violations(frame().with_columns(pl.col(name).cast(wrong)))
    assert (found.row, found.column) == (None, name)
    assert found.rule.startswith("dtype(")
    assert right in found.rule
    assert str(found.value).startswith(str(wrong))


def test_the_message_names_row_column_value_and_rule() -> None:
    with pytest.raises(ContractError) as caught:
        validate(frame({}, {}, {"wind_speed": 1048.36}))
    assert str(caught.value) == (
        "the table breaks the data contract\n"
        "  row 2, column 'wind_speed': value '1048.36' breaks the rule: in_range(0, 150)"
    )


def test_many_violations_are_counted_and_few_are_shown() -> None:
    broken = {"wind_speed": -1.0, "carrier": "?"}
    with pytest.raises(ContractError) as caught:
        validate(frame(*[broken] * 30))
    lines = str(caught.value).splitlines()
    assert len(caught.value.violations) == 60
    assert len(lines) == 1 + SHOWN + 1
    assert lines[-1].strip() == f"and {60 - SHOWN} more"
