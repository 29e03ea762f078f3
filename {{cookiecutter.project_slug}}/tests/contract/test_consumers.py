"""Each consumer's form of the contract, read back field by field and held against it."""

import typing
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest
from onnx import TensorProto

from flight_delay.bundle import Bundle, load, open_session
from flight_delay.champion import read_champion
from flight_delay.contract import (
    DAY,
    FIELDS,
    SCHEDULED_AT,
    TARGET,
    Categorical,
    Field,
    Numeric,
    example,
    field_names,
)
from flight_delay.encoding import encode_rows
from flight_delay.service.schemas import Instance
from flight_delay.settings import Settings
from flight_delay.tracking import signature
from flight_delay.validation import table_schema, validate

from .rows import frame


@pytest.fixture(scope="module")
def bundle(trained: Settings) -> Bundle:
    """Return the champion's bundle."""
    champion = read_champion(trained.models)
    assert champion is not None
    return load(trained.models / champion.version)


def name_of(field: Field) -> str:
    """Name a parametrized test."""
    return field.name


def test_the_frame_has_keys_fields_and_target_in_order() -> None:
    assert list(table_schema().columns) == [SCHEDULED_AT, DAY, *field_names(), TARGET]
    assert table_schema().strict is True


@pytest.mark.parametrize("field", FIELDS, ids=name_of)
def test_the_frame_keeps_type_nullability_and_rule(field: Field) -> None:
    column: Any = table_schema().columns[field.name]
    kind = pl.Float32 if isinstance(field, Numeric) else pl.String
    assert column.dtype.type == kind
    assert (column.nullable, column.required) == (field.nullable, True)
    (check,) = column.checks
    rule = check.statistics
    match field:
        case Numeric():
            assert (rule["min_value"], rule["max_value"]) == (field.minimum, field.maximum)
            assert rule["include_min"] is rule["include_max"] is True
        case Categorical(categories=()):
            assert rule == {"pattern": field.pattern}
        case Categorical():
            assert list(rule["allowed_values"]) == list(field.categories)


def test_the_request_has_the_fields_in_order_and_no_other() -> None:
    schema = Instance.model_json_schema()
    assert list(schema["properties"]) == list(field_names())
    assert schema["required"] == list(field_names())
    assert schema["additionalProperties"] is False
    assert schema["examples"] == [example()]


@pytest.mark.parametrize("field", FIELDS, ids=name_of)
def test_the_request_keeps_type_nullability_and_rule(field: Field) -> None:
    stated = Instance.model_json_schema()["properties"][field.name]
    forms = stated.get("anyOf", [stated])
    rule = forms[0]
    assert ({"type": "null"} in forms) == field.nullable
    assert len(forms) == 1 + field.nullable
    assert field.description in stated["description"]
    match field:
        case Numeric():
            assert rule["type"] == "number"
            assert (rule["minimum"], rule["maximum"]) == (field.minimum, field.maximum)
            assert field.unit in stated["description"]
        case Categorical(categories=()):
            assert (rule["type"], rule["pattern"]) == ("string", field.pattern)
        case Categorical():
            assert (rule["type"], rule["enum"]) == ("string", list(field.categories))


def test_the_encoding_has_the_fields_in_order_and_type() -> None:
    arrays = encode_rows([example()])
    kinds = {Numeric: np.dtype(np.float32), Categorical: np.dtype(object)}
    assert {name: array.dtype for name, array in arrays.items()} == {
        field.name: kinds[type(field)] for field in FIELDS
    }
    assert list(arrays) == list(field_names())


def test_the_signature_has_the_fields_in_order_type_and_shape() -> None:
    kinds = {Numeric: np.dtype(np.float32), Categorical: np.dtype(str)}
    inputs: list[Any] = list(signature().inputs)
    assert [(tensor.name, tensor.type, tensor.shape) for tensor in inputs] == [
        (field.name, kinds[type(field)], (-1, 1)) for field in FIELDS
    ]


def test_the_exported_model_has_the_fields_in_order_type_and_shape(bundle: Bundle) -> None:
    kinds: dict[type, int] = {Numeric: TensorProto.FLOAT, Categorical: TensorProto.STRING}
    inputs = onnx.load(bundle.path / "model.onnx").graph.input
    assert [(one.name, one.type.tensor_type.elem_type) for one in inputs] == [
        (field.name, kinds[type(field)]) for field in FIELDS
    ]
    session = open_session((bundle.path / "model.onnx").read_bytes())
    assert [one.shape for one in session.get_inputs()] == [[None, 1]] * len(FIELDS)


def test_the_manifest_records_every_property_of_every_field(bundle: Bundle) -> None:
    recorded = bundle.manifest.fields
    assert [entry["name"] for entry in recorded] == list(field_names())
    for entry, field in zip(recorded, FIELDS, strict=True):
        for name in typing.get_type_hints(type(field)):
            value = getattr(field, name)
            assert entry[name] == (list(value) if isinstance(value, tuple) else value)
    assert bundle.manifest.target == TARGET


def test_the_model_card_has_a_line_a_field_with_unit_range_and_null(bundle: Bundle) -> None:
    card = (bundle.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    heading = "| field | meaning | unit | allowed | null |\n|---|---|---|---|---|\n"
    lines = card.split(heading)[1].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[0] for row in cells] == list(field_names())
    for row, field in zip(cells, FIELDS, strict=True):
        assert row[1] == field.description
        assert row[4] == ("yes" if field.nullable else "no")
        match field:
            case Numeric():
                assert row[2] == field.unit
                assert [float(bound) for bound in row[3].split(" to ")] == [
                    field.minimum,
                    field.maximum,
                ]
            case Categorical(categories=()):
                assert row[3] == f"`{field.pattern}`"
            case Categorical():
                assert row[3].split(", ") == list(field.categories)


def test_every_consumer_accepts_the_example(bundle: Bundle) -> None:
    validate(frame(example()))
    request = Instance.model_validate(example()).model_dump()
    assert request == example()
    (probability,) = bundle.probabilities(encode_rows([request]))
    assert 0 < probability < 1
