"""The monitor: observe, record what was found, and write the report as JSON and as a page."""

from collections.abc import Callable
from typing import Any

from flight_delay.clock import now
from flight_delay.files import write_json
from flight_delay.monitoring.findings import Findings, broken_days
from flight_delay.monitoring.observe import judged, look
from flight_delay.monitoring.report import write_html
from flight_delay.prediction_log import PredictionLog, open_log
from flight_delay.settings import Settings

JSON_FILE = "monitor.json"
HTML_FILE = "monitor.html"


def run_monitor(
    settings: Settings, say: Callable[[str], None], *, page: bool = True
) -> dict[str, Any]:
    """Observe, record the broken days and the report as events, and write `reports/monitor.*`.

    Raises:
        LogError: when the log cannot be read or written.
    """
    say("reading the prediction log, comparing it with training, measuring what came true")
    log = open_log(settings)
    try:
        found = look(settings, log)
        report = judged(found, settings)
        _record(found, report, log, settings)
    finally:
        log.close()
    write_json(settings.reports / JSON_FILE, report)
    if page:
        write_html(report, found, settings, settings.reports / HTML_FILE)
    return report


def _record(
    found: Findings, report: dict[str, Any], log: PredictionLog, settings: Settings
) -> None:
    """Record each broken day once, and the report; the newest one is what the service shows."""
    moment = now(settings.clock_file)
    # A day is looked at for as long as it is in the window, and others are recorded meanwhile.
    recorded = log.events("broken_day", last=2 * settings.drift_days)
    known = {event.content["day"] for event in recorded}
    for broken in broken_days(found.broken):
        day = str(broken.day)
        if day not in known:
            content = {"day": day, "blocks": broken.blocks, "reasons": list(broken.reasons)}
            log.record_event("broken_day", content, moment)
    log.record_event("monitor", report, moment)
