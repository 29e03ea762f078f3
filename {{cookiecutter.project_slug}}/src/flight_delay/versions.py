"""The versions in MLflow's registry: finding them, and writing beside them what was decided."""

import re

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from flight_delay.champion import VERSION_FORM
from flight_delay.errors import ProjectError
from flight_delay.registry_client import BUNDLE_TAG, NAME

CHALLENGER = "challenger"
RESOURCE_DOES_NOT_EXIST = "RESOURCE_DOES_NOT_EXIST"


class RegistryError(ProjectError):
    """The registry has not what was asked for; the message says what to do."""


def entries_of(registry: MlflowClient) -> list[ModelVersion]:
    """Return every version, newest first, with its aliases."""
    try:
        model = registry.get_registered_model(NAME)
    except MlflowException as error:
        if error.error_code == RESOURCE_DOES_NOT_EXIST:
            return []
        raise
    aliases: dict[str, list[str]] = {}
    for alias, number in model.aliases.items():
        aliases.setdefault(str(number), []).append(alias)
    entries = list(registry.search_model_versions(f"name = '{NAME}'"))
    for entry in entries:
        entry.aliases = aliases.get(str(entry.version), [])
    return sorted(entries, key=lambda entry: -int(entry.version))


def find_entry(registry: MlflowClient, version: str | None) -> ModelVersion:
    """Return the newest entry of a bundle's version, or the challenger's.

    Raises:
        RegistryError: when there is none; it names those that there are.
    """
    entries = entries_of(registry)
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


def bundle_of(entry: ModelVersion) -> str:
    """Return the bundle that an entry names; what is no version must not become a path."""
    name = str(entry.tags.get(BUNDLE_TAG, ""))
    if not re.fullmatch(VERSION_FORM, name):
        message = (
            f"number {entry.version} in the registry names no bundle (its tag '{BUNDLE_TAG}' is "
            f"'{name}'): run the command `train`"
        )
        raise RegistryError(message)
    return name


def record_verdict(registry: MlflowClient, entry: ModelVersion, result: str, reason: str) -> None:
    """Write what was decided about a version beside it and beside the run that made it."""
    for name, value in {"gates": result, "gates_reason": reason}.items():
        registry.set_model_version_tag(NAME, entry.version, name, value)
        registry.set_tag(str(entry.run_id), name, value)
