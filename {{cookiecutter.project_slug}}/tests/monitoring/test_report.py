"""The page: the decision first, everything in words, and nothing loaded from elsewhere."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from flight_delay.bundle import Bundle
from flight_delay.clock import set_clock
from flight_delay.contract import DAY, field_names
from flight_delay.incidents import INCIDENTS
from flight_delay.monitoring.drift import drift
from flight_delay.monitoring.findings import Findings
from flight_delay.monitoring.observe import judged, look
from flight_delay.monitoring.report import write_html
from flight_delay.prediction_log import PredictionLog, open_log
from flight_delay.reference import reference_profile
from flight_delay.settings import Settings
from flight_delay.splits import Windows

from .logged import between, record

TODAY = date(2013, 5, 6)
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """The elements of a page, and the text of those that are headings or list items."""

    def __init__(self, text: str) -> None:
        """Parse the text; every element that is opened must be closed."""
        super().__init__()
        self.text = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that has no content."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last, which must be of this name."""
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of a name."""
        return [attributes for name, attributes in self.elements if name == tag]


def write(found: Findings, report: dict[str, Any], settings: Settings) -> Page:
    """Write the page and read it again."""
    path = settings.home / "page.html"
    write_html(report, found, settings, path)
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture
def settings(home: Settings) -> Settings:
    """Return the settings of a folder whose clock stands at today."""
    assert home.clock_file is not None
    set_clock(home.clock_file, TODAY)
    return home


@pytest.fixture
def found(
    settings: Settings, log: PredictionLog, production: pl.DataFrame, bundle: Bundle
) -> Findings:
    """Return what is found of four weeks, on the last two days of which no wind was reported."""
    month = between(production, date(2013, 4, 8), TODAY)
    rows = month.filter(pl.int_range(pl.len()).shuffle(seed=1).over(DAY) < 300)
    injured = INCIDENTS["dead_sensor"](rows, date(2013, 5, 4), TODAY)
    record(log, injured, bundle.version, bundle.manifest.threshold, date(2013, 5, 2))
    return look(settings, log)


@pytest.fixture
def page(found: Findings, settings: Settings) -> Page:
    """Return the page of those four weeks."""
    return write(found, judged(found, settings), settings)


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page.text)
    assert not any(
        {"src", "href", "srcset", "action"} & set(attributes) for _, attributes in page.elements
    )
    assert not {"script", "link", "iframe", "img"} & {tag for tag, _ in page.elements}


def test_the_decision_comes_first_with_its_reasons(
    page: Page, found: Findings, settings: Settings
) -> None:
    report = judged(found, settings)
    decision = report["decision"]
    assert page.text.index(f"Decision: {decision['action']}") < page.text.index("<h2>")
    for reason in decision["reasons"]:
        assert reason in page.text
    assert "Not to be learned from: 2013-05-04, 2013-05-05" in page.text
    for check in report["checks"]["broken"]:
        assert check["said"] in page.text


def test_every_field_slice_and_metric_is_there(
    page: Page, found: Findings, settings: Settings
) -> None:
    report = judged(found, settings)
    for name in (*field_names(), "probability"):
        assert f'<th scope="row">{name}' in page.text
    for row in report["quality"]["slices"]:
        line = page.text.split(f"{row['slice']} {row['value']}<")[1].split("</tr>")[0]
        for name in ("brier", "precision", "recall"):
            assert f">{row[name]:.3f}</td>" in line
    assert f"{report['quality']['metrics']['brier']:.3f}" in page.text
    assert report["quality"]["said"] in page.text


@pytest.mark.parametrize(("now", "times"), [(0.0, "0.00"), (1.0, "inf")])
def test_a_field_that_never_changed_in_training_is_no_error(
    found: Findings, settings: Settings, windows: Windows, now: float, times: str
) -> None:
    def always(rows: pl.DataFrame, value: float) -> pl.DataFrame:
        return rows.with_columns(precipitation=pl.lit(value, pl.Float32))

    sample = windows.history.filter(pl.int_range(pl.len()).shuffle(seed=1).over(DAY) < 300)
    reference = reference_profile(always(sample, 0.0), np.full(sample.height, 0.2))
    counting = always(found.counting, now)
    found = replace(
        found,
        watched=replace(found.watched, reference=reference),
        counting=counting,
        drift=drift(counting, reference, settings),
    )
    page = write(found, judged(found, settings), settings)
    row = page.text.split('<th scope="row">precipitation')[1].split("</tr>")[0]
    assert f'title="{times} times the usual limit"' in row


def test_what_a_reader_has_to_know_is_said(page: Page) -> None:
    for words in (
        "Drift is not decay.",
        "complete after 3 days",
        "computed by whoever calls the service",
        "One year cannot tell a season from a drift",
    ):
        assert words in page.text


def test_it_can_be_read_in_the_dark_on_a_phone_and_aloud(page: Page) -> None:
    assert "prefers-color-scheme: dark" in page.text
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.named(
        "meta"
    )
    assert page.named("html") == [{"lang": "en"}]
    drawings = page.named("svg")
    assert len(drawings) == 2
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in drawings)


def test_what_comes_from_the_log_is_text_and_never_markup(
    found: Findings, settings: Settings
) -> None:
    report = judged(found, settings)
    report["decision"]["reasons"] = ["<script>alert(1)</script>"]
    report["quality"]["slices"][0]["value"] = '"><b>'
    page = write(found, report, settings)
    assert "<script" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<b>" not in page.text


def test_a_predecessor_is_told_with_its_interval(found: Findings, settings: Settings) -> None:
    report = judged(found, settings)
    report["predecessor"] = {
        "version": "abc",
        "days": 5,
        "rows": 1234,
        "estimate": -0.0012,
        "low": -0.003,
        "high": 0.0005,
    }
    page = write(found, report, settings)
    assert "the same 1,234 flights of 5 days" in page.text
    assert "-0.0012 (-0.0030 to +0.0005)" in re.sub(r"\s+", " ", page.text)


def test_a_page_of_nothing_says_so(settings: Settings, log: PredictionLog) -> None:
    found = look(settings, log)
    page = write(found, judged(found, settings), settings)
    assert "Nothing was checked." in page.text
    assert "no verdict: 0 days" in page.text
    assert page.named("svg") == []

    nobody = replace(found, watched=replace(found.watched, champion=None))
    assert "There is no champion." in write(nobody, judged(nobody, settings), settings).text


def test_no_champion_makes_a_page(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, clock_file=tmp_path / "clock")
    set_clock(tmp_path / "clock", TODAY)
    log = open_log(settings)
    found = look(settings, log)
    log.close()
    assert "train a model and promote it" in write(found, judged(found, settings), settings).text
