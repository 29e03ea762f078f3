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
days; {_other(manifest)} on the same {ROWS}.

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


def _other(manifest: Manifest) -> str:
    """Say what the model is held against: the baseline at birth, the champion from then on."""
    if manifest.rival is None:
        return "the advantage is the model less the logistic baseline"
    return f"the difference is the model less the champion of then, {manifest.rival.version},"


def _table(manifest: Manifest, days: str) -> str:
    figures = manifest.metrics["validation"]
    if manifest.rival is None:
        heads = ["logistic baseline", "advantage"]
        others = [
            {name: figures[f"{who}{name}"] for name in METRIC_NAMES}
            for who in ("baseline_", "advantage_")
        ]
    else:
        heads = ["difference"]
        difference = manifest.rival.difference
        others = [{name: difference[name].model_dump() for name in METRIC_NAMES}]
    columns = [figures, *others]
    rows = [f"| {' | '.join([days, 'model', *heads])} |", "|---" * (len(heads) + 2) + "|"]
    rows += [
        f"| {' | '.join([words, *(_interval(column[name]) for column in columns)])} |"
        for name, words in METRIC_NAMES.items()
    ]
    return "\n".join(rows)


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
