"""What the contract says of two fields of a row holds in all the data there is."""

import polars as pl
import pytest

from flight_delay.contract import RELATIONS, AtLeast, numeric_fields


def name_of(relation: AtLeast) -> str:
    """Name a parametrized test."""
    return relation.greater


@pytest.mark.parametrize("relation", RELATIONS, ids=name_of)
def test_a_relation_is_of_two_numbers_and_says_why(relation: AtLeast) -> None:
    numbers = {field.name for field in numeric_fields()}
    assert {relation.greater, relation.lesser} <= numbers
    assert relation.greater != relation.lesser
    assert relation.words
    assert not relation.words.endswith(".")


@pytest.mark.parametrize("relation", RELATIONS, ids=name_of)
def test_a_relation_holds_in_every_row_and_is_often_tested(
    relation: AtLeast, table: pl.DataFrame
) -> None:
    both = table.select(relation.greater, relation.lesser).drop_nulls()
    assert both.height > 10_000
    assert both.filter(pl.col(relation.greater) < pl.col(relation.lesser)).is_empty()
