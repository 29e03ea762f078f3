"""Outcomes stopped coming: the feed's file is refused, all of it, for lines that are at fault.

A spreadsheet has written the request ids in capitals, and some lines belong to another service. The
service takes all of a file or nothing, so the outcomes of a week are missing.
"""

import json
import shutil
import uuid
from pathlib import Path

from course.findings import Finding
from course.labs.feed import FILE
from course.labs.folder import Lab, LabError, write_json
from course.labs.incident import Incident
from course.labs.service import inside, prediction_log

SPRING = "2013-04-02"
DAYS = 18
EVERY = 8
WITHOUT_OUTCOME_DAYS = 10
STRANGERS = 25
OWED = "owed.json"


def _folder(lab: Lab) -> Path:
    return lab.project / "feed"


def _breaks(lab: Lab) -> None:
    if _folder(lab).exists():
        message = f"{_folder(lab)} is there already: move it away, since the lab makes one"
        raise LabError(message)
    weeks = {"do": "lived", "first": SPRING, "days": DAYS, "every": EVERY}
    lived, _ = inside(
        lab.project, weeks | {"without_outcome": WITHOUT_OUTCOME_DAYS}, {"do": "monitor"}
    )
    owed: dict[str, bool] = lived["outcomes"]
    write_json(lab.folder / OWED, owed)
    lab.write(feed=True)
    _folder(lab).mkdir()
    lines = [f"{name.upper()},{str(late).lower()}" for name, late in owed.items()]
    middle = len(lines) // 2
    strangers = [f"{uuid.uuid4().hex.upper()},false" for _ in range(STRANGERS)]
    lines[middle:middle] = strangers
    text = "\n".join(["request_id,outcome", *lines])
    (_folder(lab) / FILE).write_text(f"{text}\n", encoding="utf-8")


def _mended(lab: Lab) -> list[Finding]:
    owed: dict[str, bool] = _owed(lab)
    with prediction_log(lab.project) as log:
        known = dict(log.execute("SELECT request_id, outcome FROM outcomes"))
    missing = [name for name in owed if name not in known]
    wrong = [name for name in owed if name in known and bool(known[name]) != owed[name]]
    said = f"all {len(owed)} outcomes of the feed are in the log"
    if missing:
        said = f"{len(missing)} of the feed's {len(owed)} outcomes are not in the log: send them"
    elif wrong:
        said = f"{len(wrong)} outcomes in the log are not what the feed said"
    return [Finding("outcomes sent again", not missing and not wrong, said)]


def _owed(lab: Lab) -> dict[str, bool]:
    owed: dict[str, bool] = json.loads((lab.folder / OWED).read_bytes())
    return owed


def _tidy(lab: Lab) -> None:
    if lab.read().get("feed"):
        shutil.rmtree(_folder(lab), ignore_errors=True)


def _plan(lab: Lab) -> dict[str, object]:
    return {"feed": str(_folder(lab))}


INCIDENT = Incident(
    name="data-feed",
    alert="OutcomesMissing",
    story=(
        "Outcomes come from another department, as the file feed/outcomes.csv of your project. It",
        "is sent to /v1/feedback every second until it is taken; feed/feed.log has the answers.",
        "The monitor has run last night. You can run it as often as you like.",
    ),
    causes=(
        r"capital|upper.?case|lower.?case|\bcase\b|\bids?\b|foreign|stranger|unknown|"
        r"another service|spreadsheet|export|\bformat|pattern|contract|\b422\b|\b404\b"
    ),
    breaks=_breaks,
    mended=_mended,
    tidy=_tidy,
    plan=_plan,
)
begin, check, end = INCIDENT.begin, INCIDENT.check, INCIDENT.end
