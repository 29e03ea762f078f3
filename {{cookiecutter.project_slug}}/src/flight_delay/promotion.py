"""The step after training: a version goes to the gates, and what they said is written down.

It is apart from `pipeline.py` because nothing that trains has to be imported to ask the gates.
"""

from dataclasses import asdict

from flight_delay.files import write_json
from flight_delay.registry import Verdict, promote
from flight_delay.settings import Settings


def run_promote(settings: Settings, version: str | None = None) -> Verdict:
    """Hold a version against the gates, promote it or begin its trial if they agree, and report.

    The report is `reports/promote.json`. What is raised is what `registry.promote` raises.
    """
    verdict = promote(settings, version)
    report = {
        "version": verdict.version,
        "promoted": verdict.champion is not None,
        "trial": verdict.trial.model_dump(mode="json") if verdict.trial else None,
        "gates": [asdict(gate) for gate in verdict.gates],
    }
    write_json(settings.reports / "promote.json", report)
    return verdict
