"""The replay on a terminal: one line a day, live, and a summary at the end."""

from collections import deque
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from flight_delay.replay.day import QUIET, DayLine
from flight_delay.replay.plan import Plan
from flight_delay.replay.story import worse

SHOWN_DAYS = 14
EVERY_DAYS = 7
"""Where there is no terminal: so often a line when nothing happens."""
METRICS = {"auc": "AUC", "brier": "Brier score", "calibration_error": "calibration error"}


class Screen:
    """Receives every day of a replay and shows it."""

    def __init__(self, console: Console, plan: Plan) -> None:
        """Prepare to show the days of a plan."""
        self._console = console
        self._days: deque[DayLine] = deque(maxlen=SHOWN_DAYS)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task("starting", total=len(plan.days))
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=8)

    def __enter__(self) -> Self:
        """Take over the terminal's last lines, if there is a terminal."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Give the terminal back."""
        if self._console.is_terminal:
            self._live.stop()

    def doing(self, what: str) -> None:
        """Say what takes a while."""
        self._progress.update(self._task, description=what)

    def day(self, line: DayLine) -> None:
        """Show a day that is over."""
        news = line.action != QUIET and line.said != (self._days[-1].said if self._days else "")
        self._days.append(line)
        self._progress.update(self._task, advance=1, description=str(line.day))
        quiet = line.number % EVERY_DAYS and not news
        if not (self._console.is_terminal or quiet):
            self._console.print(as_text(line), soft_wrap=True, highlight=False)

    def _render(self) -> Group:
        table = Table("day", "predictions", "AUC", "calibration", "drifted", "champion", "decision")
        for line in self._days:
            table.add_row(
                str(line.day),
                f"{line.predictions:,}",
                _figure(line.auc),
                _figure(line.calibration_error),
                str(line.drifted),
                line.champion,
                escape(f"{line.action}: {line.said}" if line.said else line.action),
            )
        return Group(table, self._progress)


def as_text(line: DayLine) -> str:
    """Return a day as one line of text."""
    figures = f"AUC {_figure(line.auc)}  calibration error {_figure(line.calibration_error)}"
    said = f": {line.said}" if line.said else ""
    return escape(
        f"{line.day}  {line.predictions:>6,} predictions  {figures}  "
        f"{line.drifted:>2} drifted  {line.champion}  {line.action}{said}"
    )


def show_summary(console: Console, report: dict[str, Any]) -> None:
    """Show the months, and the model left alone against the model kept alive."""
    columns = ("month", "left late", "AUC alone", "kept", "Brier alone", "kept", "note")
    months = Table(*columns, title="")
    for row in report["months"]:
        months.add_row(
            row["month"],
            f"{row['base_rate']:.3f}",
            f"{row['left_alone']['auc']:.3f}",
            f"{row['kept_alive']['auc']:.3f}",
            f"{row['left_alone']['brier']:.4f}",
            f"{row['kept_alive']['brier']:.4f}",
            worse(row),
        )
    console.print(months)
    summary = report["summary"]
    whole = Table("all days", "left alone", "kept alive", "difference (95 %, by day)")
    for metric, name in METRICS.items():
        difference = report["difference"][metric]
        whole.add_row(
            name,
            f"{summary['left_alone'][metric]:.4f}",
            f"{summary['kept_alive'][metric]:.4f}",
            "{estimate:+.4f} ({low:+.4f} to {high:+.4f})".format_map(difference),
        )
    console.print(whole)
    console.print(
        f"{summary['requests']:,} requests, {summary['predictions']:,} predictions, "
        f"{summary['failed_requests']} failed; {_counted(summary, 'retraining')}, "
        f"{_counted(summary, 'promotion')}, {_counted(summary, 'rollback')}; "
        f"{summary['seconds']:.0f} s",
        soft_wrap=True,
        highlight=False,
    )


def _counted(summary: dict[str, Any], what: str) -> str:
    count = summary[f"{what}s"]
    return f"{count} {what}{'' if count == 1 else 's'}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
