"""A challenger whose bundle is not what it should be is never promoted, not even by force."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flight_delay.bundle import MANIFEST_FILE, BundleError
from flight_delay.registry import promote
from flight_delay.registry_client import BUNDLE_ARTIFACTS
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, client, open_experiment
from flight_delay.trial import read_trial

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share
from ..service.bundles import copy_of, rewrite, seal  # noqa: TID252 - what the tests share


def flip_a_byte(folder: Path) -> Path:
    """Change one bit of the model."""
    path = folder / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return folder


def remove_a_file(folder: Path) -> Path:
    """Remove the golden rows."""
    (folder / "golden.json").unlink()
    return folder


def forged(name: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], Path]:
    """Return a change of a JSON file after which every hash fits again."""

    def damage(folder: Path) -> Path:
        rewrite(folder / name, change)
        return folder.parent / seal(folder)

    return damage


def answer_wrongly(golden: dict[str, Any]) -> None:
    """Let a golden row have another answer than the model gives."""
    golden["probabilities"][3] += 0.01


def know_less(manifest: dict[str, Any]) -> None:
    """Let the manifest be about a contract without the last field."""
    manifest["fields"].pop()


def be_older(manifest: dict[str, Any]) -> None:
    """Let the manifest be of the format before this one."""
    manifest["format"] -= 1


def register_as_it_is(settings: Settings, folder: Path) -> str:
    """Make a folder the challenger, here and in MLflow, without a look into it."""
    registry = client(settings)
    source = registry.get_model_version_by_alias(NAME, "champion").source
    run_id = registry.create_run(open_experiment(settings)).info.run_id
    registry.log_artifacts(run_id, str(folder), BUNDLE_ARTIFACTS)
    tags = {"bundle": folder.name}
    entry = registry.create_model_version(NAME, str(source), run_id, tags=tags)
    registry.set_registered_model_alias(NAME, "challenger", entry.version)
    return folder.name


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip_a_byte, "model.onnx is not the file that was exported"),
        (remove_a_file, "golden.json is missing"),
        (forged("golden.json", answer_wrongly), "golden row 3 answers"),
        (forged(MANIFEST_FILE, know_less), "made for another data contract"),
        (forged(MANIFEST_FILE, be_older), "is of format 1 and this code's is 2"),
    ],
    ids=["flipped byte", "missing file", "wrong golden row", "older contract", "older format"],
)
@pytest.mark.parametrize("force", [None, "in a hurry"])
def test_a_damaged_challenger_is_never_promoted(
    alive: Settings, damage: Callable[[Path], Path], said: str, force: str | None
) -> None:
    first = champion_of(alive)
    before = (alive.models / "champion.json").read_bytes()
    copy = copy_of(alive.models / first)
    rewrite(copy / MANIFEST_FILE, lambda content: content.update(threshold=0.3))
    folder = damage(copy.parent / seal(copy))
    version = register_as_it_is(alive, folder)
    assert version != first
    with pytest.raises(BundleError, match=said):
        promote(alive, force=force, say=silent)
    assert (alive.models / "champion.json").read_bytes() == before
    assert read_trial(alive.models) is None
    shutil.rmtree(folder)
    with pytest.raises(BundleError, match=said):
        promote(alive, force=force, say=silent)
    assert not folder.exists(), "what was fetched and is damaged is not kept"
    assert json.loads(before)["version"] == champion_of(alive)
