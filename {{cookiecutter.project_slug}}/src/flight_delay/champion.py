"""Which bundle answers: `models/champion.json`, replaced in one step, is the commit point.

The services poll this file; the registry's alias only follows it. Whatever is killed in between,
a reader finds the old champion or the new one.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from flight_delay.errors import ProjectError
from flight_delay.files import write_atomically

CHAMPION_FILE = "champion.json"
DAMAGED_FILE = "champion.json.damaged"

VERSION_FORM = r"^[A-Za-z0-9_-]+$"
Version = Annotated[str, StringConstraints(pattern=VERSION_FORM)]
"""A version names a folder among the bundles, and no path that leads elsewhere."""


class ChampionError(ProjectError):
    """There is no champion to read or to go back to."""


class Change(BaseModel):
    """One change of champion, with the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    action: Literal["promote", "rollback"]
    version: Version
    reason: str


class Champion(BaseModel):
    """The champion, those it replaced (`line`, the champion last), and every change in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    line: list[Version]
    changes: list[Change]


def read_champion(models: Path) -> Champion | None:
    """Return the champion, or None when none was promoted yet.

    Raises:
        ChampionError: when the file is there and cannot be read.
    """
    try:
        content = (models / CHAMPION_FILE).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return Champion.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = f"{CHAMPION_FILE} cannot be read: {first['msg']}; promote a version to replace it"
        raise ChampionError(message) from None


def champion_version(models: Path) -> str:
    """Return the champion's version, or nothing when none was promoted yet.

    Raises:
        ChampionError: when the file is there and cannot be read.
    """
    champion = read_champion(models)
    return champion.version if champion else ""


def crown(models: Path, version: str, reason: str, at: datetime | None = None) -> Champion:
    """Make a version the champion and return the new state; nothing changes if it is already.

    A file that cannot be read is replaced, and kept beside it with what its history still says.

    Args:
        models: the folder of bundles.
        version: one of them.
        reason: kept in the history.
        at: the time that is kept with it, by default now.
    """
    current = _readable(models)
    if current is not None and current.version == version:
        return current
    line = [past for past in (current.line if current else []) if past != version]
    return _write(models, current, [*line, version], _change("promote", version, reason, at))


def take_over(models: Path, theirs: Champion) -> Champion:
    """Make the champion of another machine, with those that it replaced, that of this one.

    Nothing changes if it is already. A file that cannot be read is kept beside the new one.
    """
    current = _readable(models)
    if current is not None and current.version == theirs.version:
        return current
    changes = [*(current.changes if current else []), *theirs.changes]
    return _store(models, theirs.model_copy(update={"changes": changes}))


def step_back(models: Path, reason: str, at: datetime | None = None) -> Champion:
    """Give the crown back to the champion before this one and return the new state; see `crown`.

    Raises:
        ChampionError: when there is no champion before this one.
    """
    current = read_champion(models)
    if current is None or len(current.line) <= 1:
        message = "there is no earlier champion to go back to"
        raise ChampionError(message)
    line = current.line[:-1]
    return _write(models, current, line, _change("rollback", line[-1], reason, at))


def _change(
    action: Literal["promote", "rollback"], version: str, reason: str, at: datetime | None
) -> Change:
    return Change(at=at or datetime.now(UTC), action=action, version=version, reason=reason)


def _write(models: Path, current: Champion | None, line: list[str], change: Change) -> Champion:
    changes = [*(current.changes if current else []), change]
    return _store(models, Champion(version=line[-1], line=line, changes=changes))


def _readable(models: Path) -> Champion | None:
    """Return the champion, if its file can be read; one that cannot is kept under another name."""
    try:
        return read_champion(models)
    except ChampionError:
        write_atomically(models / DAMAGED_FILE, (models / CHAMPION_FILE).read_bytes())
        return None


def _store(models: Path, champion: Champion) -> Champion:
    write_atomically(models / CHAMPION_FILE, f"{champion.model_dump_json(indent=2)}\n".encode())
    return champion
