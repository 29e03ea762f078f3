"""The command line, as a person types it: output, reports, exit codes, and never a traceback."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from flight_delay import pipeline
from flight_delay.contract import example
from flight_delay.settings import Settings
from flight_delay.tracking import NAME

from ..conftest import free_port  # noqa: TID252 - what the tests share
from .typed import Run

VERBS = (
    "data",
    "train",
    "promote",
    "rollback",
    "status",
    "serve",
    "smoke",
    "predict",
    "results",
    "monitor",
    "retrain",
    "feedback",
    "pull",
    "compare",
    "comment",
    "replay",
    "doctor",
    "keys",
)


def test_help_lists_every_verb_with_what_it_does(run: Run, tmp_path: Path) -> None:
    shown = run(tmp_path, "--help").stdout
    assert [verb for verb in VERBS if f" {verb} " not in shown] == []
    assert "exit code 3" in run(tmp_path, "promote", "--help").stdout


def test_data_says_what_it_made_and_what_to_do_next(run: Run, tmp_path: Path) -> None:
    process = run(tmp_path, "data")
    assert process.code == 0
    assert "1 impossible reading of wind_speed became null" in process.stdout
    assert "done: data/flights.parquet: 336,776 flights" in process.stdout
    assert process.stdout.rstrip().endswith(" train")


def test_train_before_data_says_what_to_run(run: Run, tmp_path: Path) -> None:
    process = run(tmp_path, "train")
    assert process.code == 1
    assert "error: no table at data/flights.parquet: run the command `data` first" in process.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    process = run(tmp_path, "train", APP_HOME=str(elsewhere))
    assert "error: no table at elsewhere/data/flights.parquet: run" in process.stderr
    process = run(elsewhere, "train", APP_HOME=str(tmp_path))
    assert f"error: no table at {tmp_path}/data/flights.parquet: run" in process.stderr


@pytest.mark.parametrize("launched", [True, False])
def test_train_prints_validation_and_what_followed_launch_if_anything_did(
    run: Run, project: Settings, monkeypatch: pytest.MonkeyPatch, *, launched: bool
) -> None:
    report = json.loads((project.reports / "train.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(
        pipeline, "run_train", lambda *_: report if launched else report | {"launch": None}
    )
    process = run(project.home, "train")
    assert process.code == 0
    figures = [report["validation"], report["launch"]][: 1 + launched]
    printed = [line.split() for line in process.stdout.splitlines() if "\u2502 auc " in line]
    assert [line[3] for line in printed] == [
        f"{window['model']['auc']['estimate']:.4f}" for window in figures
    ]
    assert ("after launch" in process.stdout) is launched
    assert f"challenger {report['version']}" in process.stdout


def test_promote_prints_each_gate_and_status_the_champion(run: Run, project: Settings) -> None:
    promoted = run(project.home, "promote")
    assert promoted.code == 0
    assert promoted.stdout.count("  pass ") == 5
    report = json.loads((project.reports / "promote.json").read_text())
    assert report["promoted"] is True
    shown = run(project.home, "status").stdout
    assert f"champion: {report['version']}" in shown
    status = json.loads((project.reports / "status.json").read_text())
    assert status["champion"] == report["version"]


def test_a_refusal_is_exit_code_3_with_the_reason(run: Run, project: Settings) -> None:
    before = (project.models / "champion.json").read_bytes()
    known = gates_on_record(run, project)
    process = run(project.home, "promote", APP_MAX_CALIBRATION_ERROR="0.001")
    assert process.code == 3
    assert "fail calibration: validation calibration error 0.024, limit 0.001" in process.stdout
    report = json.loads((project.reports / "promote.json").read_text())
    assert process.stderr == f"refused: {report['version']} stays the champion\n"
    assert (project.models / "champion.json").read_bytes() == before
    assert report["promoted"] is False
    assert gates_on_record(run, project) == known == ["passed"]


def gates_on_record(run: Run, project: Settings) -> list[str]:
    """Return what the registry says of each version's gates."""
    assert run(project.home, "status").code == 0
    status = json.loads((project.reports / "status.json").read_text())
    return [version["gates"] for version in status["versions"]]


def test_rollback_without_an_earlier_champion_is_one_line(run: Run, project: Settings) -> None:
    process = run(project.home, "rollback")
    assert process.code == 1
    assert process.stderr == "error: there is no earlier champion to go back to\n"


