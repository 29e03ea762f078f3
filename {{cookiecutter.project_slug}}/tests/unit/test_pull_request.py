"""What a pull request shows: one sentence, the figures, and a chart that is text."""

import re
from typing import Any

import pytest

from flight_delay.pull_request import as_markdown

METRICS = ("auc", "brier", "calibration_error")


def interval(estimate: float, low: float, high: float) -> dict[str, float]:
    return {"estimate": estimate, "low": low, "high": high}


def model(version: str, brier: float, first: str = "2013-02-01") -> dict[str, Any]:
    """Return what was measured of a model."""
    return {
        "version": version,
        "fitted_on": [first, "2013-03-14"],
        "metrics": dict.fromkeys(METRICS, interval(brier, brier - 0.01, brier + 0.01)),
        "curve": [
            {"predicted": 0.1, "observed": 0.08, "rows": 500},
            {"predicted": 0.52, "observed": 0.61, "rows": 500},
        ],
    }


def compared(low: float, high: float, **changes: object) -> dict[str, Any]:
    """Return the report of a comparison whose difference in Brier score has these bounds."""
    difference = dict.fromkeys(METRICS, interval((low + high) / 2, low, high))
    report = {
        "from": "2013-03-15",
        "to": "2013-03-28",
        "days": 14,
        "rows": 12_345,
        "challenger": model("aaaaaaaaaaaa", 0.14),
        "other": model("bbbbbbbbbbbb", 0.15),
        "same_model": False,
        "rival": {"difference": difference},
        "problem": "",
    }
    return report | changes


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.02, -0.001, "**Better**"),
        (0.001, 0.02, "**Worse**"),
        (-0.001, 0.02, "**No difference beyond chance**"),
        (-0.02, 0.0, "**No difference beyond chance**"),
    ],
)
def test_the_interval_of_the_main_metric_decides_what_is_said(
    low: float, high: float, said: str
) -> None:
    lines = as_markdown(compared(low, high)).splitlines()
    assert lines[0] == "## The model of this change"
    assert lines[2].startswith(said)
    assert "different days" not in lines[2]


def test_the_same_model_is_said_to_be_that() -> None:
    page = as_markdown(compared(0.0, 0.0, same_model=True))
    assert "**The same model**, byte for byte" in page


def test_a_champion_of_other_days_is_no_equal() -> None:
    champion = model("bbbbbbbbbbbb", 0.15, first="2013-01-01")
    page = as_markdown(compared(0.001, 0.02, other=champion))
    assert "**Worse**" in page
    assert "The two have learned from different days." in page
    assert "`bbbbbbbbbbbb`, was fitted on 2013-01-01 to 2013-03-14" in page


def test_figures_stand_side_by_side_and_the_difference_has_its_sign() -> None:
    page = as_markdown(compared(-0.02, -0.001))
    assert (
        "| Brier score, less is better | 0.1400 (0.1300 to 0.1500) | 0.1500 (0.1400 to 0.1600) "
        "| -0.0105 (-0.0200 to -0.0010) |\n" in page
    )
    assert "+0.0005 (+0.0000 to +0.0010)" in as_markdown(compared(0.0, 0.001))
    assert "the 12,345 flights of the 14 days 2013-03-15 to 2013-03-28, which no model" in page


def test_without_another_model_the_reason_is_said_and_one_column_is_left() -> None:
    report = compared(0, 0, other=None, rival=None, problem="there is no champion yet")
    page = as_markdown(report)
    assert "**Not compared with another model**: there is no champion yet." in page
    assert "| Brier score, less is better | 0.1400 (0.1300 to 0.1500) |\n" in page
    assert "other model" not in page.split("\n\n", maxsplit=2)[2]


def test_the_chart_has_what_was_said_and_what_happened_and_room_for_both() -> None:
    found = re.search(r"```mermaid\n(.+)\n```\n$", as_markdown(compared(0, 0)), re.DOTALL)
    assert found is not None
    assert found[1].splitlines() == [
        "xychart-beta",
        '  x-axis "tenth" [1, 2]',
        '  y-axis "share that left late" 0 --> 0.7',
        "  bar [0.0800, 0.6100]",
        "  line [0.1000, 0.5200]",
    ]
