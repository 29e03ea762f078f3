"""The policy: a pure function from what was observed to what is to be done, and why, in words.

In order of precedence: roll back to a predecessor that is clearly better; retrain on a schedule,
or earlier when live quality breaches its limit again and again, but never within the cooldown and
never on too few labelled days; warn of days that broke the data contract. Drift explains and
decides nothing. Rows of one day hang together, so no rule counts rows: there are only days here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from flight_delay.settings import Settings

Action = Literal["nothing", "warn", "retrain", "rollback"]

ONE_DAY = timedelta(days=1)
BEYOND_CHANCE = 2
"""Standard errors that a live bias must be away from 0."""
SHOWN_DAYS = 3
"""Broken days that are told in full, the newest first."""
SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class BrokenDay:
    """A day that broke the data contract; one that `blocks` is not to be learned from."""

    day: date
    blocks: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QualityWindow:
    """Live quality from `first` to `last`, over the labelled days among them that count.

    `bias` is the mean probability less the share of outcomes; its standard error is over days.
    """

    first: date
    last: date
    days: int
    bias: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class Rivalry:
    """Brier score of the champion less that of the one before it, with its interval over days."""

    version: str
    days: int
    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the policy may know; windows are in the order of time and do not overlap.

    `labelled_days` are those after `trained_until` that count; `last_training` is the day on which
    the loop last trained a challenger, promoted or not.
    """

    today: date
    champion: str | None
    trained_until: date | None
    last_training: date | None
    labelled_days: int
    windows: tuple[QualityWindow, ...]
    broken_days: tuple[BrokenDay, ...]
    predecessor: Rivalry | None
    drifted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, why, and the days that no training may learn from."""

    action: Action
    reasons: tuple[str, ...]
    blocked_days: tuple[date, ...]


def decide(facts: Facts, settings: Settings) -> Decision:
    """Return what is to be done; the same facts and settings always give the same decision."""
    action, reasons = _judged(facts, settings)
    blocked = {broken.day for broken in facts.broken_days if broken.blocks}
    return Decision(action, tuple(reasons), tuple(sorted(blocked)))


def breached(window: QualityWindow, settings: Settings) -> bool:
    """Return whether a window has days enough, and a bias beyond both its limit and chance."""
    return (
        window.days >= _days_needed(settings)
        and abs(window.bias) > settings.max_live_bias
        and abs(window.bias) > BEYOND_CHANCE * window.standard_error
    )


def _judged(facts: Facts, settings: Settings) -> tuple[Action, list[str]]:
    if facts.champion is None:
        return "nothing", ["there is no champion: train a model and promote it"]
    broken = list(_broken(facts))
    if facts.predecessor and _worse(facts.predecessor, settings):
        return "rollback", [_how_much_worse(facts.predecessor, settings), *broken]
    due, obstacles = list(_due(facts, settings)), list(_obstacles(facts, settings))
    if due and not obstacles:
        return "retrain", [*due, *broken, *_explanation(facts)]
    held_back = [*due, *(f"and waits: {obstacle}" for obstacle in obstacles)]
    waiting = held_back if due else [_quality(facts, settings), *_next(facts, settings)]
    if broken:
        return "warn", [*broken, *waiting, *_explanation(facts)]
    return "nothing", [*waiting, *_drift_alone(facts)]


def _worse(before: Rivalry, settings: Settings) -> bool:
    """Return whether the champion loses to the one before it, beyond chance and the margin."""
    return (
        before.days >= settings.rollback_days
        and before.low > 0
        and before.estimate > settings.rollback_margin
    )


def _how_much_worse(before: Rivalry, settings: Settings) -> str:
    return (
        f"the champion's Brier score less that of {before.version}, the champion before it, is "
        f"{before.estimate:+.4f} ({before.low:+.4f} to {before.high:+.4f}) over {before.days} "
        f"labelled days: wholly above 0, and over {settings.rollback_margin} (APP_ROLLBACK_MARGIN)"
    )


def _due(facts: Facts, settings: Settings) -> Iterator[str]:
    """Yield each reason to train now."""
    day = _scheduled(facts, settings)
    if day is not None and facts.today >= day:
        yield (
            f"a training is due since {day}, {settings.retrain_every_days} days after the last "
            f"(APP_RETRAIN_EVERY_DAYS)"
        )
    if _enough_labels(facts, settings) and _decayed(facts, settings):
        yield (
            f"live quality breached its limit in {len(_breaches(facts, settings))} of the last "
            f"{settings.breach_windows} windows, {settings.breaches_needed} are enough "
            f"(APP_BREACHES_NEEDED), and the latest is one: {_bias(facts.windows[-1], settings)}"
        )


def _obstacles(facts: Facts, settings: Settings) -> Iterator[str]:
    """Yield each reason not to train now, whatever is due."""
    if facts.last_training is not None:
        earliest = facts.last_training + timedelta(days=settings.cooldown_days)
        if facts.today < earliest:
            yield (
                f"the last training was on {facts.last_training}, so the next is not before "
                f"{earliest} (APP_COOLDOWN_DAYS={settings.cooldown_days})"
            )
    if not _enough_labels(facts, settings):
        yield _too_few_labels(facts, settings)


def _scheduled(facts: Facts, settings: Settings) -> date | None:
    """Return the day of the next training, counted from the last or from the champion's data."""
    start = facts.last_training
    if start is None and facts.trained_until is not None:
        start = facts.trained_until + ONE_DAY
    return start and start + timedelta(days=settings.retrain_every_days)


