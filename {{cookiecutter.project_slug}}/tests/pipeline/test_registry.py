"""Versions, promotion and the way back, on a real MLflow."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flight_delay import registry
from flight_delay.bundle import MANIFEST_FILE, BundleError, load
from flight_delay.champion import ChampionError, read_champion
from flight_delay.lock import LOCK_FILE
from flight_delay.registry import promote, rollback, status
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, client
from flight_delay.versions import RegistryError

from ..conftest import champion_of  # noqa: TID252 - what the tests share
from .variants import alias, manifest_of, variant, worse_days

PACKAGE = NAME


def test_training_registers_a_challenger_and_promotion_crowns_it(trained: Settings) -> None:
    version = champion_of(trained)
    assert alias(trained, "champion") == version
    (entry,) = status(trained)["versions"]
    assert entry["version"] == version
    assert entry["gates"] == "passed"
    (change,) = status(trained)["changes"]
    assert change["action"] == "promote"
    assert "baseline: validation Brier score" in change["reason"]


def test_promotion_moves_file_and_alias_and_rollback_moves_both_back(
    project: Settings,
) -> None:
    first = champion_of(project)
    second = variant(project, threshold=0.3)
    assert alias(project, "challenger") == second
    assert promote(project).champion is not None
    assert (champion_of(project), alias(project, "champion")) == (second, second)
    rollback(project, "it answered oddly")
    assert (champion_of(project), alias(project, "champion")) == (first, first)
    last = status(project)["changes"][-1]
    assert (last["action"], last["reason"]) == ("rollback", "it answered oddly")


def test_promoting_the_champion_again_changes_nothing(project: Settings) -> None:
    before = read_champion(project.models)
    assert promote(project, champion_of(project)).champion == before
    assert read_champion(project.models) == before


def test_a_challenger_worse_than_the_champion_is_refused_and_recorded(
    project: Settings,
) -> None:
    first = champion_of(project)
    second = variant(project, validation_days=worse_days(manifest_of(project), 1.05))
    verdict = promote(project)
    assert verdict.champion is None
    (reason,) = verdict.reasons
    assert "Brier score less the champion's over 31 shared validation days: +0.0072" in reason
    assert champion_of(project) == alias(project, "champion") == first
    entries = {entry["version"]: entry for entry in status(project)["versions"]}
    assert entries[second]["gates"] == "refused"
    entry = client(project).get_model_version_by_alias(NAME, "challenger")
    run = client(project).get_run(str(entry.run_id))
    assert (run.data.tags["gates"], run.data.tags["gates_reason"]) == (
        "refused",
        f"champion: {verdict.gates[-1].reason}",
    )


def test_a_challenger_that_shares_no_day_with_the_champion_is_refused(project: Settings) -> None:
    first = champion_of(project)
    days = [
        day.model_copy(update={"day": day.day.replace("2013", "2012"), "squared_error": 0.0})
        for day in manifest_of(project).validation_days
    ]
    second = variant(project, validation_days=days)
    (reason,) = promote(project).reasons
    assert reason.startswith("champion: 0 validation days are shared with the champion and 14 ")
    assert champion_of(project) == first
    waived = Settings(home=project.home, resamples=project.resamples, min_shared_days=0)
    assert promote(waived).champion is not None
    assert champion_of(project) == second
    last = status(project)["changes"][-1]
    assert "nothing was compared: APP_MIN_SHARED_DAYS is 0" in last["reason"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("edited", "manifest.json was changed after export"),
        ("truncated", "manifest.json cannot be read"),
        ("gone", "there is no manifest.json in it"),
        ("champion.json", "champion.json cannot be read"),
    ],
)
def test_a_champion_that_cannot_be_read_is_a_gate_to_be_seen(
    project: Settings, damage: str, said: str
) -> None:
    second = variant(project, threshold=0.3)
    path = project.models / champion_of(project) / MANIFEST_FILE
    text = path.read_text(encoding="utf-8")
    match damage:
        case "edited":
            path.write_text(text.replace('"seed": 2013', '"seed": 2014'), encoding="utf-8")
        case "truncated":
            path.write_text(text[:1000], encoding="utf-8")
        case "gone":
            shutil.rmtree(path.parent)
        case _:
            (project.models / damage).write_text("{", encoding="utf-8")
    verdict = promote(project)
    seen = verdict.gates[-1]
    assert (seen.name, seen.passed) == ("champion", True)
    assert seen.reason.startswith("the champion cannot be read, so nothing was compared: ")
    assert said in seen.reason
    assert "\n" not in seen.reason
    assert champion_of(project) == second


def test_a_model_that_loses_to_the_baseline_is_refused(project: Settings) -> None:
    metrics = json.loads(json.dumps(manifest_of(project).metrics))
    metrics["validation"]["advantage_brier"]["estimate"] = 0.001
    variant(project, metrics=metrics)
    verdict = promote(project)
    assert [gate.name for gate in verdict.gates if not gate.passed] == ["baseline"]


def test_a_damaged_challenger_that_mlflow_has_not_is_not_promoted(project: Settings) -> None:
    first = champion_of(project)
    second = variant(project, threshold=0.3)
    path = project.models / second / "model.onnx"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    # The variant was registered with the run of the first champion, whose bundle is another.
    with pytest.raises(BundleError, match=r"manifest\.json was changed after export"):
        promote(project)
    assert champion_of(project) == first
    assert (project.models / second / "model.onnx").read_bytes() == content


def test_rollback_keeps_the_champion_when_the_one_before_is_damaged(
    project: Settings,
) -> None:
    first = champion_of(project)
    second = variant(project, threshold=0.3)
    promote(project)
    (project.models / first / "golden.json").unlink()
    with pytest.raises(BundleError, match=r"golden\.json is missing"):
        rollback(project, "a try")
    assert champion_of(project) == second


def test_rollback_without_an_earlier_champion_says_so(project: Settings) -> None:
    with pytest.raises(ChampionError, match="no earlier champion"):
        rollback(project, "a try")


def test_an_unknown_version_is_named_with_those_that_exist(project: Settings) -> None:
    with pytest.raises(RegistryError, match=f"no version 'zzz'.*{champion_of(project)}"):
        promote(project, "zzz")


def test_promoting_before_training_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="run the command `train` first"):
        promote(Settings(home=tmp_path))
    assert [path.name for path in (tmp_path / "models").iterdir()] == [LOCK_FILE]


def test_a_crash_after_the_commit_point_is_mended_by_the_next_command(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = champion_of(project)
    second = variant(project, threshold=0.3)

    def crash(*_arguments: object) -> None:
        message = "the process is killed here"
        raise KeyboardInterrupt(message)

    with monkeypatch.context() as patch:
        patch.setattr(registry, "give_alias", crash)
        with pytest.raises(KeyboardInterrupt):
            promote(project)
    assert (champion_of(project), alias(project, "champion")) == (second, first)
    status(project)
    assert alias(project, "champion") == second


KILLED = f"""
import os, signal, threading, time
from {PACKAGE}.registry import promote, rollback
from {PACKAGE}.settings import Settings
settings = Settings(home={{home!r}})
promote(settings, {{second!r}})
rollback(settings, "back")
delay = {{delay}}
threading.Thread(
    target=lambda: (time.sleep(delay), os.kill(os.getpid(), signal.SIGKILL)), daemon=True
).start()
while True:
    promote(settings, {{second!r}})
    rollback(settings, "back")
"""


@pytest.mark.parametrize("delay", [0.05, 0.13, 0.31])
def test_killed_at_any_point_there_is_one_whole_champion(project: Settings, delay: float) -> None:
    first = champion_of(project)
    second = variant(project, threshold=0.3)
    script = KILLED.format(home=str(project.home), second=second, delay=delay)
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    survivor = champion_of(project)
    assert survivor in {first, second}
    load(project.models / survivor)
    status(project)
    assert alias(project, "champion") == survivor
