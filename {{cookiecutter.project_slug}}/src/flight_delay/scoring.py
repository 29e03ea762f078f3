"""Score rows with the champion in this process: the same contract, encoding and bundle as HTTP."""

import json
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from flight_delay.bundle import load
from flight_delay.champion import read_champion
from flight_delay.contract import example
from flight_delay.encoding import encode_rows
from flight_delay.errors import ProjectError
from flight_delay.service.schemas import Instance
from flight_delay.settings import Settings

INSTANCES: TypeAdapter[list[BaseModel]] = TypeAdapter(list[Instance])


class ScoringError(ProjectError):
    """There is nothing to score or nothing to score it with."""


def score(settings: Settings, text: str | None = None) -> dict[str, Any]:
    """Return version and predictions for a JSON row or list of rows, by default the example.

    Raises:
        ScoringError: when there is no champion, or a row breaks the contract; it names the field.
    """
    rows = _rows(json.dumps(example()) if text is None else text)
    champion = read_champion(settings.models)
    if champion is None:
        message = "there is no champion: run the commands `train` and `promote` first"
        raise ScoringError(message)
    bundle = load(settings.models / champion.version)
    probabilities = bundle.probabilities(encode_rows(rows)).tolist()
    return {
        "model_version": bundle.version,
        "predictions": [
            {"probability": probability, "prediction": bundle.decide(probability)}
            for probability in probabilities
        ],
    }


def _rows(text: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"the input is not JSON that can be read: {error}"
        raise ScoringError(message) from None
    rows = content if isinstance(content, list) else [content]
    if not rows:
        message = "the input holds no row"
        raise ScoringError(message)
    try:
        instances = INSTANCES.validate_python(rows)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        row, *field = first["loc"]
        message = (
            f"row {row}, field '{'.'.join(map(str, field)) or 'row'}': {first['msg']}"
            f" (given: {first['input']!r:.100}); {error.error_count()} error(s) in all"
        )
        raise ScoringError(message) from None
    return [instance.model_dump() for instance in instances]
