"""Drift: whether a window of traffic is further from training than days of training usually are.

Rows of one day share weather and schedule, so a day counts as one observation here, however many
rows it has: ten copies of every row change no p-value, more days do. A field has drifted when most
days of the window are further off than 95 % of training days were, and a test over days, corrected
for the number of fields, says the same. Drift is not decay: it explains, and decides nothing.
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from flight_delay.contract import DAY, ROWS, field_names
from flight_delay.reference import (
    USUAL,
    Described,
    Floats,
    daily_counts,
    day_numbers,
    expected_shares,
    stability_index,
)
from flight_delay.settings import Settings

PREDICTION = "probability"
SIGNIFICANT = 0.05


def drift(rows: pl.DataFrame, reference: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Compare whole days of traffic with training; see the monitoring report for the form.

    Args:
        rows: the fields and `probability`, of days that count.
        reference: the profile in the champion's bundle.
        settings: how many days a window has; half of them are needed for a verdict.
    """
    days, needed = rows[DAY].n_unique(), days_needed(settings)
    if days < needed:
        said = (
            f"no verdict: {days} days of at least {settings.least_day_rows} {ROWS}, and "
            f"{needed} are needed"
        )
        return no_verdict(said)
    day = day_numbers(rows)
    profiles = reference["fields"] | {PREDICTION: reference[PREDICTION]}
    compared = [
        _compare(rows[name], profiles[name], day, reference)
        for name in (*field_names(), PREDICTION)
    ]
    adjusted = stats.false_discovery_control([one["p_value"] for one in compared])
    for one, p_value in zip(compared, adjusted, strict=True):
        one["adjusted_p"] = float(p_value)
        one["drifted"] = bool(2 * one["unusual_days"] > days and p_value < SIGNIFICANT)
    *fields, prediction = compared
    report = {"enough": True, "said": "", "fields": fields, "prediction": prediction}
    names = ", ".join(drifted(report)) or "nothing"
    return report | {"said": f"{days} days, {rows.height:,} {ROWS}: {names} drifted from training"}


def days_needed(settings: Settings) -> int:
    """Return how many days that count a window has to have: half of it."""
    return (settings.drift_days + 1) // 2


def no_verdict(said: str) -> dict[str, Any]:
    """Return the report of a window on which nothing can be said, and why."""
    return {"enough": False, "said": said, "fields": [], "prediction": None}


def drifted(report: dict[str, Any]) -> list[str]:
    """Return the names of what has drifted, the probability among them."""
    compared = [*report["fields"], *filter(None, [report["prediction"]])]
    return [one["field"] for one in compared if one["drifted"]]


def _compare(
    values: pl.Series, described: Described, day: NDArray[np.int64], reference: dict[str, Any]
) -> dict[str, Any]:
    """Compare one field: its days one by one, and their rows together in a test over days."""
    counts = daily_counts(described, values, day)
    expected = expected_shares(described)
    rows = counts.sum(axis=1)
    index = stability_index(counts / rows[:, None], expected)
    usual = described["usual_psi"] + _excess(counts.shape[1], rows, reference["rows_a_day"])
    shares = counts.sum(axis=0) / counts.sum()
    categories = isinstance(described["shares"], dict)
    test = chi_squared if categories else kolmogorov_smirnov
    distance, p_value = test(shares, expected, len(rows), reference["days"])
    return {
        "field": values.name,
        "psi": float(np.median(index)),
        "usual_psi": float(np.median(usual)),
        "unusual_days": int((index > usual).sum()),
        "days": len(rows),
        "statistic": "chi2" if categories else "ks",
        "distance": distance,
        "p_value": p_value,
        "null_share": float(shares[0]),
        "reference_null_share": described["null_share"],
        "unseen_share": _unseen(values, described) if categories else 0.0,
    }


def kolmogorov_smirnov(
    ours: Floats, theirs: Floats, our_days: int, their_days: int
) -> tuple[float, float]:
    """Return the largest gap between two distribution functions and its p-value over days.

    Args:
        ours: shares of a window's rows in ordered bins, shape (bins,).
        theirs: the same of training.
        our_days: observations that the window stands for: its days.
        their_days: the same of training.
    """
    distance = float(np.abs(np.cumsum(ours - theirs)).max())
    sample = max(1, round(our_days * their_days / (our_days + their_days)))
    return distance, float(stats.kstwo.sf(distance, sample))


def chi_squared(
    ours: Floats, theirs: Floats, our_days: int, their_days: int
) -> tuple[float, float]:
    """Return chi-squared per day of two rows of shares and its p-value; see the other test."""
    found = (ours + theirs) > 0
    ours, theirs = ours[found], theirs[found]
    pooled = (our_days * ours + their_days * theirs) / (our_days + their_days)
    distance = float(((ours - theirs) ** 2 / pooled).sum())
    sample = our_days * their_days / (our_days + their_days)
    return distance, float(stats.chi2.sf(distance * sample, max(1, len(ours) - 1)))


def _excess(bins: int, rows: Floats, usual_rows: float) -> Floats:
    """Return by how much chance may raise the index of days with fewer rows than training days.

    For independent rows the index times their number is about chi-squared (Yurdakul, 2018).
    """
    fewer = np.maximum(1 / rows - 1 / usual_rows, 0)
    return np.asarray(stats.chi2.ppf(USUAL, bins - 1) * fewer)


def _unseen(values: pl.Series, described: Described) -> float:
    seen = values.is_in(list(described["shares"]))
    return float((~seen).sum() / len(values))
