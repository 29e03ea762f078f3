"""One command a verb. Each says what it does, what it made and what to do next."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from flight_delay import __doc__ as summary
from flight_delay.cli_loop import loop_app
from flight_delay.cli_review import review_app
from flight_delay.cli_ship import ship_app
from flight_delay.console import (
    REFUSED,
    done,
    err,
    fail,
    load_settings,
    out,
    read_text,
    run,
    say,
    with_steps,
)
from flight_delay.files import write_json

# The verbs import what they need when they run: training libraries take seconds to import and
# are not installed where the service runs.

app = typer.Typer(no_args_is_help=True, add_completion=False, help=summary)
keys_app = typer.Typer(no_args_is_help=True, help="API keys of the service.")
app.add_typer(keys_app, name="keys")
app.add_typer(loop_app)  # without a name: its verbs stand beside these
app.add_typer(ship_app)
app.add_typer(review_app)
MARKS = {"good": "[green]good[/]", "note": "[yellow]note[/]", "bad": "[red]bad[/] "}

Version = Annotated[
    str | None, typer.Option("--version", help="A bundle's version; by default the challenger")
]
Host = Annotated[str | None, typer.Option(help="Address; by default APP_HOST or 127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port; by default APP_PORT or 8000")]
Key = Annotated[
    str | None,
    typer.Option("--api-key", help="A key, if the service needs one", envvar="APP_API_KEY"),
]


@app.command()
def data() -> None:
    """Build the table from the raw files, check it against the contract, and store it."""
    from flight_delay.pipeline import run_data

    facts = with_steps(run_data)
    for field, count in facts["impossible_readings"].items():
        say(out, f"  {count} impossible reading of {field} became null")
    done(
        f"data/flights.parquet: {facts['rows']:,} flights, {facts['first_day']} to "
        f"{facts['last_day']}, hash {facts['data_hash'][:12]}",
        "train",
    )


@app.command()
def train() -> None:
    """Train, evaluate, export to ONNX, log to MLflow, and register a challenger."""
    from flight_delay.pipeline import run_train

    report = with_steps(run_train)
    out.print(_figures("validation", report["validation"]))
    if report["launch"]:
        out.print(_figures("after launch", report["launch"]))
    done(
        f"challenger {report['version']} in models/, run {report['run_id'][:8]} in MLflow, "
        f"plots and figures in reports/",
        "promote",
    )


@app.command()
def promote(version: Version = None) -> None:
    """Make a version the champion if the gates agree; exit code 3, with the reasons, if not."""
    from flight_delay.promotion import run_promote

    verdict = run_promote(load_settings(), version)
    for gate in verdict.gates:
        mark = "[green]pass[/]" if gate.passed else "[red]fail[/]"
        say(out, f"  {mark} {gate.name}: {escape(gate.reason)}")
    if verdict.trial is not None:
        done(f"{verdict.version} is on trial ({verdict.trial.stage}) until {verdict.trial.until}")
        return
    if verdict.champion is None:
        stays = "the champion" if verdict.was_champion else "a challenger"
        say(err, f"[red]refused[/]: {verdict.version} stays {stays}")
        raise typer.Exit(REFUSED)
    done(f"{verdict.version} is the champion; running services take it by themselves", "serve")


@app.command()
def rollback(
    reason: Annotated[str, typer.Option(help="Why; kept in the history")] = "asked for by hand",
) -> None:
    """Make the champion before this one the champion again."""
    from flight_delay.registry import rollback as step_back

    settings = load_settings()
    champion = step_back(settings, reason)
    write_json(settings.reports / "rollback.json", champion.model_dump(mode="json"))
    done(f"{champion.version} is the champion again", "status")


@app.command()
def status() -> None:
    """Show champion, challenger and every registered version."""
    from flight_delay.registry import status as read_status

    settings = load_settings()
    report = read_status(settings)
    write_json(settings.reports / "status.json", report)
    table = Table("number", "version", "aliases", "gates", "run")
    for entry in report["versions"]:
        table.add_row(
            str(entry["number"]),
            entry["version"],
            ", ".join(entry["aliases"]),
            entry["gates"],
            entry["run"][:8],
        )
    out.print(table)
    say(out, f"champion: {report['champion'] or 'none yet'}")
    if report["changes"]:
        last = report["changes"][-1]
        say(out, f"last change: {last['action']} at {last['at']}\n  {escape(last['reason'])}")


@app.command()
def serve(host: Host = None, port: Port = None) -> None:
    """Serve the champion over HTTP until stopped; /docs explains the interface."""
    from flight_delay.service.server import run

    run(load_settings(host=host, port=port))


@app.command()
def smoke(host: Host = None, port: Port = None, key: Key = None) -> None:
    """Send real requests to the service on the port, or to one started for it."""
    from flight_delay.smoke import smoke as run_smoke

    settings = load_settings(host=host, port=port)
    report = run_smoke(settings, key)
    write_json(settings.reports / "smoke.json", report)
    for check in report["checks"]:
        mark = "[green]pass[/]" if check["passed"] else "[red]fail[/]"
        say(out, f"  {mark} {check['name']}: {escape(check['answer'])}")
    if not report["passed"]:
        keyless = any(check["answer"].startswith("401") for check in report["checks"])
        hint = "; give it a key with --api-key or APP_API_KEY" if keyless else ""
        fail(f"{report['url']} did not do what it should{hint}")
    own = " (started for this: nothing answered there)" if report["started_for_this"] else ""
    done(f"{report['url']} answers as it should{own}")


@app.command()
def predict(
    source: Annotated[
        Path | None,
        typer.Argument(help="A JSON file with a row or a list of rows; - for standard input"),
    ] = None,
) -> None:
    """Score rows with the champion, without a service; with no file, the contract's example."""
    from flight_delay.scoring import score

    text = None if source is None else sys.stdin.read() if str(source) == "-" else read_text(source)
    typer.echo(json.dumps(score(load_settings(), text), indent=2))


@app.command()
def results() -> None:
    """Write the last figures of training and replay into README.md, with their plots."""
    from flight_delay.results import write_results

    write_results(load_settings())
    done("README.md and docs/images show the last training run, and the last whole replay")


@app.command()
def doctor() -> None:
    """Say what this machine and this project lack, each with the fix."""
    from flight_delay.doctor import examine

    findings = examine(load_settings())
    for finding in findings:
        mark = MARKS[finding.level]
        say(out, f"  {mark} {finding.name}: {escape(finding.said)}")
    if any(finding.level == "bad" for finding in findings):
        fail("something is in the way; each line says what to do")
    done("nothing is in the way")


@keys_app.command("new")
def keys_new() -> None:
    """Make a key for a caller and its hash for APP_API_KEYS; neither is stored."""
    from flight_delay.service.security import new_key

    key, digest = new_key()
    typer.echo(f"key, for the caller's header X-API-Key: {key}")
    typer.echo(f"hash, for APP_API_KEYS: {digest}")


def main() -> None:
    """Run the command line."""
    run(app)


def _figures(window: str, measured: dict[str, Any]) -> Table:
    """Return the figures of a window in a training report as a table."""
    table = Table(window, "model", "baseline", "less baseline (95 %, by day)")
    for metric in ("auc", "brier", "calibration_error"):
        gain = measured["advantage"][metric]
        table.add_row(
            metric,
            f"{measured['model'][metric]['estimate']:.4f}",
            f"{measured['baseline'][metric]['estimate']:.4f}",
            f"{gain['estimate']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})",
        )
    return table
