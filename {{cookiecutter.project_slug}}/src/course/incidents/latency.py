"""Answers take seconds, and the machine is idle: some callers send their bodies over a bad line.

The time of a request includes its body, so whoever sends slowly is answered slowly, however fast
the model is. The service lets a request live for ten seconds (APP_REQUEST_SECONDS). Callers that
are refused for being slow collect a body first, and send it at once.
"""

from course.findings import Finding
from course.labs import traffic
from course.labs.folder import Lab
from course.labs.incident import Incident

SLOW_CALLERS = 6
SLOW_SECONDS = 2.0


def _plan(_: Lab) -> dict[str, object]:
    return {"slow": SLOW_CALLERS, "slow_seconds": SLOW_SECONDS}


def _mended(lab: Lab) -> list[Finding]:
    journal = traffic.read(lab)
    refused = journal["refused"]
    if refused < SLOW_CALLERS:
        said = (
            f"{SLOW_CALLERS - refused} callers are as slow as before, and the others are not: what "
            f"do their requests have in common?"
        )
        return [Finding("the cause is gone", passed=False, said=said)]
    said = f"{refused} slow requests were refused, and {journal['again']} of them sent again"
    return [Finding("the cause is gone", journal["again"] >= refused, said)]


INCIDENT = Incident(
    name="latency",
    alert="HighLatency",
    story=(
        "Since this morning a new customer calls your service, from ships at sea.",
        "Others say that it has become slow. You may restart it; callers try again.",
    ),
    causes=(
        r"\bbod(y|ies)\b|upload|trickl|bandwidth|connection|network|\blines?\b|\bships?\b|satellite|"
        r"time.?out|time limit|request_seconds|ten seconds|\b10 s"
    ),
    mended=_mended,
    plan=_plan,
    may_restart=True,
    needs_traffic=True,
)
begin, check, end = INCIDENT.begin, INCIDENT.check, INCIDENT.end
