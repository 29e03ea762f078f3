"""A turn of the loop in words: what a person gets to read in an issue."""

from typing import Any

from flight_delay.told import as_markdown

from .manifests import difference, rival

QUIET: dict[str, Any] = {
    "decision": {"action": "warn", "reasons": ["a sensor is dead", "the next is due in May"]},
    "result": "nothing",
    "said": "",
    "why": [],
    "gates": [],
}


def test_the_title_says_what_was_decided_and_what_came_of_it() -> None:
    assert as_markdown(QUIET) == (
        "# The loop: warn, nothing\n\n## Why\n\n- a sensor is dead\n- the next is due in May\n"
    )
    by_hand = QUIET | {"decision": None, "result": "failed", "said": "retrain failed: no days"}
    assert as_markdown(by_hand) == "# The loop: retrain, failed\n\nretrain failed: no days\n"


def test_a_training_shows_its_gates_and_the_comparison() -> None:
    gates = [
        {"name": "parity", "passed": True, "reason": "it agrees"},
        {"name": "champion", "passed": False, "reason": "it is worse"},
    ]
    met = rival("0" * 12, difference(0.0012, -0.0005, 0.003)).model_dump()
    page = as_markdown(
        QUIET
        | {"result": "refused", "said": "it is worse", "why": ["it is due"]}
        | {"gates": gates, "rival": met}
    )
    assert page.splitlines()[:7] == [
        "# The loop: warn, refused",
        "",
        "it is worse",
        "",
        "## Why",
        "",
        "- it is due",
    ]
    assert "- parity passed: it agrees\n- champion **refused**: it is worse\n" in page
    assert "## The challenger less the champion 000000000000\n" in page
    assert "On 12,000 rows of 2013-04-14 to 2013-04-27, which neither had seen." in page
    assert "| Brier score | +0.0012 | -0.0005 to +0.0030 |\n| AUC | +0.0100 |" in page
