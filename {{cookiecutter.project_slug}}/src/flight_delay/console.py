"""What every verb of the command line shares: settings, how things are said, how it ends."""

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from flight_delay.errors import ProjectError
from flight_delay.settings import Settings

NAME = __name__.split(".")[0]
REFUSED = 3
"""Exit code of a verb whose gates refuse."""
USAGE = 2
"""Exit code of a wrong option or setting."""

out = Console()
err = Console(stderr=True)


def run(app: typer.Typer) -> None:
    """Run the command line; every error is one line and an exit code, never a traceback."""
    try:
        app()
    except ProjectError as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the last line of defence of a command line
        fail(f"{type(error).__name__}: {_first_line(error)} ({_keep_traceback()})")


def load_settings(**given: object) -> Settings:
    """Return the settings, or end with exit code 2 and a line for each that is wrong."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            if not problem["loc"]:  # of settings that do not go together
                say(err, f"[red]error[/]: {escape(problem['msg'])}")
                continue
            name = "_".join(str(part) for part in problem["loc"]).upper()
            name = name if name.startswith("MLFLOW") else f"APP_{name}"
            # What was meant as a hash may be the key itself, which no log should hold.
            value = "(not shown)" if name == "APP_API_KEYS" else escape(str(problem["input"]))
            say(err, f"[red]error[/]: {name}={value}: {problem['msg']}")
        raise typer.Exit(USAGE) from None


def with_steps(step: Any) -> dict[str, Any]:  # noqa: ANN401 - a step of pipeline.py
    """Run a step of the pipeline, showing each line it says with the time since its start."""
    started = time.perf_counter()
    with err.status("starting") as spinner:

        def tell(line: str) -> None:
            spinner.update(line)
            say(err, f"  [dim]{time.perf_counter() - started:5.1f} s[/] {escape(line)}")

        result: dict[str, Any] = step(load_settings(), tell)
    return result


def say(console: Console, line: str) -> None:
    """Print a line as it is: no wrapping, so that it can be searched, and no guessed colours."""
    console.print(line, soft_wrap=True, highlight=False)


def read_text(path: Path) -> str:
    """Return the text of a file that a person named.

    Raises:
        ProjectError: when it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read {path}: {error}"
        raise ProjectError(message) from None


def done(made: str, next_verb: str | None = None) -> None:
    """Say what was made and, if there is one, the verb that comes next."""
    then = f" Next: {_caller()} {next_verb}" if next_verb else ""
    say(out, f"[green]done[/]: {escape(made)}.{then}")


def fail(message: str) -> NoReturn:
    """Say what went wrong and end with exit code 1."""
    say(err, f"[red]error[/]: {escape(message)}")
    sys.exit(1)


def _caller() -> str:
    """Return what a person types before a verb: whoever typed `make` may have no uv."""
    if "MAKELEVEL" in os.environ:  # make sets it for what it runs
        return "make"
    program = Path(sys.argv[0]).stem
    return f"uv run {f'python -m {NAME}' if program == '__main__' else program}"


def _keep_traceback() -> str:
    """Write the traceback where that is possible, and say where."""
    for log in (Path("error.log"), Path(tempfile.gettempdir()) / f"{NAME}-error.log"):
        try:
            log.write_text(traceback.format_exc(), encoding="utf-8")
        except OSError:
            continue
        return f"the traceback is in {log}"
    return "and there was nowhere to write the traceback"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or "no message").splitlines()[0]
