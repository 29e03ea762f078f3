"""The gates of promotion: a pure function from what was measured to reasons in words."""

from dataclasses import dataclass

import numpy as np

from flight_delay.bundle import Manifest
from flight_delay.evaluate import compare_daily
from flight_delay.settings import Settings


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: whether the challenger passes, and why."""

    name: str
    passed: bool
    reason: str


def judge(challenger: Manifest, champion: Manifest | None, settings: Settings) -> list[Gate]:
    """Hold a challenger against the parity limit, the baseline, calibration and the champion."""
    gates = [
        _parity(challenger, settings),
        _baseline(challenger),
        _calibration(challenger, settings),
    ]
    if champion is not None:
        gates.append(_champion(challenger, champion, settings))
    return gates


def unreadable_champion(problem: str) -> Gate:
    """Let a challenger pass a champion that cannot be read: to replace it is the cure."""
    reason = f"the champion cannot be read, so nothing was compared: {problem}"
    return Gate("champion", passed=True, reason=reason)


def _parity(challenger: Manifest, settings: Settings) -> Gate:
    difference = challenger.metrics["parity"]["largest_difference"]["estimate"]
    limit = settings.max_parity_difference
    reason = f"ONNX differs from scikit-learn by at most {difference:.1e}, limit {limit:.0e}"
    return Gate("parity", difference <= limit, reason)


def _baseline(challenger: Manifest) -> Gate:
    brier = challenger.metrics["validation"]["advantage_brier"]
    reason = (
        f"validation Brier score less the logistic baseline's: {brier['estimate']:+.4f} "
        f"({brier['low']:+.4f} to {brier['high']:+.4f}), must be below 0"
    )
    return Gate("baseline", brier["estimate"] < 0, reason)


def _calibration(challenger: Manifest, settings: Settings) -> Gate:
    error = challenger.metrics["validation"]["calibration_error"]["estimate"]
    limit = settings.max_calibration_error
    reason = f"validation calibration error {error:.3f}, limit {limit}"
    return Gate("calibration", error <= limit, reason)


def _champion(challenger: Manifest, champion: Manifest, settings: Settings) -> Gate:
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
        f"{difference.estimate:+.4f} ({difference.low:+.4f} to {difference.high:+.4f}), "
        f"must not be wholly above 0"
    )
    return Gate("champion", difference.low <= 0, reason)


def _span(manifest: Manifest) -> str:
    days = [day.day for day in manifest.validation_days]
    return f"{min(days)} to {max(days)}" if days else "none"
