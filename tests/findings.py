"""What a monitoring run may find: nothing, or a reason for an alert.

Of a whole report this is the part that the service shows.
"""

from typing import Any

Report = dict[str, Any]


def drift(*, drifted: bool) -> Report:
    field = {
        "field": "wind_speed",
        "drifted": drifted,
        "psi": 0.2,
        "usual_psi": 0.1,
        "unusual_days": 6 if drifted else 1,
        "distance": 0.3,
        "adjusted_p": 0.001 if drifted else 0.5,
        "null_share": 0.1,
        "unseen_share": 0.0,
    }
    return {"fields": [field], "prediction": field | {"field": "probability"}}


QUALITY: Report = {
    "unlabelled_share": 0.03,
    "metrics": dict.fromkeys(
        ("auc", "brier", "calibration_error", "bias", "precision", "recall"), 0.1
    ),
}
HEALTHY: Report = {
    "checks": {"broken": []},
    "drift": drift(drifted=False),
    "quality": QUALITY,
    "windows": [{"breached": True}, {"breached": False}, {"breached": False}],
    "decision": {"action": "nothing"},
}
"""What the service shows of a monitoring report."""
BROKEN = {"broken": [{"field": "origin", "check": "vanished"}]}
FINDINGS: dict[str, Report] = {
    "OutcomesMissing": {"quality": QUALITY | {"unlabelled_share": 0.5}},
    "DataContractBroken": {"checks": BROKEN},
    "LiveQualityBreached": {"windows": [{"breached": True}, {"breached": True}]},
    "RollbackDecided": {"decision": {"action": "rollback"}},
    "FeatureDrift": {"drift": drift(drifted=True)},
}
"""By the alert that it is to set off, what the monitor found."""
