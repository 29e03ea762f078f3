"""Manifests of bundles that were never trained, with the figures that a gate is to judge."""

import hashlib
from pathlib import Path

import numpy as np

from flight_delay.bundle import (
    FORMAT,
    LISTED,
    MANIFEST_FILE,
    DailyScore,
    Difference,
    Manifest,
    Rival,
    SliceDifference,
    canonical_json,
    contract_fields,
)
from flight_delay.contract import TARGET

ROWS = 100
MILLISECONDS = 0.05
Files = dict[str, bytes]


def days(errors: dict[str, float], rows: int = ROWS) -> list[DailyScore]:
    """Return validation days with the given mean squared error each."""
    return [
        DailyScore(day=day, rows=rows, squared_error=error * rows) for day, error in errors.items()
    ]


def march(error: float, noise: int = 0) -> dict[str, float]:
    """Return errors of the days of March, around a value, with a noise of its own by seed."""
    spread = np.random.default_rng(noise).normal(0, 0.01, 31)
    return {f"2013-03-{day + 1:02}": error + spread[day] for day in range(31)}


def manifest(
    *,
    parity: float = 1e-7,
    advantage: tuple[float, float, float] | None = (-0.004, -0.006, -0.002),
    calibration: float = 0.02,
    validation_days: list[DailyScore] | None = None,
    rival: Rival | None = None,
) -> Manifest:
    """Return the manifest of a bundle that was measured so."""
    validation = {"calibration_error": {"estimate": calibration, "low": 0.0, "high": 1.0}}
    if advantage:
        estimate, low, high = advantage
        validation["advantage_brier"] = {"estimate": estimate, "low": low, "high": high}
    return Manifest(
        format=FORMAT,
        target=TARGET,
        fields=contract_fields(),
        threshold=0.2,
        seed=1,
        windows={},
        metrics={
            "parity": {"largest_difference": {"estimate": parity}},
            "validation": validation,
        },
        validation_days=days(march(0.13)) if validation_days is None else validation_days,
        rival=rival,
        data_hash="",
        code_hash="",
        libraries={},
        files={},
    )


def written(models: Path, files: Files, listed: set[str] = LISTED) -> Path:
    """Write a bundle whose manifest has the hashes of these files."""
    hashes = {name: hashlib.sha256(files[name]).hexdigest() for name in listed}
    sealed = manifest().model_copy(update={"files": hashes})
    folder = models / sealed.version
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    stated = sealed.model_dump() | {"version": sealed.version}
    (folder / MANIFEST_FILE).write_bytes(canonical_json(stated))
    return folder


def difference(estimate: float, low: float, high: float) -> Difference:
    """Return a difference with its interval."""
    return Difference(estimate=estimate, low=low, high=high)


def lost(slice_: str, value: str, estimate: float, low: float) -> SliceDifference:
    """Return what a slice lost, with an interval from `low` that is as wide above."""
    high = 2 * estimate - low
    return SliceDifference(
        slice=slice_, value=value, rows=500, estimate=estimate, low=low, high=high
    )


def rival(
    version: str,
    brier: Difference,
    calibration: float = -0.001,
    slices: list[SliceDifference] | None = None,
) -> Rival:
    """Return what a retraining measured against the champion of that version."""
    return Rival(
        version=version,
        first="2013-04-14",
        last="2013-04-27",
        days=14,
        rows=12_000,
        difference={
            "brier": brier,
            "auc": difference(0.01, 0.0, 0.02),
            "calibration_error": difference(calibration, -0.01, 0.01),
        },
        slices=slices or [],
    )
