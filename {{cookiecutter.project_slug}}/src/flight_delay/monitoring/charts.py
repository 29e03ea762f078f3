"""The geometry of the page's charts: from figures to places in a drawing of `WIDTH` units.

It is that small so that its words can be read on a phone, whose screen it fills.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from flight_delay.contract import DAY
from flight_delay.reference import (
    Described,
    bin_names,
    daily_counts,
    day_numbers,
    expected_shares,
)

WIDTH = 360
LEFT = 40
TOP = 10
HEIGHT = 130
"""Of the part that is drawn in, without the words under it."""
BAR = 0.7
"""Part of its place that a bar fills."""
NAMED_DAYS = 4
ROW = 30
"""Height of a row of the chart of windows."""
FURTHEST = 3.0
"""Times the usual limit at which the bar of a field's drift ends."""


@dataclass(frozen=True, slots=True)
class DayMark:
    """A day: what happened as a bar, what was said as a dot, and both in words."""

    x: float
    width: float
    observed: float
    predicted: float
    words: str


@dataclass(frozen=True, slots=True)
class DaysChart:
    """Days in their order; the marks and the names on both axes come with their places."""

    days: list[DayMark]
    shares: list[tuple[float, str]]
    dates: list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class WindowMark:
    """A window: its bias as a dot between the ends of two standard errors."""

    y: float
    bias: float
    low: float
    high: float
    breached: bool
    name: str
    words: str


@dataclass(frozen=True, slots=True)
class WindowsChart:
    """Windows in their order, the band in which a bias is accepted, and the words under it."""

    windows: list[WindowMark]
    height: float
    band: tuple[float, float]
    ticks: list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class BinRow:
    """A bin and its share of training and of the window; widths are per cent of the widest."""

    name: str
    training: float
    window: float
    training_width: float
    window_width: float


def days_chart(totals: pl.DataFrame) -> DaysChart:
    """Draw the share with the outcome and the mean probability of each day."""
    observed: list[float] = (totals["outcome"] / totals["labelled"]).to_list()
    predicted: list[float] = (totals["probability"] / totals["labelled"]).to_list()
    days = totals[DAY].to_list()
    top = max(0.1, *observed, *predicted)
    step = (WIDTH - LEFT) / len(days)

    def height(share: float) -> float:
        return TOP + HEIGHT * (1 - share / top)

    marks = [
        DayMark(
            x=LEFT + step * (number + 0.5),
            width=step * BAR,
            observed=height(happened),
            predicted=height(said),
            words=f"{day}: {happened:.0%} happened, {said:.0%} was said",
        )
        for number, (day, happened, said) in enumerate(zip(days, observed, predicted, strict=True))
    ]
    every = -(-len(days) // NAMED_DAYS)
    return DaysChart(
        days=marks,
        shares=[(height(part * top), f"{part * top:.0%}") for part in (0, 0.5, 1)],
        dates=[(mark.x, f"{day.day} {day:%b}") for mark, day in zip(marks, days, strict=True)][
            ::every
        ],
    )


def windows_chart(windows: list[dict[str, Any]], limit: float) -> WindowsChart:
    """Draw the bias of each window with two standard errors to both sides, around 0."""
    ends: list[float] = [abs(one["bias"]) + 2 * one["standard_error"] for one in windows]
    reach = 1.15 * max(limit, *ends)

    def place(bias: float) -> float:
        return WIDTH / 2 * (1 + bias / reach)

    marks = [
        WindowMark(
            y=ROW * (number + 0.75),
            bias=place(window["bias"]),
            low=place(window["bias"] - 2 * window["standard_error"]),
            high=place(window["bias"] + 2 * window["standard_error"]),
            breached=window["breached"],
            name=f"{window['from']} to {window['to']}",
            words=f"{window['bias']:+.3f}, give or take {2 * window['standard_error']:.3f}, "
            f"over {window['days']} days",
        )
        for number, window in enumerate(windows)
    ]
    return WindowsChart(
        windows=marks,
        height=ROW * (len(windows) + 0.3),
        band=(place(-limit), place(limit)),
        ticks=[(place(bias), f"{bias:+g}") for bias in (-limit, limit)] + [(WIDTH / 2, "0")],
    )


def bin_rows(values: pl.Series, rows: pl.DataFrame, described: Described) -> list[BinRow]:
    """Return the bins of a field that are not empty, with the shares that are compared."""
    counts = daily_counts(described, values, day_numbers(rows)).sum(axis=0)
    window, training = counts / counts.sum(), expected_shares(described)
    widest = max(*window, *training)
    return [
        BinRow(name, theirs, ours, 100 * theirs / widest, 100 * ours / widest)
        for name, theirs, ours in zip(bin_names(described), training, window, strict=True)
        if max(theirs, ours) > 0
    ]
