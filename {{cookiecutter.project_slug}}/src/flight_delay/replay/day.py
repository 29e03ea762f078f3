"""A day of a replay that is over, in the few words and figures that are shown of it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

QUIET = "nothing"
"""The policy's action on most days."""


@dataclass(frozen=True, slots=True)
class DayLine:
    """A day that is over; the figures are the live ones, and None while too little is known."""

    number: int
    day: date
    predictions: int
    champion: str
    action: str
    result: str
    trained: bool
    said: str
    auc: float | None
    calibration_error: float | None
    drifted: int
    broken: list[str]


def day_line(
    number: int, day: date, predictions: int, champion: str, report: dict[str, Any]
) -> DayLine:
    """Sum up a day from what the loop reported in the morning after."""
    monitor = report["monitor"]
    metrics = monitor["quality"]["metrics"] or {}
    decision = report["decision"]
    warned = decision["reasons"][0] if decision["action"] == "warn" else ""
    return DayLine(
        number=number,
        day=day,
        predictions=predictions,
        champion=champion,
        action=decision["action"],
        result=report["result"],
        trained="run_id" in report,  # a stage of a trial has a result too, and trains nothing
        said=report["said"] or warned,
        auc=metrics.get("auc"),
        calibration_error=metrics.get("calibration_error"),
        drifted=sum(one["drifted"] for one in monitor["drift"]["fields"]),
        broken=[check["said"] for check in monitor["checks"]["broken"]],
    )
