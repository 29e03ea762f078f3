"""The champion before this one scores the same rows again, paired by day."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from flight_delay.bundle import Bundle, load
from flight_delay.champion import crown, read_champion, step_back
from flight_delay.contract import DAY, TARGET
from flight_delay.evaluate import compare, scored
from flight_delay.model import as_arrays
from flight_delay.monitoring.predecessor import (
    compare_with,
    predecessor_of,
)
from flight_delay.monitoring.window import Day
from flight_delay.settings import Settings

from ..conftest import champion_of  # noqa: TID252 - what the tests share
from ..service.bundles import sibling  # noqa: TID252 - what the tests share
from .logged import between

FIRST = date(2013, 4, 1)


def days_of(rows: pl.DataFrame, version: str) -> list[Day]:
    """Return rows as days of a log that a version answered."""
    logged = rows.rename({TARGET: "outcome"}).with_columns(model_version=pl.lit(version))
    return [Day(part[DAY][0], part) for part in logged.partition_by(DAY)]


@pytest.fixture(scope="module")
def week(production: pl.DataFrame) -> pl.DataFrame:
    """Return the first week of April."""
    return between(production, FIRST, FIRST + timedelta(days=6))


@pytest.fixture
def worse(home: Settings) -> Bundle:
    """Return a bundle that says too much of every row."""
    version = sibling(home.models / champion_of(home), threshold=0.5, shift=1.5)
    return load(home.models / version)


def test_it_is_the_paired_comparison_of_the_same_rows(week: pl.DataFrame, worse: Bundle) -> None:
    found = compare_with(worse, "ours", days_of(week, "ours"), Settings())
    assert found is not None
    rivalry, rows = found
    known = week.filter(pl.col(TARGET).is_not_null())
    theirs = worse.probabilities(as_arrays(known))
    expected = compare(
        scored(known, known["probability"].to_numpy()), scored(known, theirs), 200, Settings().seed
    )["brier"]
    assert (rivalry.estimate, rivalry.low, rivalry.high) == pytest.approx(
        (expected.estimate, expected.low, expected.high)
    )
    assert rivalry.high < 0, "the champion is the better one"
    assert (rivalry.version, rivalry.days, rows) == (worse.version, 7, known.height)


def test_a_bad_champion_shows(week: pl.DataFrame, worse: Bundle, bundle: Bundle) -> None:
    bad = week.with_columns(probability=worse.probabilities(as_arrays(week)))
    found = compare_with(bundle, "bad", days_of(bad, "bad"), Settings())
    assert found is not None
    assert found[0].low > 0.002
    assert found[0].version == bundle.version


def test_only_rows_with_an_outcome_that_the_version_answered_count(
    week: pl.DataFrame, worse: Bundle
) -> None:
    settings = Settings()
    assert compare_with(worse, "other", days_of(week, "ours"), settings) is None
    assert compare_with(worse, "ours", [], settings) is None
    unknown = week.with_columns(pl.lit(None, pl.Boolean).alias(TARGET))
    assert compare_with(worse, "ours", days_of(unknown, "ours"), settings) is None
    few = pl.concat([week.filter(pl.col(DAY) > FIRST), week.filter(pl.col(DAY) == FIRST).head(50)])
    found = compare_with(worse, "ours", days_of(few, "ours"), settings)
    assert found is not None
    assert found[0].days == 6


def test_the_predecessor_is_the_one_that_was_replaced(home: Settings, worse: Bundle) -> None:
    first = read_champion(home.models)
    assert first is not None
    assert predecessor_of(first, home) is None
    promoted = crown(home.models, worse.version, "better")
    before = predecessor_of(promoted, home)
    assert before is not None
    assert before.version == first.version


def test_after_a_rollback_nothing_is_compared(home: Settings, worse: Bundle) -> None:
    crown(home.models, worse.version, "better")
    crown(home.models, sibling(worse.path, threshold=0.4), "better still")
    back = step_back(home.models, "worse")
    assert len(back.line) == 2, "there is one before it"
    assert predecessor_of(back, home) is None


def test_a_predecessor_that_is_gone_is_none(home: Settings, worse: Bundle) -> None:
    old = Path(home.models / champion_of(home))
    promoted = crown(home.models, worse.version, "better")
    (old / "model.onnx").write_bytes(b"")
    assert predecessor_of(promoted, home) is None
