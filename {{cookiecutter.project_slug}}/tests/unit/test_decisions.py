"""From probabilities to decisions and slices."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from flight_delay.contract import DAY, SLICES, TARGET
from flight_delay.evaluate import (
    SMALLEST_SLICE,
    Scored,
    at_threshold,
    by_slice,
    choose_threshold,
    point,
    scored,
)

from .scores import drawn_rows, made, random_rows


def f1_at(rows: Scored, threshold: float) -> float:
    """Return scikit-learn's F1 score of the decisions at a threshold."""
    return float(f1_score(rows.outcome, rows.probability >= threshold, zero_division=0))


@given(drawn_rows())
@settings(max_examples=50, deadline=None)
def test_no_threshold_of_four_places_has_a_better_f1(rows: Scored) -> None:
    chosen = f1_at(rows, choose_threshold(rows))
    best = max(f1_at(rows, threshold) for threshold in np.round(rows.probability, 4))
    assert chosen == pytest.approx(best, abs=1e-12)


def test_the_chosen_threshold_is_near_the_best_of_all() -> None:
    rows = random_rows(days=10, rows_a_day=60, seed=1)
    best = max(f1_at(rows, threshold) for threshold in rows.probability)
    assert f1_at(rows, choose_threshold(rows)) == pytest.approx(best, abs=0.002)


def test_the_threshold_has_four_places() -> None:
    rows = made([0, 1], [0.123456, 0.765432], [0, 0])
    assert choose_threshold(rows) == 0.7654


def test_rows_of_one_probability_are_flagged_together() -> None:
    # Counted row by row, the first two look like a perfect threshold of 0.5.
    rows = made([1, 1, *[0] * 10], [0.9, *[0.5] * 11], [0] * 12)
    assert choose_threshold(rows) == 0.9


@given(drawn_rows(), st.floats(0, 1))
@settings(deadline=None)
def test_precision_and_recall_are_scikit_learns(rows: Scored, threshold: float) -> None:
    flagged = rows.probability >= threshold
    assert at_threshold(rows, threshold) == pytest.approx(
        {
            "precision": precision_score(rows.outcome, flagged, zero_division=0),
            "recall": recall_score(rows.outcome, flagged),
            "flagged": flagged.mean(),
        }
    )


def test_a_row_at_the_threshold_is_flagged() -> None:
    rows = made([1, 0], [0.5, 0.4], [0, 0])
    assert at_threshold(rows, 0.5) == {"precision": 1, "recall": 1, "flagged": 0.5}


def test_decisions_where_nothing_is_late_or_flagged_are_numbers() -> None:
    rows = made([0, 0], [0.5, 0.4], [0, 0])
    assert at_threshold(rows, 0.9) == {"precision": 0, "recall": 0, "flagged": 0}


def slice_table(sizes: dict[tuple[str, str, date], int]) -> pl.DataFrame:
    """Return rows of the given carrier, origin and day; every third is late."""
    parts = [
        pl.DataFrame({"carrier": [carrier], "origin": [origin], DAY: [day]}).select(
            pl.all().repeat_by(rows).explode(empty_as_null=True, keep_nulls=True)
        )
        for (carrier, origin, day), rows in sizes.items()
    ]
    table = pl.concat(parts)
    return table.with_columns((pl.int_range(table.height) % 3 == 0).alias(TARGET))


def test_slices_are_those_of_the_contract_and_the_month_largest_first() -> None:
    march, april = date(2013, 3, 31), date(2013, 4, 1)
    table = slice_table(
        {("AA", "EWR", march): 300, ("UA", "EWR", april): 500, ("UA", "JFK", march): 400}
    )
    probability = np.random.default_rng(1).random(table.height)
    rows = by_slice(table, probability)
    assert [(row["slice"], row["value"], row["rows"]) for row in rows] == [
        ("carrier", "UA", 900),
        ("carrier", "AA", 300),
        ("month", "2013-03", 700),
        ("month", "2013-04", 500),
        ("origin", "EWR", 800),
        ("origin", "JFK", 400),
    ]
    of_jfk = (table["origin"] == "JFK").to_numpy()
    facts = scored(table.filter(pl.col("origin") == "JFK"), probability[of_jfk])
    assert rows[-1] == {
        "slice": "origin",
        "value": "JFK",
        "rows": 400,
        "base_rate": facts.outcome.mean(),
        **point(facts),
    }


def test_a_slice_has_precision_and_recall_where_the_decisions_are_known() -> None:
    table = slice_table(
        {("AA", "EWR", date(2013, 4, 1)): 300, ("UA", "JFK", date(2013, 4, 1)): 300}
    )
    # Every third row is late; of the flagged rows of AA a third is, and UA flags nothing.
    flagged = pl.int_range(table.height) < 150
    rows = by_slice(table.with_columns(prediction=flagged), np.full(table.height, 0.3))
    figures = {row["value"]: [row["precision"], row["recall"]] for row in rows}
    assert figures["AA"] == pytest.approx([1 / 3, 1 / 2])
    assert figures["UA"] == pytest.approx([0, 0])
    assert figures["2013-04"] == pytest.approx([1 / 3, 1 / 4])


def test_small_and_one_sided_slices_are_left_out() -> None:
    day = date(2013, 4, 1)
    table = slice_table(
        {
            ("AA", "EWR", day): SMALLEST_SLICE,
            ("B6", "EWR", day): SMALLEST_SLICE - 1,
            ("UA", "EWR", day): 300,
        }
    )
    table = table.with_columns(
        pl.when(pl.col("carrier") == "UA").then(statement=False).otherwise(TARGET).alias(TARGET)
    )
    rows = by_slice(table, np.full(table.height, 0.3))
    assert [row["value"] for row in rows if row["slice"] == "carrier"] == ["AA"]


def test_real_slices_add_up_to_all_flights(table: pl.DataFrame) -> None:
    april = table.filter(pl.col(TARGET).is_not_null() & (pl.col(DAY).dt.month() == 4))
    rows = by_slice(april, np.full(april.height, 0.2))
    for name in (*SLICES, "month"):
        part = [row for row in rows if row["slice"] == name]
        covered = sum(float(row["rows"]) for row in part)
        # Two small airlines are left out.
        assert covered / april.height > (0.99 if name == "carrier" else 1 - 1e-9)
        late = sum(float(row["rows"]) * float(row["base_rate"]) for row in part) / covered
        assert late == pytest.approx(april[TARGET].mean(), abs=0.001)