def _next(facts: Facts, settings: Settings) -> Iterator[str]:
    day = _scheduled(facts, settings)
    if day is not None:
        yield f"the next training is due on {day} (APP_RETRAIN_EVERY_DAYS)"


def _enough_labels(facts: Facts, settings: Settings) -> bool:
    return facts.labelled_days >= settings.least_holdout_days


def _too_few_labels(facts: Facts, settings: Settings) -> str:
    return (
        f"labelled days after those that the champion learned from: {facts.labelled_days}, and "
        f"{settings.least_holdout_days} are needed (APP_LEAST_HOLDOUT_DAYS) for a verdict on its "
        f"quality and for a training"
    )


def _decayed(facts: Facts, settings: Settings) -> bool:
    """Return whether enough of the last windows are breached, and the latest is one of them."""
    breaches = _breaches(facts, settings)
    return len(breaches) >= settings.breaches_needed and breaches[-1] == facts.windows[-1]


def _breaches(facts: Facts, settings: Settings) -> list[QualityWindow]:
    recent = facts.windows[-settings.breach_windows :]
    return [window for window in recent if breached(window, settings)]


def _days_needed(settings: Settings) -> int:
    """Return how many labelled days a window needs: all of it, where it is a short one."""
    return min(settings.least_labelled_days, settings.breach_days)


def _quality(facts: Facts, settings: Settings) -> str:
    """Return what can be said of live quality when it is no reason to train."""
    if not _enough_labels(facts, settings):
        return _too_few_labels(facts, settings)
    if not facts.windows:
        return "no window has a labelled day as yet: no verdict on live quality"
    latest, needed = facts.windows[-1], _days_needed(settings)
    if latest.days < needed:
        return (
            f"labelled days from {latest.first} to {latest.last}: {latest.days}, and {needed} are "
            f"needed (APP_LEAST_LABELLED_DAYS) for a verdict on live quality"
        )
    if breached(latest, settings):
        return (
            f"{_bias(latest, settings)}: breached, but in {len(_breaches(facts, settings))} of the "
            f"last {settings.breach_windows} windows, and {settings.breaches_needed} are needed "
            f"(APP_BREACHES_NEEDED)"
        )
    beyond = abs(latest.bias) > settings.max_live_bias
    return f"{_bias(latest, settings)}: within {'chance' if beyond else 'it'}"


def _bias(window: QualityWindow, settings: Settings) -> str:
    return (
        f"mean probability less share of outcomes was {window.bias:+.3f}, give or take "
        f"{BEYOND_CHANCE * window.standard_error:.3f}, from {window.first} to {window.last}, limit "
        f"{settings.max_live_bias} (APP_MAX_LIVE_BIAS)"
    )


def _broken(facts: Facts) -> Iterator[str]:
    """Yield what broke the data contract on each of the newest broken days."""
    days = sorted(facts.broken_days, key=lambda broken: broken.day, reverse=True)
    for broken in days[:SHOWN_DAYS]:
        # A check may name its day itself.
        reasons = [reason.removeprefix(f"{broken.day}, ") for reason in broken.reasons]
        consequence = ", and is not to be learned from" if broken.blocks else ""
        yield f"{broken.day} broke the data contract{consequence}: {'; '.join(reasons)}"
    if older := days[SHOWN_DAYS:]:
        yield f"earlier broken days: {len(older)}, the first {older[-1].day}"


def _explanation(facts: Facts) -> Iterator[str]:
    if facts.drifted:
        yield f"what may explain it: {_named(facts.drifted)} drifted away from training"


def _drift_alone(facts: Facts) -> Iterator[str]:
    if facts.drifted:
        yield f"{_named(facts.drifted)} drifted away from training, and drift is not decay"


def _named(fields: Sequence[str]) -> str:
    more = len(fields) - SHOWN_NAMES
    return ", ".join(fields[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
