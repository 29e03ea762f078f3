"""The model card of a bundle (after Mitchell et al., 2019), derived from contract and manifest."""

from flight_delay.bundle import Manifest
from flight_delay.contract import (
    FIELDS,
    LIMITS,
    OUTCOME,
    ROWS,
    SUBJECT,
    TARGET,
    TARGET_DESCRIPTION,
    Numeric,
)

METRIC_NAMES = {
    "brier": "Brier score",
    "auc": "AUC",
    "calibration_error": "Calibration error",
}


def model_card(manifest: Manifest) -> str:
    """Return the card as Markdown; it holds no date and no version, for it is part of both."""
    fitted, validated = (" to ".join(manifest.windows[name]) for name in ("history", "validation"))
    decisions = manifest.metrics["validation"]
    return f"""# Model card

**Predicts** the probability that {TARGET_DESCRIPTION}, for
{SUBJECT}.

**Model.** Gradient-boosted trees (scikit-learn {manifest.libraries["scikit-learn"]}), converted to
ONNX; the conversion differs from scikit-learn by at most
{manifest.metrics["parity"]["largest_difference"]["estimate"]:.1e} on any validation row.

**Data.** Fitted on {ROWS} of {fitted}. The threshold was chosen on {validated} by a model that
had not seen it, then the same recipe was fitted on all of it. What happened later is no part of
this card: it is in `reports/train.json` and in MLflow.

## Figures

Measured on {validated}, which the model had not seen then, with 95 % intervals over resampled
days{_held_against(manifest)}.

{_table(manifest, validated)}

At or over a probability of {manifest.threshold} the answer is "{TARGET}". On those days that
flagged {decisions["flagged"]["estimate"]:.0%} of {ROWS}, caught
{decisions["recall"]["estimate"]:.0%} of those that {OUTCOME}, and was right in
{decisions["precision"]["estimate"]:.0%} of its warnings. The same days chose it, so expect a
little less.

## Inputs

{_inputs()}

## Limits

- It has seen {fitted} and no other time: what is new in another season, it does not know.
- A category that training never saw is scored as unknown, not refused.
{_limits()}
"""


def _limits() -> str:
    return "\n".join(f"- {limit}" for limit in LIMITS)


def _held_against(manifest: Manifest) -> str:
    if manifest.rival is not None:
        other = f"the difference is the model less {manifest.rival.version}, the champion then,"
    elif _has_baseline(manifest):
        other = "the advantage is the model less the logistic baseline"
    else:
        return ""
    return f"; {other} on the same {ROWS}"


def _has_baseline(manifest: Manifest) -> bool:
    return "advantage_brier" in manifest.metrics["validation"]


def _table(manifest: Manifest, days: str) -> str:
    """Return the figures: against the baseline at birth, against the champion from then on."""
    figures = manifest.metrics["validation"]
    columns = {"model": figures}
    if manifest.rival is not None:
        difference = manifest.rival.difference
        columns["difference"] = {name: difference[name].model_dump() for name in METRIC_NAMES}
    elif _has_baseline(manifest):
        for head, who in (("logistic baseline", "baseline_"), ("advantage", "advantage_")):
            columns[head] = {name: figures[f"{who}{name}"] for name in METRIC_NAMES}
    rows = [[days, *columns], ["---"] * (1 + len(columns))]
    rows += [
        [words, *(_interval(column[name]) for column in columns.values())]
        for name, words in METRIC_NAMES.items()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _interval(figure: dict[str, float]) -> str:
    return f"{figure['estimate']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def _inputs() -> str:
    rows = ["| field | meaning | unit | allowed | null |", "|---|---|---|---|---|"]
    for field in FIELDS:
        if isinstance(field, Numeric):
            unit, allowed = field.unit, f"{field.minimum:g} to {field.maximum:g}"
        else:
            unit, allowed = "code", ", ".join(field.categories) or f"`{field.pattern}`"
        null = "yes" if field.nullable else "no"
        rows.append(f"| {field.name} | {field.description} | {unit} | {allowed} | {null} |")
    return "\n".join(rows)
