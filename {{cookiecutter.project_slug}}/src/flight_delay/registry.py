"""Versions, champion and challenger, promote, roll back.

`models/champion.json` is the truth (see `champion.py`); the aliases in MLflow follow it, and
every command here first mends an alias that a crash left behind.
"""

import re
from dataclasses import dataclass
from typing import Any

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from flight_delay.bundle import Bundle, BundleError, Manifest, load, read_manifest
from flight_delay.champion import (
    VERSION_FORM,
    Champion,
    ChampionError,
    crown,
    read_champion,
    step_back,
)
from flight_delay.errors import ProjectError
from flight_delay.gates import Gate, judge, unreadable_champion
from flight_delay.lock import locked
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, Run, client, fetch_bundle, unreachable

CHAMPION = "champion"
CHALLENGER = "challenger"
BUNDLE_TAG = "bundle"
RESOURCE_DOES_NOT_EXIST = "RESOURCE_DOES_NOT_EXIST"


class RegistryError(ProjectError):
    """The registry has not what was asked for; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gates said of a challenger; `champion` is the new state if it was promoted."""

    version: str
    gates: list[Gate]
    champion: Champion | None

    @property
    def reasons(self) -> list[str]:
        """Why it was refused, or why it was promoted."""
        refused = [gate for gate in self.gates if not gate.passed]
        return [f"{gate.name}: {gate.reason}" for gate in refused or self.gates]


def register(settings: Settings, bundle: Bundle, run: Run) -> str:
    """Register a run's model and make it the challenger; return its number in the registry."""
    registry = client(settings)
    with locked(settings):
        reconcile(settings, registry)
        if not registry.search_registered_models(f"name = '{NAME}'"):
            registry.create_registered_model(NAME)
        version = registry.create_model_version(
            NAME,
            source=f"models:/{run.model_id}",
            run_id=run.run_id,
            tags={BUNDLE_TAG: bundle.version},
            model_id=run.model_id,
        )
        registry.set_registered_model_alias(NAME, CHALLENGER, version.version)
    return str(version.version)


def promote(settings: Settings, version: str | None = None) -> Verdict:
    """Hold a version, by default the challenger, against the gates, and crown it if all agree.

    Raises:
        RegistryError: when there is no such version.
        BundleError: when its bundle is damaged.
    """
    registry = client(settings)
    with locked(settings):
        reconcile(settings, registry)
        entry = _entry(registry, version)
        name = _bundle_of(entry)
        challenger = fetch_bundle(settings, str(entry.run_id), name)
        gates = _gates(settings, challenger.manifest)
        verdict = Verdict(name, gates, None)
        reason = "; ".join(verdict.reasons)
        passed = all(gate.passed for gate in gates)
        registry.set_model_version_tag(
            NAME, entry.version, "gates", "passed" if passed else "refused"
        )
        registry.set_model_version_tag(NAME, entry.version, "gates_reason", reason)
        if not passed:
            return verdict
        champion = crown(settings.models, name, reason)
        reconcile(settings, registry)
        return Verdict(name, gates, champion)


def rollback(settings: Settings, reason: str) -> Champion:
    """Give the crown back to the previous champion, after verifying that its bundle still loads.

    Raises:
        ChampionError: when there is none.
        BundleError: when its bundle is damaged; the present champion stays.
    """
    registry = client(settings)
    with locked(settings):
        reconcile(settings, registry)
        current = read_champion(settings.models)
        if current is not None and len(current.line) > 1:
            load(settings.models / current.line[-2])
        champion = step_back(settings.models, reason)
        reconcile(settings, registry)
    return champion


def reconcile(settings: Settings, registry: MlflowClient) -> None:
    """Make the registry's champion alias say what champion.json says, if that can be read."""
    try:
        champion = read_champion(settings.models)
    except ChampionError:
        return
    if champion is None:
        return
    entries = _entries(registry)
    holders = [entry for entry in entries if CHAMPION in entry.aliases]
    if any(entry.tags.get(BUNDLE_TAG) == champion.version for entry in holders):
        return
    for entry in entries:
        if entry.tags.get(BUNDLE_TAG) == champion.version:
            registry.set_registered_model_alias(NAME, CHAMPION, entry.version)
            return


def status(settings: Settings) -> dict[str, Any]:
    """Return the champion, its changes and every registered version, newest first."""
    registry = client(settings)
    reconcile(settings, registry)
    champion = read_champion(settings.models)
    return {
        "champion": champion.version if champion else None,
        "changes": [change.model_dump(mode="json") for change in champion.changes]
        if champion
        else [],
        "versions": [
            {
                "number": int(entry.version),
                "version": entry.tags.get(BUNDLE_TAG),
                "aliases": sorted(entry.aliases),
                "gates": entry.tags.get("gates", "not asked"),
                "run": entry.run_id,
            }
            for entry in _entries(registry)
        ],
    }


def _entries(registry: MlflowClient) -> list[ModelVersion]:
    """Return every version, newest first, with its aliases."""
    try:
        model = registry.get_registered_model(NAME)
    except MlflowException as error:
        if error.error_code == RESOURCE_DOES_NOT_EXIST:
            return []
        raise unreachable(registry.tracking_uri, error) from None
    aliases: dict[str, list[str]] = {}
    for alias, number in model.aliases.items():
        aliases.setdefault(str(number), []).append(alias)
    entries = list(registry.search_model_versions(f"name = '{NAME}'"))
    for entry in entries:
        entry.aliases = aliases.get(str(entry.version), [])
    return sorted(entries, key=lambda entry: -int(entry.version))


def _entry(registry: MlflowClient, version: str | None) -> ModelVersion:
    entries = _entries(registry)
    for entry in entries:
        asked_for = entry.tags.get(BUNDLE_TAG) == version
        if asked_for or (version is None and CHALLENGER in entry.aliases):
            return entry
    if version is None:
        message = "there is no challenger: run the command `train` first"
    else:
        known = ", ".join(sorted({entry.tags.get(BUNDLE_TAG, "?") for entry in entries})) or "none"
        message = f"there is no version '{version}' in the registry; it has: {known}"
    raise RegistryError(message)


def _bundle_of(entry: ModelVersion) -> str:
    """Return the bundle that an entry names; what is no version must not become a path."""
    name = str(entry.tags.get(BUNDLE_TAG, ""))
    if not re.fullmatch(VERSION_FORM, name):
        message = (
            f"number {entry.version} in the registry names no bundle (its tag '{BUNDLE_TAG}' is "
            f"'{name}'): run the command `train`"
        )
        raise RegistryError(message)
    return name


def _gates(settings: Settings, challenger: Manifest) -> list[Gate]:
    """Judge a challenger; that a champion cannot be read is a gate of its own, to be seen."""
    try:
        champion = _current_manifest(settings, other_than=challenger.version)
    except (ChampionError, BundleError) as error:
        problem = str(error).splitlines()[0]
        return [*judge(challenger, None, settings), unreadable_champion(problem)]
    return judge(challenger, champion, settings)


def _current_manifest(settings: Settings, other_than: str) -> Manifest | None:
    """Return the champion's manifest, or None if there is no champion other than this one.

    Raises:
        ChampionError: when champion.json cannot be read.
        BundleError: when the champion's manifest is damaged or of another contract.
    """
    champion = read_champion(settings.models)
    if champion is None or champion.version == other_than:
        return None
    return read_manifest(settings.models / champion.version)
