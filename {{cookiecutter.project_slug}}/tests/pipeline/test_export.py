"""The parity gate: a conversion that is wrong without a word does not get through."""

import dataclasses
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from flight_delay import export
from flight_delay.bundle import BundleError, load, open_session, run_session
from flight_delay.champion import read_champion
from flight_delay.contract import (
    TARGET,
    categorical_fields,
    field_names,
    numeric_fields,
)
from flight_delay.encoding import Arrays, encode
from flight_delay.export import (
    ParityError,
    check_parity,
    code_hash,
    export_bundle,
    golden_rows,
    to_onnx_bytes,
    with_hard_cases,
)
from flight_delay.model import gradient_boosting, inputs
from flight_delay.settings import Settings
from flight_delay.splits import Windows
from flight_delay.train import Trained, fit, probabilities, train

from ..conftest import silent  # noqa: TID252 - what the tests share

LIMIT = 1e-6


@pytest.fixture(scope="module")
def good(windows: Windows) -> Pipeline:
    return fit(gradient_boosting(1), windows.fit)


@pytest.fixture(scope="module")
def rows(windows: Windows) -> Arrays:
    return encode({name: windows.validation[name] for name in field_names()})


@pytest.fixture(scope="module")
def recipe(trained: Settings, windows: Windows) -> Trained:
    return train(windows, trained, silent)


@pytest.fixture(scope="module")
def native_categories(windows: Windows) -> Pipeline:
    """Return trees with scikit-learn's own categorical splits, which ONNX has no word for."""
    names = [field.name for field in categorical_fields()]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer(
        [
            ("categorical", encoder, names),
            ("numeric", "passthrough", [field.name for field in numeric_fields()]),
        ]
    )
    trees = HistGradientBoostingClassifier(
        max_iter=30, categorical_features=list(range(len(names)))
    )
    pipeline = Pipeline([("columns", columns), ("classifier", trees)])
    return pipeline.fit(inputs(windows.fit), windows.fit[TARGET].to_numpy())


def test_onnx_agrees_on_every_validation_row_and_hard_case(
    good: Pipeline, rows: Arrays, windows: Windows
) -> None:
    model = to_onnx_bytes(good)
    assert check_parity(good, model, rows, LIMIT) <= LIMIT
    served = run_session(open_session(model), rows)
    assert len(served) == windows.validation.height
    assert np.abs(served - probabilities(good, windows.validation)).max() <= LIMIT


CONVERT = f"""
import hashlib, pathlib, pickle, sys
from {to_onnx_bytes.__module__} import to_onnx_bytes
pipeline = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())
print(hashlib.sha256(to_onnx_bytes(pipeline)).hexdigest())
"""


def test_the_bytes_do_not_depend_on_the_process(good: Pipeline, tmp_path: Path) -> None:
    """The order of a set of strings differs between processes; the seed of 0 fixes one order."""
    stored = tmp_path / "pipeline"
    stored.write_bytes(pickle.dumps(good))
    expected = hashlib.sha256(to_onnx_bytes(good)).hexdigest()
    for seed in ("0", "1"):
        process = subprocess.run(
            [sys.executable, "-c", CONVERT, str(stored)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert process.stdout.strip() == expected


def test_native_categorical_features_convert_and_are_caught(
    native_categories: Pipeline, rows: Arrays
) -> None:
    model = to_onnx_bytes(native_categories)  # no error: that is the trap
    with pytest.raises(ParityError, match=r"rows differ by more than 1e-06\. Worst row: .*carrier"):
        check_parity(native_categories, model, rows, LIMIT)


def test_the_seed_matters(good: Pipeline, windows: Windows) -> None:
    other = fit(gradient_boosting(2), windows.fit)
    assert to_onnx_bytes(other) != to_onnx_bytes(good)


def test_a_model_of_other_rows_is_caught(good: Pipeline, rows: Arrays, windows: Windows) -> None:
    other = to_onnx_bytes(fit(gradient_boosting(2), windows.validation))
    with pytest.raises(ParityError):
        check_parity(good, other, rows, LIMIT)


@pytest.mark.parametrize("model", ["candidate", "final"])
def test_nothing_is_exported_when_parity_fails(
    recipe: Trained, native_categories: Pipeline, windows: Windows, tmp_path: Path, model: str
) -> None:
    settings = Settings(home=tmp_path)
    wrong = dataclasses.replace(recipe, **{model: native_categories})
    with pytest.raises(ParityError):
        export_bundle(wrong, windows, settings)
    assert not settings.models.exists()


def test_a_bundle_that_fails_its_own_checks_is_not_left_behind(
    recipe: Trained, windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong_answers(pipeline: Pipeline, rows: Arrays) -> dict[str, Any]:
        golden = golden_rows(pipeline, rows)
        golden["probabilities"][5] += 1e-3
        return golden

    settings = Settings(home=tmp_path)
    monkeypatch.setattr(export, "golden_rows", wrong_answers)
    with pytest.raises(BundleError, match="golden row 5 answers"):
        export_bundle(recipe, windows, settings)
    assert list(settings.models.iterdir()) == []


def test_what_happens_after_launch_is_no_part_of_the_bundle(
    recipe: Trained, windows: Windows, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path)
    launch_day = dataclasses.replace(windows, launch=windows.launch.clear())
    made = export_bundle(recipe, launch_day, settings)
    assert export_bundle(recipe, windows, settings) == made


def test_the_code_hash_changes_with_any_module_and_with_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = code_hash()
    copy = tmp_path / "elsewhere"
    shutil.copytree(Path(export.__file__).parent, copy)
    monkeypatch.setattr(export, "__file__", str(copy / "export.py"))
    assert code_hash() == expected
    (copy / "notes.txt").touch()
    assert code_hash() == expected
    for name in ("contract.py", "service/routes.py"):
        module = copy / name
        before = module.read_bytes()
        module.write_bytes(before + b"\n")
        assert code_hash() != expected
        module.write_bytes(before)
    (copy / "contract.py").rename(copy / "agreement.py")
    assert code_hash() != expected


def test_hard_cases_hold_unseen_categories_and_all_nulls(rows: Arrays) -> None:
    few = {name: values[:3] for name, values in rows.items()}
    cases = with_hard_cases(few)
    count = 3 + len(categorical_fields()) + len(field_names()) + 1
    assert {len(values) for values in cases.values()} == {count}
    last = {name: values[-1, 0] for name, values in cases.items()}
    assert all(last[field.name] == "missing" for field in categorical_fields())
    assert all(np.isnan(last[field.name]) for field in numeric_fields())
    for field in categorical_fields():
        assert "never seen" in cases[field.name][:, 0]


def test_export_again_keeps_what_is_whole_and_replaces_what_is_not(
    recipe: Trained, project: Settings, windows: Windows
) -> None:
    champion = read_champion(project.models)
    assert champion is not None
    folder = project.models / champion.version
    assert export_bundle(recipe, windows, project) == folder
    (folder / "golden.json").write_text("{}")
    assert export_bundle(recipe, windows, project) == folder
    assert load(folder).version == champion.version
