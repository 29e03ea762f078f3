"""A comparison in words, as a pull request shows it.

GitHub shows no picture that is not stored somewhere, and what a workflow uploads is not shown
inside a comment. But it draws Mermaid, so the calibration is a chart in the text itself.
"""

import math
from typing import Any

from flight_delay.contract import OUTCOME, ROWS
from flight_delay.results import METRICS

WHO = {"challenger": "this change", "other": "the other model"}
BETTER = {"auc": "more", "brier": "less", "calibration_error": "less"}


def as_markdown(report: dict[str, Any]) -> str:
    """Return the report of `compare` as Markdown."""
    parts = [
        "## The model of this change",
        _verdict(report),
        _table(report),
        _about(report),
        f"What it said (line) and what happened (bars), in tenths of the {ROWS} by what was said:",
        _chart(report["challenger"]["curve"]),
    ]
    return "\n\n".join(parts) + "\n"


def _verdict(report: dict[str, Any]) -> str:
    """Return the one sentence that matters, by the interval of the main metric."""
    if report["rival"] is None:
        return f"**Not compared with another model**: {report['problem']}."
    if report["same_model"]:
        return "**The same model**, byte for byte: this change does not touch what is learned."
    brier = report["rival"]["difference"]["brier"]
    if brier["high"] < 0:
        found = "**Better**: its Brier score is lower by more than chance explains."
    elif brier["low"] > 0:
        found = "**Worse**: its Brier score is higher by more than chance explains."
    else:
        found = "**No difference beyond chance** in the Brier score."
    ours, theirs = (report[who]["fitted_on"] for who in WHO)
    return found if ours == theirs else f"{found} The two have learned from different days."


def _table(report: dict[str, Any]) -> str:
    models = [report[who] for who in WHO if report[who] is not None]
    heads = [*WHO.values(), "this less the other, paired by day"]
    columns = heads if report["rival"] else heads[:1]
    rows = [f"| metric | {' | '.join(columns)} |", f"|---{'|---' * len(columns)}|"]
    for metric, name in METRICS.items():
        cells = [_interval(model["metrics"][metric]) for model in models]
        if report["rival"]:
            cells.append(_interval(report["rival"]["difference"][metric], sign="+"))
        rows.append(f"| {name}, {BETTER[metric]} is better | {' | '.join(cells)} |")
    return "\n".join(rows)


def _about(report: dict[str, Any]) -> str:
    """Return on which rows this was measured, and what each model had learned from."""
    fitted = "; ".join(
        f"{words}, `{report[name]['version']}`, was fitted on {' to '.join(days)}"
        for name, words in WHO.items()
        if report[name] is not None
        for days in [report[name]["fitted_on"]]
    )
    return (
        f"Measured on the {report['rows']:,} {ROWS} of the {report['days']} days {report['from']} "
        f"to {report['to']}, which no model here has seen, with 95 % intervals over resampled "
        f"days. {fitted[0].upper()}{fitted[1:]}. A sample shows the direction and not the size; "
        f"what decides is the gates, at promotion."
    )


def _chart(curve: list[dict[str, float]]) -> str:
    shares = {name: [point[name] for point in curve] for name in ("observed", "predicted")}
    top = math.ceil(10 * max(*shares["observed"], *shares["predicted"])) / 10
    bars, line = (", ".join(f"{share:.4f}" for share in shares[name]) for name in shares)
    return "\n".join(
        [
            "```mermaid",
            "xychart-beta",
            f'  x-axis "tenth" [{", ".join(str(number + 1) for number in range(len(curve)))}]',
            f'  y-axis "share that {OUTCOME}" 0 --> {top:g}',
            f"  bar [{bars}]",
            f"  line [{line}]",
            "```",
        ]
    )


def _interval(figure: dict[str, float], sign: str = "") -> str:
    estimate, low, high = (f"{figure[name]:{sign}.4f}" for name in ("estimate", "low", "high"))
    return f"{estimate} ({low} to {high})"
