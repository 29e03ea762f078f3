"""Promotion and rollback out of the ordinary: by force, without MLflow, from another machine."""

from contextlib import closing
from pathlib import Path

import pytest

from flight_delay.champion import CHAMPION_FILE
from flight_delay.prediction_log import open_log
from flight_delay.registry import promote, pull, rollback, status
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, client
from flight_delay.versions import RegistryError

from ..conftest import champion_of  # noqa: TID252 - what the tests share
from .variants import alias, manifest_of, variant, worse_days


def test_rollback_does_not_wait_for_mlflow_and_its_alias_follows(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    first = champion_of(project)
    second = variant(project, threshold=0.3)
    promote(project)
    said: list[str] = []
    cut_off = project.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})
    assert rollback(cut_off, "it answers oddly", said.append).version == first
    (line,) = said
    assert line.startswith("the alias in MLflow follows the champion with the next command: MLfl")
    assert (champion_of(project), alias(project, "champion")) == (first, second)
    status(project)
    assert alias(project, "champion") == first


def test_a_refused_challenger_can_be_forced_and_that_is_recorded(project: Settings) -> None:
    first = champion_of(project)
    second = variant(project, validation_days=worse_days(manifest_of(project), 1.05))
    assert promote(project).champion is None
    assert promote(project, force="it is a drill").champion is not None
    assert champion_of(project) == alias(project, "champion") == second
    reason = status(project)["changes"][-1]["reason"]
    assert reason.startswith("forced, it is a drill; the gates said: champion: Brier score less")
    entry = client(project).get_model_version_by_alias(NAME, "challenger")
    run = client(project).get_run(str(entry.run_id))
    for tags in (entry.tags, run.data.tags):
        assert (tags["gates"], tags["gates_reason"]) == ("forced", reason)
    with closing(open_log(project)) as log:
        (event,) = log.events("promote")
    assert event.content == {"version": second, "previous": first, "reason": reason}


def test_the_first_champion_has_no_trial_to_pass(project: Settings) -> None:
    (project.models / CHAMPION_FILE).unlink()
    on_trial = project.model_copy(update={"shadow_days": 7})
    assert promote(on_trial).champion is not None


def test_pulling_from_a_registry_without_a_champion_says_so(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="the registry has no champion: run the commands"):
        pull(Settings(home=tmp_path))
