"""The claim of one contract, proved: a field is added in a copy, and every consumer has it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

from flight_delay import contract
from flight_delay.contract import field_names

PACKAGE = Path(contract.__file__).parent
NEW = "day_of_month"
FIELD = f'    Numeric("{NEW}", "Day of the month, local", "day", 1, 31, 17),\n'
END_OF_FIELDS = ')\n"""What the model is asked'
FEATURE = f"            {NEW}=pl.col(DAY).dt.day(),\n"
BEGIN_OF_FEATURES = "            flights_in_hour="

PROGRAM = """
import json
from PACKAGE.contract import example
from PACKAGE.errors import ProjectError
from PACKAGE.pipeline import run_data, run_train
from PACKAGE.promotion import run_promote
from PACKAGE.scoring import score
from PACKAGE.settings import Settings
from PACKAGE.tracking import signature

settings = Settings()
run_data(settings, print)
run_train(settings, print)
verdict = run_promote(settings)
asked = example()
answer = score(settings, json.dumps(asked))
last = score(settings, json.dumps(asked | {"NEW": 31}))
refusals = []
for wrong in ({"NEW": 32}, {"NEW": None}):
    try:
        score(settings, json.dumps(asked | wrong))
    except ProjectError as error:
        refusals.append(str(error))
del asked["NEW"]
try:
    score(settings, json.dumps(asked))
except ProjectError as error:
    refusals.append(str(error))
print(json.dumps({
    "reasons": verdict.reasons,
    "promoted": verdict.champion is not None,
    "version": answer["model_version"],
    "probabilities": [one["predictions"][0]["probability"] for one in (answer, last)],
    "refusals": refusals,
    "signature": signature().inputs.input_names(),
}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of the package in which one field was added, in two lines."""
    home = tmp_path_factory.mktemp("one-contract")
    copy = home / "src" / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    insert(copy / "contract.py", FIELD, before=END_OF_FIELDS)
    insert(copy / "features.py", FEATURE, before=BEGIN_OF_FEATURES)
    return home


@pytest.fixture(scope="module")
def said(home: Path) -> dict[str, Any]:
    """Run the copy from raw files to predictions, and return what it said of itself."""
    program = PROGRAM.replace("PACKAGE", PACKAGE.name).replace("NEW", NEW)
    environment = os.environ | {
        "PYTHONPATH": str(home / "src"),
        "APP_HOME": str(home),
        "APP_RESAMPLES": "100",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=home,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def insert(path: Path, line: str, before: str) -> None:
    """Insert a line before a text that occurs once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, line + before), encoding="utf-8")


def test_the_champion_has_the_new_field_everywhere(home: Path, said: dict[str, Any]) -> None:
    names = [*field_names(), NEW]
    assert said["promoted"], said["reasons"]
    bundle = home / "models" / said["version"]
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    assert [field["name"] for field in manifest["fields"]] == names
    assert [one.name for one in onnx.load(bundle / "model.onnx").graph.input] == names

    reference = json.loads((bundle / "reference.json").read_text(encoding="utf-8"))
    assert set(reference["fields"]) == set(names)
    assert reference["fields"][NEW]["null_share"] == 0
    assert 15 < reference["fields"][NEW]["mean"] < 17

    golden = json.loads((bundle / "golden.json").read_text(encoding="utf-8"))
    assert set(golden["rows"][0]) == set(names)
    card = (bundle / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"| {NEW} | Day of the month, local | day | 1 to 31 | no |" in card


def test_the_registry_has_the_new_field(home: Path, said: dict[str, Any]) -> None:
    names = [*field_names(), NEW]
    assert said["signature"] == names
    (logged,) = (home / "mlartifacts").rglob("MLmodel")
    assert f'"name": "{NEW}"' in logged.read_text(encoding="utf-8")


def test_a_request_needs_the_new_field_and_its_value_matters(said: dict[str, Any]) -> None:
    usual, last_day = said["probabilities"]
    assert 0 < usual < 1
    assert 0 < last_day < 1
    assert usual != last_day
    too_late, null, absent = said["refusals"]
    assert f"'{NEW}': Input should be less than or equal to 31" in too_late
    assert f"'{NEW}': Input should be a valid number" in null
    assert f"'{NEW}': Field required" in absent
