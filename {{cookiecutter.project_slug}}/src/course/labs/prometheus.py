"""A real Prometheus on the learner's own rules, with every duration a sixtieth of what it is.

The rules are read from `monitoring/rules.yml` each time: a minute there is a second here, in
ranges, in `for` and between two looks alike. Nothing else is changed, so what fires here would fire
in earnest.
"""

import json
import re
import shutil
import time
import urllib.parse
from typing import Any, NamedTuple

from course.labs import programs
from course.labs.folder import Lab, LabError, became
from course.labs.service import HOST, OK, PORT, ask, free_port

SIXTIETH = 60
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
RANGE = re.compile(r"(?<=\[)(\d+)([smhd])(?=\])")
FOR = re.compile(r"(?<=\bfor: )(\d+)([smhd])\b")
INTERVAL = re.compile(r"(?<=_interval: )(\d+)([smhd])\b")
PAGES = ("/alerts", "/classic/alerts")
SHIPPED_TARGET = "127.0.0.1:8000"
LIFE_SECONDS = 3600
"""Long enough to write a post-mortem at leisure."""
START_SECONDS = 30
HISTORY = "2h"


class Episode(NamedTuple):
    """From when to when an alert fired, and whether it does now."""

    alert: str
    fired: float
    last: float
    firing: bool


def faster(text: str) -> str:
    """Return a configuration or rules with every duration divided by sixty."""
    for pattern in (RANGE, FOR, INTERVAL):
        text = pattern.sub(_sixtieth, text)
    return text


def start(lab: Lab) -> None:
    """Start it on a free port, and wait until it watches the service and finds it up.

    What it says before that is not counted: the lab begins now.

    Raises:
        LabError: when the program is missing, with how to get it, or it does not come up.
    """
    program = require_prometheus()
    port = free_port()
    shipped = lab.project / "monitoring"
    rules = faster((shipped / "rules.yml").read_text("utf-8"))
    (lab.folder / "rules.yml").write_text(rules, "utf-8")
    config = faster((shipped / "prometheus.yml").read_text("utf-8"))
    config = config.replace(SHIPPED_TARGET, f"{HOST}:{PORT}")
    (lab.folder / "prometheus.yml").write_text(config, "utf-8")
    command = [
        *(program, "--config.file", str(lab.folder / "prometheus.yml")),
        *("--storage.tsdb.path", str(lab.folder / "data")),
        *("--web.listen-address", f"{HOST}:{port}"),
    ]
    lab.write(prometheus=port)
    programs.start(lab, "prometheus", command, LIFE_SECONDS)
    if not became(lambda: _watches(lab), START_SECONDS):
        said = (lab.folder / "prometheus.log").read_text("utf-8").strip().splitlines()
        message = f"Prometheus did not come up: {said[-1] if said else 'it said nothing'}"
        raise LabError(message)
    lab.write(begun=time.time())


def require_prometheus() -> str:
    """Return the program.

    Raises:
        LabError: when this machine lacks it.
    """
    program = shutil.which("prometheus")
    if program is None:
        message = (
            "this needs the program prometheus: `sudo apt-get install prometheus` on Debian and "
            "Ubuntu, `brew install prometheus` on a Mac, or prometheus.io/download"
        )
        raise LabError(message)
    return program


def page(lab: Lab) -> str:
    """Return where its page of alerts is; Debian ships the classic pages alone."""
    port = lab.read()["prometheus"]
    found = (path for path in PAGES if ask(path, port=port).status == OK)
    return f"http://{HOST}:{port}{next(found, '')}"


def query(lab: Lab, expression: str) -> list[dict[str, Any]]:
    """Return what a query gives now.

    Raises:
        LabError: when it does not answer, as after the hour that it lives.
    """
    asked = urllib.parse.urlencode({"query": expression})
    answer = ask(f"/api/v1/query?{asked}", port=lab.read()["prometheus"])
    if answer.status != OK:
        message = (
            f"the Prometheus of this lab does not answer; it lives for {LIFE_SECONDS // 60} "
            f"minutes: {lab.ends}, then begin again"
        )
        raise LabError(message)
    result: list[dict[str, Any]] = answer.body["data"]["result"]
    return result


def episodes(lab: Lab) -> list[Episode]:
    """Return when each alert fired, from Prometheus' own history, the first to fire first."""
    firing = 'ALERTS{alertstate="firing"}'
    now = {json.dumps(one["metric"], sort_keys=True) for one in query(lab, firing)}
    begun = lab.read()["begun"]
    found: dict[str, Episode] = {}
    for series in query(lab, f"{firing}[{HISTORY}]"):
        name = series["metric"]["alertname"]
        times = [at for at, _ in series["values"] if at >= begun]
        if not times:
            continue
        still = json.dumps(series["metric"], sort_keys=True) in now
        one = Episode(name, times[0], times[-1], still)
        known = found.get(name, one)
        found[name] = Episode(
            name, min(known.fired, one.fired), max(known.last, one.last), known.firing or still
        )
    return sorted(found.values(), key=lambda one: one.fired)


def lost_rows(lab: Lab) -> float:
    """Return how many rows of the prediction log the service dropped since the lab began."""
    most = query(lab, f"max_over_time(prediction_log_dropped_total[{HISTORY}])")
    before: float = lab.read().get("dropped_before", 0.0)
    return sum(float(one["value"][1]) for one in most) - before


def _watches(lab: Lab) -> bool:
    answer = ask("/api/v1/targets", port=lab.read()["prometheus"])
    targets = answer.body["data"]["activeTargets"] if answer.status == OK else []
    if not any(target["health"] == "up" for target in targets):
        return False
    return not query(lab, 'ALERTS{alertname="ServiceDown"}')


def _sixtieth(found: re.Match[str]) -> str:
    seconds = int(found[1]) * UNITS[found[2]]
    return f"{seconds * 1000 // SIXTIETH}ms" if seconds < SIXTIETH else f"{seconds // SIXTIETH}s"
