"""The notebook runs from top to bottom on its own, and its figures are what its text says."""

import ast
import copy
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from flight_delay.settings import Settings

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_baseline.ipynb"


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    """Return the notebook as it is stored."""
    stored: nbformat.NotebookNode
    stored = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    return stored


@pytest.fixture(scope="module")
def results(
    notebook: nbformat.NotebookNode, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Run the notebook in an empty folder and return what its last cell shows."""
    folder = tmp_path_factory.mktemp("notebook")
    resources = {"metadata": {"path": str(folder)}}
    done = NotebookClient(copy.deepcopy(notebook), timeout=300, resources=resources).execute()
    (shown,) = [
        output["data"]["text/plain"]
        for output in done.cells[-1].outputs
        if output.output_type == "execute_result"
    ]
    assert list(folder.iterdir()) == [], "it leaves nothing behind"
    figures: dict[str, Any] = ast.literal_eval(shown)
    return figures


def test_the_notebook_is_stored_without_outputs(notebook: nbformat.NotebookNode) -> None:
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 10
    assert not [cell for cell in code if cell.outputs or cell.execution_count is not None]
    assert notebook.cells[-1].source.rstrip().endswith("results")


def test_the_notebook_needs_neither_the_project_nor_an_import_of_the_data(
    notebook: nbformat.NotebookNode,
) -> None:
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    imported = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).split(".")[0])
    assert imported == {
        "importlib",
        "matplotlib",
        "numpy",
        "os",
        "pandas",
        "pathlib",
        "sklearn",
        "zipfile",
    }


def test_the_notebook_knows_the_data(results: dict[str, Any]) -> None:
    assert results["flights"] == 336_776
    assert results["departed"] == 328_521
    assert results["base_rate"] == pytest.approx(0.2154, abs=1e-4)
    assert results["base_rate_april"] == pytest.approx(0.226, abs=5e-4)
    assert results["strongest_wind_mph"] == 1048.4


def test_the_first_model_is_honest_and_modest(results: dict[str, Any]) -> None:
    assert results["auc"] == pytest.approx(0.71, abs=0.01)
    assert results["brier"] == pytest.approx(0.1565, abs=0.005)
    assert results["brier_base_rate"] == pytest.approx(0.176, abs=0.005)
    assert results["brier"] < results["brier_base_rate"]
    assert results["calibration_error"] == pytest.approx(0.03, abs=0.01)


def test_the_trap_gets_deeper_with_every_column(results: dict[str, Any]) -> None:
    honest = results["auc_random_split"]
    with_date = results["auc_random_split_with_date"]
    with_leak = results["auc_random_split_with_leak"]
    with_departure = results["auc_random_split_with_departure_time"]
    assert honest == pytest.approx(results["auc"], abs=0.02)
    assert honest + 0.03 < with_date < with_leak < with_departure
    assert with_departure > 0.95


def test_the_project_beats_its_notebook(results: dict[str, Any], trained: Settings) -> None:
    report = json.loads((trained.reports / "train.json").read_text(encoding="utf-8"))
    assert report["launch"]["model"]["auc"]["low"] > results["auc"]
