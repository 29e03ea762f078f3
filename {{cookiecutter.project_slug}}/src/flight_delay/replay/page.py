"""The replay as a picture and as a page that explains it."""

import io
import itertools
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from flight_delay.contract import OUTCOME, ROWS
from flight_delay.files import unfinished_file, write_atomically
from flight_delay.replay.picture import picture
from flight_delay.replay.plan import Plan
from flight_delay.replay.story import worse

PACKAGE = __name__.split(".")[0]


def write_page(plan: Plan, report: dict[str, Any]) -> None:
    """Write `reports/replay.png` and `reports/replay.html`, which loads nothing from elsewhere."""
    reports = plan.project.reports
    figure = picture(report)
    with unfinished_file(reports / "replay.png") as unfinished:
        figure.savefig(unfinished, format="png")
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg", metadata={"Date": None})
    pages = Environment(loader=PackageLoader(PACKAGE, "replay"), autoescape=True)
    page = pages.get_template("page.html.j2").render(
        report=report,
        events=_events(report["days"]),
        worse=worse,
        # Our own drawing, not a caller's words.
        picture=Markup(drawing.getvalue()[drawing.getvalue().index("<svg") :]),  # noqa: S704
        outcome=OUTCOME,
        rows=ROWS,
    )
    write_atomically(reports / "replay.html", page.encode())


def _events(days: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the days on which something new was said; a broken day stays in sight for a week."""
    return [
        day
        for before, day in itertools.pairwise([{"said": ""}, *days])
        if day["said"] and day["said"] != before["said"]
    ]
