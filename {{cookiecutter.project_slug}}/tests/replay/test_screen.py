"""What a person sees of a replay, on a terminal and in a file."""

import io
from datetime import date

import pytest
from rich.console import Console

from flight_delay.replay.day import DayLine
from flight_delay.replay.plan import Plan
from flight_delay.replay.screen import Screen, show_summary
from flight_delay.settings import Settings

DAYS = 20
WARNS_ON = (8, 9)
FROZE = "the [feed] froze"


@pytest.fixture
def plan() -> Plan:
    """Return a plan of twenty days; nothing of it is read but its length."""
    here = Settings()
    return Plan(here, here, "v1", date(2013, 4, 1), date(2013, 4, DAYS), (), whole=False)


def line(number: int, action: str = "nothing", said: str = "") -> DayLine:
    """Return a day."""
    return DayLine(
        number=number,
        day=date(2013, 4, number + 1),
        predictions=900 + number,
        champion="v1",
        action=action,
        result="nothing",
        trained=False,
        said=said,
        auc=None if number < 5 else 0.7512,
        calibration_error=None,
        drifted=2,
        broken=[],
    )


def shown(plan: Plan, *, terminal: bool) -> str:
    """Return what is printed for the twenty days, the ninth with a warning."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=160, height=60)
    with Screen(console, plan) as screen:
        for number in range(DAYS):
            acts = number == 8
            screen.day(
                line(number, "warn" if acts else "nothing", "the [feed] froze" if acts else "")
            )
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_a_line_a_week_and_one_for_every_day_that_matters(plan: Plan) -> None:
    lines = shown(plan, terminal=False).splitlines()
    assert [text[:10] for text in lines] == [
        "2013-04-01",
        "2013-04-08",
        "2013-04-09",
        "2013-04-15",
    ]
    assert " ".join(lines[0].split()) == (
        "2013-04-01 900 predictions AUC - calibration error - 2 drifted v1 nothing"
    )
    assert "AUC 0.751" in lines[2]
    assert lines[2].endswith(f"warn: {FROZE}")


def test_a_terminal_shows_the_last_days_and_how_far_it_is(plan: Plan) -> None:
    text = shown(plan, terminal=True)
    assert f"warn: {FROZE}" in text
    assert "20/20" in text
    last = text[text.rindex("day ") :]
    assert "2013-04-20" in last
    assert "2013-04-06" not in last  # fourteen days are shown


def test_the_summary_says_where_retraining_was_worse() -> None:
    def month(name: str, brier: float, error: float) -> dict[str, object]:
        alone = {"auc": 0.7, "brier": 0.12, "calibration_error": 0.02}
        kept = alone | {"brier": brier, "calibration_error": error}
        return {"month": name, "base_rate": 0.2, "left_alone": alone, "kept_alive": kept}

    whole = {"auc": 0.75, "brier": 0.143, "calibration_error": 0.03}
    console = Console(file=io.StringIO(), width=120)
    difference = {"estimate": -0.0031, "low": -0.004, "high": -0.002}
    counts = {
        "requests": 5000,
        "predictions": 90000,
        "failed_requests": 0,
        "retrainings": 9,
        "promotions": 8,
        "rollbacks": 1,
        "seconds": 99.6,
    }
    show_summary(
        console,
        {
            "months": [
                month("2013-07", 0.119, 0.02),
                month("2013-09", 0.12, 0.021),
                month("2013-11", 0.121, 0.02),
                month("2013-12", 0.121, 0.021),
            ],
            "summary": {"left_alone": whole, "kept_alive": whole, **counts},
            "difference": dict.fromkeys(whole, difference),
        },
    )
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    told = {
        row[2:9]: row.split("\u2502")[-2].strip() for row in text.splitlines() if "2013-" in row
    }
    assert told == {
        "2013-07": "",
        "2013-09": "worse calibrated",
        "2013-11": "worse Brier score",
        "2013-12": "worse Brier score, worse calibrated",
    }
    assert "-0.0031 (-0.0040 to -0.0020)" in text
    assert "5,000 requests, 90,000 predictions, 0 failed; 9 retrainings, 8 promotions" in text
    assert "8 promotions, 1 rollback; 100 s" in text
