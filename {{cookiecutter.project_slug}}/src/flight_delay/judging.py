"""What the gates say of a bundle today: its manifest, the present champion, and a stopwatch."""

import time
from statistics import median

from flight_delay.bundle import Bundle, BundleError, Manifest, read_manifest
from flight_delay.champion import ChampionError, read_champion
from flight_delay.contract import example
from flight_delay.encoding import encode_rows
from flight_delay.gates import Gate, judge, unreadable_champion
from flight_delay.settings import Settings

TIMED = 100
"""Rows that are scored one by one to see how long one takes."""


def gates_of(settings: Settings, challenger: Bundle) -> list[Gate]:
    """Judge a challenger; that a champion cannot be read is a gate of its own, to be seen."""
    milliseconds = scoring_milliseconds(challenger)
    manifest = challenger.manifest
    try:
        champion = _current_manifest(settings, other_than=challenger.version)
    except (ChampionError, BundleError) as error:
        problem = str(error).splitlines()[0]
        return [*judge(manifest, None, settings, milliseconds), unreadable_champion(problem)]
    return judge(manifest, champion, settings, milliseconds)


def scoring_milliseconds(bundle: Bundle) -> float:
    """Return how long it takes to encode and score one row, the median of many."""
    seconds = []
    for _ in range(TIMED):
        started = time.perf_counter()
        bundle.probabilities(encode_rows([example()]))
        seconds.append(time.perf_counter() - started)
    return 1000 * median(seconds)


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
