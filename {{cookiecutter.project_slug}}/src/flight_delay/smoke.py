"""A smoke test: real requests to a running service, and whether it did what it should."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import httpx2
from pydantic import TypeAdapter, ValidationError

from flight_delay.contract import example, field_names
from flight_delay.served import answers, connect, served
from flight_delay.service.address import url
from flight_delay.service.schemas import BatchPrediction, SinglePrediction
from flight_delay.settings import Settings

BATCH = 3
SHOWN = 60
PREDICTIONS = "predictions_total"
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was asked of the service."""

    name: str
    passed: bool
    answer: str


def smoke(settings: Settings, key: str | None = None) -> dict[str, Any]:
    """Send real requests to the service on the port, or to one started for it; return a report."""
    headers = {"X-API-Key": key} if key else {}
    with _service(settings) as (address, own), connect(address, headers) as client:
        checks = _checks(client)
    return {
        "url": address,
        "started_for_this": own,
        "passed": all(check.passed for check in checks),
        "checks": [
            {"name": check.name, "passed": check.passed, "answer": check.answer} for check in checks
        ],
    }


def _checks(client: httpx2.Client) -> list[Check]:
    before = _predictions(client)
    ready = client.get("/health/ready")
    one = client.post("/v1/predict", json=example())
    many = client.post("/v1/predict/batch", json={"instances": [example()] * BATCH})
    absent = field_names()[0]
    bad = client.post(
        "/v1/predict", json={name: value for name, value in example().items() if name != absent}
    )
    counted = _predictions(client) - before
    model = client.get("/v1/model")
    answer, batch = _read(SinglePrediction, one), _read(BatchPrediction, many)
    manifest = _read(dict[str, Any], model)
    same = [row.probability for row in batch.predictions] if batch else []
    return [
        Check("ready", ready.status_code == HTTPStatus.OK, _short(ready)),
        Check("one row is answered", answer is not None, _short(one)),
        Check(
            "a batch agrees with it",
            answer is not None and same == [answer.probability] * BATCH,
            _short(many),
        ),
        Check(
            "a bad row is refused by name",
            bad.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and absent in bad.text,
            _short(bad),
        ),
        Check(
            "the manifest names the version",
            answer is not None
            and manifest is not None
            and manifest.get("version") == answer.model_version,
            _short(model),
        ),
        # Others may be asking too.
        Check("the metrics counted it", counted >= 1 + BATCH, f"{counted:g} predictions"),
    ]


def _predictions(client: httpx2.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(PREDICTIONS))


def _read(kind: type[Answer], response: httpx2.Response) -> Answer | None:
    """Return an answer of the documented form; None for an error or whatever a stranger says."""
    try:
        return TypeAdapter(kind).validate_json(response.content)
    except ValidationError:
        return None


def _short(response: httpx2.Response) -> str:
    return f"{response.status_code} {response.text[:SHOWN]}"


@contextlib.contextmanager
def _service(settings: Settings) -> Iterator[tuple[str, bool]]:
    """Give the address of the service on the port, or of one started for the block."""
    address = url(settings.host, settings.port)
    if settings.port and answers(address):
        yield address, False
        return
    with served(settings.home, settings.host, settings.port) as own:
        yield own, True
