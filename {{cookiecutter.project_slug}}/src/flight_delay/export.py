"""From a trained pipeline to a bundle, through the parity gate.

A conversion can succeed and answer wrongly, so no bundle is written unless ONNX agrees with
scikit-learn on every validation row, on categories never seen and on rows of nothing but nulls.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from flight_delay.bundle import (
    CARD_FILE,
    FORMAT,
    GOLDEN_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    REFERENCE_FILE,
    DailyScore,
    Manifest,
    Rival,
    canonical_json,
    contract_fields,
    load,
    load_if_intact,
    open_session,
    run_session,
)
from flight_delay.contract import (
    DAY,
    FIELDS,
    MISSING,
    TARGET,
    Categorical,
    Numeric,
    field_names,
)
from flight_delay.data import data_hash
from flight_delay.encoding import Arrays
from flight_delay.errors import ProjectError
from flight_delay.files import unfinished_folder
from flight_delay.model import as_arrays, as_frame
from flight_delay.model_card import model_card
from flight_delay.reference import reference_profile
from flight_delay.settings import Settings
from flight_delay.splits import Windows
from flight_delay.train import Trained

GOLDEN_ROWS = 48
UNSEEN_CATEGORY = "never seen"
LIBRARIES = ("numpy", "onnx", "onnxruntime", "polars", "scikit-learn", "skl2onnx")


class ParityError(ProjectError):
    """ONNX and scikit-learn disagree; nothing was exported."""


def export_bundle(
    trained: Trained, windows: Windows, settings: Settings, rival: Rival | None = None
) -> Path:
    """Convert, check parity, and write `models/<version>/`; the folder appears whole or not at all.

    Only history goes into it, so that it is the same on launch day and ever after; `rival` is
    what a retraining says of the champion.

    Raises:
        ParityError: when ONNX and scikit-learn disagree on a row.
    """
    limit = settings.max_parity_difference
    validation = as_arrays(windows.validation)
    check_parity(trained.candidate, to_onnx_bytes(trained.candidate), validation, limit)
    model = to_onnx_bytes(trained.final)
    difference = check_parity(trained.final, model, validation, limit)

    history = windows.history
    served = run_session(open_session(model), as_arrays(history))
    files = {
        MODEL_FILE: model,
        REFERENCE_FILE: canonical_json(reference_profile(history, served)),
        GOLDEN_FILE: canonical_json(golden_rows(trained.final, validation)),
    }
    manifest = _manifest(trained, windows, settings, difference)
    manifest = manifest.model_copy(update={"rival": rival})
    files[CARD_FILE] = model_card(manifest).encode()
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = manifest.model_copy(update={"files": hashes})
    files[MANIFEST_FILE] = canonical_json(manifest.model_dump() | {"version": manifest.version})
    return _write(settings.models / manifest.version, files)


def to_onnx_bytes(pipeline: Pipeline) -> bytes:
    """Convert a fitted pipeline; one input of shape (n, 1) a field, float32 or string."""
    kinds = {Numeric: FloatTensorType, Categorical: StringTensorType}
    initial = [(field.name, kinds[type(field)]([None, 1])) for field in FIELDS]
    options = {id(pipeline): {"zipmap": False}}
    model = to_onnx(pipeline, initial_types=initial, options=options, name=TARGET)
    # The converter collects these in a set, whose order changes from process to process.
    operators = sorted(model.opset_import, key=lambda operators: operators.domain)
    del model.opset_import[:]
    model.opset_import.extend(operators)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def check_parity(pipeline: Pipeline, model: bytes, rows: Arrays, limit: float) -> float:
    """Return the largest difference between ONNX and scikit-learn over the rows and hard cases.

    Args:
        pipeline: fitted.
        model: the same, converted.
        rows: encoded rows of shape (n, 1) a field, to which hard cases are added.
        limit: the largest difference in probability that is accepted.

    Raises:
        ParityError: naming the worst row and both answers.
    """
    cases = with_hard_cases(rows)
    ours = _score(pipeline, cases)
    theirs = run_session(open_session(model), cases)
    difference = np.abs(ours - theirs)
    worst = int(difference.argmax())
    if not difference[worst] <= limit:
        row = {name: values[worst, 0] for name, values in cases.items()}
        message = (
            f"ONNX answers {theirs[worst]:.6f} where scikit-learn says {ours[worst]:.6f}, and "
            f"{int((difference > limit).sum())} of {len(ours)} rows differ by more than {limit}. "
            f"Worst row: {row}"
        )
        raise ParityError(message)
    return float(difference[worst])


def with_hard_cases(rows: Arrays) -> Arrays:
    """Append the first row with each category unseen and each field null in turn, then all null."""
    first = {name: values[:1] for name, values in rows.items()}
    nulls = {field.name: _null(field) for field in FIELDS}
    unseen = [
        first | {field.name: np.array([[UNSEEN_CATEGORY]], dtype=object)}
        for field in FIELDS
        if isinstance(field, Categorical)
    ]
    absent = [first | {name: null} for name, null in nulls.items()]
    cases = [rows, *unseen, *absent, nulls]
    return {name: np.concatenate([case[name] for case in cases]) for name in field_names()}


def golden_rows(pipeline: Pipeline, rows: Arrays) -> dict[str, Any]:
    """Pick rows evenly in time, add the hard cases, and record what scikit-learn answers."""
    count = len(rows[field_names()[0]])
    picked = np.linspace(0, count - 1, min(GOLDEN_ROWS, count)).astype(int)
    cases = with_hard_cases({name: values[picked] for name, values in rows.items()})
    columns = {name: [_plain(value) for value in values[:, 0]] for name, values in cases.items()}
    rows_of_values = zip(*columns.values(), strict=True)
    return {
        "rows": [dict(zip(columns, row, strict=True)) for row in rows_of_values],
        "probabilities": _score(pipeline, cases).tolist(),
    }


def code_hash() -> str:
    """Hash every module of this package, so that a bundle names the code that made it."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def _manifest(
    trained: Trained, windows: Windows, settings: Settings, difference: float
) -> Manifest:
    days = trained.validation.daily
    return Manifest(
        format=FORMAT,
        target=TARGET,
        fields=contract_fields(),
        threshold=trained.threshold,
        seed=settings.seed,
        windows={
            name: [str(rows[DAY].min()), str(rows[DAY].max())]
            for name, rows in {
                "history": windows.history,
                "validation": windows.validation,
            }.items()
        },
        metrics={
            "validation": trained.validation.figures(),
            "parity": {"largest_difference": {"estimate": difference}},
        },
        validation_days=[
            DailyScore(day=day["day"], rows=day["rows"], squared_error=day["squared_error"])
            for day in days
        ],
        data_hash=data_hash(windows.history),
        code_hash=code_hash(),
        libraries={name: version(name) for name in LIBRARIES},
        files={},
    )


def _write(folder: Path, files: dict[str, bytes]) -> Path:
    """Write the files beside their place, verify them as a service would, then rename once."""
    if load_if_intact(folder):
        return folder
    with unfinished_folder(folder) as unfinished:
        for name, content in files.items():
            (unfinished / name).write_bytes(content)
        load(unfinished)
    return folder


def _score(pipeline: Pipeline, arrays: Arrays) -> np.ndarray[Any, Any]:
    return np.asarray(pipeline.predict_proba(as_frame(arrays))[:, 1], dtype=np.float64)


def _null(field: Numeric | Categorical) -> np.ndarray[Any, Any]:
    if isinstance(field, Numeric):
        return np.array([[np.nan]], dtype=np.float32)
    return np.array([[MISSING]], dtype=object)


def _plain(value: Any) -> float | str | None:  # noqa: ANN401 - what NumPy holds
    if isinstance(value, str):
        return None if value == MISSING else value
    return None if np.isnan(value) else float(value)
