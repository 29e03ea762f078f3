"""Charts stay within their drawing and say what they show."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight_delay.contract import DAY
from flight_delay.monitoring.charts import (
    HEIGHT,
    LEFT,
    NAMED_DAYS,
    TOP,
    WIDTH,
    bin_rows,
    days_chart,
    windows_chart,
)

FIRST = date(2013, 4, 1)
SHARES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=60)


def totals(shares: list[tuple[float, float]]) -> pl.DataFrame:
    """Return days of 100 rows with the given shares that happened and were said."""
    return pl.DataFrame(
        {
            DAY: [FIRST + timedelta(days=number) for number in range(len(shares))],
            "labelled": [100.0] * len(shares),
            "outcome": [100 * happened for happened, _ in shares],
            "probability": [100 * said for _, said in shares],
        }
    )


def window(bias: float, error: float) -> dict[str, Any]:
    """Return a window of a report."""
    return {
        "from": "2013-04-01",
        "to": "2013-04-07",
        "days": 7,
        "bias": bias,
        "standard_error": error,
        "breached": bias > 0.05,
    }


@given(SHARES)
def test_days_are_within_the_drawing_in_their_order(shares: list[tuple[float, float]]) -> None:
    chart = days_chart(totals(shares))
    assert len(chart.days) == len(shares)
    assert len(chart.dates) <= NAMED_DAYS
    places = [day.x for day in chart.days]
    assert places == sorted(places)
    for day in chart.days:
        assert day.x - day.width / 2 >= LEFT
        assert day.x + day.width / 2 <= WIDTH
        for height in (day.observed, day.predicted):
            assert TOP - 1e-6 <= height <= TOP + HEIGHT


def test_higher_is_more_and_the_words_say_how_much() -> None:
    chart = days_chart(totals([(0.4, 0.2), (0.1, 0.3)]))
    first, second = chart.days
    assert (first.observed, second.observed) == pytest.approx((TOP, TOP + 0.75 * HEIGHT))
    assert (first.predicted, second.predicted) == pytest.approx(
        (TOP + 0.5 * HEIGHT, TOP + 0.25 * HEIGHT)
    )
    assert first.words == "2013-04-01: 40% happened, 20% was said"
    assert [name for _, name in chart.shares] == ["0%", "20%", "40%"]
    assert [name for _, name in chart.dates] == ["1 Apr", "2 Apr"]


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 0.5)), min_size=1, max_size=8))
def test_windows_are_within_the_drawing(windows: list[tuple[float, float]]) -> None:
    chart = windows_chart([window(*one) for one in windows], limit=0.05)
    for mark in chart.windows:
        assert 0 <= mark.low <= mark.bias <= mark.high <= WIDTH
        assert 0 <= mark.y <= chart.height
    assert 0 <= chart.band[0] < WIDTH / 2 < chart.band[1] <= WIDTH


def test_a_window_is_beyond_the_band_when_its_bias_is_beyond_the_limit() -> None:
    inside, beyond = windows_chart([window(0.04, 0.01), window(0.06, 0.001)], limit=0.05).windows
    band = windows_chart([window(0.04, 0.01), window(0.06, 0.001)], limit=0.05).band
    assert inside.bias < band[1] < beyond.bias
    assert (inside.breached, beyond.breached) == (False, True)
    assert beyond.words == "+0.060, give or take 0.002, over 7 days"


def test_bins_come_with_their_names_and_shares() -> None:
    described = {"shares": {"AA": 0.6, "B6": 0.4}, "null_share": 0.5}
    rows = pl.DataFrame({DAY: [FIRST] * 4, "carrier": ["AA", "AA", None, "ZZ"]})
    bins = bin_rows(rows["carrier"], rows, described)
    assert [(row.name, row.training, row.window) for row in bins] == [
        ("null", 0.5, 0.25),
        ("AA", 0.3, 0.5),
        ("B6", 0.2, 0.0),
        ("others", 0.0, 0.25),
    ]
    assert [row.window_width for row in bins] == pytest.approx([50, 100, 0, 50])
