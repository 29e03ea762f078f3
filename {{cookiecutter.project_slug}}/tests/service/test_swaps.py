"""A running service follows the champion and loses no request over it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from flight_delay.bundle import Bundle, load
from flight_delay.champion import crown, step_back
from flight_delay.contract import example
from flight_delay.encoding import encode_rows
from flight_delay.service import model_store
from flight_delay.service.app import create_app
from flight_delay.settings import Settings

from .bundles import sibling
from .running import PATIENCE_SECONDS, labels_of, sample, serving, wait_until

CALLERS = 3
SWAPS = 20
ROWS = 5


@pytest.fixture
def other(home: Settings, bundle: Bundle) -> Bundle:
    """Return a second valid bundle beside the champion, with answers of its own."""
    version = sibling(home.models / bundle.version, threshold=0.99)
    return load(home.models / version)


def version_of(client: TestClient | httpx2.Client) -> str:
    """Return the version that answers now."""
    version: str = client.get("/v1/model").json()["version"]
    return version


def probability_of(bundle: Bundle) -> float:
    """Return what a bundle answers to the example."""
    (probability,) = bundle.probabilities(encode_rows([example()]))
    return float(probability)


def test_the_other_bundle_is_another(bundle: Bundle, other: Bundle) -> None:
    assert bundle.version != other.version
    assert probability_of(bundle) < probability_of(other)
    assert bundle.decide(probability_of(bundle)) is True
    assert other.decide(probability_of(other)) is False


def test_a_service_without_a_model_becomes_ready_when_a_champion_appears(
    home: Settings, bundle: Bundle
) -> None:
    (home.models / "champion.json").unlink()
    with TestClient(create_app(home)) as client:
        assert client.get("/health/ready").status_code == 503
        crown(home.models, bundle.version, "the first")
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        assert version_of(client) == bundle.version
        assert sample(client, "model_swaps_total", result="accepted") == 1


def test_promotion_and_rollback_reach_the_service(
    home: Settings, bundle: Bundle, other: Bundle
) -> None:
    with TestClient(create_app(home)) as client:
        assert_answers(client, bundle, swaps=1)
        crown(home.models, other.version, "better")
        assert_answers(client, other, swaps=2)
        step_back(home.models, "not so")
        assert_answers(client, bundle, swaps=3)


def assert_answers(client: TestClient, bundle: Bundle, swaps: int) -> None:
    """Check that a bundle comes to answer, and that this is told everywhere."""
    wait_until(lambda: version_of(client) == bundle.version)
    answer = client.post("/v1/predict", json=example()).json()
    assert (answer["model_version"], answer["probability"]) == (
        bundle.version,
        probability_of(bundle),
    )
    assert client.get("/v1/model").json()["threshold"] == bundle.manifest.threshold
    assert [one["version"] for one in labels_of(client, "model_info")] == [bundle.version]
    assert sample(client, "model_swaps_total", result="accepted") == swaps
    assert sample(client, "model_swaps_total", result="rejected") == 0


def test_requests_are_answered_while_a_new_champion_is_checked(
    home: Settings, bundle: Bundle, other: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, enough = threading.Event(), threading.Event()

    def slow_load(path: Path) -> Bundle:
        begun.set()
        enough.wait(PATIENCE_SECONDS)
        return load(path)

    with serving(home) as url, httpx2.Client(base_url=url) as client:
        monkeypatch.setattr(model_store, "load", slow_load)
        crown(home.models, other.version, "better")
        assert begun.wait(PATIENCE_SECONDS)
        assert version_of(client) == bundle.version
        enough.set()
        wait_until(lambda: version_of(client) == other.version)


@dataclass(frozen=True)
class Answered:
    """What a caller was told about the example."""

    status: int
    version: str
    rows: frozenset[tuple[float, bool]]


def test_no_request_is_lost_in_a_swap_and_none_is_answered_by_two_versions(
    home: Settings, bundle: Bundle, other: Bundle
) -> None:
    enough = threading.Event()
    with serving(home) as url, ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(keep_asking, url, enough.is_set) for _ in range(CALLERS)]
        try:
            with httpx2.Client(base_url=url) as client:
                for _ in range(SWAPS // 2):
                    crown(home.models, other.version, "better")
                    wait_for_answers(client, other.version)
                    step_back(home.models, "not so")
                    wait_for_answers(client, bundle.version)
                assert sample(client, "model_swaps_total", result="accepted") == SWAPS + 1
        finally:
            enough.set()
        answers = [answer for call in calls for answer in call.result()]
    expected = {
        one.version: frozenset({(probability_of(one), one.decide(probability_of(one)))})
        for one in (bundle, other)
    }
    assert {answer.status for answer in answers} == {200}
    assert {answer.version for answer in answers} == expected.keys()
    assert all(answer.rows == expected[answer.version] for answer in answers)


def wait_for_answers(client: httpx2.Client, version: str) -> None:
    """Wait until callers have had some more answers from a version."""
    labels = {"model_version": version}
    before = sample(client, "predictions_total", **labels)
    wait_until(lambda: sample(client, "predictions_total", **labels) > before + 10 * ROWS)


def keep_asking(url: str, enough: Callable[[], bool]) -> list[Answered]:
    """Ask for one row and for a batch, over and over, and return what was answered."""
    answers: list[Answered] = []
    with httpx2.Client(base_url=url) as client:
        while not enough() and len(answers) < 100_000:
            one = client.post("/v1/predict", json=example())
            many = client.post("/v1/predict/batch", json={"instances": [example()] * ROWS})
            answers += [answered(one), answered(many)]
    return answers


def answered(response: httpx2.Response) -> Answered:
    """Read an answer for one row or for many."""
    if response.status_code != 200:
        return Answered(response.status_code, "", frozenset())
    content = response.json()
    rows = content.get("predictions", [content])
    told = frozenset((row["probability"], row["prediction"]) for row in rows)
    return Answered(200, content["model_version"], told)
