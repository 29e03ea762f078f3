"""A challenger on trial: `models/trial.json`, beside the champion's file and replaced in one step.

In its first stage, shadow, it scores what the champion answers and is not heard. In its second,
canary, it answers a share of the requests. The services poll the file.
"""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flight_delay.champion import Version
from flight_delay.errors import ProjectError
from flight_delay.files import write_atomically

TRIAL_FILE = "trial.json"


class TrialError(ProjectError):
    """The file of the trial cannot be read."""


class Trial(BaseModel):
    """Which bundle is on trial, at which stage, from which day and until before which."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    stage: Literal["shadow", "canary"]
    share: float = Field(ge=0, le=1, description="Of requests that it answers; 0 in shadow")
    since: date
    until: date


def read_trial(models: Path) -> Trial | None:
    """Return the trial that is on, or None.

    Raises:
        TrialError: when the file is there and cannot be read.
    """
    try:
        content = (models / TRIAL_FILE).read_bytes()
        return Trial.model_validate_json(content)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = str(error.strerror)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
    message = f"{TRIAL_FILE} cannot be read: {reason}; remove it to end the trial"
    raise TrialError(message)


def write_trial(models: Path, trial: Trial) -> None:
    """Begin a trial or change its stage."""
    write_atomically(models / TRIAL_FILE, f"{trial.model_dump_json(indent=2)}\n".encode())


def end_trial(models: Path) -> None:
    """End the trial, if one is on."""
    (models / TRIAL_FILE).unlink(missing_ok=True)
