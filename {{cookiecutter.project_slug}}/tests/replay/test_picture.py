"""The picture shows the figures of the report."""

from typing import Any

import numpy as np
import pytest

from flight_delay.replay.picture import SMOOTH_DAYS, picture


def report_of(
    gaps: list[float], results: dict[int, str], rows: list[int] | None = None
) -> dict[str, Any]:
    """Return the parts of a report that are drawn; the first model says `gap` more than happens."""
    rows = rows or [100] * len(gaps)
    days = [f"2013-04-{number + 1:02d}" for number in range(len(gaps))]
    return {
        "daily": [
            {"day": day, "rows": count, "observed": 0.2, "left_alone": 0.2 + gap, "kept_alive": 0.2}
            for day, gap, count in zip(days, gaps, rows, strict=True)
        ],
        "days": [
            {"day": day, "result": results.get(number, "nothing")}
            for number, day in enumerate(days)
        ],
        "months": [
            {"month": "2013-04", "left_alone": {"brier": 0.15}, "kept_alive": {"brier": 0.14}}
        ],
    }


def test_the_lines_are_trailing_means_of_what_was_said_less_what_happened() -> None:
    gaps = [0.1] * 14 + [0.0] * 7
    rows = [100] * 14 + [300] * 7
    bias, _ = picture(report_of(gaps, {}, rows)).axes
    alone, kept = (line for line in bias.lines if line.get_label() in {"left alone", "kept alive"})
    values = np.asarray(alone.get_ydata(), dtype=float)
    assert values[:14] == pytest.approx(np.full(14, 0.1))
    expected = np.average(gaps[-SMOOTH_DAYS:], weights=rows[-SMOOTH_DAYS:])
    assert values[-1] == pytest.approx(expected), "a day weighs as many times as it has rows"
    assert np.asarray(kept.get_ydata(), dtype=float) == pytest.approx(np.zeros(21))


def test_each_promotion_and_refusal_has_its_line() -> None:
    bias, _ = picture(report_of([0.0] * 10, {3: "promoted", 5: "refused", 7: "promoted"})).axes
    vertical = [line for line in bias.lines if len(set(np.atleast_1d(line.get_xdata()))) == 1]
    assert [line.get_linestyle() for line in vertical] == ["-", ":", "-"]
    legend = bias.get_legend()
    assert legend is not None
    words = [text.get_text() for text in legend.get_texts()]
    assert words.count("a challenger was promoted") == 1


def test_the_points_below_are_the_months_scores() -> None:
    _, months = picture(report_of([0.0] * 3, {})).axes
    assert [float(np.asarray(line.get_ydata())[0]) for line in months.lines] == [0.15, 0.14]
