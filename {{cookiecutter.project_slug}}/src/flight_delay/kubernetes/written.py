"""What the command `write` writes: everything here that is derived from something else."""

import io
from dataclasses import replace
from pathlib import Path

from flight_delay.errors import ProjectError
from flight_delay.files import write_atomically
from flight_delay.kubernetes.autoscaler import PROD
from flight_delay.kubernetes.day import Day, requests, simulate
from flight_delay.kubernetes.measure import Measured
from flight_delay.kubernetes.picture import picture
from flight_delay.kubernetes.plan import WAYS, plan
from flight_delay.kubernetes.rules import prometheus_rule
from flight_delay.kubernetes.tables import (
    measured_table,
    plans_table,
    targets_table,
)

RULES = Path("monitoring/rules.yml")
PROMETHEUS_RULE = Path("deploy/kubernetes/components/prometheus/prometheus-rule.yaml")
MEASURED = Path("deploy/kubernetes/measured.json")
CAPACITY = Path("docs/capacity.md")
PICTURE = Path("docs/images/autoscaling.png")
TARGETS = (50, 60, 70, 80, 90)
START_SECONDS = 30
"""Assumed: a node that has the image, the process, the champion, and two probes."""
NEW_NODE_SECONDS = 150
"""Assumed: a machine that has to be started first."""
DAYS = 5
"""Simulated for each line of the table: one day may be lucky."""
PICTURED = (PROD.target, 90)


class WrittenError(ProjectError):
    """A file has lost the place that is to be written to."""


def texts(home: Path) -> dict[Path, str]:
    """Return each derived text by its path in the project."""
    measured = Measured.read(home / MEASURED)
    days = {
        (target, seconds): [day(measured, target, seconds, seed) for seed in range(DAYS)]
        for seconds in (START_SECONDS, NEW_NODE_SECONDS)
        for target in TARGETS
    }
    tables = {
        "measured": measured_table(measured),
        "targets": targets_table(days),
        "plans": plans_table([plan(measured, way) for way in WAYS]),
    }
    text = (home / CAPACITY).read_text(encoding="utf-8")
    for name, table in tables.items():
        text = _put(text, name, table)
    rules = (home / RULES).read_text(encoding="utf-8")
    return {PROMETHEUS_RULE: prometheus_rule(rules), CAPACITY: text}


def day(measured: Measured, target: int, start_seconds: int, seed: int = 0) -> Day:
    """Return a day of one-row requests under a target in percent."""
    replica_requests = 1e6 / measured.cost(1).microseconds
    load = requests(measured.hourly_share, seed)
    return simulate(load, replace(PROD, target=target), replica_requests, start_seconds)


def write(home: Path) -> list[Path]:
    """Write everything that is derived and return where.

    Raises:
        WrittenError: when docs/capacity.md has lost a marker.
    """
    for path, text in texts(home).items():
        write_atomically(home / path, text.encode())
    measured = Measured.read(home / MEASURED)
    plot = io.BytesIO()
    days = {target: day(measured, target, START_SECONDS) for target in PICTURED}
    picture(days).savefig(plot, format="png")
    write_atomically(home / PICTURE, plot.getvalue())
    return [PROMETHEUS_RULE, CAPACITY, PICTURE]


def _put(text: str, name: str, table: str) -> str:
    """Return a text with the table between two markers replaced."""
    begin, end = f"<!-- {name}: written by the command `write` -->", f"<!-- end of {name} -->"
    before, begins, rest = text.partition(begin)
    _, ends, after = rest.partition(end)
    if not (begins and ends):
        message = f"{CAPACITY} has lost the line {begin} or {end}: put both back"
        raise WrittenError(message)
    return f"{before}{begin}\n{table}\n{end}{after}"
