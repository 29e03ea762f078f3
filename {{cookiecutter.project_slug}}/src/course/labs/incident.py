"""An incident: something is broken, an alert fires, the learner mends it and writes down why."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from course.findings import Finding
from course.labs import ending, postmortem, traffic, watch
from course.labs.folder import Lab, as_typed, clock
from course.labs.service import OK, ask, inside, logged, require_service

PACE = 20
"""Requests a second: enough for every rule, and little for a service."""
WRITTEN_SECONDS = 5
"""How long an answered row may take to be in the log."""
BORN = "2013-04-10"
DAYS = 7


@dataclass(frozen=True, slots=True)
class Incident:
    """What happens, how it is noticed, and what has to be true once it is mended.

    `breaks` does the harm; `mended` says what has to be so beside the alert's silence; `tidy`
    removes what else was left behind; `plan` is what the callers do beside calling steadily.
    """

    name: str
    alert: str
    story: Sequence[str]
    mended: Callable[[Lab], list[Finding]]
    breaks: Callable[[Lab], object] = lambda _: None
    tidy: Callable[[Lab], object] = lambda _: None
    plan: Callable[[Lab], dict[str, object]] = lambda _: {}
    may_restart: bool = False
    needs_traffic: bool = False

    def begin(self, project: Path) -> None:
        """Break the learner's running service, and say that somebody is on call.

        Raises:
            LabError: when something is missing; nothing was broken then.
        """
        self.end(project)
        watch.require_prometheus()
        require_service(project)
        with ending.unless_begun(self.name, project, self.end) as lab:
            self._prepare(lab)
        self._tell(lab)

    def check(self, project: Path) -> list[Finding]:
        """Say what is so and what is still missing."""
        lab = Lab(self.name, project)
        if not lab.begun:
            return [Finding("begun", passed=False, said=f"begin the incident {self.name} first")]
        fired = next((one for one in watch.episodes(lab) if one.alert == self.alert), None)
        return [
            *_noticed(lab, fired),
            *self._recovered(lab, fired),
            *(self.mended(lab) if fired else ()),
            *self._nothing_lost(lab),
            *postmortem.check(lab, fired),
        ]

    def end(self, project: Path) -> None:
        """Stop everything that was begun and bring back what was changed."""
        ending.end(self.name, project, self.tidy)

    def _prepare(self, lab: Lab) -> None:
        mark, _ = inside(lab.project, {"do": "mark"}, traffic.flights_step(lab, BORN, DAYS))
        lab.write(mark=mark)
        watch.start(lab)
        lab.write(dropped_before=watch.lost_rows(lab))
        self.breaks(lab)
        traffic.start(lab, PACE, **self.plan(lab))
        postmortem.write_template(lab)

    def _tell(self, lab: Lab) -> None:
        lines = [
            *self.story,
            "",
            f"You are on call. Alerts: {watch.page(lab)}",
            "(a minute of monitoring/rules.yml is a second there)",
            "Find out what is wrong, mend it, lose nothing, and write the post-mortem:",
            f"  {as_typed(postmortem.path_of(lab))}",
            f"Callers call for {traffic.LONGEST_SECONDS // 60} minutes from now on,",
            f"{clock(time.time())} UTC.",
        ]
        print("\n".join(lines))  # noqa: T201 - what the learner is told

    def _recovered(self, lab: Lab, fired: watch.Episode | None) -> list[Finding]:
        """Say whether the service answers as it should, and whether the alert fell silent."""
        health = ask("/health/ready")
        warned = isinstance(health.body, dict) and health.body.get("warning")
        well = health.status == OK and not warned
        said = "answers" if well else f"says {health.status or 'nothing'} {warned or ''}".strip()
        found = [Finding("service recovered", well, f"the service {said}")]
        if fired:
            found.append(self._silent(lab, fired))
        return found

    def _silent(self, lab: Lab, fired: watch.Episode) -> Finding:
        if fired.firing:
            return Finding(
                "alert cleared",
                passed=False,
                said=f"{fired.alert} fires since {clock(fired.fired)}",
            )
        journal = traffic.read(lab)
        if self.needs_traffic and journal["over"] and fired.last > journal["last_at"] - 1:
            said = "the callers stopped before it was mended, so silence shows nothing: begin again"
            return Finding("alert cleared", passed=False, said=said)
        return Finding(
            "alert cleared", passed=True, said=f"{fired.alert} is silent since {clock(fired.last)}"
        )

    def _nothing_lost(self, lab: Lab) -> list[Finding]:
        journal = traffic.read(lab)
        failed = dict(journal["failed"])
        if not self.may_restart and journal["unreachable"]:
            failed["unreachable"] = journal["unreachable"]
        words = ", ".join(f"{count} x {what}" for what, count in failed.items())
        owed = journal["lost"] + journal["refused"] - journal["again"]
        said = f"{journal['answered']:,} of {journal['asked']:,} flights were answered"
        if failed:
            said = f"callers got errors: {words}; this incident could be mended without"
        elif owed:
            said = f"{owed} flights that were refused or failed were never answered"
        return [
            Finding("no request lost", not failed and not owed, said),
            _all_logged(lab),
        ]


def _noticed(lab: Lab, fired: watch.Episode | None) -> list[Finding]:
    if fired:
        said = f"{fired.alert} fired at {clock(fired.fired)} UTC"
        return [Finding("alert fired", passed=True, said=said)]
    said = f"no alert of this incident has fired yet: look at {watch.page(lab)}"
    return [Finding("alert fired", passed=False, said=said)]


def _all_logged(lab: Lab) -> Finding:
    """Say whether every answer is in the prediction log; the newest may be on their way."""
    ids = traffic.answered_ids(lab)
    deadline = time.monotonic() + WRITTEN_SECONDS
    while (missing := len(ids) - logged(lab.project, ids)) and time.monotonic() < deadline:
        time.sleep(0.5)
    dropped = watch.lost_rows(lab)
    said = f"all {len(ids):,} answers are in the prediction log"
    if missing or dropped > 0:
        said = (
            f"{max(missing, int(dropped))} answers are not in the prediction log: a service that "
            f"is killed, rather than asked to stop, takes what it had not written along"
        )
    return Finding("nothing dropped", not missing and dropped <= 0, said)
