"""What the policy may be told: a calm day, and what can go wrong on it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from flight_delay.monitoring.policy import (
    BrokenDay,
    Facts,
    QualityWindow,
    Rivalry,
)

TODAY = date(2013, 6, 20)
NEWEST = TODAY - timedelta(days=4)
"""The newest day whose outcomes are in."""


def window(bias: float = 0.01, error: float = 0.01, back: int = 0, days: int = 7) -> QualityWindow:
    """Return the week that ended so many weeks before the newest labelled day."""
    last = NEWEST - timedelta(weeks=back)
    return QualityWindow(last - timedelta(days=6), last, days, bias, error)


def weeks(*biases: float) -> tuple[QualityWindow, ...]:
    """Return weeks of these biases, oldest first, up to the newest labelled day."""
    return tuple(
        window(bias, back=back)
        for back, bias in zip(reversed(range(len(biases))), biases, strict=True)
    )


def rivalry(
    days: int = 5, estimate: float = 0.01, low: float = 0.004, high: float = 0.016
) -> Rivalry:
    """Return a champion that is clearly worse than the one before it."""
    return Rivalry("0123456789ab", days, estimate, low, high)


def broken(day: int, *, blocks: bool = True, reasons: tuple[str, ...] = ("silent",)) -> BrokenDay:
    """Return a day of June that broke the data contract."""
    return BrokenDay(date(2013, 6, day), blocks, reasons)


def calm(**changes: Any) -> Facts:  # noqa: ANN401 - fields of the facts
    """Return facts that call for nothing, but for these changes."""
    facts = Facts(
        today=TODAY,
        champion="fedcba987654",
        trained_until=date(2013, 5, 28),
        last_training=date(2013, 6, 1),
        labelled_days=19,
        windows=weeks(0.02, -0.01, 0.01),
        broken_days=(),
        predecessor=None,
        drifted=(),
    )
    return replace(facts, **changes)


def decayed(**changes: Any) -> Facts:  # noqa: ANN401 - fields of the facts
    """Return facts that call for a training ahead of its schedule, but for these changes."""
    return calm(**{"windows": weeks(0.08, 0.01, 0.09), **changes})
