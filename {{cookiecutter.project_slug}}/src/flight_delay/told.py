"""A turn of the loop in words, as the issue or the mail that a person gets to read."""

from typing import Any

METRICS = {"brier": "Brier score", "auc": "AUC", "calibration_error": "Calibration error"}


def as_markdown(report: dict[str, Any]) -> str:
    """Return the report of `tend` as Markdown; its first line is the title."""
    decision = report["decision"]
    action = decision["action"] if decision else "retrain"
    title = f"# The loop: {action}, {report['result']}"
    parts = [title, report["said"], _list("Why", report["why"] or _reasons(decision))]
    parts += [_gates(report["gates"]), _difference(report.get("rival"))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _reasons(decision: dict[str, Any] | None) -> list[str]:
    return decision["reasons"] if decision else []


def _list(title: str, lines: list[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines)]) if lines else ""


def _gates(gates: list[dict[str, Any]]) -> str:
    words = {True: "passed", False: "**refused**"}
    return _list(
        "Gates", [f"{gate['name']} {words[gate['passed']]}: {gate['reason']}" for gate in gates]
    )


def _difference(rival: dict[str, Any] | None) -> str:
    """Return the paired differences as a table, if a challenger met the champion."""
    if rival is None:
        return ""
    rows = [
        f"| {words} | {one['estimate']:+.4f} | {one['low']:+.4f} to {one['high']:+.4f} |"
        for metric, words in METRICS.items()
        for one in [rival["difference"][metric]]
    ]
    head = [
        f"## The challenger less the champion {rival['version']}",
        "",
        f"On {rival['rows']:,} rows of {rival['from']} to {rival['to']}, which neither had seen.",
        "",
        "| metric | difference | 95 %, by day |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows])
