"""A bundle on trial: it is asked, and whatever goes wrong with it reaches nobody."""

import random
from collections.abc import Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from flight_delay.bundle import Bundle
from flight_delay.encoding import Arrays, encode_rows
from flight_delay.prediction_log import Entry
from flight_delay.service.metrics import Metrics
from flight_delay.trial import Trial

log = structlog.get_logger()


class Challenger:
    """A verified bundle and the trial that it is on."""

    def __init__(self, trial: Trial, bundle: Bundle, metrics: Metrics) -> None:
        """Begin a stage of a trial."""
        self.trial = trial
        self.bundle = bundle
        self._metrics = metrics
        self._failed = False

    @property
    def unheard(self) -> bool:
        """Whether it only scores what the champion answers."""
        return self.trial.stage == "shadow"

    def takes_its_turn(self) -> bool:
        """Draw whether this request belongs to its share."""
        # Not for secrets: which request it is need not be hard to guess.
        return not self.unheard and random.random() < self.trial.share  # noqa: S311

    def probabilities(self, arrays: Arrays) -> NDArray[np.float64] | None:
        """Return the probabilities of encoded rows, shape (n,), or None when it fails."""
        try:
            probabilities = _checked(self.bundle.probabilities(arrays), arrays)
        except Exception:
            self._metrics.trial_failures.inc()
            if not self._failed:  # said once, not at every request
                self._failed = True
                log.exception("model_trial", result="failed", version=self.bundle.version)
            return None
        return probabilities

    def score(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return answered rows with what it would have said; those that it fails on as they are."""
        probabilities = self.probabilities(encode_rows([entry.features for entry in entries]))
        if probabilities is None:
            half = len(entries) // 2  # one bad row must not cost the others their score
            return [*self.score(entries[:half]), *self.score(entries[half:])] if half else entries
        self._metrics.shadow.labels(self.bundle.version).inc(len(entries))
        return [
            entry._replace(shadow_version=self.bundle.version, shadow_probability=probability)
            for entry, probability in zip(entries, probabilities.tolist(), strict=True)
        ]


def _checked(probabilities: NDArray[np.float64], arrays: Arrays) -> NDArray[np.float64]:
    """Return the probabilities if there is one a row; an untried model may give anything."""
    rows = len(next(iter(arrays.values())))
    if probabilities.shape != (rows,) or not ((probabilities >= 0) & (probabilities <= 1)).all():
        message = "its answers are not one probability a row"
        raise ValueError(message)
    return probabilities
