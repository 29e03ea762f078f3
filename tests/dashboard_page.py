"""A service beside four real weeks of its log, and what a browser can be asked about its page."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import httpx2
from monitoring_stack import Service
from playwright.sync_api import Page, expect

KEY = "a-key-for-the-tests"
MARKUP = "<img src=x onerror=document.title='fooled'> & more"
"""A reason may quote anything."""
PATIENCE = 20_000
ENOUGH_CONTRAST = 4.5
"""Of small text, by the Web Content Accessibility Guidelines, level AA."""
LIVE = """
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from flight_delay.bundle import load
from flight_delay.champion import read_champion
from flight_delay.clock import set_clock
from flight_delay.contract import DAY, TARGET, field_names
from flight_delay.data import load_table
from flight_delay.encoding import encode
from flight_delay.monitoring.observe import observe
from flight_delay.prediction_log import Entry, open_log
from flight_delay.settings import Settings

FIRST, LAST, OTHER_UNIT = date(2013, 6, 15), date(2013, 7, 12), date(2013, 7, 6)
settings = Settings(clock_file=Settings().home / "clock.txt")
bundle = load(settings.models / read_champion(settings.models).version)
log = open_log(settings)
table = load_table(Settings(home=Path.cwd())).filter(pl.col(DAY).is_between(FIRST, LAST))
for (day,), rows in table.group_by(DAY, maintain_order=True):
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    if day >= OTHER_UNIT:
        rows = rows.with_columns(wind_speed=(pl.col("wind_speed") * 10).clip(0, 150))
    answers = bundle.probabilities(encode({name: rows[name] for name in field_names()}))
    ids = [f"{day:%Y%m%d}{number:024d}" for number in range(rows.height)]
    features = rows.select(field_names()).to_dicts()
    log.record([
        Entry(name, at, bundle.version, answer, bundle.decide(answer), row)
        for name, answer, row in zip(ids, answers.tolist(), features)
    ])
    outcomes = zip(ids, rows[TARGET])
    log.record_outcomes({name: known for name, known in outcomes if known is not None}, at)
set_clock(settings.clock_file, LAST + timedelta(days=1))
report = observe(settings, log)
report["decision"]["reasons"].append(sys.stdin.read())
log.record_event("monitor", report, datetime.now(UTC))
trained = {"version": "0123456789ab", "result": "refused", "why": ["30 days are over"]}
gates = [{"name": "quality", "passed": False, "reason": "0.001 worse"}]
log.record_event("retrain", trained | {"gates": gates}, datetime.now(UTC))
print(json.dumps(report))
"""
CONTRAST = """() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number)
    const part = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    const light = ([red, green, blue]) =>
        [red, green, blue].map(one => part(one / 255))
            .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0)
    const ground = element => {
        const colour = numbers(getComputedStyle(element).backgroundColor)
        return colour[3] === 0 ? ground(element.parentElement) : colour
    }
    const found = []
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
        const text = texts.currentNode.textContent.trim()
        const element = texts.currentNode.parentElement
        const silent = element.closest("title, desc, script, noscript")
        if (!text || silent || !element.checkVisibility()) continue
        const style = getComputedStyle(element)
        const ink = light(numbers(element.ownerSVGElement ? style.fill : style.color))
        const paper = light(ground(element))
        const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)
        found.push([text, contrast])
    }
    return found
}"""
SHIFTS = """() => {
    window.shifts = []
    const observer = new PerformanceObserver(list => window.shifts.push(...list.getEntries()))
    observer.observe({type: "layout-shift"})
}"""


class Keyed(Service):
    """A service whose figures are for those who have a key."""

    @property
    def settings(self) -> dict[str, str]:
        """Its environment."""
        return super().settings | {"APP_API_KEYS": hashlib.sha256(KEY.encode()).hexdigest()}


@dataclass
class Watched:
    """A service, and what its log says was found."""

    service: Service
    report: dict[str, Any]

    def counted(self, name: str, **labels: str) -> int:
        """Return a counter of the service, summed over the labels that are not given."""
        lines = httpx2.get(f"{self.service.url}/metrics").text.splitlines()
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            int(float(line.rpartition(" ")[2]))
            for line in lines
            if line.startswith(f"{name}{{") and all(one in line for one in wanted)
        )


def open_dashboard(page: Page, service: Service) -> None:
    page.set_default_timeout(PATIENCE)
    page.goto(f"{service.url}/dashboard")
    expect(page.locator("#state-word")).to_have_text("Live", timeout=PATIENCE)


def shows(page: Page, selector: str, text: str | re.Pattern[str]) -> None:
    """Wait until a part of the page says this."""
    expect(page.locator(selector)).to_have_text(text, timeout=PATIENCE)


def rows_of(page: Page, table: str) -> list[list[str]]:
    """Return the texts of the rows of a table."""
    script = "rows => rows.map(row => [...row.children].map(cell => cell.innerText.trim()))"
    rows: list[list[str]] = page.locator(f"{table} tbody tr").evaluate_all(script)
    return rows


def turn_away(page: Page, *, hidden: bool) -> None:
    """Tell the page that its tab is hidden, or shown again; a browser without a window never is."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", {value: hidden, configurable: true})
            document.dispatchEvent(new Event("visibilitychange"))
        }""",
        hidden,
    )