def test_predict_answers_the_example_a_file_and_standard_input(
    run: Run, monkeypatch: pytest.MonkeyPatch, project: Settings
) -> None:
    answer = json.loads(run(project.home, "predict").stdout)
    (project.home / "rows.json").write_text(json.dumps([example(), example()]))
    batch = json.loads(run(project.home, "predict", "rows.json").stdout)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(example())))
    piped = json.loads(run(project.home, "predict", "-").stdout)
    assert 0 < answer["predictions"][0]["probability"] < 1
    assert batch["predictions"] == answer["predictions"] * 2
    assert piped == answer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the input is not JSON"),
        ("[" * 100_000, "the input is not JSON that can be read"),
        ("[]", "the input holds no row"),
        ('{"carrier": "UA"}', "row 0, field 'origin': Field required"),
        (
            json.dumps([example(), example() | {"wind_speed": 1048}]),
            "row 1, field 'wind_speed': Input should be less than or equal to 150 (given: 1048)",
        ),
    ],
)
def test_predict_names_what_is_wrong(
    run: Run, monkeypatch: pytest.MonkeyPatch, project: Settings, text: str, said: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    process = run(project.home, "predict", "-")
    assert process.code == 1
    assert said in process.stderr


def test_predict_without_a_champion_says_what_to_run(run: Run, tmp_path: Path) -> None:
    process = run(tmp_path, "predict")
    assert process.code == 1
    assert "no champion: run the commands `train` and `promote` first" in process.stderr


def test_predict_with_a_damaged_champion_answers_nothing(run: Run, project: Settings) -> None:
    (card,) = project.models.glob("*/MODEL_CARD.md")
    card.write_text("the best model there ever was")
    process = run(project.home, "predict")
    assert (process.code, process.stdout) == (1, "")
    assert "MODEL_CARD.md is not the file that was exported" in process.stderr


def test_a_bad_setting_is_named_with_its_value(run: Run, tmp_path: Path) -> None:
    process = run(tmp_path, "doctor", APP_PORT="abc")
    assert process.code == 2
    assert "error: APP_PORT=abc: Input should be a valid integer" in process.stderr


def test_doctor_finds_a_damaged_champion(run: Run, project: Settings) -> None:
    assert run(project.home, "doctor").code == 0
    next(project.models.glob("*/model.onnx")).write_bytes(b"")
    process = run(project.home, "doctor")
    assert process.code == 1
    assert "model.onnx is not the file that was exported" in process.stdout


def test_production_refuses_to_serve_without_keys(run: Run, project: Settings) -> None:
    process = run(project.home, "serve", APP_ENV="production")
    assert process.code == 1
    assert "APP_API_KEYS is empty" in process.stderr


def test_smoke_starts_a_service_of_its_own(run: Run, project: Settings) -> None:
    process = run(project.home, "smoke", "--port", str(free_port()))
    assert process.code == 0, process.stderr
    report = json.loads((project.reports / "smoke.json").read_text())
    assert report["started_for_this"] is True
    assert [check["passed"] for check in report["checks"]] == [True] * 6


def test_results_write_the_table_and_the_plots(run: Run, project: Settings) -> None:
    readme = project.home / "README.md"
    begin, end = (
        "<!-- results: written by the command `results` -->",
        "<!-- end of results -->",
    )
    readme.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    assert run(project.home, "results").code == 0
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "| AUC | 0.76" in text
    assert "old" not in text
    shutil.copy(project.reports / "days.png", project.home / "same.png")
    written = (project.home / "docs" / "images" / "days.png").read_bytes()
    assert written == (project.home / "same.png").read_bytes()


def test_an_error_nobody_foresaw_is_one_line_and_a_log(run: Run, project: Settings) -> None:
    shutil.rmtree(project.reports)
    project.reports.write_text("in the way")
    process = run(project.home, "status")
    assert process.code == 1
    assert "(the traceback is in error.log)" in process.stderr
    assert "Traceback" in (project.home / "error.log").read_text()


def test_where_nothing_can_be_written_an_error_is_still_one_line(
    run: Run, project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(project.reports)
    project.reports.write_text("in the way")
    (project.home / "error.log").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(project.home / "absent"))
    process = run(project.home, "status")
    assert process.code == 1
    assert "(and there was nowhere to write the traceback)" in process.stderr


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", NAME, "keys", "new"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    key, digest = (line.rsplit(": ", 1)[1] for line in shown.stdout.splitlines())
    assert hashlib.sha256(key.encode()).hexdigest() == digest
