"""What the registry knows of the champion: the alias that follows champion.json, and a tag.

The tag says when and why a version became champion, and whom it replaced, so that other machines
know which of them is behind.
"""

from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking import MlflowClient
from pydantic import ValidationError

from flight_delay.champion import Champion, ChampionError, read_champion
from flight_delay.registry_client import BUNDLE_TAG, CHAMPION
from flight_delay.settings import Settings
from flight_delay.tracking import NAME
from flight_delay.versions import RegistryError, entries_of

CROWNED_TAG = "crowned"
"""Of a version: that it became champion, when, why, and whom it replaced."""
LONGEST_LINE = 10
LONGEST_REASON = 500


def reconcile(settings: Settings, registry: MlflowClient) -> None:
    """Make the registry's champion alias say what champion.json says, if that can be read.

    So it is mended after a crash. What another machine has crowned since stays: services that
    follow the registry would go back with the alias.
    """
    champion = readable(settings)
    entries = entries_of(registry) if champion else []
    if champion and not _crowned_since(champion, entries):
        give_alias(registry, entries, champion)


def require_the_latest(settings: Settings, registry: MlflowClient) -> None:
    """Raise unless this machine has the registry's champion, or has crowned since.

    What one that was left behind decides, it would decide for all who follow the registry. A
    champion.json that cannot be read says nothing, and the next promotion replaces it.
    """
    try:
        champion = read_champion(settings.models)
    except ChampionError:
        return
    if ahead := _crowned_since(champion, entries_of(registry)):
        last = ahead.changes[-1]
        here = champion.version if champion else "none"
        message = (
            f"the registry has the champion {ahead.version} since {last.at:%Y-%m-%d %H:%M}, and "
            f"this machine has {here}: run the command `pull` first"
        )
        raise RegistryError(message)


def _crowned_since(champion: Champion | None, entries: list[ModelVersion]) -> Champion | None:
    """Return the registry's champion if another machine has crowned it since this one crowned."""
    holder = next((entry for entry in entries if CHAMPION in entry.aliases), None)
    theirs = crowned(holder) if holder else None
    if theirs is None or champion is None:
        return theirs
    newer = _changed_at(theirs) > _changed_at(champion)
    return theirs if newer and theirs.version != champion.version else None


def give_alias(registry: MlflowClient, entries: list[ModelVersion], champion: Champion) -> None:
    """Move the alias to the champion, unless it is there, with the time of the change."""
    named = [entry for entry in entries if entry.tags.get(BUNDLE_TAG) == champion.version]
    if named and not any(CHAMPION in entry.aliases for entry in named):
        newest = named[0].version
        told = _in_short(champion).model_dump_json()
        registry.set_model_version_tag(NAME, newest, CROWNED_TAG, told)
        registry.set_registered_model_alias(NAME, CHAMPION, newest)


def _in_short(champion: Champion) -> Champion:
    """Return a champion with its last change alone: a tag in the registry is no archive."""
    last = champion.changes[-1]
    last = last.model_copy(update={"reason": last.reason[:LONGEST_REASON]})
    return Champion(version=champion.version, line=champion.line[-LONGEST_LINE:], changes=[last])


def crowned(entry: ModelVersion) -> Champion | None:
    """Return what an entry says of its crown; None when it never had one, or says nothing."""
    try:
        return Champion.model_validate_json(entry.tags.get(CROWNED_TAG, ""))
    except ValidationError:
        return None


def _changed_at(champion: Champion) -> float:
    return champion.changes[-1].at.timestamp()


def readable(settings: Settings) -> Champion | None:
    """Return this machine's champion, if there is one that can be read."""
    try:
        return read_champion(settings.models)
    except ChampionError:
        return None
