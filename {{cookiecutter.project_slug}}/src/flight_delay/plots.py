"""Plots of an evaluation, for MLflow, the reports and the README."""

from datetime import date

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure

from flight_delay.contract import OUTCOME, ROWS
from flight_delay.train import Measured

mpl.use("Agg")

INK = "#1b2a41"
MODEL = "#0b7285"
BASELINE = "#c9782b"
SLICES_SHOWN = 12


def figures(measured: Measured, window: str) -> dict[str, Figure]:
    """Return every plot by name; `window` says in their titles what was measured."""
    when = f"{window}, {measured.daily[0]['day']} to {measured.daily[-1]['day']}"
    return {
        "calibration": calibration(measured, f"Calibration in {when}"),
        "days": days(measured, f"Each day in {when}"),
        "slices": slices(measured, f"Quality by slice in {when}"),
    }


def calibration(measured: Measured, title: str) -> Figure:
    """Plot what happened against what was said, for the model and the baseline."""
    curves = {"logistic baseline": measured.baseline_curve, "gradient boosting": measured.curve}
    return reliability(curves, title)


def reliability(curves: dict[str, list[dict[str, float]]], title: str) -> Figure:
    """Plot what happened against what was said, for one or two models by name, the newer last."""
    figure, axes = _canvas(6.4, 5.6)
    top = max(point["predicted"] for curve in curves.values() for point in curve) + 0.05
    axes.plot([0, top], [0, top], color=INK, linewidth=1, linestyle=":", label="perfect")
    looks = ((BASELINE, "s"), (MODEL, "o"))[-len(curves) :]
    for (name, curve), (color, marker) in zip(curves.items(), looks, strict=True):
        axes.plot(
            [point["predicted"] for point in curve],
            [point["observed"] for point in curve],
            color=color,
            marker=marker,
            label=name,
        )
    axes.set(xlabel="probability that was said", ylabel=f"share that {OUTCOME}")
    axes.set_title(title, loc="left", color=INK)
    axes.legend(frameon=False)
    return figure


def days(measured: Measured, title: str) -> Figure:
    """Plot the share that had the outcome and the mean probability of each day."""
    figure, axes = _canvas(8.6, 3.8)
    when = [date.fromisoformat(day["day"]) for day in measured.daily]
    observed = [day["observed"] for day in measured.daily]
    predicted = [day["predicted"] for day in measured.daily]
    axes.bar(when, observed, color="#d7dee5", label=OUTCOME)  # type: ignore[arg-type]
    axes.plot(when, predicted, color=MODEL, marker="o", markersize=4, label="predicted")  # type: ignore[arg-type]
    axes.set(ylabel=f"share of the day's {ROWS}")
    axes.set_xticks(when[::7])  # type: ignore[arg-type]
    axes.xaxis.set_major_formatter(DateFormatter("%d %b"))  # type: ignore[no-untyped-call]
    axes.set_title(title, loc="left", color=INK)
    axes.legend(frameon=False)
    return figure


def slices(measured: Measured, title: str) -> Figure:
    """Plot the AUC of the largest slices."""
    rows = sorted(measured.slices, key=lambda row: -float(row["rows"]))[:SLICES_SHOWN][::-1]
    figure, axes = _canvas(7.2, 4.6)
    names = [f"{row['slice']} {row['value']}" for row in rows]
    axes.barh(names, [float(row["auc"]) for row in rows], color=MODEL)
    axes.axvline(measured.model["auc"].estimate, color=INK, linewidth=1, linestyle=":")
    axes.set(xlim=(0.5, 0.9), xlabel=f"AUC (dotted: all {ROWS})")
    axes.set_title(title, loc="left", color=INK)
    return figure


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    # Figure() rather than pyplot: no global state, nothing to close.
    figure = Figure(figsize=(width, height), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
