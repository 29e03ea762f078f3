"""Turn after turn of the loop, on a machine that may begin with nothing: what a container runs.

A turn sees to what the loop needs, and then calls it: the table; the first champion, when the
registry has none; the registry's champion, when another answers here. How the last turn ended is
in `reports/schedule.json`, where a health check finds it.
"""

import contextlib
import os
import signal
import time
from dataclasses import asdict
from datetime import timedelta
from typing import Any, NoReturn

from flight_delay.champion import champion_version
from flight_delay.data import TABLE_FILE
from flight_delay.errors import ProjectError, first_line
from flight_delay.files import write_json
from flight_delay.loop import QUIET, tend
from flight_delay.pipeline import run_data, run_train
from flight_delay.promotion import run_promote
from flight_delay.registry import pull, status
from flight_delay.registry_client import CHAMPION
from flight_delay.settings import Settings
from flight_delay.train import Say

SOON = timedelta(seconds=10)
"""How long after a turn that failed the next one is taken; after each further one twice as long."""

Report = dict[str, Any]


class ScheduleError(ProjectError):
    """The settings ask for what turns on a machine of their own cannot do."""


def take_turn(settings: Settings, say: Say) -> Report:
    """Take one turn of the loop, with all that it needs, and report as `tend` does.

    When the gates refuse the first champion there is nothing to watch: the report is theirs.

    Raises:
        ProjectError: when the registry, the data, the training or the monitor cannot be had, or
            a trial is asked for that nobody would hold.
    """
    _refuse_trials(settings)
    crowned = _crowned(settings)
    if not (settings.data / TABLE_FILE).is_file():
        run_data(settings, say)
    if crowned is None:
        if refusal := _first_champion(settings, say):
            return refusal
    elif crowned != champion_version(settings.models):
        say(f"taking the registry's champion, {crowned}")
        pull(settings)
    return tend(settings, say)


def take_turns(settings: Settings, every: timedelta, say: Say) -> NoReturn:
    """Take a turn every so often, for ever; one that fails is a line, and not the end.

    Raises:
        ScheduleError: when a trial is asked for that nobody would hold.
    """
    _refuse_trials(settings)
    _record(settings, "the first turn is being taken", failed=False)
    soon = min(SOON, every)
    while True:
        begun = time.monotonic()
        if _worth_another(settings, say):
            soon, pause = min(2 * soon, every), soon
        else:
            soon, pause = min(SOON, every), every - timedelta(seconds=time.monotonic() - begun)
        time.sleep(max(pause.total_seconds(), 0))


def end_at_once() -> None:
    """Let SIGTERM end this process wherever it is; a container's first one would ignore it.

    Nothing is waited for, such as a training in another thread: every file is whole or absent, and
    the next turn mends the rest.
    """
    signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))


def _worth_another(settings: Settings, say: Say) -> bool:
    """Take a turn and say how it ended; tell whether another may end better soon.

    A first champion that the gates refuse would be refused again. It is recorded as a failure all
    the same, since nobody answers.
    """
    try:
        report = take_turn(settings, say)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with a turn, there is a next one
        said, again, failed = f"this turn failed: {first_line(error)}", True, True
    else:
        decision = report["decision"]
        nothing = f"nothing to do: {'; '.join(decision['reasons'])}" if decision else ""
        said, again = report["said"] or nothing, report["result"] == "failed"
        failed = again or decision is None
    say(said)
    _record(settings, said, failed=failed)
    return again


def _record(settings: Settings, said: str, *, failed: bool) -> None:
    with contextlib.suppress(OSError):  # a full disk is what the turn itself complains of
        write_json(settings.reports / "schedule.json", {"said": said, "failed": failed})


def _refuse_trials(settings: Settings) -> None:
    """Refuse trials of challengers that no service would score: services follow the registry."""
    asked = [name for name in ("shadow_days", "canary_days") if getattr(settings, name)]
    if asked and (settings.tracking_uri or "").startswith("http"):
        names = ", ".join(f"APP_{name.upper()}={getattr(settings, name)}" for name in asked)
        message = (
            f"{names} asks for a trial, and a service that follows the registry of "
            "MLFLOW_TRACKING_URI takes none, so every challenger would be lost: set it to 0"
        )
        raise ScheduleError(message)


def _crowned(settings: Settings) -> str | None:
    """Return the registry's champion, once an alias that a crash left behind is mended."""
    versions = status(settings)["versions"]
    return next((one["version"] for one in versions if CHAMPION in one["aliases"]), None)


def _first_champion(settings: Settings, say: Say) -> Report | None:
    """Train and promote; return a report only when the gates refuse."""
    say("the registry has no champion: training the first one")
    run_train(settings, say)
    verdict = run_promote(settings)
    if verdict.champion or verdict.trial:
        say(f"{verdict.version} passed the gates")
        return None
    return {
        "monitor": None,
        "decision": None,
        **QUIET,
        "result": "refused",
        "version": verdict.version,
        "said": f"{verdict.version} refused: {'; '.join(verdict.reasons)}",
        "gates": [asdict(gate) for gate in verdict.gates],
    }
