"""The commands of `python -m flight_delay.kubernetes`: measure and write."""

import typer

from flight_delay.console import done, load_settings, run, say
from flight_delay.console import err as progress
from flight_delay.files import write_json
from flight_delay.kubernetes import __doc__ as summary
from flight_delay.kubernetes import written
from flight_delay.kubernetes.measure import measure as measured

app = typer.Typer(no_args_is_help=True, add_completion=False, help=summary)


@app.command()
def measure() -> None:
    """Measure what requests cost the champion's service; a quiet machine gives better figures."""
    settings = load_settings()
    found = measured(settings, lambda line: say(progress, f"  {line}"))
    write_json(settings.home / written.MEASURED, found.model_dump(mode="json"))
    done(str(written.MEASURED))


@app.command()
def write() -> None:
    """Write the Prometheus rules, the tables of docs/capacity.md and its picture."""
    paths = written.write(load_settings().home)
    done(", ".join(map(str, paths)))


run(app)
