"""The verbs of a review: a new model beside the one in use, and the comment that shows it."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from flight_delay.console import done, fail, load_settings, out, say, with_steps

review_app = typer.Typer()

Other = Annotated[
    Path | None, typer.Option("--with", help="A bundle's folder; by default the champion's")
]
Plot = Annotated[str | None, typer.Option("--plot", help="Where the picture was uploaded to")]


@review_app.command()
def compare(other: Other = None) -> None:
    """Compare the last trained model with another, on days that neither has seen."""
    from flight_delay.compare import run_compare

    def step(settings: Any, tell: Any) -> dict[str, Any]:  # noqa: ANN401 - as with_steps calls it
        return run_compare(settings, tell, other)

    report = with_steps(step)
    if report["rival"] is None:
        say(out, f"  [yellow]not compared[/]: {escape(report['problem'])}")
    else:
        brier = report["rival"]["difference"]["brier"]
        say(
            out,
            f"  {report['challenger']['version']} less {report['other']['version']}: Brier score "
            f"{brier['estimate']:+.4f} ({brier['low']:+.4f} to {brier['high']:+.4f})",
        )
    done("reports/compare.json, compare.md and compare.png")


@review_app.command()
def comment(plot: Plot = None) -> None:
    """Show the comparison on the pull request that GitHub Actions runs for, in one comment."""
    from flight_delay.github import comment as write
    from flight_delay.github import of_environment

    text = load_settings().reports / "compare.md"
    if not text.is_file():
        fail("no reports/compare.md: run the command `compare` first")
    picture = f"\n[Both models' calibration as a picture]({plot})\n" if plot else ""
    done(write(of_environment(os.environ), text.read_text(encoding="utf-8") + picture))
