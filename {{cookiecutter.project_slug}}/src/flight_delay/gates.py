"""The gates of promotion: a pure function from what was measured to reasons in words.

A model must beat the baseline at birth. From then on each challenger is compared with the champion
of its day, on the newest days that neither had seen.
"""

from dataclasses import dataclass

import numpy as np

from flight_delay.bundle import Difference, Manifest, Rival, keeps_contract
from flight_delay.evaluate import Interval, compare_daily
from flight_delay.settings import Settings


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: whether the challenger passes, and why."""

    name: str
    passed: bool
    reason: str


def judge(
    challenger: Manifest, champion: Manifest | None, settings: Settings, milliseconds: float
) -> list[Gate]:
    """Hold a challenger against every gate.

    Args:
        challenger: what it is and what it was measured to be.
        champion: the present champion, if there is another one.
        settings: the limits.
        milliseconds: how long the challenger takes to score one row.
    """
    gates = [
        _contract(challenger),
        _parity(challenger, settings),
        _latency(milliseconds, settings),
        _calibration(challenger, settings),
    ]
    if challenger.rival is None:
        gates.append(_baseline(challenger))
        if champion is not None:
            gates.append(_shared_days(challenger, champion, settings))
    else:
        gates.append(_rival(challenger.rival, champion))
        gates.append(_slices(challenger.rival, settings))
    return gates


def unreadable_champion(problem: str) -> Gate:
    """Let a challenger pass a champion that cannot be read: to replace it is the cure."""
    reason = f"the champion cannot be read, so nothing was compared: {problem}"
    return Gate("champion", passed=True, reason=reason)


def _contract(challenger: Manifest) -> Gate:
    kept = keeps_contract(challenger)
    reason = "made for this code's data contract" if kept else "made for another data contract"
    return Gate("contract", kept, reason)


def _parity(challenger: Manifest, settings: Settings) -> Gate:
    difference = challenger.metrics["parity"]["largest_difference"]["estimate"]
    limit = settings.max_parity_difference
    reason = f"ONNX differs from scikit-learn by at most {difference:.1e}, limit {limit:.0e}"
    return Gate("parity", difference <= limit, reason)


def _latency(milliseconds: float, settings: Settings) -> Gate:
    limit = settings.max_scoring_milliseconds
    reason = f"one row takes {milliseconds:.2f} ms, the median, limit {limit:g} ms"
    return Gate("latency", milliseconds <= limit, reason)


def _calibration(challenger: Manifest, settings: Settings) -> Gate:
    """Pass under the limit, or where the champion is no better: two weeks can be odd for both."""
    error = challenger.metrics["validation"]["calibration_error"]["estimate"]
    limit = settings.max_calibration_error
    reason = f"validation calibration error {error:.3f}, limit {limit}"
    if error <= limit or challenger.rival is None:
        return Gate("calibration", error <= limit, reason)
    difference = challenger.rival.difference["calibration_error"].estimate
    reason += f"; the champion's on the same days is {error - difference:.3f}"
    return Gate("calibration", difference <= 0, reason)


def _baseline(challenger: Manifest) -> Gate:
    brier = challenger.metrics["validation"].get("advantage_brier")
    if brier is None:
        reason = "it was compared neither with a baseline nor with a champion"
        return Gate("baseline", passed=False, reason=reason)
    reason = (
        f"validation Brier score less the logistic baseline's: {brier['estimate']:+.4f} "
        f"({brier['low']:+.4f} to {brier['high']:+.4f}), must be below 0"
    )
    return Gate("baseline", brier["estimate"] < 0, reason)


def _rival(rival: Rival, champion: Manifest | None) -> Gate:
    """Pass if better or equal on the main metric; the interval says how sure that is.

    Without a champion to be seen, what it was compared with in its day still counts.
    """
    if champion is not None and rival.version != champion.version:
        reason = (
            f"it was compared with {rival.version}, and the champion is now {champion.version}: "
            f"run the command `retrain` again"
        )
        return Gate("champion", passed=False, reason=reason)
    brier = rival.difference["brier"]
    reason = (
        f"Brier score less the champion's over the {rival.days} days {rival.first} to "
        f"{rival.last}, which neither had seen: {_words(brier)}, must not be above 0"
    )
    return Gate("champion", brier.estimate <= 0, reason)


def _slices(rival: Rival, settings: Settings) -> Gate:
    """Refuse when a slice loses more than the limit and more than chance can explain."""
    limit = settings.max_slice_loss
    if not rival.slices:
        return Gate("slices", passed=True, reason="no slice has rows enough to compare")
    losers = [one for one in rival.slices if one.estimate > limit and one.low > 0]
    told = losers or [max(rival.slices, key=lambda one: one.estimate)]
    words = ", ".join(f"{one.slice} {one.value} {_words(one)}" for one in told)
    reason = (
        f"Brier score less the champion's, {'lost too much' if losers else 'at worst'}: {words}; "
        f"a slice may lose {limit:g} beyond chance"
    )
    return Gate("slices", not losers, reason)


def _shared_days(challenger: Manifest, champion: Manifest, settings: Settings) -> Gate:
    """Pass unless the challenger is worse than the champion beyond the noise of days.

    Few days have no noise to speak of and show nothing, so they do not pass either.
    """
    theirs = {day.day: day for day in champion.validation_days}
    pairs = [
        (ours, theirs[ours.day])
        for ours in challenger.validation_days
        if ours.day in theirs and theirs[ours.day].rows == ours.rows
    ]
    if len(pairs) < settings.min_shared_days:
        reason = (
            f"{len(pairs)} validation days are shared with the champion and "
            f"{settings.min_shared_days} are needed to compare: train on windows whose validation "
            f"overlaps the champion's ({_span(champion)}), or lower APP_MIN_SHARED_DAYS"
        )
        return Gate("champion", passed=False, reason=reason)
    if not pairs:
        reason = "no validation day is shared, so nothing was compared: APP_MIN_SHARED_DAYS is 0"
        return Gate("champion", passed=True, reason=reason)
    difference = compare_daily(
        first=np.array([ours.squared_error for ours, _ in pairs]),
        second=np.array([their.squared_error for _, their in pairs]),
        counts=np.array([ours.rows for ours, _ in pairs], dtype=np.float64),
        resamples=settings.resamples,
        seed=settings.seed,
    )
    reason = (
        f"Brier score less the champion's over {len(pairs)} shared validation days: "
        f"{_words(difference)}, must not be wholly above 0"
    )
    return Gate("champion", difference.low <= 0, reason)


def _words(difference: Difference | Interval) -> str:
    return f"{difference.estimate:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"


def _span(manifest: Manifest) -> str:
    days = [day.day for day in manifest.validation_days]
    return f"{min(days)} to {max(days)}" if days else "none"
