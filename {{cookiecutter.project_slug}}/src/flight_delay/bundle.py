"""A bundle: an immutable, verified folder that a service can answer from.

It holds `model.onnx`, `manifest.json`, `reference.json`, `golden.json` and `MODEL_CARD.md`. Its
name is its version, the hash of its manifest, and the manifest carries the hash of every other
file, so a changed byte anywhere is noticed. Nothing in it is a pickle.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flight_delay.contract import FIELDS, TARGET, field_names
from flight_delay.encoding import Arrays, encode_rows
from flight_delay.errors import ProjectError

MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"
REFERENCE_FILE = "reference.json"
GOLDEN_FILE = "golden.json"
CARD_FILE = "MODEL_CARD.md"
LISTED = {MODEL_FILE, REFERENCE_FILE, GOLDEN_FILE, CARD_FILE}
"""The files whose hashes a manifest has to carry."""

FORMAT = 2
"""Of the manifest. The first knew no rival."""
VERSION_LENGTH = 12
GOLDEN_TOLERANCE = 1e-6


class BundleError(ProjectError):
    """A bundle is absent, damaged or made for another contract."""


class DailyScore(BaseModel):
    """What one validation day adds up to, so that two bundles can be compared day by day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: str
    rows: int
    squared_error: float


class Difference(BaseModel):
    """How much a metric of one model differs from that of another, with its 95 % interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    estimate: float
    low: float
    high: float


class SliceDifference(Difference):
    """The difference in Brier score on the rows that have one value of one field."""

    slice: str
    value: str
    rows: int


class Rival(BaseModel):
    """The champion that a model was compared with, on the newest days that neither had seen.

    Differences are the model less the champion, paired by day, on the very same rows.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True
    )

    version: str
    first: str = Field(validation_alias="from", serialization_alias="from")
    last: str = Field(validation_alias="to", serialization_alias="to")
    days: int
    rows: int
    difference: dict[str, Difference]
    slices: list[SliceDifference]


class Manifest(BaseModel):
    """What a bundle is and what it was measured to be; no dates, so that it can be made again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    target: str
    fields: list[dict[str, Any]]
    threshold: float
    seed: int
    windows: dict[str, list[str]]
    metrics: dict[str, dict[str, dict[str, float]]]
    validation_days: list[DailyScore]
    rival: Rival | None = None
    data_hash: str
    code_hash: str
    libraries: dict[str, str]
    files: dict[str, str]

    @property
    def version(self) -> str:
        """The first 12 hexadecimal digits of the SHA-256 of the manifest."""
        return hashlib.sha256(canonical_json(self.model_dump())).hexdigest()[:VERSION_LENGTH]


class Bundle:
    """A bundle that was read and verified; use `load`."""

    def __init__(self, path: Path, manifest: Manifest, model: bytes) -> None:
        """Open a model whose bytes were checked."""
        self.path = path
        self.manifest = manifest
        self.version = manifest.version
        self._session = open_session(model)

    def probabilities(self, arrays: Arrays) -> NDArray[np.float64]:
        """Return the probability of the target for encoded rows (n, 1) a field; shape (n,)."""
        return run_session(self._session, arrays)

    def decide(self, probability: float) -> bool:
        """Return the prediction: whether the probability reaches the threshold."""
        return probability >= self.manifest.threshold

    def reference(self) -> dict[str, Any]:
        """Return the profile of what it learned from, by which drift and odd days are seen."""
        profile: dict[str, Any] = json.loads((self.path / REFERENCE_FILE).read_bytes())
        return profile

    def check_golden(self, golden: dict[str, Any]) -> None:
        """Score the golden rows again.

        Raises:
            BundleError: when an answer is not the one scikit-learn gave at export.
        """
        answers = self.probabilities(encode_rows(golden["rows"]))
        difference = np.abs(answers - np.array(golden["probabilities"]))
        worst = int(difference.argmax())
        if not difference[worst] <= GOLDEN_TOLERANCE:
            message = (
                f"bundle {self.version}: golden row {worst} answers {answers[worst]:.6f}, "
                f"scikit-learn said {golden['probabilities'][worst]:.6f}"
            )
            raise BundleError(message)


def load(path: Path) -> Bundle:
    """Read a bundle after checking name, contract, hashes and golden rows.

    Raises:
        BundleError: naming the file or rule at fault.
    """
    manifest = read_manifest(path)
    if set(manifest.files) != LISTED:
        message = f"bundle {path.name}: {MANIFEST_FILE} does not list the files of a bundle"
        raise BundleError(message)
    contents = {name: _read(path / name) for name in manifest.files}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != manifest.files[name]:
            message = f"bundle {path.name}: {name} is not the file that was exported"
            raise BundleError(message)
    bundle = Bundle(path, manifest, contents[MODEL_FILE])
    bundle.check_golden(json.loads(contents[GOLDEN_FILE]))
    return bundle


def load_if_intact(path: Path) -> Bundle | None:
    """Return a bundle, or None when it is absent or damaged and should be made or fetched again."""
    try:
        return load(path)
    except BundleError:
        return None


def read_manifest(path: Path) -> Manifest:
    """Read a manifest and check that it names its folder and keeps this code's contract.

    Raises:
        BundleError: when it does not.
    """
    try:
        content = json.loads((path / MANIFEST_FILE).read_text(encoding="utf-8"))
        stated, found = content.pop("version"), content["format"]
        # First of all: what another format holds says nothing of whether it was damaged.
        if found != FORMAT:
            message = (
                f"bundle {path.name} is of format {found} and this code's is {FORMAT}: "
                f"run the commands `train` and `promote`"
            )
            raise BundleError(message)
        manifest = Manifest.model_validate(content)
        intact = manifest.version == stated == path.name
    except FileNotFoundError:
        message = f"bundle {path.name}: there is no {MANIFEST_FILE} in it"
        raise BundleError(message) from None
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"bundle {path.name}: {MANIFEST_FILE} cannot be read: {error}"
        raise BundleError(message) from None
    if not intact:
        message = f"bundle {path.name}: {MANIFEST_FILE} was changed after export"
        raise BundleError(message)
    if not keeps_contract(manifest):
        message = (
            f"bundle {path.name} was made for another data contract than this code's: "
            f"run the commands `train` and `promote`"
        )
        raise BundleError(message)
    return manifest


def keeps_contract(manifest: Manifest) -> bool:
    """Return whether a manifest is about the target and the fields of this code's contract."""
    return (manifest.target, manifest.fields) == (TARGET, contract_fields())


def contract_fields() -> list[dict[str, Any]]:
    """Return the contract as plain JSON values, the way a manifest records it."""
    fields: list[dict[str, Any]] = json.loads(json.dumps([asdict(field) for field in FIELDS]))
    return fields


def open_session(model: bytes) -> onnxruntime.InferenceSession:
    """Open an ONNX model on one thread: a service scales by processes, not by spinning."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_session(session: onnxruntime.InferenceSession, arrays: Arrays) -> NDArray[np.float64]:
    """Score encoded rows; the second column of the classifier's probabilities, shape (n,)."""
    feed = {name: arrays[name] for name in field_names()}
    probability = session.run(["probabilities"], feed)[0]
    return np.asarray(probability[:, 1], dtype=np.float64)


def canonical_json(value: object) -> bytes:
    """Return the one JSON form of a value that is hashed and stored."""
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        message = f"bundle {path.parent.name}: {path.name} is missing"
        raise BundleError(message) from None
    except OSError as error:
        message = f"bundle {path.parent.name}: {path.name} cannot be read: {error.strerror}"
        raise BundleError(message) from None
