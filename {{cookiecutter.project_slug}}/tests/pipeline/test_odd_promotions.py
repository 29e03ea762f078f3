"""Promotion and rollback out of the ordinary: by force, without MLflow, from another machine."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from flight_delay import registry
from flight_delay.champion import CHAMPION_FILE, ChampionError, read_champion
from flight_delay.crown_tag import CROWNED_TAG
from flight_delay.prediction_log import open_log
from flight_delay.registry import promote, pull, rollback, status
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, TrackingError, client
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
    entry = client(project).get_model_version_by_alias(NAME, "champion")
    client(project).delete_model_version_tag(NAME, entry.version, CROWNED_TAG)
    on_trial = project.model_copy(update={"shadow_days": 7})
    assert promote(on_trial).champion is not None


def test_pulling_from_a_registry_without_a_champion_says_so(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="the registry has no champion: run the commands"):
        pull(Settings(home=tmp_path))


def test_a_new_machine_can_roll_back_what_another_promoted(
    project: Settings, tmp_path: Path
) -> None:
    first = champion_of(project)
    second = variant(project, threshold=0.3)
    promote(project)
    crowned = read_champion(project.models)
    server = f"sqlite:///{project.home / 'mlflow.db'}"
    new = Settings(home=tmp_path / "new", tracking_uri=server)
    shutil.copytree(project.models / second, new.models / second)  # its run holds another bundle
    pulled = pull(new)
    assert crowned is not None
    assert (pulled.line, pulled.changes) == ([first, second], crowned.changes[-1:])
    assert rollback(new, "it answers oddly").version == first
    assert alias(project, "champion") == first
    assert pull(project).version == champion_of(project) == first
    assert pull(project).changes[-1].reason == "it answers oddly"


def test_only_the_champion_that_was_judged_is_rolled_back(project: Settings) -> None:
    first = champion_of(project)
    second = variant(project, threshold=0.3)
    promote(project)
    with pytest.raises(ChampionError, match=f"{first} was to go back, and {second} is the champ"):
        rollback(project, "it is worse", judged=first)
    assert champion_of(project) == second
    assert rollback(project, "it is worse", judged=second).version == first


def test_a_machine_that_was_left_behind_does_not_move_the_alias_back(
    project: Settings, tmp_path: Path
) -> None:
    """Services that follow the registry would follow that too."""
    first = champion_of(project)
    server = f"sqlite:///{project.home / 'mlflow.db'}"
    shutil.copytree(project.models, tmp_path / "behind" / "models")
    behind = Settings(home=tmp_path / "behind", tracking_uri=server)
    second = variant(project, threshold=0.3)
    promote(project)
    status(behind)
    for refused in (promote, lambda machine: rollback(machine, "it is the wrong machine")):
        with pytest.raises(RegistryError, match=rf"champion {second} since .* has {first}: run"):
            refused(behind)
    assert (champion_of(behind), alias(project, "champion")) == (first, second)
    (behind.models / CHAMPION_FILE).unlink()
    with pytest.raises(RegistryError, match=f"champion {second} since .* this machine has none"):
        promote(behind)
    rollback(project, "it answers oddly")
    shutil.copytree(project.models / second, behind.models / second)
    promote(behind, second, force="it is well after all")
    status(project)
    assert (champion_of(project), alias(project, "champion")) == (first, second)


def test_a_promotion_that_the_server_did_not_hear_of_is_no_success(
    project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a machine that is gone tomorrow would have promoted a champion that nobody serves."""
    first = champion_of(project)
    second = variant(project, threshold=0.3)
    server = f"sqlite:///{project.home / 'mlflow.db'}"

    def away(*_arguments: object) -> None:
        message = "connection refused"
        raise ConnectionError(message)

    monkeypatch.setattr(registry, "give_alias", away)
    with pytest.raises(TrackingError, match=f"{second} is the champion of this machine alone: run"):
        promote(project.model_copy(update={"tracking_uri": server}))
    assert (champion_of(project), alias(project, "champion")) == (second, first)
    status(project)
    assert alias(project, "champion") == second


def test_a_predecessor_that_is_gone_does_not_keep_the_champion_away(
    project: Settings, tmp_path: Path
) -> None:
    for threshold in (0.3, 0.31):
        last = variant(project, threshold=threshold)
        promote(project)
    server = f"sqlite:///{project.home / 'mlflow.db'}"
    new = Settings(home=tmp_path / "new", tracking_uri=server)
    shutil.copytree(project.models / last, new.models / last)  # its run holds another bundle
    assert pull(new).line == [last]
    with pytest.raises(ChampionError, match="no earlier champion"):
        rollback(new, "it answers oddly")


def test_a_champion_of_before_there_was_a_tag_is_as_old_as_its_entry(
    project: Settings, tmp_path: Path
) -> None:
    entry = client(project).get_model_version_by_alias(NAME, "champion")
    client(project).delete_model_version_tag(NAME, entry.version, CROWNED_TAG)
    server = f"sqlite:///{project.home / 'mlflow.db'}"
    pulled = pull(Settings(home=tmp_path / "new", tracking_uri=server))
    assert pulled.changes[-1].at.timestamp() * 1000 == entry.creation_timestamp
