"""What is replayed: which days, from which champion, with which incidents, and where."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flight_delay.bundle import read_manifest
from flight_delay.champion import crown, read_champion
from flight_delay.data import FACTS_FILE, TABLE_FILE
from flight_delay.errors import ProjectError
from flight_delay.incidents import INCIDENTS
from flight_delay.settings import Settings

FOLDER = "replay"
CLOCK_FILE = "clock"
POLL_SECONDS = 0.2
"""A day takes half a second here, so the service looks more often than in earnest."""
FLUSH_SECONDS = 0.02
INCIDENT_DAYS = 7
"""How long an incident lasts."""
BAD_CHALLENGER = "bad_challenger"
KNOWN = (*INCIDENTS, BAD_CHALLENGER)


class ReplayError(ProjectError):
    """What was asked for cannot be replayed."""


@dataclass(frozen=True, slots=True)
class Injection:
    """An incident and the day on which it begins."""

    name: str
    day: date


@dataclass(frozen=True, slots=True)
class Plan:
    """A replay of the days `first` to `last`; `settings` are those of its own folder."""

    project: Settings
    settings: Settings
    version: str
    first: date
    last: date
    injections: tuple[Injection, ...]
    whole: bool
    """Whether it is all that came after launch, as it was."""

    @classmethod
    def of(
        cls,
        project: Settings,
        start: date | None = None,
        days: int | None = None,
        incidents: Sequence[str] = (),
    ) -> "Plan":
        """Check what was asked for.

        Args:
            project: settings of the project, whose table and champion are copied.
            start: the first day; by default launch.
            days: how many; by default to the end of the table.
            incidents: `NAME` or `NAME@YYYY-MM-DD`; by default a third of the way in.

        Raises:
            ReplayError: naming what cannot be replayed, and what can.
        """
        first = start or project.launch
        newest = _last_day(project)
        last = min(newest, first + timedelta(days=days - 1)) if days else newest
        if first > last:
            message = f"--from {first} is after the last day of the table, {newest}"
            raise ReplayError(message)
        whole = (first, last) == (project.launch, newest) and not incidents
        return cls(
            whole=whole,
            project=project,
            settings=_own(project),
            version=_version_before(project, first),
            first=first,
            last=last,
            injections=tuple(_injection(text, first, last) for text in incidents),
        )

    @property
    def days(self) -> list[date]:
        """Every day, in order."""
        return [
            self.first + timedelta(days=ahead) for ahead in range((self.last - self.first).days + 1)
        ]


def prepare(plan: Plan) -> None:
    """Make the replay's folder anew: the table, the bundle it starts with, and nothing else."""
    home = plan.settings.home
    shutil.rmtree(home, ignore_errors=True)
    plan.settings.data.mkdir(parents=True)
    for name in (TABLE_FILE, FACTS_FILE):
        shutil.copy(plan.project.data / name, plan.settings.data / name)
    bundle = plan.settings.models / plan.version
    shutil.copytree(plan.project.models / plan.version, bundle)
    crown(plan.settings.models, plan.version, "the replay starts with it")


def service_environment(plan: Plan) -> dict[str, str]:
    """Return the settings of the replay's service; empty ones take their defaults."""
    return {
        "APP_CLOCK_FILE": str(plan.settings.clock_file),
        "APP_MODELS": "",
        "APP_POLL_SECONDS": str(POLL_SECONDS),
        "APP_LOG_FLUSH_SECONDS": str(FLUSH_SECONDS),
        "APP_ENV": "",
        "APP_API_KEYS": "",
        "APP_LOG_URL": "",
        "MLFLOW_TRACKING_URI": "",
        "APP_FOLLOW_REGISTRY": "",
    }


def _own(project: Settings) -> Settings:
    """Return the project's settings, with every place where state lives in the replay's folder."""
    home = project.home / FOLDER
    own = {
        "home": home,
        "models": home / "models",
        "clock_file": home / CLOCK_FILE,
        "log_url": None,
        "tracking_uri": None,
        "poll_seconds": POLL_SECONDS,
    }
    return project.model_copy(update=own)


def _last_day(project: Settings) -> date:
    try:
        facts = json.loads((project.data / FACTS_FILE).read_bytes())
        return date.fromisoformat(facts["last_day"])
    except (OSError, ValueError, KeyError, TypeError):
        message = "there is no table to replay: run the command `data` first"
        raise ReplayError(message) from None


def _version_before(project: Settings, first: date) -> str:
    """Return the newest champion that has not seen the days to be replayed."""
    champion = read_champion(project.models)
    for version in reversed(champion.line if champion else []):
        _, seen = read_manifest(project.models / version).windows["history"]
        if date.fromisoformat(seen) < first:
            return version
    message = (
        f"no champion was trained on days before {first} alone: run the commands `train` and "
        f"`promote` first, or choose a later --from"
    )
    raise ReplayError(message)


def _injection(text: str, first: date, last: date) -> Injection:
    name, _, when = text.partition("@")
    if name not in KNOWN:
        message = f"--inject {name} is not known; known are: {', '.join(KNOWN)}"
        raise ReplayError(message)
    try:
        day = date.fromisoformat(when) if when else first + (last - first) / 3
    except ValueError:
        message = f"--inject {text}: {when!r} is not a day such as {first}"
        raise ReplayError(message) from None
    if not first <= day <= last:
        message = f"--inject {text}: {day} is not among the days replayed, {first} to {last}"
        raise ReplayError(message)
    return Injection(name, day)
