"""Parity and loading, on a model that is fitted in a second instead of the one that is shipped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from sklearn.pipeline import Pipeline

from flight_delay.bundle import (
    CARD_FILE,
    GOLDEN_FILE,
    LISTED,
    MODEL_FILE,
    REFERENCE_FILE,
    BundleError,
    canonical_json,
    load,
)
from flight_delay.contract import FIELDS, Numeric, example
from flight_delay.encoding import Arrays, encode
from flight_delay.export import (
    ParityError,
    check_parity,
    golden_rows,
    to_onnx_bytes,
)
from flight_delay.model import as_frame, gradient_boosting

from .manifests import Files, written

LIMIT = 1e-6
ROWS = 2000


@pytest.fixture(scope="module")
def rows() -> Arrays:
    """Return rows of the contract, with numbers from all over their ranges and some nulls."""
    random = np.random.default_rng(1)
    columns: dict[str, Any] = {name: [value] * ROWS for name, value in example().items()}
    for field in FIELDS:
        if isinstance(field, Numeric):
            drawn = random.uniform(field.minimum, field.maximum, ROWS)
            absent = field.nullable & (random.random(ROWS) < 0.1)
            columns[field.name] = np.where(absent, np.nan, drawn)
    columns["carrier"] = random.choice(["UA", "AA", "B6"], ROWS)
    return encode(columns)


@pytest.fixture(scope="module")
def pipeline(rows: Arrays) -> Pipeline:
    """Return the shipped recipe, fitted on them."""
    late = rows["airport_late_share"][:, 0] > 0.6
    return gradient_boosting(1).fit(as_frame(rows), late)


@pytest.fixture(scope="module")
def model(pipeline: Pipeline) -> bytes:
    """Return it converted."""
    return to_onnx_bytes(pipeline)


@pytest.fixture(scope="module")
def files(pipeline: Pipeline, model: bytes, rows: Arrays) -> Files:
    """Return the files of a bundle, but for the manifest."""
    return {
        MODEL_FILE: model,
        REFERENCE_FILE: b"{}",
        GOLDEN_FILE: canonical_json(golden_rows(pipeline, rows)),
        CARD_FILE: b"a card",
    }


def started_from(model: bytes, start: float) -> bytes:
    """Return a model whose trees start from other log-odds."""
    changed = onnx.load_model_from_string(model)
    (trees,) = [node for node in changed.graph.node if node.op_type.startswith("TreeEnsemble")]
    (base,) = [one for one in trees.attribute if one.name == "base_values"]
    base.floats[0] = start
    content: bytes = changed.SerializeToString()
    return content


def test_a_conversion_that_agrees_passes_with_its_largest_difference(
    pipeline: Pipeline, model: bytes, rows: Arrays
) -> None:
    assert 0 <= check_parity(pipeline, model, rows, LIMIT) <= LIMIT


@pytest.mark.parametrize("start", [-9.0, float("nan")])
def test_a_conversion_that_answers_otherwise_is_caught(
    pipeline: Pipeline, model: bytes, rows: Arrays, start: float
) -> None:
    with pytest.raises(ParityError, match=r"scikit-learn says 0\.\d+.* rows differ by more than"):
        check_parity(pipeline, started_from(model, start), rows, LIMIT)


def test_one_row_that_differs_is_enough(pipeline: Pipeline, model: bytes, rows: Arrays) -> None:
    last = rows["distance"].copy()
    last[-1] = 1234.5
    odd = OddOne(pipeline, lambda frame: frame["distance"].to_numpy() == 1234.5)
    with pytest.raises(ParityError, match=r"1 of \d+ rows differ .*'distance': .*1234\.5"):
        check_parity(odd, model, rows | {"distance": last}, LIMIT)


def test_a_category_that_no_row_has_is_compared_too(
    pipeline: Pipeline, model: bytes, rows: Arrays
) -> None:
    known = ["UA", "AA", "B6", "missing"]
    odd = OddOne(pipeline, lambda frame: ~frame["carrier"].is_in(known).to_numpy())
    with pytest.raises(ParityError, match=r"1 of \d+ rows differ .*'carrier': 'never seen'"):
        check_parity(odd, model, rows, LIMIT)


class OddOne:
    """A pipeline that answers some rows a little higher than the one inside it."""

    def __init__(self, pipeline: Pipeline, odd: Callable[[Any], Any]) -> None:
        """Take the pipeline, and what says of a frame which rows are meant."""
        self.pipeline, self.odd = pipeline, odd

    def predict_proba(self, frame: Any) -> Any:  # noqa: ANN401 - scikit-learn's own types
        """Return the probabilities, shape (n, 2)."""
        return self.pipeline.predict_proba(frame) + 0.01 * self.odd(frame)[:, np.newaxis]


def test_a_whole_bundle_is_taken(tmp_path: Path, files: Files) -> None:
    folder = written(tmp_path, files)
    assert load(folder).version == folder.name


@pytest.mark.parametrize("name", sorted(LISTED))
def test_a_changed_byte_is_noticed(tmp_path: Path, files: Files, name: str) -> None:
    folder = written(tmp_path, files)
    (folder / name).write_bytes(files[name] + b" ")
    with pytest.raises(BundleError, match=f"{name} is not the file that was exported"):
        load(folder)


@pytest.mark.parametrize("name", sorted(LISTED))
def test_a_file_that_is_not_there_is_named(tmp_path: Path, files: Files, name: str) -> None:
    folder = written(tmp_path, files)
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        load(folder)


@pytest.mark.parametrize("name", sorted(LISTED))
def test_a_file_without_a_hash_is_not_trusted(tmp_path: Path, files: Files, name: str) -> None:
    folder = written(tmp_path, files, LISTED - {name})
    with pytest.raises(BundleError, match="does not list the files of a bundle"):
        load(folder)


def test_a_file_that_no_bundle_has_is_not_trusted(tmp_path: Path, files: Files) -> None:
    folder = written(tmp_path, {**files, "more.py": b""}, LISTED | {"more.py"})
    with pytest.raises(BundleError, match="does not list the files of a bundle"):
        load(folder)


def test_no_file_is_read_again_after_it_was_hashed(
    tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path, files)
    read, seen = Path.read_bytes, set[str]()

    def read_once(path: Path) -> bytes:
        assert path.name not in seen, f"{path.name} is read twice, and may be another file by then"
        seen.add(path.name)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_once)
    assert load(folder).version == folder.name


def test_a_model_that_is_whole_and_answers_otherwise_is_refused(
    tmp_path: Path, files: Files
) -> None:
    folder = written(tmp_path, files | {MODEL_FILE: started_from(files[MODEL_FILE], -9.0)})
    with pytest.raises(BundleError, match=r"golden row \d+ answers 0\.\d+, scikit-learn said 0\."):
        load(folder)
