"""The steps from raw files to a champion, and what each leaves behind."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.figure import Figure

from flight_delay import pipeline
from flight_delay.bundle import Bundle, load
from flight_delay.champion import read_champion
from flight_delay.contract import DAY, TARGET
from flight_delay.data import FACTS_FILE, TABLE_FILE, data_hash, load_table
from flight_delay.encoding import encode
from flight_delay.export import code_hash
from flight_delay.lock import LOCK_FILE
from flight_delay.pipeline import run_data, run_train
from flight_delay.plots import figures
from flight_delay.promotion import run_promote
from flight_delay.registry import promote, register
from flight_delay.results import ResultsError, write_results
from flight_delay.settings import Settings
from flight_delay.splits import Windows
from flight_delay.tracking import NAME, client, log_run
from flight_delay.train import Measured

from ..conftest import silent  # noqa: TID252 - what the tests share


def report(settings: Settings, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((settings.reports / f"{name}.json").read_text())
    return content


def champion_bundle(settings: Settings) -> Bundle:
    champion = read_champion(settings.models)
    assert champion is not None
    return load(settings.models / champion.version)


def test_the_champion_is_as_good_as_we_say(trained: Settings) -> None:
    launch = report(trained, "train")["launch"]
    assert launch["model"]["auc"]["estimate"] >= 0.745
    assert launch["advantage"]["auc"]["low"] > 0
    assert launch["advantage"]["brier"]["high"] < 0


def test_april_chooses_nothing(trained: Settings, windows: Windows) -> None:
    """No window of the bundle reaches launch, and no figure in it was measured after."""
    manifest = champion_bundle(trained).manifest
    assert manifest.windows == {
        "history": ["2013-01-01", "2013-03-31"],
        "validation": ["2013-03-01", "2013-03-31"],
    }
    assert set(manifest.metrics) == {"validation", "parity"}
    assert str(windows.history["day"].max()) < str(windows.launch["day"].min())


def store(settings: Settings, table: pl.DataFrame) -> None:
    """Put a table in the place of the one that was stored."""
    table.write_parquet(settings.data / TABLE_FILE)
    facts = json.dumps({"data_hash": data_hash(table)})
    (settings.data / FACTS_FILE).write_text(facts, encoding="utf-8")


def test_other_outcomes_after_launch_give_the_same_bundle(project: Settings) -> None:
    before = report(project, "train")
    changed = pl.when(pl.col(DAY) >= project.launch).then(~pl.col(TARGET)).otherwise(TARGET)
    store(project, load_table(project).with_columns(changed.alias(TARGET)))
    after = run_train(project, silent)
    assert after["version"] == before["version"]
    assert after["validation"] == before["validation"]
    assert after["launch"]["model"]["auc"]["estimate"] < 0.3, "what was right is now wrong"


def test_a_model_can_be_made_on_launch_day(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = report(project, "train")
    drawn: list[str] = []

    def draw(measured: Measured, window: str) -> dict[str, Figure]:
        drawn.append(f"{window} from {measured.daily[0]['day']}")
        return figures(measured, window)

    monkeypatch.setattr(pipeline, "figures", draw)
    store(project, load_table(project).filter(pl.col(DAY) < project.launch))
    said: list[str] = []
    after = run_train(project, said.append)
    assert after["version"] == before["version"]
    assert (after["launch"], after["rows"]["launch"]) == (None, 0)
    assert said[-2] == (
        "nothing after launch to measure yet: 0 labelled flights from 2013-04-01 to 2013-05-01, "
        "and it takes both outcomes"
    )
    assert drawn == ["validation from 2013-03-01"]
    metrics = client(project).get_run(after["run_id"]).data.metrics
    assert "validation_auc" in metrics
    assert not [name for name in metrics if name.startswith("launch")]
    with pytest.raises(ResultsError, match="nothing there to measure"):
        write_results(project)
    assert run_promote(project).champion is not None


def test_the_same_data_and_seed_give_the_same_bundle_bit_for_bit(
    project: Settings,
) -> None:
    before = champion_bundle(project)
    contents = {path.name: path.read_bytes() for path in before.path.iterdir()}
    shutil.rmtree(project.models)
    # Another process, and another order of the sets of strings in it.
    process = subprocess.run(
        [sys.executable, "-m", NAME, "train"],
        env=os.environ
        | {"PYTHONHASHSEED": "0", "APP_HOME": str(project.home)}
        | {"APP_RESAMPLES": str(project.resamples)},
        cwd=project.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert report(project, "train")["version"] == before.version
    folder = project.models / before.version
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents


def test_the_bundle_holds_what_it_should_and_no_pickle(trained: Settings) -> None:
    bundle = champion_bundle(trained)
    names = {path.name for path in bundle.path.iterdir()}
    assert names == {
        "MODEL_CARD.md",
        "golden.json",
        "manifest.json",
        "model.onnx",
        "reference.json",
    }
    hidden = [path.name for path in trained.models.iterdir() if path.name.startswith(".")]
    assert hidden == [LOCK_FILE]


def test_the_manifest_names_the_data_and_the_code_that_made_it(
    trained: Settings, windows: Windows
) -> None:
    manifest = champion_bundle(trained).manifest
    assert manifest.data_hash == data_hash(windows.history)
    assert manifest.code_hash == code_hash()


def test_every_step_reports(trained: Settings, windows: Windows) -> None:
    train, promote = report(trained, "train"), report(trained, "promote")
    assert train["version"] == promote["version"]
    assert train["rows"]["history"] == windows.history.height
    assert [gate["passed"] for gate in promote["gates"]] == [True] * 5
    assert sum(day["rows"] for day in train["launch"]["daily"]) == windows.launch.height
    for name in ("calibration", "days", "slices"):
        assert (trained.reports / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_run_in_mlflow_says_what_was_made(trained: Settings) -> None:
    train = report(trained, "train")
    run = client(trained).get_run(train["run_id"])
    expected = train["launch"]["model"]["auc"]["estimate"]
    assert run.data.metrics["launch_auc"] == pytest.approx(expected)
    assert run.data.metrics["launch_advantage_auc"] > 0
    assert run.data.metrics["validation_advantage_brier"] < 0
    assert run.data.params["seed"] == str(trained.seed)
    assert run.data.tags["bundle"] == train["version"]
    assert run.data.tags["data_hash"] == train["data_hash"]
    plots = {file.path for file in client(trained).list_artifacts(train["run_id"], "plots")}
    assert plots == {"plots/calibration.png", "plots/days.png", "plots/slices.png"}


def test_the_model_in_mlflow_answers_what_the_bundle_answers(
    trained: Settings, windows: Windows
) -> None:
    client(trained)
    rows = windows.launch.head(200)
    bundle = champion_bundle(trained)
    arrays = encode({name: rows[name] for name in rows.columns})
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    answers = model.predict(pd.DataFrame({name: array[:, 0] for name, array in arrays.items()}))
    differences = answers["probabilities"][:, 1] - bundle.probabilities(arrays)
    assert np.abs(differences).max() <= 1e-6


def test_the_table_that_was_stored_is_the_one_that_was_built(
    trained: Settings, table: pl.DataFrame
) -> None:
    assert load_table(trained).equals(table)


def test_building_the_table_again_changes_nothing(project: Settings) -> None:
    path = project.data / "flights.json"
    before = json.loads(path.read_text())
    assert run_data(project, silent) == before
    assert before["impossible_readings"] == {"wind_speed": 1}
    assert not [path for path in project.data.iterdir() if path.name.startswith(".")]


def test_moving_the_project_breaks_nothing(project: Settings, tmp_path: Path) -> None:
    version = champion_bundle(project).version
    moved = Settings(home=tmp_path / "elsewhere", resamples=project.resamples)
    project.home.rename(moved.home)
    bundle = champion_bundle(moved)
    run = log_run(moved, bundle, {}, {})
    assert register(moved, bundle, run) == "2"
    assert promote(moved, version).champion is not None
    experiment = client(moved).get_experiment_by_name(NAME)
    assert experiment is not None
    location = str(experiment.artifact_location)
    assert location.endswith("elsewhere/mlartifacts")
    assert list((moved.home / "mlartifacts").rglob("model.onnx"))
    assert not project.home.exists()
