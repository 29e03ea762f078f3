"""A bad model was promoted by force: take it back before its error budget is spent.

The budget is a number of answers that are clearly worse than those which the champion before gave
for the same flights. It runs down while callers call, and does not come back.
"""

from pathlib import Path

from course.findings import Finding
from course.labs import ending, traffic
from course.labs.folder import Lab, became, clock
from course.labs.service import answering_version, champion, inside, require_service

NAME = "rollback-in-time"
PACE = 40
BUDGET = 5000
"""A bit over three minutes of a model that has learned the opposite of the truth."""
MARGIN = 0.1
"""Squared error beyond that of the champion before, which makes an answer a worse one."""
FIRST, DAYS = "2013-04-10", 7


def begin(project: Path) -> None:
    """Promote a bad model and let callers call, unless they do.

    Raises:
        LabError: when there is no service, or the model could not be made.
    """
    lab = Lab(NAME, project)
    if lab.may_begin():
        version = require_service(project)
        with ending.unless_begun(lab, end):
            _promote(lab, version)
    told = (
        "A new model was promoted past the gates, by force. Callers call.",
        f"Your error budget is {BUDGET:,} answers that are worse than those of the model before.",
        f"`course check {NAME}` says how much is left. Take the model back before it is spent.",
        lab.since,
    )
    print("\n".join(told))  # noqa: T201 - what the learner is told


def _promote(lab: Lab, good: str) -> None:
    mark, _ = inside(lab.project, {"do": "mark"}, traffic.flights_step(lab, FIRST, DAYS))
    lab.write(mark=mark)
    (bad,) = inside(lab.project, {"do": "bad_champion"})
    lab.write(good=good, bad=bad["version"])
    became(lambda: answering_version() == bad["version"], traffic.FIRST_SECONDS)
    traffic.start(lab, PACE, budget={"margin": MARGIN, "answers": BUDGET})


def check(project: Path) -> list[Finding]:
    """Say how much of the budget is left, and who answers."""
    lab = Lab(NAME, project)
    if not lab.begun:
        return [Finding("begun", passed=False, said="begin the exercise first")]
    state, journal = lab.read(), traffic.read(lab)
    return [_budget(lab, journal), _rolled_back(lab, state["good"]), _goes_on(journal)]


def end(project: Path) -> bool:
    """Stop the callers, and bring back the champion that was there before."""
    return ending.end(NAME, project)


def _budget(lab: Lab, journal: traffic.Journal) -> Finding:
    worse, spent_at = journal["worse"], journal["spent_at"]
    if spent_at:
        said = (
            f"too late: all {BUDGET:,} were spent at {clock(spent_at)} UTC; {lab.ends}, then begin "
            f"again, and be quicker than that"
        )
        return Finding("budget", passed=False, said=said)
    said = f"{worse:,} of {BUDGET:,} are spent, {BUDGET - worse:,} are left"
    return Finding("budget", passed=True, said=said)


def _rolled_back(lab: Lab, good: str) -> Finding:
    crowned, answering = champion(lab.project), answering_version()
    last = crowned["changes"][-1]
    if crowned["version"] != good:
        said = f"{crowned['version']} is the champion, and was promoted by force"
        return Finding("rolled back", passed=False, said=said)
    if answering != good:
        said = f"{good} is the champion again; the service answers from {answering} as yet"
        return Finding("rolled back", passed=False, said=said)
    return Finding("rolled back", passed=True, said=f"{good} answers again: {last['reason']}")


def _goes_on(journal: traffic.Journal) -> Finding:
    failed = sum(journal["failed"].values()) + journal["unreachable"] + journal["lost"]
    said = f"{journal['answered']:,} flights were answered, {failed} requests failed"
    return Finding("no request failed", not failed, said)
