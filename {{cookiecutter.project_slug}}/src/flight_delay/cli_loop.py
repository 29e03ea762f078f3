"""The verbs of the closed loop: watch, explain, retrain, and nine months of it in minutes."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from flight_delay.console import (
    REFUSED,
    done,
    err,
    load_settings,
    out,
    say,
    with_steps,
)

loop_app = typer.Typer()

COLOURS = {"nothing": "green", "warn": "yellow", "retrain": "cyan", "rollback": "red"}
"""Of the policy's actions, on a terminal."""

IfNeeded = Annotated[
    bool, typer.Option("--if-needed", help="Watch first, and do only what the policy decides")
]
Days = Annotated[int | None, typer.Option(min=1, help="So many days; by default to the last")]
Start = Annotated[
    str | None, typer.Option("--from", help="The first day, YYYY-MM-DD; by default launch")
]
Inject = Annotated[
    list[str] | None,
    typer.Option(help="An incident, NAME or NAME@YYYY-MM-DD; can be given again"),
]


@loop_app.command()
def monitor() -> None:
    """Look at the log: data checks, drift, live quality, and what the policy says of them."""
    from flight_delay.monitoring.run import run_monitor

    report = with_steps(run_monitor)
    for part in ("traffic", "quality", "drift"):
        say(out, f"  {part}: {escape(report[part]['said'])}")
    for check in report["checks"]["broken"]:
        say(out, f"  [yellow]broken[/] {escape(check['said'])}")
    _decided(report["decision"])
    done("reports/monitor.html and monitor.json")


@loop_app.command()
def retrain(*, if_needed: IfNeeded = False) -> None:
    """Train a challenger on all the past and promote it if the gates agree; 3 if they refuse."""
    from flight_delay.loop import run_retrain, tend

    tell_turn(with_steps(tend if if_needed else run_retrain))


@loop_app.command()
def feedback(
    source: Annotated[
        Path, typer.Argument(help="A CSV file with request_id and outcome, or JSON lines")
    ],
) -> None:
    """Record outcomes in bulk, as `POST /v1/feedback` does; may be run again."""
    from flight_delay.outcomes import import_outcomes

    def step(settings: Any, tell: Any) -> dict[str, Any]:  # noqa: ANN401 - as with_steps calls it
        return import_outcomes(settings, source, tell)

    report = with_steps(step)
    done(f"{report['new']:,} outcomes recorded, {report['known']:,} were known already")


@loop_app.command()
def pull() -> None:
    """Take the champion of the registry: for a machine that did not train it."""
    from flight_delay.registry import pull as take

    champion = take(load_settings())
    done(f"{champion.version} is the champion here", "serve")


@loop_app.command()
def replay(days: Days = None, start: Start = None, inject: Inject = None) -> None:
    """Live through the year after launch: traffic, late outcomes, retraining, in minutes."""
    from flight_delay.replay.plan import Plan
    from flight_delay.replay.run import run_replay
    from flight_delay.replay.screen import Screen, show_summary

    plan = Plan.of(load_settings(), start=_day(start), days=days, incidents=inject or [])
    with Screen(err, plan) as screen:
        report = run_replay(plan, screen)
    show_summary(out, report)
    done("reports/replay.json, replay.html and replay.png")


def tell_turn(report: dict[str, Any]) -> None:
    """Say what a turn of the loop decided and did; end with 3 when refused, with 1 when failed."""
    if report["decision"]:
        _decided(report["decision"])
    for gate in report["gates"]:
        mark = "[green]pass[/]" if gate["passed"] else "[red]fail[/]"
        say(out, f"  {mark} {gate['name']}: {escape(gate['reason'])}")
    if report["result"] == "refused":
        say(err, f"[red]refused[/]: {report['version']} stays a challenger")
        raise typer.Exit(REFUSED)
    if report["result"] == "failed":
        say(err, f"[red]failed[/]: {escape(report['said'])}")
        raise typer.Exit(1)
    done(report["said"] or report["result"])


def _decided(decision: dict[str, Any]) -> None:
    colour = COLOURS[decision["action"]]
    say(out, f"decision: [{colour}]{decision['action']}[/]")
    for reason in decision["reasons"]:
        say(out, f"  {escape(reason)}")


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        message = f"{text!r} is not a day: write it as 2013-04-01"
        raise typer.BadParameter(message, param_hint="--from") from None
