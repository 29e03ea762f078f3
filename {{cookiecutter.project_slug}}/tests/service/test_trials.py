"""A challenger on trial is heard in its share of requests, or not at all, and harms nobody."""

import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from datetime import date

import pytest
from fastapi.testclient import TestClient

from flight_delay.bundle import GOLDEN_FILE, Bundle, load
from flight_delay.champion import crown
from flight_delay.contract import FIELDS, Numeric, example
from flight_delay.encoding import encode_rows
from flight_delay.prediction_log import open_log
from flight_delay.service.app import create_app
from flight_delay.settings import Settings
from flight_delay.trial import TRIAL_FILE, Trial, end_trial, write_trial

from ..logs import Row, rows  # noqa: TID252 - what the tests share
from .bundles import fragile_sibling, sibling
from .running import labels_of, sample, wait_until
from .test_rejected_bundles import flip_a_byte

BATCH = 3


@pytest.fixture
def other(home: Settings, bundle: Bundle) -> Bundle:
    """Return a second valid bundle beside the champion, with answers of its own."""
    return load(home.models / sibling(home.models / bundle.version, threshold=0.99))


def trial_of(version: str, share: float = 0) -> Trial:
    """Return a trial in shadow, or as a canary with a share."""
    return Trial(
        version=version,
        stage="canary" if share else "shadow",
        share=share,
        since=date(2013, 4, 1),
        until=date(2013, 4, 8),
    )


def begin(client: TestClient, home: Settings, trial: Trial) -> None:
    """Begin a stage of a trial and wait until the service has taken it."""
    write_trial(home.models, trial)
    wanted = [{"version": trial.version, "stage": trial.stage}]
    wait_until(lambda: labels_of(client, "model_trial_info") == wanted)


def ask(client: TestClient, batches: int) -> list[str]:
    """Ask for batches, and return the version that answered each."""
    versions = []
    for _ in range(batches):
        answer = client.post("/v1/predict/batch", json={"instances": [example()] * BATCH})
        assert answer.status_code == 200, answer.text
        versions.append(answer.json()["model_version"])
    return versions


def probability_of(bundle: Bundle) -> float:
    """Return what a bundle answers to the example."""
    return float(bundle.probabilities(encode_rows([example()]))[0])


@pytest.fixture
def too_much(bundle: Bundle) -> tuple[str, int, float]:
    """Return a field, the most that the golden rows have of it, and a value that is allowed too."""
    golden = json.loads((bundle.path / GOLDEN_FILE).read_text(encoding="utf-8"))["rows"]
    for field in FIELDS:
        if isinstance(field, Numeric) and not field.nullable and field.minimum >= 0:
            most = max(row[field.name] or 0 for row in golden)
            if most < field.maximum:
                return field.name, int(most), field.maximum
    pytest.fail("no field of the contract has room above the golden rows")


def log_of(home: Settings) -> Sequence[Row]:
    """Return the rows of the log."""
    with contextlib.closing(open_log(home)) as log:
        return rows(log)


def test_a_shadow_scores_the_same_rows_and_answers_nobody(
    home: Settings, bundle: Bundle, other: Bundle
) -> None:
    with TestClient(create_app(home)) as client:
        assert ask(client, 1) == [bundle.version]
        begin(client, home, trial_of(other.version))
        assert client.get("/v1/model").json()["trial"] == {
            "version": other.version,
            "stage": "shadow",
            "share": 0,
            "since": "2013-04-01",
            "until": "2013-04-08",
        }
        assert ask(client, 4) == [bundle.version] * 4
        end_trial(home.models)
        wait_until(lambda: labels_of(client, "model_trial_info") == [])
        assert ask(client, 1) == [bundle.version]
        assert "trial" not in client.get("/v1/model").json()
        wait_until(lambda: sample(client, "prediction_log_buffered_rows") == 0)
        assert sample(client, "shadow_predictions_total", model_version=other.version) == 4 * BATCH
    tried = (bundle.version, probability_of(bundle), other.version, probability_of(other))
    alone = (bundle.version, probability_of(bundle), None, None)
    assert [
        (row.model_version, row.probability, row.shadow_version, row.shadow_probability)
        for row in log_of(home)
    ] == [alone] * BATCH + [tried] * 4 * BATCH + [alone] * BATCH


def test_no_caller_waits_for_a_shadow(home: Settings, other: Bundle) -> None:
    slow = home.model_copy(update={"log_flush_seconds": 600})
    with TestClient(create_app(slow)) as client:
        begin(client, home, trial_of(other.version))
        ask(client, 1)
        assert sample(client, "shadow_predictions_total") == 0
    assert {row.shadow_version for row in log_of(home)} == {other.version}


