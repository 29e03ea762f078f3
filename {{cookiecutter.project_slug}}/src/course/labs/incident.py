"""An incident: something is broken, an alert fires, the learner mends it and writes down why."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from course.findings import Finding
from course.labs import ending, postmortem, prometheus, traffic
from course.labs.folder import Lab, LabError, as_typed, clock
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

    `breaks` does the harm; `mended` says what has to be so beside the alert's silence; `causes` is
    a pattern of words, of which the post-mortem has to name one as the cause; `tidy` removes what
    else was left behind; `plan` is what the callers do beside calling steadily.
    """

    name: str
    alert: str
    story: Sequence[str]
    causes: str
    mended: Callable[[Lab], list[Finding]]
    breaks: Callable[[Lab], object] = lambda _: None
    tidy: Callable[[Lab], object] = lambda _: None
    plan: Callable[[Lab], dict[str, object]] = lambda _: {}
    may_restart: bool = False
    needs_traffic: bool = False

    def begin(self, project: Path) -> None:
        """Break the learner's running service, unless it is, and say that somebody is on call.

        Raises:
            LabError: when something is missing; nothing was broken then.
        """
        lab = Lab(self.name, project)
        if lab.may_begin():
            prometheus.require_prometheus()
            require_service(project)
            with ending.unless_begun(lab, self.end):
                self._prepare(lab)
        self._tell(lab)

    def check(self, project: Path) -> list[Finding]:
        """Say what is so and what is still missing."""
        lab = Lab(self.name, project)
        if not lab.begun:
            return [Finding("begun", passed=False, said=f"begin the incident {self.name} first")]
        fired, dropped = self._seen(lab)
        silent = self._silent(lab, fired) if fired else None
        # A post-mortem may take longer than Prometheus lives.
        over = silent and silent.passed
        lab.write(seen={"alert": fired, "dropped": dropped} if over else None)
        return [
            _noticed(lab, fired),
            _recovered(),
            *(self._mended(lab, silent) if silent else ()),
            self._nothing_lost(lab),
            _all_logged(lab, dropped),
            *postmortem.check(lab, fired, self.causes),
        ]

    def end(self, project: Path) -> bool:
        """Stop everything that was begun and bring back what was changed."""
        return ending.end(self.name, project, self.tidy)

    def _seen(self, lab: Lab) -> tuple[prometheus.Episode | None, float]:
        """Return how the alert went and how many rows were lost.

        Prometheus tells it while it lives; after that, the check that has seen the alert silent.
        """
        try:
            episodes, dropped = prometheus.episodes(lab), prometheus.lost_rows(lab)
        except LabError:
            if kept := lab.read().get("seen"):
                return prometheus.Episode(*kept["alert"]), kept["dropped"]
            raise
        return next((one for one in episodes if one.alert == self.alert), None), dropped

    def _prepare(self, lab: Lab) -> None:
        mark, _ = inside(lab.project, {"do": "mark"}, traffic.flights_step(lab, BORN, DAYS))
        lab.write(mark=mark)
        prometheus.start(lab)
        lab.write(dropped_before=prometheus.lost_rows(lab))
        self.breaks(lab)
        traffic.start(lab, PACE, **self.plan(lab))
        postmortem.write_template(lab)

    def _tell(self, lab: Lab) -> None:
        called, watched = traffic.LONGEST_SECONDS // 60, prometheus.LIFE_SECONDS // 60
        lines = [
            *self.story,
            "",
            f"You are on call. Alerts: {prometheus.page(lab)}",
            "(a minute of monitoring/rules.yml is a second there)",
            "Find out what is wrong, mend it, lose nothing, and write the post-mortem:",
            f"  {as_typed(postmortem.path_of(lab))}",
            f"Callers call for {called} minutes. Prometheus watches for {watched}, so let a check",
            "see by then that the alert is silent.",
            lab.since,
        ]
        print("\n".join(lines))  # noqa: T201 - what the learner is told

    def _mended(self, lab: Lab, silent: Finding) -> list[Finding]:
        """Say whether the alert fell silent; what it was is told to those who have mended it."""
        later = Finding("cause", passed=False, said="is looked at after the alert has cleared")
        return [silent, *(self.mended(lab) if silent.passed else [later])]

    def _silent(self, lab: Lab, fired: prometheus.Episode) -> Finding:
        if fired.firing:
            return Finding(
                "alert cleared",
                passed=False,
                said=f"{fired.alert} fires since {clock(fired.fired)}",
            )
        journal = traffic.read(lab)
        if self.needs_traffic and journal["over"] and fired.last > journal["last_at"] - 1:
            said = (
                "the callers stopped before it was mended, so silence shows nothing: "
                f"{lab.ends}, then begin again"
            )
            return Finding("alert cleared", passed=False, said=said)
        return Finding(
            "alert cleared", passed=True, said=f"{fired.alert} is silent since {clock(fired.last)}"
        )

    def _nothing_lost(self, lab: Lab) -> Finding:
        journal = traffic.read(lab)
        failed = dict(journal["failed"])
        if not self.may_restart and journal["unreachable"]:
            failed["unreachable"] = journal["unreachable"]
        words = ", ".join(f"{count} x {what}" for what, count in failed.items())
        owed = journal["lost"] + journal["refused"] - journal["again"]
        said = f"{journal['answered']:,} of {journal['asked']:,} flights were answered"
        if journal["answered"] < journal["asked"]:
            said += ", the rest are under way"
        if failed:
            said = f"callers got errors: {words}; this incident could be mended without"
        elif owed:
            said = f"{owed} flights that were refused or failed were never answered"
        return Finding("no request lost", not failed and not owed, said)


def _recovered() -> Finding:
    """Say whether the service answers as it should; what it warns of is the learner's to read."""
    health = ask("/health/ready")
    warns = isinstance(health.body, dict) and bool(health.body.get("warning"))
    well = health.status == OK and not warns
    said = "answers" if well else f"says {health.status or 'nothing'}"
    said += " and warns: see /health/ready" if warns else ""
    return Finding("service recovered", well, f"the service {said}")


def _noticed(lab: Lab, fired: prometheus.Episode | None) -> Finding:
    if fired:
        said = f"{fired.alert} fired at {clock(fired.fired)} UTC"
        return Finding("alert fired", passed=True, said=said)
    said = f"no alert of this incident has fired yet: look at {prometheus.page(lab)}"
    return Finding("alert fired", passed=False, said=said)


def _all_logged(lab: Lab, dropped: float) -> Finding:
    """Say whether every answer is in the prediction log; the newest may be on their way."""
    ids = traffic.answered_ids(lab)
    deadline = time.monotonic() + WRITTEN_SECONDS
    while (missing := len(ids) - logged(lab.project, ids)) and time.monotonic() < deadline:
        time.sleep(0.5)
    said = f"all {len(ids):,} answers are in the prediction log"
    if missing or dropped > 0:
        said = (
            f"{max(missing, int(dropped))} answers are not in the prediction log: a service that "
            f"is killed, rather than asked to stop, takes what it had not written along"
        )
    return Finding("nothing dropped", not missing and dropped <= 0, said)
