"""The model card of a bundle (after Mitchell et al., 2019), derived from contract and manifest."""

from flight_delay.bundle import Manifest
from flight_delay.contract import FIELDS, TARGET_DESCRIPTION, Numeric

METRIC_NAMES = {
    "brier": "Brier score",
    "auc": "AUC",
    "calibration_error": "Calibration error",
}


def model_card(manifest: Manifest) -> str:
    """Return the card as Markdown; it holds no date and no version, for it is part of both."""
    fitted, validated, launched = (
        " to ".join(manifest.windows[name]) for name in ("history", "validation", "launch")
    )
    decisions = manifest.metrics["launch"]
    return f"""# Model card

**Predicts** the probability that {TARGET_DESCRIPTION}, for flights from New York (EWR, JFK, LGA),
two hours ahead of the scheduled hour.

**Model.** Gradient-boosted trees (scikit-learn {manifest.libraries["scikit-learn"]}), converted to
ONNX; the conversion differs from scikit-learn by at most
{manifest.metrics["parity"]["largest_difference"]["estimate"]:.1e} on any validation row.

**Data.** Fitted on flights of {fitted}. The threshold was chosen on {validated} by a model that
had not seen it, then the same recipe was fitted on all of it. {launched} was measured once and
chose nothing. Cancelled flights have no outcome and are not learned from.

## Figures

With 95 % intervals over resampled days; the advantage is the model less the logistic baseline on
the same flights.

{_table(manifest, "validation", validated)}

{_table(manifest, "launch", launched)}

At or over a probability of {manifest.threshold} the answer is "late". After launch that flagged
{decisions["flagged"]["estimate"]:.0%} of flights, caught {decisions["recall"]["estimate"]:.0%} of
the late ones, and was right in {decisions["precision"]["estimate"]:.0%} of its warnings.

## Inputs

{_inputs()}

## Limits

- One year and three airports: it cannot tell a season from a drift.
- Two hours ahead, with no weather forecast: a storm that arrives later is not foreseen.
- The aircraft and the schedule of the day are assumed known.
- A category that training never saw is scored as unknown, not refused.
- Meant for planning by passengers and staff. Not meant for decisions about safety or people.
"""


def _table(manifest: Manifest, window: str, days: str) -> str:
    figures = manifest.metrics[window]
    rows = [f"| {days} | model | logistic baseline | advantage |", "|---|---|---|---|"]
    for metric, name in METRIC_NAMES.items():
        cells = " | ".join(
            _interval(figures[f"{who}{metric}"]) for who in ("", "baseline_", "advantage_")
        )
        rows.append(f"| {name} | {cells} |")
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
