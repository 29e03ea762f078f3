"""Challengers that were never trained: the champion with other figures, registered as its own."""

import shutil

from flight_delay.bundle import (
    MANIFEST_FILE,
    DailyScore,
    Manifest,
    canonical_json,
    load,
)
from flight_delay.champion import read_champion
from flight_delay.registry import register
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, Run, client

from ..conftest import champion_of  # noqa: TID252 - what the tests share


def variant(settings: Settings, **changes: object) -> str:
    """Register a copy of the champion with other figures as the challenger; return its version.

    The copy is a valid bundle: its version is the hash of the changed manifest.
    """
    champion = read_champion(settings.models)
    assert champion is not None
    source = settings.models / champion.version
    manifest = load(source).manifest.model_copy(update=changes)
    target = settings.models / manifest.version
    shutil.copytree(source, target)
    content = manifest.model_dump() | {"version": manifest.version}
    (target / MANIFEST_FILE).write_bytes(canonical_json(content))
    versions = client(settings).search_model_versions(f"name = '{NAME}'")
    first = min(versions, key=lambda version: int(version.version))
    run = Run(str(first.run_id), str(first.source).removeprefix("models:/"))
    register(settings, load(target), run)
    return manifest.version


def alias(settings: Settings, name: str) -> str:
    """Return the bundle that an alias in MLflow names."""
    version = client(settings).get_model_version_by_alias(NAME, name)
    return str(version.tags["bundle"])


def manifest_of(settings: Settings) -> Manifest:
    """Return the champion's manifest."""
    return load(settings.models / champion_of(settings)).manifest


def worse_days(manifest: Manifest, factor: float) -> list[DailyScore]:
    """Return the validation days of a manifest with so much larger errors."""
    return [
        day.model_copy(update={"squared_error": day.squared_error * factor})
        for day in manifest.validation_days
    ]
