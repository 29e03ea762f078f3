"""What is watched: the champion, with its bundle and the profile of what it was trained on."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from flight_delay.bundle import Bundle, BundleError, load
from flight_delay.champion import Champion, read_champion
from flight_delay.settings import Settings

KEPT_OPEN = 4
"""Bundles: they never change, so the champion and its predecessor are read once."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The champion as far as it can be read; `problem` says what cannot."""

    champion: Champion | None
    bundle: Bundle | None
    reference: dict[str, Any] | None
    problem: str

    @property
    def version(self) -> str | None:
        """Version of the champion."""
        return self.champion.version if self.champion else None

    @property
    def trained_until(self) -> date | None:
        """Last day of what the champion was fitted on."""
        if self.bundle is None:
            return None
        return date.fromisoformat(self.bundle.manifest.windows["history"][1])


def read_watched(settings: Settings) -> Watched:
    """Return the champion; that there is none, or that its bundle is damaged, is no error here.

    Raises:
        ChampionError: when champion.json cannot be read.
    """
    champion = read_champion(settings.models)
    if champion is None:
        problem = "there is no champion: run the commands `train` and `promote`"
        return Watched(None, None, None, problem)
    try:
        bundle, reference = open_bundle(settings.models / champion.version)
    except BundleError as error:
        return Watched(champion, None, None, str(error))
    return Watched(champion, bundle, reference, "")


@lru_cache(KEPT_OPEN)
def open_bundle(path: Path) -> tuple[Bundle, dict[str, Any]]:
    """Return a bundle, verified, and its reference profile.

    Raises:
        BundleError: naming the file or rule at fault.
    """
    bundle = load(path)
    return bundle, bundle.reference()
