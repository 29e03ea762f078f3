"""Make an alert of monitoring/rules.yml fire and clear on a real Prometheus."""

from pathlib import Path

from course.findings import Finding
from course.labs import ending, prometheus
from course.labs.folder import Lab, clock
from course.labs.service import HOST, PORT, require_service

NAME = "alert-fires-and-clears"


def begin(project: Path) -> None:
    """Start a Prometheus that watches the learner's service, unless one does.

    Raises:
        LabError: when the service or the program is missing.
    """
    lab = Lab(NAME, project)
    if lab.may_begin():
        prometheus.require_prometheus()
        require_service(project)
        with ending.unless_begun(lab, end):
            prometheus.start(lab)
    told = (
        f"A Prometheus watches {HOST}:{PORT} by the rules of your monitoring/rules.yml, where a",
        f"minute has become a second: {prometheus.page(lab)}",
        "Make one of its alerts fire, see it there, and make it clear again: break something real",
        "and mend it. docs/runbook.md says what each alert means and what has caused it.",
        f"It watches for {prometheus.LIFE_SECONDS // 60} minutes.",
        lab.since,
    )
    print("\n".join(told))  # noqa: T201 - what the learner is told


def check(project: Path) -> list[Finding]:
    """Ask Prometheus which alerts fired, and whether they have cleared."""
    lab = Lab(NAME, project)
    if not lab.begun:
        return [Finding("begun", passed=False, said="begin the exercise first")]
    episodes = prometheus.episodes(lab)
    if not episodes:
        pending = [one["metric"]["alertname"] for one in prometheus.query(lab, "ALERTS")]
        said = "Prometheus has seen no alert fire"
        said += f"; pending, so not for long enough as yet: {', '.join(pending)}" if pending else ""
        return [
            Finding("an alert fired", passed=False, said=said),
            Finding("and cleared", passed=False, said="nothing has fired that could clear"),
        ]
    words = ", ".join(f"{one.alert} at {clock(one.fired)} UTC" for one in episodes)
    cleared = [one for one in episodes if not one.firing]
    quiet = ", ".join(f"{one.alert} at {clock(one.last)} UTC" for one in cleared)
    still = ", ".join(one.alert for one in episodes)
    said = quiet or f"{still} fires on: mend what you broke, and give it a few seconds"
    return [
        Finding("an alert fired", passed=True, said=words),
        Finding("and cleared", bool(cleared), said),
    ]


def end(project: Path) -> bool:
    """Stop Prometheus."""
    return ending.end(NAME, project)
