"""Train/serve skew: over HTTP a row gets the probability that scikit-learn gives it."""

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from sklearn.pipeline import Pipeline

from flight_delay.contract import (
    FIELDS,
    Numeric,
    categorical_fields,
    field_names,
)
from flight_delay.model import gradient_boosting
from flight_delay.settings import Settings
from flight_delay.splits import Windows
from flight_delay.train import fit, probabilities

from .rows import Row, http_rows

TOLERANCE = 1e-6
SCHEMA = {field.name: pl.Float32 if isinstance(field, Numeric) else pl.String for field in FIELDS}


@pytest.fixture(scope="module")
def pipeline(trained: Settings, windows: Windows) -> Pipeline:
    """Return the champion before its conversion: the same recipe on the same rows and seed."""
    return fit(gradient_boosting(trained.seed), windows.history)


def served(client: TestClient, rows: list[Row]) -> list[float]:
    """Return the probabilities that the service answers."""
    answer = client.post("/v1/predict/batch", json={"instances": rows})
    assert answer.status_code == 200
    return [one["probability"] for one in answer.json()["predictions"]]


def learned(pipeline: Pipeline, rows: list[Row]) -> list[float]:
    """Return the probabilities of scikit-learn."""
    frame = pl.DataFrame(rows, schema=SCHEMA)
    answers: list[float] = probabilities(pipeline, frame).tolist()
    return answers


def test_a_thousand_real_rows_are_answered_as_scikit_learn_answers_them(
    client: TestClient, pipeline: Pipeline, windows: Windows
) -> None:
    rows = http_rows(windows.launch, 1000)
    expected = probabilities(pipeline, windows.launch)
    step = windows.launch.height // 1000
    np.testing.assert_allclose(served(client, rows), expected[::step][:1000], atol=TOLERANCE)
    assert len(set(expected.tolist())) > 500, "equal answers would hide rows in a wrong order"


def test_single_rows_are_too(client: TestClient, pipeline: Pipeline, windows: Windows) -> None:
    rows = http_rows(windows.launch, 20)
    answers = [client.post("/v1/predict", json=row).json()["probability"] for row in rows]
    np.testing.assert_allclose(answers, learned(pipeline, rows), atol=TOLERANCE)


def test_real_rows_have_nulls_among_them(windows: Windows) -> None:
    rows = http_rows(windows.launch, 1000)
    assert any(value is None for row in rows for value in row.values())


def test_a_category_never_seen_is_answered_as_scikit_learn_answers_it(
    client: TestClient, pipeline: Pipeline, windows: Windows
) -> None:
    (row,) = http_rows(windows.launch, 1)
    rows = []
    for field in categorical_fields():
        if not field.categories:
            unseen = "Z" * len(row[field.name])
            assert unseen not in windows.history[field.name].to_list()
            rows.append(row | {field.name: unseen})
    assert len(rows) == 2
    np.testing.assert_allclose(served(client, rows), learned(pipeline, rows), atol=TOLERANCE)


def test_every_null_is_answered_as_scikit_learn_answers_it(
    client: TestClient, pipeline: Pipeline, windows: Windows
) -> None:
    nulls = {field.name: None for field in FIELDS if field.nullable}
    real = http_rows(windows.launch, 5)
    rows = [row | {name: None} for row in real for name in nulls]
    rows += [row | nulls for row in real]
    np.testing.assert_allclose(served(client, rows), learned(pipeline, rows), atol=TOLERANCE)


def test_the_order_of_the_fields_in_a_row_does_not_matter(
    client: TestClient, windows: Windows
) -> None:
    rows = http_rows(windows.launch, 5)
    turned = [{name: row[name] for name in reversed(field_names())} for row in rows]
    assert served(client, turned) == served(client, rows)
