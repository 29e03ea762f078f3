"""The monitoring report as a page for people, in one file that loads nothing from elsewhere."""

from functools import cache
from math import inf
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from flight_delay.contract import (
    DAY,
    FIELDS,
    OUTCOME,
    ROWS,
    TARGET_DESCRIPTION,
    Numeric,
)
from flight_delay.files import write_atomically
from flight_delay.monitoring.charts import (
    FURTHEST,
    bin_rows,
    days_chart,
    windows_chart,
)
from flight_delay.monitoring.drift import PREDICTION
from flight_delay.monitoring.findings import Findings, Report
from flight_delay.monitoring.spans import Span
from flight_delay.settings import Settings

PACKAGE = __name__.split(".")[0]
SHOWN = 4
"""Fields whose shares are shown bin by bin: those furthest from training."""


def write_html(report: Report, found: Findings, settings: Settings, path: Path) -> None:
    """Write the page of a report; `found` is what it was made from, for the charts."""
    fields = sorted(_compared(report), key=lambda field: -field["ratio"])
    page = _template().render(
        report=report,
        settings=settings,
        fields=fields,
        details=[_detail(field, found) for field in fields[:SHOWN]],
        days=_days(found, settings),
        windows=windows_chart(report["windows"], settings.max_live_bias)
        if report["windows"]
        else None,
        outcome=OUTCOME,
        target=TARGET_DESCRIPTION,
        rows=ROWS,
        furthest=FURTHEST,
    )
    write_atomically(path, page.encode())


@cache
def _template() -> Template:
    pages = Environment(
        loader=PackageLoader(PACKAGE, "monitoring"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("report.html.j2")


def _compared(report: Report) -> list[dict[str, Any]]:
    """Return what was compared with training, with what the page says of it."""
    about = {
        field.name: f"{field.description} ({field.unit})"
        if isinstance(field, Numeric)
        else field.description
        for field in FIELDS
    }
    about[PREDICTION] = "What the model said"
    compared = [*report["drift"]["fields"], *filter(None, [report["drift"]["prediction"]])]
    return [
        one
        | {
            "about": about[one["field"]],
            "ratio": _times_usual(one["psi"], one["usual_psi"]),
            "unusual": 2 * one["unusual_days"] > one["days"],
        }
        for one in compared
    ]


def _times_usual(index: float, usual: float) -> float:
    """Return an index as a multiple of the usual one, which is 0 for what never changed."""
    if usual:
        return index / usual
    return inf if index else 0.0


def _detail(field: dict[str, Any], found: Findings) -> dict[str, Any]:
    reference = found.watched.reference or {}
    profiles = reference["fields"] | {PREDICTION: reference[PREDICTION]}
    name = field["field"]
    return field | {"bins": bin_rows(found.counting[name], found.counting, profiles[name])}


def _days(found: Findings, settings: Settings) -> Any:  # noqa: ANN401 - a chart or None
    """Draw the days of the quality windows that count, if there are any."""
    first = found.windows[0].first if found.windows else found.known.first
    known = Span(min(first, found.known.first), found.known.last).of(found.totals)
    known = known.filter(pl.col("labelled") >= settings.least_day_rows).sort(DAY)
    return days_chart(known) if known.height else None
