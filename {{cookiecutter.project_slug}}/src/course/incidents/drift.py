"""Summer: six weeks of flights that leave later than the model of the winter thinks.

The log is given these weeks, with their outcomes, and the monitor runs as it does every night. What
it takes is a model that has learned from them; to raise the limit would only silence the alert.
"""

from course.findings import Finding
from course.labs.folder import Lab
from course.labs.incident import Incident
from course.labs.service import answering_version, inside

SUMMER = "2013-06-01"
DAYS = 41
EVERY = 2
NOT_YET_KNOWN_DAYS = 3


def _breaks(lab: Lab) -> None:
    weeks = {"do": "lived", "first": SUMMER, "days": DAYS, "every": EVERY}
    inside(lab.project, weeks | {"without_outcome": NOT_YET_KNOWN_DAYS}, {"do": "monitor"})


def _mended(lab: Lab) -> list[Finding]:
    mark, now = lab.read()["mark"], answering_version()
    before = mark["champion"]
    said, passed = f"{now} answers in the place of {before}", False
    if now is None:
        said = "nothing answers"
    elif now == before:
        said = f"{before} still answers, as it did when the alert fired"
    elif now in mark["bundles"]:
        said = f"{now} answers, which was made before these weeks, as {before} was"
    else:
        passed = True
    return [Finding("a model that knows these weeks", passed, said)]


INCIDENT = Incident(
    name="drift",
    alert="LiveQualityBreached",
    story=(
        "You were away for six weeks. The service has answered all the while, outcomes have come",
        "in, and the monitor has run last night. You can run it as often as you like.",
    ),
    causes=(
        r"summer|season|winter|month|june|july|drift|decay|shift|distribution|weather|stale|\bold|"
        r"outdated|\b(re)?train|\blearn|schedul|monitor"
    ),
    breaks=_breaks,
    mended=_mended,
)
begin, check, end = INCIDENT.begin, INCIDENT.check, INCIDENT.end
