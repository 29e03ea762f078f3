"""A bundle is believed only if every byte of it is the one that was exported."""

import hashlib
import json
import pickletools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from flight_delay.bundle import (
    VERSION_LENGTH,
    BundleError,
    canonical_json,
    contract_fields,
    load,
    read_manifest,
)
from flight_delay.champion import read_champion
from flight_delay.contract import FIELDS, example
from flight_delay.encoding import encode_rows
from flight_delay.settings import Settings
from flight_delay.splits import Windows

from ..service.bundles import sha256  # noqa: TID252 - what the tests share
from .manifests import difference, lost, rival

FILES = ("MODEL_CARD.md", "golden.json", "manifest.json", "model.onnx", "reference.json")


@pytest.fixture(scope="module")
def original(trained: Settings) -> Path:
    """Return the champion's bundle, which no test may change."""
    champion = read_champion(trained.models)
    assert champion is not None
    return trained.models / champion.version


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """Return a copy of the bundle, in another place, for a test to damage."""
    return Path(shutil.copytree(original, tmp_path / original.name))


def read(folder: Path, name: str) -> dict[str, Any]:
    """Read a JSON file of a bundle."""
    content: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return content


def forge(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the manifest and make version and folder agree again, as a forger would."""
    content = read(folder, "manifest.json")
    del content["version"]
    change(content)
    content["files"] = {name: sha256(folder / name) for name in content["files"]}
    digest = hashlib.sha256(canonical_json(content)).hexdigest()
    version = digest[:VERSION_LENGTH]
    (folder / "manifest.json").write_bytes(canonical_json(content | {"version": version}))
    return folder.rename(folder.parent / version)


def test_a_bundle_holds_these_files_and_no_other(original: Path) -> None:
    assert tuple(sorted(path.name for path in original.iterdir())) == FILES


def test_a_bundle_loads_from_any_folder(original: Path, folder: Path) -> None:
    here, there = load(original), load(folder)
    assert here.version == there.version == original.name
    assert len(here.version) == VERSION_LENGTH
    arrays = encode_rows([example()])
    assert here.probabilities(arrays) == there.probabilities(arrays)


def test_a_bundle_whose_folder_was_renamed_away_is_no_bundle(folder: Path) -> None:
    other = folder.rename(folder.parent / "000000000000")
    with pytest.raises(BundleError, match=r"bundle 0{12}: manifest\.json was changed after export"):
        load(other)


def test_probabilities_and_decisions(original: Path, windows: Windows) -> None:
    bundle = load(original)
    rows = windows.launch.head(500).to_dicts()
    answers = bundle.probabilities(encode_rows(rows))
    assert answers.shape == (500,)
    assert answers.dtype == np.float64
    one_by_one = [bundle.probabilities(encode_rows([row]))[0] for row in rows[:20]]
    assert answers[:20].tolist() == one_by_one
    threshold = bundle.manifest.threshold
    assert [bundle.decide(level) for level in (threshold - 1e-9, threshold, 1.0)] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_one_changed_byte_in_any_file_is_noticed(folder: Path, name: str, place: float) -> None:
    path = folder / name
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match=rf"bundle {folder.name}: {name} "):
        load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=name):
        load(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_short_is_noticed(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BundleError, match=name):
        load(folder)


def test_an_absent_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"bundle nothing: there is no manifest\.json in it"):
        load(tmp_path / "nothing")


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b'"text"', b'{"version": 1}', b"\xff"],
)
def test_a_manifest_that_is_none_is_refused(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json cannot be read"):
        read_manifest(folder)


def test_a_number_that_is_none_in_the_manifest_is_refused(folder: Path) -> None:
    path = folder / "manifest.json"
    text = path.read_text(encoding="utf-8")
    threshold = json.loads(text)["threshold"]
    path.write_text(text.replace(f'"threshold": {threshold}', '"threshold": NaN'), encoding="utf-8")
    with pytest.raises(BundleError, match=r"manifest\.json cannot be read"):
        read_manifest(folder)


def test_a_key_more_or_less_in_the_manifest_is_refused(folder: Path) -> None:
    content = read(folder, "manifest.json")
    (folder / "manifest.json").write_bytes(canonical_json(content | {"approved": True}))
    with pytest.raises(BundleError, match="Extra inputs are not permitted"):
        load(folder)
    del content["threshold"]
    (folder / "manifest.json").write_bytes(canonical_json(content))
    with pytest.raises(BundleError, match="Field required"):
        load(folder)


@pytest.mark.parametrize(
    "change", [{"threshold": 0.9}, {"version": "0" * 12}, {"data_hash": "0" * 64}]
)
def test_a_changed_value_in_the_manifest_is_noticed(folder: Path, change: dict[str, Any]) -> None:
    content = read(folder, "manifest.json") | change
    (folder / "manifest.json").write_bytes(canonical_json(content))
    with pytest.raises(BundleError, match=r"manifest\.json was changed after export"):
        load(folder)


def test_a_forged_manifest_with_nothing_changed_loads(folder: Path) -> None:
    forged = forge(folder, lambda content: content.update(seed=1))
    assert load(forged).manifest.seed == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["fields"][3].update(maximum=1440),
        lambda content: content["fields"][0].update(nullable=True),
        lambda content: content["fields"].reverse(),
        lambda content: content["fields"].pop(),
        lambda content: content.update(target="cancelled"),
    ],
)
def test_a_bundle_of_another_contract_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    forged = forge(folder, change)
    with pytest.raises(BundleError, match="made for another data contract than this code's"):
        load(forged)


@pytest.mark.parametrize("found", [1, 3, "2"])
def test_a_bundle_of_another_format_is_told_apart_from_a_damaged_one(
    folder: Path, found: object
) -> None:
    content = read(folder, "manifest.json")
    del content["rival"]  # what the first format knew nothing of
    (folder / "manifest.json").write_bytes(canonical_json(content | {"format": found}))
    with pytest.raises(BundleError, match=rf"is of format {found} and this code's is 2: run the"):
        load(folder)


def test_what_a_challenger_met_is_part_of_its_manifest(folder: Path) -> None:
    met = rival("0" * 12, difference(-0.001, -0.002, 0.0), slices=[lost("origin", "JFK", 0.1, 0)])
    forged = forge(folder, lambda content: content.update(rival=met.model_dump()))
    manifest = load(forged).manifest
    assert manifest.rival == met
    assert manifest.model_dump()["rival"]["from"] == "2013-04-14"
    assert manifest.version != manifest.model_copy(update={"rival": None}).version


def test_a_manifest_that_leaves_a_file_unhashed_is_refused(folder: Path) -> None:
    forged = forge(folder, lambda content: content["files"].pop("model.onnx"))
    with pytest.raises(BundleError, match="does not list the files of a bundle"):
        load(forged)


def test_a_model_that_answers_otherwise_than_scikit_learn_is_refused(folder: Path) -> None:
    golden = read(folder, "golden.json")
    golden["probabilities"][7] += 2e-6
    (folder / "golden.json").write_bytes(canonical_json(golden))
    forged = forge(folder, lambda content: content.update(seed=1))
    with pytest.raises(BundleError, match=r"golden row 7 answers 0\.\d+, scikit-learn said 0\.\d+"):
        load(forged)


def test_golden_rows_cover_every_field_null_and_every_category_unseen(original: Path) -> None:
    golden = read(original, "golden.json")
    assert len(golden["rows"]) == len(golden["probabilities"]) == 48 + 3 + 16 + 1
    unseen = [row for row in golden["rows"] if "never seen" in row.values()]
    assert len(unseen) == 3
    for field in FIELDS:
        assert any(row[field.name] is None for row in golden["rows"])
    assert set(golden["rows"][-1].values()) == {None}


def test_the_version_depends_on_every_byte_of_the_manifest(original: Path) -> None:
    manifest = read_manifest(original)
    assert manifest.version == original.name
    for name, value in (("seed", 1), ("threshold", 0.5), ("files", {}), ("code_hash", "")):
        assert manifest.model_copy(update={name: value}).version != original.name


def test_a_manifest_has_no_date_of_its_making_and_no_path(original: Path) -> None:
    text = (original / "manifest.json").read_text(encoding="utf-8")
    assert str(original.parent) not in text
    assert "2013-" in text
    assert not [year for year in range(2020, 2050) if f"{year}-" in text]
    assert read_manifest(original).fields == contract_fields()


def test_nothing_in_a_bundle_is_a_pickle(original: Path) -> None:
    for name in FILES:
        content = (original / name).read_bytes()
        with pytest.raises(ValueError, match="opcode"):
            list(pickletools.genops(content))
        if name.endswith(".json"):
            json.loads(content)
    model = onnx.load_model_from_string((original / "model.onnx").read_bytes())
    assert {one.domain for one in model.opset_import} <= {"", "ai.onnx.ml"}
    assert not [one for one in model.graph.initializer if one.external_data]
