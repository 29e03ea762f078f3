"""What was decided, written into the prediction log, where the dashboard and the policy read it."""

import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Literal

from flight_delay.clock import now
from flight_delay.errors import ProjectError
from flight_delay.prediction_log import open_log
from flight_delay.settings import Settings

Kind = Literal["retrain", "promote", "rollback", "trial"]
Say = Callable[[str], None]


def note(settings: Settings, kind: Kind, content: Mapping[str, Any], say: Say) -> None:
    """Record an event, or say why that was not possible: what was decided is done all the same."""
    try:
        with closing(open_log(settings)) as log:
            log.record_event(kind, content, now(settings.clock_file))
    except ProjectError as error:
        say(f"the event '{kind}' is not in the prediction log: {error}")


def to_stderr(line: str) -> None:
    """Say a line where nobody else listens."""
    sys.stderr.write(f"{line}\n")
