"""Checks of the data contract on whole days: what a change of season does not do, but a fault does.

Every check is derived from the contract and from what single days of training were like, so that
no day of training would have broken one. A share is held against its limit with an allowance for
chance, or small days would break it more often than large ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from flight_delay.contract import (
    DAY,
    FIELDS,
    RELATIONS,
    ROWS,
    AtLeast,
    Categorical,
    Numeric,
)
from flight_delay.reference import SAMPLE, Described, spread

UNSEEN = 0.01
"""Share of rows with a category that training never saw."""
MORE_NULLS = 0.5
"""Rise of the share of nulls over the worst day of training."""
FEWER_DISTINCT = 0.5
"""Distinct values, as a share of the fewest on any day of training."""
MARGIN = 0.5
"""How far outside of the range of training, in widths of that range, a value is no weather."""
OUTSIDE = 0.05
"""Share of rows so far outside: a storm passes in an hour or two, a changed unit stays."""
UNRELATED = 0.01
"""Share of rows that break a relation between fields."""
EXPECTED = 10
"""Rows that even the least day of training would have had, to miss a category that has none."""


@dataclass(frozen=True, slots=True)
class BrokenCheck:
    """A check that a day broke; a day that `blocks` is not to be learned from."""

    day: date
    check: str
    field: str
    value: float
    limit: float
    blocks: bool
    said: str


@dataclass(frozen=True, slots=True)
class Check:
    """What is measured of a day, null when it cannot be, and the limit that it may not pass."""

    name: str
    field: str
    value: pl.Expr
    limit: pl.Expr
    at_most: bool
    blocks: bool
    words: Callable[[float], str]

    def broken(self, value: float | None, limit: float) -> bool:
        """Return whether a day with this value breaks the check."""
        if value is None:
            return False
        return value > limit if self.at_most else value <= limit


def broken_checks(rows: pl.DataFrame, reference: dict[str, Any]) -> list[BrokenCheck]:
    """Return every check that a day of these rows broke, by day, then in contract order."""
    checks = list(derive(reference))
    days = (
        rows.with_columns(sampled=spread())
        .group_by(DAY)
        .agg(
            *(check.value.cast(pl.Float64).alias(f"value {n}") for n, check in enumerate(checks)),
            *(check.limit.cast(pl.Float64).alias(f"limit {n}") for n, check in enumerate(checks)),
        )
        .sort(DAY)
    )
    return [
        BrokenCheck(
            day=day[DAY],
            check=check.name,
            field=check.field,
            value=day[f"value {number}"],
            limit=day[f"limit {number}"],
            blocks=check.blocks,
            said=f"{day[DAY]}, {check.field}: {check.words(day[f'value {number}'])}",
        )
        for day in days.iter_rows(named=True)
        for number, check in enumerate(checks)
        if check.broken(day[f"value {number}"], day[f"limit {number}"])
    ]


def derive(reference: dict[str, Any]) -> Iterator[Check]:
    """Yield the checks of a contract, given the profile of the training data."""
    for field in FIELDS:
        described = reference["fields"][field.name]
        if field.nullable:
            yield _nulls(field.name, described)
        if isinstance(field, Categorical):
            yield _unseen(field.name, described)
            yield from _vanished(field.name, described)
        else:
            yield from _constant(field.name, described)
            yield from _outside(field, described)
    yield from map(_relation, RELATIONS)


def _nulls(name: str, described: Described) -> Check:
    most = described["most_null"]
    return Check(
        name="nulls",
        field=name,
        value=pl.col(name).is_null().mean(),
        limit=pl.lit(most + MORE_NULLS),
        at_most=True,
        blocks=True,
        words=lambda share: (
            f"{share:.0%} of {ROWS} have none, and no day of training had over {most:.0%}: "
            f"the source is silent"
        ),
    )


def _unseen(name: str, described: Described) -> Check:
    unseen = ~pl.col(name).is_in(list(described["shares"]))
    return Check(
        name="unseen",
        field=name,
        value=unseen.sum() / pl.len(),
        limit=_beyond_chance(UNSEEN),
        at_most=True,
        blocks=False,
        words=lambda share: (
            f"{share:.1%} of {ROWS} have a category that training never saw: "
            f"the next training should learn it"
        ),
    )


def _vanished(name: str, described: Described) -> Iterator[Check]:
    for category, least in described["least_shares"].items():
        expected = pl.len() * least >= EXPECTED
        yield Check(
            name="vanished",
            field=name,
            value=pl.when(expected).then((pl.col(name) == category).sum()),
            limit=pl.lit(0),
            at_most=False,
            blocks=False,
            words=partial(_gone, category, least),
        )


def _gone(category: str, least: float, _rows: float) -> str:
    return (
        f"there is none of {category}, which every day of training had in at least {least:.0%} of "
        f"{ROWS}: it is closed, or no longer sent"
    )


def _constant(name: str, described: Described) -> Iterator[Check]:
    fewest = described["fewest_distinct"]
    limit = int(fewest * FEWER_DISTINCT)
    if not limit:  # constant on some days of training, and rightly so
        return
    # With no value at all there is nothing to count: that is for the check of nulls to say.
    countable = (pl.len() >= SAMPLE) & pl.col(name).is_not_null().any()
    distinct = pl.col(name).filter("sampled").drop_nulls().n_unique()
    yield Check(
        name="constant",
        field=name,
        value=pl.when(countable).then(distinct),
        limit=pl.lit(limit),
        at_most=False,
        blocks=True,
        words=lambda count: (
            f"{count:.0f} distinct values in {SAMPLE} {ROWS} of the day, and no day of "
            f"training had under {fewest}: the feed is frozen"
        ),
    )


def _outside(field: Numeric, described: Described) -> Iterator[Check]:
    low, high = described["minimum"], described["maximum"]
    if low == high:  # one value tells nothing of how far values may go
        return
    margin = (high - low) * MARGIN
    outside = ~pl.col(field.name).is_between(low - margin, high + margin)
    yield Check(
        name="range",
        field=field.name,
        value=outside.sum() / pl.len(),
        limit=_beyond_chance(OUTSIDE),
        at_most=True,
        blocks=True,
        words=lambda share: (
            f"{share:.0%} of {ROWS} are far outside of what training saw, {low:g} to {high:g} "
            f"{field.unit}: the unit may have changed"
        ),
    )


def _relation(relation: AtLeast) -> Check:
    broken = pl.col(relation.greater) < pl.col(relation.lesser)
    return Check(
        name="relation",
        field=relation.greater,
        value=broken.sum() / pl.len(),
        limit=_beyond_chance(UNRELATED),
        at_most=True,
        blocks=True,
        words=lambda share: f"under {relation.lesser} in {share:.0%} of {ROWS}; {relation.words}",
    )


def _beyond_chance(share: float) -> pl.Expr:
    """Return what a share seldom comes to by chance, two standard errors up, in a day's rows."""
    return share + 2 * (share * (1 - share) / pl.len()).sqrt()
