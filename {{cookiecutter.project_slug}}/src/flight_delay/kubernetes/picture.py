"""The simulated day as a picture: what was asked, what could be answered, by how many replicas."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from flight_delay.kubernetes.autoscaler import SYNC_SECONDS
from flight_delay.kubernetes.day import HOURS, Day
from flight_delay.plots import BASELINE, INK, MODEL

COLOURS = (MODEL, BASELINE)


def picture(days: Mapping[int, Day]) -> Figure:
    """Plot the same day under two targets, given in percent."""
    figure = Figure(figsize=(9, 6.4), layout="constrained", dpi=120)
    asked, counts = figure.subplots(2, 1, height_ratios=[3, 2], sharex=True)
    load = next(iter(days.values())).load
    hours = np.arange(len(load)) * SYNC_SECONDS / 3600
    asked.fill_between(hours, load / 1000, color="#d7dee5", label="asked")
    for colour, (target, day) in zip(COLOURS, days.items(), strict=True):
        said = f"target {target} %: too little {100 * day.over_share:.2f} % of the time"
        asked.step(hours, day.capacity / 1000, color=colour, where="post", label=said)
        said = f"target {target} %: {day.replica_hours:.0f} replica hours"
        counts.step(hours, day.replicas, color=colour, where="post", label=said)
    asked.set_ylabel("thousand requests a second")
    asked.set_title(
        "What is asked, and what the replicas can answer, under two targets", loc="left", color=INK
    )
    counts.set_title("Replicas", loc="left", color=INK)
    counts.set(xlabel="hour, UTC", xlim=(0, HOURS), xticks=range(0, HOURS + 1, 3))
    for axes in (asked, counts):
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper left")
    return figure
