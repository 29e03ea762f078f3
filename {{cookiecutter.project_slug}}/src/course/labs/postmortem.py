"""A post-mortem: five questions in a Markdown file, and whether each has been answered."""

import re
import time
from pathlib import Path

from course.findings import Finding
from course.labs.folder import ROOT, Lab, clock
from course.labs.prometheus import Episode

FOLDER = ROOT / "course" / "postmortems"
QUESTIONS = (
    "What happened, and from when to when?",
    "How was it noticed?",
    "What was the cause?",
    "What was done, and when was it over?",
    "What will be different from now on?",
)
PROMPTS = (
    "What callers and the business saw. Write times of day in UTC, such as 14:03.",
    "The alert or the metric by its name, and how long it took to be told.",
    "What made it possible, not who did it.",
    "The command or the change, and the time at which the alert was silent.",
    "A test, an alert, a setting or a habit, and who sees to it.",
)
HEADING = re.compile(r"^## (\d)\. .*$", re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
TIME = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")
LEAST_WORDS = 4
WITH_TIME = (1, 4)
WITH_NAME = 2
WITH_CAUSE = 3
WITH_CHANGE = 5
PROMISE = re.compile(r"\b(more|be|being) careful\b|\bpay (more )?attention\b", re.IGNORECASE)
MINUTE = 60


def path_of(lab: Lab) -> Path:
    """Return the file of an incident."""
    return FOLDER / f"{lab.name}.md"


def shown(lab: Lab) -> str:
    """Return the file of an incident, as it is told."""
    return str(path_of(lab).relative_to(ROOT))


def write_template(lab: Lab) -> Path:
    """Write the questions, unless a file is there already."""
    path = path_of(lab)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_template(lab.name), encoding="utf-8")
    return path


def check(lab: Lab, alert: Episode | None, causes: str) -> list[Finding]:
    """Say of each question whether it is answered; the alert is the one that has fired.

    Of the causes, a pattern, the answer about the cause has to name one.
    """
    try:
        text = path_of(lab).read_text("utf-8")
    except FileNotFoundError:
        return [Finding("post-mortem", passed=False, said=f"write {shown(lab)}")]
    answers = _answers(text)
    problems = [
        f"question {number}: {said}"
        for number in range(1, len(QUESTIONS) + 1)
        if (said := problem(number, answers.get(number, ""), lab, alert, causes))
    ]
    if len(problems) == len(QUESTIONS):
        problems = [f"{shown(lab)} asks five questions, and none is answered as yet"]
    said = "; ".join(problems) or f"{shown(lab)} answers its five questions"
    return [Finding("post-mortem", not problems, said)]


def _template(name: str) -> str:
    parts = [
        f"## {number}. {question}\n\n<!-- {prompt} -->\n"
        for number, (question, prompt) in enumerate(zip(QUESTIONS, PROMPTS, strict=True), start=1)
    ]
    return "\n".join([f"# Post-mortem: {name}\n", *parts])


def _answers(text: str) -> dict[int, str]:
    """Return what stands below each heading, without the prompts."""
    _, *parts = HEADING.split(text)
    numbers, bodies = parts[::2], parts[1::2]
    return {
        int(number): COMMENT.sub("", body).strip()
        for number, body in zip(numbers, bodies, strict=True)
    }


def problem(number: int, answer: str, lab: Lab, alert: Episode | None, causes: str) -> str:
    """Return what an answer lacks, if anything."""
    if not answer or answer in PROMPTS:
        return f"not answered ({QUESTIONS[number - 1]})"
    if len(answer.split()) < LEAST_WORDS:
        return f"{answer!r} is too short for somebody who was not there"
    if number in WITH_TIME and not _times_of(lab, answer):
        begun, now = clock(lab.read()["begun"])[:5], clock(time.time())[:5]
        return f"names no time of day of the incident (UTC, between {begun} and {now})"
    if number == WITH_NAME and alert and not re.search(rf"\b{alert.alert}\b|\w+_\w+", answer):
        return f"names neither the alert ({alert.alert}) nor a metric"
    if number == WITH_CAUSE and not re.search(causes, answer, re.IGNORECASE):
        return "the cause that it names does not fit what was found"
    promised = number == WITH_CHANGE and PROMISE.search(answer)
    no_change = "to be careful is no change: name a test, an alert, a setting or a habit"
    return no_change if promised else ""


def _times_of(lab: Lab, answer: str) -> bool:
    """Tell whether a time of day in an answer is one since the lab began, in UTC or here."""
    first = int(lab.read()["begun"]) // MINUTE * MINUTE
    minutes = range(first, int(time.time()) + MINUTE, MINUTE)
    possible = {
        time.strftime("%H:%M", kind(at)) for at in minutes for kind in (time.gmtime, time.localtime)
    }
    return any(f"{int(hour):02}:{minute}" in possible for hour, minute in TIME.findall(answer))
