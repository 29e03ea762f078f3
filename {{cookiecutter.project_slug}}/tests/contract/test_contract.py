"""The contract is plain, sane data, and holds nothing that is known only afterwards."""

import math
import re
import subprocess
import sys

import numpy as np
import pytest

from flight_delay import contract
from flight_delay.contract import (
    DAY,
    FIELDS,
    SCHEDULED_AT,
    SLICES,
    TARGET,
    Categorical,
    Field,
    Numeric,
    categorical_fields,
    example,
    field_names,
    numeric_fields,
)

HEAVY = {
    "fastapi",
    "mlflow",
    "numpy",
    "onnxruntime",
    "pandas",
    "pandera",
    "polars",
    "pydantic",
    "skl2onnx",
    "sklearn",
}

KNOWN_AFTERWARDS = {
    "dep_time",
    "dep_delay",
    "departure_delay",
    "delay",
    "arr_time",
    "arr_delay",
    "arrival_delay",
    "air_time",
    "sched_arr_time",
    "tailnum",
    "tail_number",
    "flight",
    "flight_number",
    "year",
    "month",
    "time_hour",
    TARGET,
    DAY,
    SCHEDULED_AT,
}
"""What happens later, what is missing only for flights that never left, and what dates a row."""


def test_names_are_unique_identifiers() -> None:
    names = field_names()
    assert len(set(names)) == len(names) == 16
    assert all(name.isidentifier() and name == name.lower() for name in names)


def test_fields_are_divided_by_kind_in_the_order_of_the_contract() -> None:
    assert field_names() == tuple(field.name for field in FIELDS)
    numeric = [field for field in FIELDS if isinstance(field, Numeric)]
    categorical = [field for field in FIELDS if isinstance(field, Categorical)]
    assert list(numeric_fields()) == numeric
    assert list(categorical_fields()) == categorical
    assert len(numeric) == 13
    assert len(categorical) == 3


def test_no_field_is_known_only_afterwards() -> None:
    names = set(field_names())
    assert not names & KNOWN_AFTERWARDS
    assert not [name for name in names if name.startswith(("arr_", "dep_", "actual_"))]


@pytest.mark.parametrize("field", numeric_fields(), ids=lambda field: str(field.name))
def test_ranges_are_finite_ordered_and_exact_as_float32(field: Numeric) -> None:
    assert math.isfinite(field.minimum)
    assert field.minimum < field.maximum < math.inf
    # A bound that float32 cannot hold would be one number in a request and another in the frame.
    assert float(np.float32(field.minimum)) == field.minimum
    assert float(np.float32(field.maximum)) == field.maximum


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: str(field.name))
def test_every_field_is_described_and_its_example_is_valid(field: Field) -> None:
    assert field.description[0].isupper()
    assert not field.description.endswith(".")
    assert example()[field.name] == field.example
    if isinstance(field, Numeric):
        assert field.unit
        assert field.example is not None
        assert field.minimum <= field.example <= field.maximum
    else:
        assert field.example is not None
        assert re.fullmatch(field.pattern, field.example)
        assert not field.categories or field.example in field.categories


@pytest.mark.parametrize("field", categorical_fields(), ids=lambda field: str(field.name))
def test_patterns_cover_the_whole_string_and_every_category(field: Categorical) -> None:
    assert field.pattern.startswith("^")
    assert field.pattern.endswith("$")
    assert all(re.fullmatch(field.pattern, category) for category in field.categories)
    assert not re.fullmatch(field.pattern, contract.MISSING)


def test_the_words_of_the_model_card_are_plain_text() -> None:
    phrases = (contract.ROWS, contract.OUTCOME, contract.SUBJECT, contract.TARGET_DESCRIPTION)
    assert all(phrase.strip() == phrase and phrase for phrase in phrases)
    assert not [phrase for phrase in phrases if phrase.endswith(".")], "they go within a sentence"
    assert all(limit.endswith(".") and "\n" not in limit for limit in contract.LIMITS)
    assert contract.LIMITS


def test_slices_are_categorical_fields() -> None:
    assert set(SLICES) <= {field.name for field in categorical_fields()}


def test_the_contract_imports_no_consumer() -> None:
    program = f"import sys, {contract.__name__}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()
    assert contract.__name__ in loaded
    assert not HEAVY & {name.split(".")[0] for name in loaded}
