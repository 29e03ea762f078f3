"""The replay as a picture: how far off each model was, and what each month cost."""

from datetime import date
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from flight_delay.contract import OUTCOME, ROWS
from flight_delay.plots import BASELINE, INK, MODEL

SMOOTH_DAYS = 14
MARKS = {"promoted": ("-", "a challenger was promoted"), "refused": (":", "the gates refused one")}
"""Line and words of what happened to a challenger."""


def picture(report: dict[str, Any]) -> Figure:
    """Plot the bias of both models over time, and their Brier score month by month."""
    figure = Figure(figsize=(9, 6.4), layout="constrained", dpi=120)
    bias, months = figure.subplots(2, 1, height_ratios=[3, 2])
    for axes in (bias, months):
        axes.spines[["top", "right"]].set_visible(False)
    _bias(bias, report)
    _months(months, report)
    return figure


def _bias(axes: Axes, report: dict[str, Any]) -> None:
    daily = report["daily"]
    when = np.array([date.fromisoformat(day["day"]) for day in daily])
    axes.axhline(0, color=INK, linewidth=1)
    for name, color, label in (
        ("left_alone", BASELINE, "left alone"),
        ("kept_alive", MODEL, "kept alive"),
    ):
        gap = _smooth(daily, name)
        axes.plot(when, gap, color=color, linewidth=2, label=label)
    shown: set[str] = set()
    for day in report["days"]:
        if day["result"] in MARKS:
            style, words = MARKS[day["result"]]
            axes.axvline(
                date.fromisoformat(day["day"]),  # type: ignore[arg-type]
                color=INK,
                alpha=0.4,
                linewidth=1,
                linestyle=style,
                label="_" if words in shown else words,  # an underscore keeps it out of the legend
            )
            shown.add(words)
    axes.set_ylabel(f"share said less share that {OUTCOME}")
    axes.set_title(
        f"What was said less what happened, mean of {SMOOTH_DAYS} days: 0 is right",
        loc="left",
        color=INK,
    )
    axes.legend(frameon=False, ncols=2)
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _months(axes: Axes, report: dict[str, Any]) -> None:
    names = [row["month"] for row in report["months"]]
    place = np.arange(len(names))
    for name, color in (("left_alone", BASELINE), ("kept_alive", MODEL)):
        scores = [row[name]["brier"] for row in report["months"]]
        axes.plot(place, scores, color=color, marker="o", linewidth=1)
    axes.set_xticks(place, names)
    axes.set_ylabel("Brier score")
    axes.set_title(f"Brier score of each month's {ROWS}: less is better", loc="left", color=INK)


def _smooth(daily: list[dict[str, Any]], name: str) -> np.ndarray[Any, Any]:
    """Return the trailing mean of the gap over days, weighted by their rows, shape (days,)."""
    rows = np.array([day["rows"] for day in daily], dtype=float)
    gap = np.array([day[name] - day["observed"] for day in daily]) * rows
    window = np.ones(SMOOTH_DAYS)
    length = len(rows)
    return np.convolve(gap, window)[:length] / np.convolve(rows, window)[:length]
