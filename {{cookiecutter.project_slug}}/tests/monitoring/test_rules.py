"""Rules, dashboard and runbook agree with one another, and with what the service really exposes.

A misspelt metric is no error for Prometheus: it is a query that finds nothing, for ever.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from flight_delay.prediction_log import Event
from flight_delay.service.metrics import Metrics
from flight_delay.service.observed import MONITOR, families
from flight_delay.settings import Settings

PROJECT = Path(__file__).parents[2]
MONITORING = PROJECT / "monitoring"
DASHBOARD = MONITORING / "grafana" / "dashboards" / "service.json"
RUNBOOK = PROJECT / "docs" / "runbook.md"
PROMTOOL = shutil.which("promtool")
NO_ALERT = "Before you are on call"
"""The section of the runbook that is about no alert."""
GRID_WIDTH = 24
SEVERITIES = {"page", "ticket", "info"}

SERIES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
"""What is appended to the name of a metric, by its type."""
OF_PROMETHEUS = {"up", "ALERTS"}
NO_METRIC = re.compile(
    r"""
    "[^"]*" | \{[^}]*\} | \[[^]]*\]  # strings, selectors, ranges
    | \b(?:\w+\s+by|\w+\s+without|on)\s*\([^)]*\)  # labels
    | \boffset\s+\w+ | \b\w+\s*\(  # moments, functions
    | \b(?:and|or|unless)\b
    """,
    re.VERBOSE,
)
EMPTY_REPORT: dict[str, Any] = {
    "champion": None,
    "drift": {"fields": [], "prediction": None},
    "quality": {"unlabelled_share": None, "metrics": None},
    "checks": {"broken": []},
    "windows": [],
    "decision": {"action": "nothing"},
}


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((MONITORING / name).read_text("utf-8"))
    return content


def rules(kind: str) -> list[dict[str, Any]]:
    """Return the rules that record, or those that alert."""
    groups = load("rules.yml")["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def alerts() -> set[str]:
    return {rule["alert"] for rule in rules("alert")}


def panels(of: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the panels, those of folded rows too."""
    for panel in of:
        if panel["type"] == "row":
            yield from panels(panel["panels"])
        else:
            yield panel


def queries() -> list[str]:
    """Return every query: of the rules, of the dashboard's panels and of its variables."""
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    shown = [target for panel in panels(dashboard["panels"]) for target in panel["targets"]]
    variables = [one["query"]["query"] for one in dashboard["templating"]["list"]]
    return [
        *(rule["expr"] for kind in ("record", "alert") for rule in rules(kind)),
        *(target["expr"] for target in shown),
        *(re.sub(r", *\w+\)$", ")", variable) for variable in variables),
    ]


def metrics_in(query: str) -> set[str]:
    return set(re.findall(r"[a-zA-Z_:][\w:]*", NO_METRIC.sub(" ", query)))


def exposed() -> set[str]:
    """Return the names of all series that a service may expose."""
    report = Event(datetime.now(UTC), MONITOR, EMPTY_REPORT)
    every = [*Metrics().registry.collect(), *families(report)]
    return {f"{one.name}{end}" for one in every for end in SERIES[one.type]}


def test_a_query_is_read_for_its_metrics() -> None:
    query = 'max by (job) (a_b{job="c"} offset 2d) > 2 * 86400 unless on (job) rate(d:e[5m]) or f'
    assert metrics_in(query) == {"a_b", "d:e", "f"}


def test_every_metric_that_is_asked_for_is_one_that_the_service_exposes() -> None:
    asked = set.union(*map(metrics_in, queries()))
    recorded = {rule["record"] for rule in rules("record")}
    assert len(asked) > 20
    assert asked - exposed() - recorded == OF_PROMETHEUS


def test_every_metric_of_the_service_is_shown_or_watched() -> None:
    asked = set.union(*map(metrics_in, queries()))
    ours = {name for name in exposed() if not name.startswith("process_")}
    assert {name for name in ours - asked if not name.endswith(("_sum", "_count"))} == set()


def test_every_panel_has_its_own_place_and_the_source_that_grafana_is_given() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    (source,) = load("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    shown = list(panels(dashboard["panels"]))
    assert {panel["datasource"]["uid"] for panel in shown} == {source["uid"]}
    for row in [dashboard, *(one for one in dashboard["panels"] if one.get("panels"))]:
        cells = [cell for panel in row["panels"] for cell in cells_of(**panel["gridPos"])]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) < GRID_WIDTH


def cells_of(x: int, y: int, w: int, h: int) -> list[tuple[int, int]]:
    return [(column, line) for column in range(x, x + w) for line in range(y, y + h)]


def test_every_alert_says_what_it_means_and_where_to_read_on() -> None:
    for rule in rules("alert"):
        assert rule["labels"]["severity"] in SEVERITIES
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        anchor = rule["alert"].lower()
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{anchor}"


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    runbook = RUNBOOK.read_text("utf-8")
    sections = re.findall(r"^## (.+)$", runbook, re.MULTILINE)
    assert sections[0] == NO_ALERT
    assert sorted(sections[1:]) == sorted(alerts())
    assert set(re.findall(r"\]\(#([^)]+)\)", runbook)) < {section.lower() for section in sections}


def test_thresholds_that_are_settings_are_those_of_the_settings() -> None:
    settings = Settings()
    limits = {rule["alert"]: rule["expr"] for rule in rules("alert")}
    assert f">= {settings.breaches_needed}\n" in f"{limits['LiveQualityBreached']}\n"


def test_drift_informs_and_never_calls_anybody() -> None:
    severities = {rule["labels"]["severity"] for rule in rules("alert") if "drift" in rule["expr"]}
    assert severities == {"info"}


def test_every_alert_is_shown_to_fire_and_to_be_silent() -> None:
    shown: dict[bool, set[str]] = {True: set(), False: set()}
    for test in load("rules_test.yml")["tests"]:
        for case in test.get("alert_rule_test", []):
            shown[bool(case["exp_alerts"])].add(case["alertname"])
    assert shown == {True: alerts(), False: alerts()}


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool here: apt-get install prometheus")
def test_the_unit_tests_of_the_rules_pass() -> None:
    assert PROMTOOL is not None
    command = [PROMTOOL, "test", "rules", "rules_test.yml"]
    tested = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr
