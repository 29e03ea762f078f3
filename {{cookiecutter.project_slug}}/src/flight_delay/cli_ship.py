"""The verbs that ship: images, and what runs them."""

import functools
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import typer
from rich.markup import escape

from flight_delay.cli_loop import tell_turn
from flight_delay.console import done, load_settings, out, say, with_steps

ship_app = typer.Typer()

PAGES = {"service": "/docs and /dashboard"}
"""What to open there."""

Stage = Annotated[
    Literal["baked", "service", "trainer"],
    typer.Option(
        help="baked has the champion in it, service takes that of a registry, trainer trains",
    ),
]
Base = Annotated[
    str | None,
    typer.Option(help="The image with Python to build on, such as one pinned by its digest"),
]
Everything = Annotated[
    bool, typer.Option("--all", help="Remove the data and the passwords too; there is no way back")
]
Hours = Annotated[float, typer.Option("--every-hours", min=0, help="From one turn to the next")]
Once = Annotated[bool, typer.Option("--once", help="One turn; exit code 3 if the gates refuse")]


@ship_app.command()
def image(stage: Stage = "baked", base: Base = None) -> None:
    """Build the image that is shipped: the service, with the champion in it."""
    from flight_delay.image import build_image

    report = with_steps(functools.partial(build_image, stage=stage, base=base))
    say(
        out,
        f"  size {report['megabytes']:.0f} MB, {report['megabytes_over_base']:.0f} over its base",
    )
    say(out, f"  run it: {escape(report['run'])}")
    done(f"{report['image']} in {report['seconds']:.0f} s")


@ship_app.command()
def schedule(*, every_hours: Hours = 24, once: Once = False) -> None:
    """Take a turn of the loop every so often, on a machine that may begin with nothing."""
    from flight_delay.schedule import end_at_once, take_turn, take_turns

    end_at_once()
    if once:
        tell_turn(with_steps(take_turn))
        return

    def tell(line: str) -> None:
        now = datetime.now(UTC)
        say(out, f"[dim]{now:%Y-%m-%d %H:%M:%S}[/] {escape(line)}")

    take_turns(load_settings(), timedelta(hours=every_hours), tell)


@ship_app.command()
def up() -> None:
    """Start the whole stack on this machine and wait until it answers; nothing is half started."""
    from flight_delay.stack.run import up as start

    report = with_steps(start)
    for name, address in report["addresses"].items():
        say(out, f"  {name:<13} {address}{PAGES.get(name, '')}")
    say(out, "  keys and passwords are in .env; Grafana's user is admin")
    done("the stack answers", "down")


@ship_app.command()
def down(*, everything: Everything = False) -> None:
    """Stop the stack; its data stays, and the next `up` finds it."""
    from flight_delay.stack.run import down as stop

    stopped = stop(load_settings(), everything=everything)
    done(f"{stopped} containers are gone, {'and all data' if everything else 'the data is kept'}")
