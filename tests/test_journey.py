"""What a user does, in order, and what each command did."""

import json
import re
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from answers import PROJECT, TEMPLATE, generate
from conftest import Demo
from shell import run

sys.path.insert(0, str(TEMPLATE / "scripts"))
import demo as demo_script

slow = pytest.mark.slow


def report(project: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((project / "reports" / f"{name}.json").read_text())
    return content


@slow
def test_the_demo_trains_serves_and_answers(demo: Demo) -> None:
    summary = report(demo.project, "demo")
    model, advantage = summary["launch"]["model"], summary["launch"]["advantage"]
    assert model["auc"]["estimate"] >= 0.745
    assert advantage["auc"]["low"] > 0
    assert advantage["brier"]["high"] < 0
    assert summary["onnx_largest_difference"] <= 1e-6
    assert summary["rows_trained_on"] == 78_146
    assert summary["predictions"] == 41
    assert summary["replay"]["predictions"] > 35_000
    assert summary["replay"]["failed_requests"] == 0
    assert summary["replay"]["retrainings"] == 1
    assert summary["replay"]["promotions"] == 1
    assert 0 < summary["answer"]["probability"] < 1
    assert summary["answer"]["model_version"] == summary["version"]
    assert set(summary["answer"]) == {"request_id", "model_version", "probability", "prediction"}
    for figure in (summary["version"], f"AUC {model['auc']['estimate']:.3f}", "41 predictions"):
        assert figure in demo.printed


@slow
def test_the_demo_stops_its_service(demo: Demo) -> None:
    port = re.search(r"make serve PORT=(\d+)", demo.printed)
    assert port is not None
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port.group(1)))) != 0


@slow
def test_status_predict_and_smoke_agree_with_the_demo(project: Path) -> None:
    demo_report = report(project, "demo")
    status = run("make status", project).stdout
    assert f"champion: {demo_report['version']}" in status
    answer = json.loads(run("uv run flight-delay predict", project).stdout)
    assert answer["model_version"] == demo_report["version"]
    assert answer["predictions"][0]["probability"] == demo_report["answer"]["probability"]
    run(f"make smoke PORT={demo_script.free_port()}", project)
    smoke = report(project, "smoke")
    assert smoke["passed"] is True
    assert smoke["checks"][-1]["answer"] == "4 predictions"
    assert "nothing is in the way" in run("make doctor", project).stdout


@slow
def test_training_again_gives_the_same_bundle_and_rollback_has_nowhere_to_go(
    project: Path,
) -> None:
    version = report(project, "demo")["version"]
    run("make train", project)
    assert report(project, "train")["version"] == version
    run("make promote", project)
    refused = run("make rollback", project, code=2)
    assert "there is no earlier champion to go back to" in refused.stderr


@slow
def test_a_refusal_is_exit_code_3_with_the_reason(project: Path) -> None:
    refused = run(
        "uv run flight-delay promote", project, code=3, APP_MAX_CALIBRATION_ERROR="0.0001"
    )
    assert "fail calibration" in refused.stdout
    assert report(project, "promote")["promoted"] is False
    run("make promote", project)


@slow
def test_the_figures_in_the_readme_are_those_of_a_run(project: Path) -> None:
    before = (project / "README.md").read_text()
    run("make results", project)
    assert (project / "README.md").read_text() == before


@slow
def test_a_project_that_was_copied_and_moved_works_and_the_first_is_left_alone(
    project: Path, tmp_path: Path
) -> None:
    """Its environment is copied too, as people do, with the first project's paths in it."""
    version = report(project, "demo")["version"]
    runs = run("ls mlartifacts/*", project).stdout
    copied = tmp_path / "copied"
    shutil.copytree(project, copied, symlinks=True)
    moved = copied.rename(tmp_path / "moved")
    run("make train && make promote && make status", moved)
    assert report(moved, "status")["champion"] == version
    assert report(moved, "status")["versions"][0]["version"] == version
    assert run("ls mlartifacts/*", project).stdout == runs

    fault = moved / "src" / "flight_delay" / "encoding.py"
    fault.write_text(fault.read_text("utf-8") + '\nraise RuntimeError("the copy")\n', "utf-8")
    tested = run("make test", moved, code=2)
    assert "the copy" in tested.stdout + tested.stderr


@slow
def test_clean_removes_the_state_and_the_commands_make_it_again(
    project: Path, tmp_path: Path
) -> None:
    cleaned = tmp_path / "cleaned"
    shutil.copytree(project, cleaned, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    run("make clean", cleaned)
    state = {"data", "models", "reports", "replay", "mlartifacts", "mlflow.db", "predictions.db"}
    assert not state & {path.name for path in cleaned.iterdir()}


def test_a_demo_never_replaces_what_no_demo_made(tmp_path: Path) -> None:
    project = tmp_path / "flight-delay"
    project.mkdir()
    (project / "mine.txt").write_text("precious")
    with pytest.raises(demo_script.DemoError, match="no demo made it"):
        demo_script.generate(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["flight-delay", "mine.txt"]


def test_a_second_demo_replaces_the_first_and_keeps_its_packages(tmp_path: Path) -> None:
    first = demo_script.generate(tmp_path)
    (first / ".venv").mkdir()
    (first / ".venv" / "kept").touch()
    (first / "models").mkdir()
    second = demo_script.generate(tmp_path)
    assert second == first
    assert (second / ".venv" / "kept").is_file()
    assert not (second / "models").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["flight-delay"]


def test_the_template_is_only_what_git_would_keep() -> None:
    """No state of a run in place (data, models, caches that matter) is part of the template."""
    state = {"data", "models", "reports", "replay", "mlartifacts", "mlflow.db", "predictions.db"}
    state |= {"uv.lock", ".venv"}
    assert not state & {path.name for path in (TEMPLATE / PROJECT).iterdir()}


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_python_that_was_asked_for_reaches_every_tool(version: str, tmp_path: Path) -> None:
    project = generate(tmp_path, python_version=version)
    assert (project / ".python-version").read_text() == f"{version}\n"
    assert f'requires-python = ">={version}"' in (project / "pyproject.toml").read_text()
    assert f"python:{version}-slim" in (project / "Dockerfile").read_text()
    settings = run("ruff check --show-settings src", project).stdout
    assert f"linter.unresolved_target_version = {version}" in settings
