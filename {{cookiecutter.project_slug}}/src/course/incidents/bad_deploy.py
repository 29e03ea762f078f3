"""A deployment went wrong: who is champion on paper does not answer, and a restart would show it.

The bundle of the new champion was cut short on its way. The running service refused it and answers
on from the one before, so no caller notices, until somebody restarts the service.
"""

from course.findings import Finding
from course.labs.folder import Lab
from course.labs.incident import Incident
from course.labs.service import answering_version, champion, inside


def _breaks(lab: Lab) -> None:
    (made,) = inside(lab.project, {"do": "damaged_champion"})
    lab.write(damaged=made["version"])


def _mended(lab: Lab) -> list[Finding]:
    state = lab.read()
    said, version = answering_version(), champion(lab.project)["version"]
    if version == state["damaged"]:
        text = f"champion.json names {version}, and what answers is {said}"
        return [Finding("a champion that answers", passed=False, said=text)]
    agree = said == version
    text = f"champion.json names {version}, and {'so it' if agree else said} answers"
    return [Finding("a champion that answers", agree, text)]


INCIDENT = Incident(
    name="bad-deploy",
    alert="ChampionRejected",
    story=(
        "A colleague has deployed a new model this minute, and left for the day.",
        "Callers have not complained so far.",
    ),
    causes=(
        r"bundle|onnx|\bfiles?\b|artifact|damag|corrupt|truncat|broken|incomplete|partial|\bhalf\b|"
        r"\bcut\b|cop(y|ied)|upload|transfer|hash|checksum|integrity|verif|regist|"
        r"\bgates?\b|by hand"
    ),
    breaks=_breaks,
    mended=_mended,
)
begin, check, end = INCIDENT.begin, INCIDENT.check, INCIDENT.end
