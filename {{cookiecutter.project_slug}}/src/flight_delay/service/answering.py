"""From the rows of a request to their answers: who gives them, what is counted, what is logged."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from flight_delay.bundle import Bundle
from flight_delay.encoding import Arrays, encode_rows
from flight_delay.prediction_log import Entry
from flight_delay.service.challenger import Challenger
from flight_delay.service.metrics import Metrics
from flight_delay.service.recorder import Recorder
from flight_delay.service.schemas import Prediction


class Answers(NamedTuple):
    """The answers to the rows of a request, in their order, and the version that gave them."""

    model_version: str
    predictions: list[Prediction]


class Answering:
    """Answers rows, counts the answers, and hands them to the recorder."""

    def __init__(self, recorder: Recorder, metrics: Metrics, clock: Callable[[], datetime]) -> None:
        """Tell the time by the project's clock."""
        self._recorder = recorder
        self._metrics = metrics
        self._clock = clock

    def answer(
        self, champion: Bundle, challenger: Challenger | None, rows: Sequence[BaseModel]
    ) -> Answers:
        """Answer the rows of one request, all from one bundle."""
        asked_at = self._clock()
        features = [row.model_dump() for row in rows]
        bundle, probabilities = _score(champion, challenger, encode_rows(features))
        predictions = [
            Prediction(
                request_id=uuid.uuid4().hex,
                probability=probability,
                prediction=bundle.decide(probability),
            )
            for probability in probabilities.tolist()
        ]
        entries = [
            Entry(one.request_id, asked_at, bundle.version, one.probability, one.prediction, row)
            for one, row in zip(predictions, features, strict=True)
        ]
        self._recorder.add(entries, challenger if challenger and challenger.unheard else None)
        self._count(bundle.version, predictions)
        return Answers(bundle.version, predictions)

    def _count(self, version: str, predictions: Sequence[Prediction]) -> None:
        for prediction in predictions:
            outcome = str(prediction.prediction).lower()
            self._metrics.predictions.labels(version, outcome).inc()
            self._metrics.probability.observe(prediction.probability)


def _score(
    champion: Bundle, challenger: Challenger | None, arrays: Arrays
) -> tuple[Bundle, NDArray[np.float64]]:
    """Return who answers, and the probabilities; for a challenger that fails, the champion."""
    if challenger and challenger.takes_its_turn():
        probabilities = challenger.probabilities(arrays)
        if probabilities is not None:
            return challenger.bundle, probabilities
    return champion, champion.probabilities(arrays)
