"""A champion that cannot be trusted is not taken: the one before it answers on."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from flight_delay.bundle import Bundle
from flight_delay.champion import crown, step_back
from flight_delay.contract import example
from flight_delay.service.app import create_app
from flight_delay.settings import Settings

from .bundles import Content, rewrite, seal, sibling
from .conftest import POLL_SECONDS
from .problems import assert_problem
from .running import sample, wait_until

Damage = Callable[[Path], str | None]
"""Spoils a valid bundle; gives the name it has afterwards when that is another."""


def flip_a_byte(folder: Path) -> None:
    """Change one bit of the model, in the middle."""
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)


def change_a_golden_answer(folder: Path) -> str:
    """Make the model disagree with scikit-learn, with hashes that fit."""

    def change(golden: Content) -> None:
        golden["probabilities"][3] += 1e-3

    rewrite(folder / "golden.json", change)
    return seal(folder)


def break_the_model(folder: Path) -> str:
    """Put something in place of the model that is no model, with hashes that fit."""
    (folder / "model.onnx").write_bytes(b"not a model")
    return seal(folder)


def change_the_contract(folder: Path) -> str:
    """Make a bundle for a contract with another range, with hashes that fit."""

    def change(manifest: Content) -> None:
        (numeric, *_) = [field for field in manifest["fields"] if "maximum" in field]
        numeric["maximum"] += 1

    rewrite(folder / "manifest.json", change)
    return seal(folder)


def edit_the_manifest(folder: Path) -> None:
    """Change the threshold by hand."""
    rewrite(folder / "manifest.json", lambda manifest: manifest.update(threshold=0.5))


def edit_the_manifest_and_its_version(folder: Path) -> None:
    """Change the threshold by hand and give a folder of another name the right version."""
    edit_the_manifest(folder)
    shutil.copytree(folder, folder.parent / "copy")
    version = seal(folder.parent / "copy")
    shutil.rmtree(folder)
    (folder.parent / version).rename(folder)


def cut_the_manifest(folder: Path) -> None:
    """Leave half a manifest, as a copy that was broken off would."""
    content = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").write_bytes(content[: len(content) // 2])


def lose_the_golden_rows(folder: Path) -> None:
    """Remove a file."""
    (folder / "golden.json").unlink()


CHANGED = "manifest.json was changed after export"
DAMAGES: dict[str, tuple[Damage, str]] = {
    "a byte of the model": (flip_a_byte, "model.onnx is not the file that was exported"),
    "a golden answer": (change_a_golden_answer, "golden row 3 answers"),
    "no model": (break_the_model, "does not load"),
    "another contract": (change_the_contract, "made for another data contract"),
    "an edited manifest": (edit_the_manifest, CHANGED),
    "another's name": (edit_the_manifest_and_its_version, CHANGED),
    "half a manifest": (cut_the_manifest, "manifest.json cannot be read"),
    "a missing file": (lose_the_golden_rows, "golden.json is missing"),
    "a missing folder": (shutil.rmtree, "there is no manifest.json in it"),
}
damaged = pytest.mark.parametrize(("damage", "reason"), DAMAGES.values(), ids=DAMAGES)


@pytest.fixture
def spoil(home: Settings, bundle: Bundle) -> Callable[[Damage], str]:
    """Return a function that makes another bundle and spoils it, and gives its version."""

    def spoiled(damage: Damage) -> str:
        version = sibling(home.models / bundle.version, threshold=0.4)
        return damage(home.models / version) or version

    return spoiled


def assert_rejected_once(client: TestClient, bundle: Bundle, times: int = 1) -> None:
    """Check that a rejection was counted once, however often was looked, and changed nothing."""
    rejected = {"name": "model_swaps_total", "result": "rejected"}
    wait_until(lambda: sample(client, **rejected) == times)
    time.sleep(10 * POLL_SECONDS)
    assert sample(client, **rejected) == times
    assert sample(client, "model_swaps_total", result="accepted") == 1
    assert sample(client, "model_champion_mismatch") == 1
    ready = client.get("/health/ready")
    assert ready.status_code == 200, ready.text
    assert ready.json()["version"] == bundle.version
    model = client.get("/v1/model").json()
    assert (model["version"], model["warning"]) == (bundle.version, ready.json()["warning"])
    assert ready.json()["warning"] == client.app.state.store.reason  # type: ignore[attr-defined]
    answer = client.post("/v1/predict", json=example())
    assert answer.json()["model_version"] == bundle.version


def assert_nothing_to_warn_of(client: TestClient) -> None:
    """Check that the champion answers and that nothing else is said."""
    assert sample(client, "model_champion_mismatch") == 0
    assert client.get("/health/ready").json() == {"status": "ok"}
    assert "warning" not in client.get("/v1/model").json()


def test_a_champion_given_back_ends_the_warning(
    home: Settings, bundle: Bundle, spoil: Callable[[Damage], str]
) -> None:
    with TestClient(create_app(home)) as client:
        assert_nothing_to_warn_of(client)
        crown(home.models, spoil(flip_a_byte), "said to be better")
        assert_rejected_once(client, bundle)
        step_back(home.models, "not so")
        wait_until(lambda: sample(client, "model_champion_mismatch") == 0)
        assert_nothing_to_warn_of(client)


def test_a_champion_file_that_is_lost_is_warned_of(home: Settings, bundle: Bundle) -> None:
    with TestClient(create_app(home)) as client:
        (home.models / "champion.json").unlink()
        wait_until(lambda: sample(client, "model_champion_mismatch") == 1)
        ready = client.get("/health/ready").json()
    assert ready["version"] == bundle.version
    assert "no champion" in ready["warning"]


@damaged
def test_the_old_one_answers_on(
    home: Settings, bundle: Bundle, spoil: Callable[[Damage], str], damage: Damage, reason: str
) -> None:
    with TestClient(create_app(home)) as client:
        version = spoil(damage)
        crown(home.models, version, "said to be better")
        assert_rejected_once(client, bundle)
        assert reason in client.app.state.store.reason  # type: ignore[attr-defined]


@damaged
def test_without_an_old_one_the_service_says_what_is_wrong(
    home: Settings, spoil: Callable[[Damage], str], damage: Damage, reason: str
) -> None:
    version = spoil(damage)
    crown(home.models, version, "said to be better")
    with TestClient(create_app(home)) as client:
        problem = assert_problem(client.get("/health/ready"), 503)
        assert client.get("/health/live").status_code == 200
    assert reason in problem["detail"]
    assert version in problem["detail"]


def leave(path: Path) -> None:
    """Replace a file by a folder, which cannot be read."""
    path.unlink()
    path.mkdir()


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "not text": lambda path: path.write_bytes(b"\xff\xfe"),
    "another form": lambda path: path.write_text(json.dumps({"version": "abc"})),
    "a folder": leave,
}


@pytest.mark.parametrize("damage", UNREADABLE.values(), ids=UNREADABLE)
def test_a_champion_file_that_cannot_be_read_changes_nothing(
    home: Settings, bundle: Bundle, damage: Callable[[Path], object]
) -> None:
    with TestClient(create_app(home)) as client:
        damage(home.models / "champion.json")
        assert_rejected_once(client, bundle)
    with TestClient(create_app(home)) as client:
        assert "champion.json" in assert_problem(client.get("/health/ready"), 503)["detail"]


def test_a_champion_is_a_name_and_not_a_path(home: Settings, bundle: Bundle) -> None:
    version = sibling(home.models / bundle.version, threshold=0.4)
    (home.home / "elsewhere").mkdir()
    shutil.move(home.models / version, home.home / "elsewhere")
    with TestClient(create_app(home)) as client:
        path = f"../elsewhere/{version}"
        rewrite(home.models / "champion.json", lambda champion: champion.update(version=path))
        assert_rejected_once(client, bundle)


def test_each_new_rejection_is_counted_and_a_good_champion_is_still_taken(
    home: Settings, bundle: Bundle, spoil: Callable[[Damage], str]
) -> None:
    with TestClient(create_app(home)) as client:
        crown(home.models, spoil(flip_a_byte), "said to be better")
        assert_rejected_once(client, bundle)
        crown(home.models, "never-exported", "a slip of the hand")
        assert_rejected_once(client, bundle, times=2)
        version = sibling(home.models / bundle.version, threshold=0.3)
        crown(home.models, version, "really better")
        wait_until(lambda: sample(client, "model_info", version=version) == 1)
        assert sample(client, "model_swaps_total", result="rejected") == 2
        assert_nothing_to_warn_of(client)


def test_a_bundle_that_arrives_after_its_name_is_taken_then(home: Settings, bundle: Bundle) -> None:
    version = sibling(home.models / bundle.version, threshold=0.4)
    late = shutil.move(home.models / version, home.home / version)
    with TestClient(create_app(home)) as client:
        crown(home.models, version, "better")
        assert_rejected_once(client, bundle)
        Path(late).rename(home.models / version)
        wait_until(lambda: sample(client, "model_info", version=version) == 1)
        assert sample(client, "model_swaps_total", result="accepted") == 2