def test_a_canary_answers_its_share_of_the_requests_each_as_a_whole(
    home: Settings, bundle: Bundle, other: Bundle
) -> None:
    with TestClient(create_app(home)) as client:
        begin(client, home, trial_of(other.version, share=0.3))
        versions = Counter(ask(client, 300))
        # Binomial: outside these bounds once in more than 100,000 runs.
        assert 55 < versions[other.version] < 130
        assert versions.total() == versions[other.version] + versions[bundle.version]
        begin(client, home, trial_of(other.version, share=1))
        wait_until(lambda: client.get("/v1/model").json()["trial"]["share"] == 1)
        assert ask(client, 20) == [other.version] * 20
    log = log_of(home)
    assert Counter(row.model_version for row in log) == {
        other.version: (versions[other.version] + 20) * BATCH,
        bundle.version: versions[bundle.version] * BATCH,
    }
    expected = {
        one.version: (probability_of(one), one.decide(probability_of(one)))
        for one in (bundle, other)
    }
    assert all((row.probability, row.prediction) == expected[row.model_version] for row in log)
    assert {row.shadow_version for row in log} == {None}


def test_the_champion_is_not_on_trial(home: Settings, other: Bundle) -> None:
    with TestClient(create_app(home)) as client:
        begin(client, home, trial_of(other.version, share=1))
        crown(home.models, other.version, "it did well")
        wait_until(lambda: sample(client, "model_info", version=other.version) == 1)
        wait_until(lambda: labels_of(client, "model_trial_info") == [])
        assert ask(client, 5) == [other.version] * 5


def test_a_challenger_that_fails_its_checks_is_not_tried_and_that_is_said_once(
    home: Settings, bundle: Bundle, other: Bundle
) -> None:
    with TestClient(create_app(home)) as client:
        begin(client, home, trial_of(other.version, share=1))
        broken = sibling(home.models / bundle.version, threshold=0.4)
        flip_a_byte(home.models / broken)
        write_trial(home.models, trial_of(broken, share=1))
        wait_until(lambda: sample(client, "model_trial_rejected_total") == 1)
        assert ask(client, 5) == [bundle.version] * 5
        model = client.get("/v1/model").json()
        assert "trial" not in model
        assert "model.onnx is not the file that was exported" in model["trial_warning"]
        assert labels_of(client, "model_trial_info") == []
        assert sample(client, "model_trial_rejected_total") == 1
        assert sample(client, "model_swaps_total", result="rejected") == 0
        begin(client, home, trial_of(other.version))
        assert "trial_warning" not in client.get("/v1/model").json()


def test_a_file_of_a_trial_that_cannot_be_read_ends_it(
    home: Settings, bundle: Bundle, other: Bundle
) -> None:
    with TestClient(create_app(home)) as client:
        begin(client, home, trial_of(other.version, share=1))
        (home.models / TRIAL_FILE).write_text("{", encoding="utf-8")
        wait_until(lambda: labels_of(client, "model_trial_info") == [])
        assert ask(client, 5) == [bundle.version] * 5
        assert "trial.json cannot be read" in client.get("/v1/model").json()["trial_warning"]


def test_a_challenger_that_fails_reaches_no_caller(
    home: Settings, bundle: Bundle, too_much: tuple[str, int, float]
) -> None:
    field, most, value = too_much
    fragile = load(home.models / fragile_sibling(home.models / bundle.version, field, most))
    bad = example() | {field: value}
    rows_asked = [example(), bad, example(), example()]
    with TestClient(create_app(home)) as client:
        begin(client, home, trial_of(fragile.version))
        for _ in range(2):
            body = {"instances": rows_asked}
            answer = client.post("/v1/predict/batch", json=body).json()
            assert answer["model_version"] == bundle.version
        wait_until(lambda: sample(client, "prediction_log_buffered_rows") == 0)
        assert sample(client, "shadow_predictions_total") == 2 * 3
        begin(client, home, trial_of(fragile.version, share=1))
        assert ask(client, 1) == [fragile.version]
        answer = client.post("/v1/predict", json=bad).json()
        assert answer["model_version"] == bundle.version
        assert sample(client, "model_trial_failures_total") > 0
    shadows = [row.shadow_version for row in log_of(home)][:8]
    assert shadows == [fragile.version, None, fragile.version, fragile.version] * 2
