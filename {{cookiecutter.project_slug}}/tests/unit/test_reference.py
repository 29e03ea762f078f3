"""The reference profile says of the training data what it was."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from flight_delay.bundle import load
from flight_delay.champion import read_champion
from flight_delay.contract import (
    FIELDS,
    TARGET,
    Categorical,
    Numeric,
    example,
    field_names,
)
from flight_delay.encoding import encode
from flight_delay.reference import BINS, reference_profile
from flight_delay.settings import Settings
from flight_delay.splits import Windows


@pytest.fixture(scope="module")
def profile(trained: Settings) -> dict[str, Any]:
    """Return the champion's reference profile."""
    champion = read_champion(trained.models)
    assert champion is not None
    path = trained.models / champion.version / "reference.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def small(**columns: list[Any]) -> dict[str, Any]:
    """Return the profile of a small table: the example again and again but for some columns."""
    height = len(next(iter(columns.values())))
    base: dict[str, Any] = {name: [value] * height for name, value in example().items()}
    outcome = {TARGET: [True] + [False] * (height - 1)}
    table = pl.DataFrame(base | outcome | columns)
    return reference_profile(table, np.linspace(0, 1, height))


def test_every_field_of_the_contract_is_described(profile: dict[str, Any]) -> None:
    assert set(profile["fields"]) == set(field_names())
    for field in FIELDS:
        described = profile["fields"][field.name]
        expected = {"shares", "null_share"}
        if isinstance(field, Numeric):
            expected |= {"edges", "mean", "deviation"}
        assert set(described) == expected


def test_shares_add_up_to_one(profile: dict[str, Any]) -> None:
    for described in (*profile["fields"].values(), profile["probability"]):
        shares = described["shares"]
        values = shares.values() if isinstance(shares, dict) else shares
        assert sum(values) == pytest.approx(1, abs=1e-12)
        assert min(values) >= 0
        assert 0 <= described["null_share"] < 1


def test_it_describes_the_rows_that_the_model_was_fitted_on(
    profile: dict[str, Any], windows: Windows
) -> None:
    history = windows.history
    assert profile["rows"] == history.height
    assert profile["base_rate"] == pytest.approx(history[TARGET].mean(), abs=1e-12)
    for field in FIELDS:
        described, column = profile["fields"][field.name], history[field.name]
        assert described["null_share"] == column.null_count() / history.height
        if isinstance(field, Categorical):
            assert set(described["shares"]) == set(column.unique())
            (first, share), *_ = described["shares"].items()
            assert share == pytest.approx((column == first).mean())
        else:
            assert described["mean"] == pytest.approx(column.cast(pl.Float64).mean(), rel=1e-6)


def test_it_describes_the_answers_of_the_shipped_model(
    profile: dict[str, Any], windows: Windows, trained: Settings
) -> None:
    champion = read_champion(trained.models)
    assert champion is not None
    history = windows.history
    arrays = encode({name: history[name] for name in field_names()})
    answers = load(trained.models / champion.version).probabilities(arrays)
    assert profile["probability"]["mean"] == pytest.approx(answers.mean(), abs=1e-6)
    deciles = np.quantile(answers, np.arange(1, 10) / 10)
    assert profile["probability"]["edges"] == pytest.approx(deciles, abs=1e-5)
    assert profile["probability"]["shares"] == pytest.approx([0.1] * BINS, abs=1e-3)


def test_numbers_by_hand() -> None:
    values = [float(value) for value in range(1, 21)]
    described = small(wind_speed=values)["fields"]["wind_speed"]
    assert described["shares"] == [0.1] * 10
    assert described["edges"] == pytest.approx([2.9, 4.8, 6.7, 8.6, 10.5, 12.4, 14.3, 16.2, 18.1])
    assert described["mean"] == 10.5
    assert described["deviation"] == pytest.approx(np.std(values))
    assert described["null_share"] == 0


def test_nulls_are_a_share_of_all_rows_and_no_part_of_the_rest() -> None:
    fields = small(wind_speed=[1.0, 3.0, None, None, None], carrier=["UA", None, "UA", "AA", "UA"])[
        "fields"
    ]
    assert fields["wind_speed"]["null_share"] == 0.6
    assert fields["wind_speed"]["mean"] == 2
    assert sum(fields["wind_speed"]["shares"]) == 1
    assert fields["carrier"] == {"shares": {"AA": 0.25, "UA": 0.75}, "null_share": 0.2}


def test_equal_values_make_fewer_bins() -> None:
    described = small(precipitation=[0.0] * 18 + [1.0, 2.0])["fields"]["precipitation"]
    assert len(described["edges"]) < BINS - 1
    assert len(described["shares"]) == len(described["edges"]) + 1
    assert sum(described["shares"]) == pytest.approx(1)


def test_the_order_of_the_rows_does_not_matter() -> None:
    carriers = ["UA", "AA", "B6", "AA"]
    forwards, backwards = small(carrier=carriers), small(carrier=carriers[::-1])
    assert forwards == backwards
    assert list(forwards["fields"]["carrier"]["shares"]) == ["AA", "B6", "UA"]
