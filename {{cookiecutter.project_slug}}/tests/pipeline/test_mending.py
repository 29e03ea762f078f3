"""What was damaged, deleted or tampered with is mended by a command, or named with the fix."""

from pathlib import Path

import pytest

from flight_delay.bundle import load
from flight_delay.champion import CHAMPION_FILE, DAMAGED_FILE
from flight_delay.pipeline import run_train
from flight_delay.promotion import run_promote
from flight_delay.registry import promote, status
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, TrackingError, client, open_experiment
from flight_delay.versions import RegistryError

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share

PARENT = "elsewhere"


def test_promotion_replaces_a_champion_file_that_cannot_be_read_and_keeps_it(
    project: Settings,
) -> None:
    version = champion_of(project)
    (project.models / CHAMPION_FILE).write_text("{bad")
    verdict = run_promote(project)
    assert verdict.champion is not None
    assert champion_of(project) == version
    assert (project.models / DAMAGED_FILE).read_text() == "{bad"
    assert status(project)["champion"] == version


def test_promotion_fetches_a_damaged_bundle_again(project: Settings) -> None:
    version = champion_of(project)
    with (project.models / version / "MODEL_CARD.md").open("ab") as card:
        card.write(b"X")
    assert run_promote(project).champion is not None
    assert load(project.models / version).version == version
    leftovers = [path.name for path in project.models.iterdir() if path.name.startswith(".un")]
    assert leftovers == []


def test_training_replaces_a_damaged_bundle(project: Settings) -> None:
    version = champion_of(project)
    (project.models / version / "model.onnx").unlink()
    assert run_train(project, silent)["version"] == version
    assert load(project.models / version).version == version


def test_a_bundle_that_is_whole_nowhere_is_named_with_the_fix(project: Settings) -> None:
    version = champion_of(project)
    registry = client(project)
    entry = registry.get_model_version_by_alias(NAME, "champion")
    with (project.models / version / "MODEL_CARD.md").open("ab") as card:
        card.write(b"X")
    run = registry.create_run(open_experiment(project))
    moved = registry.create_model_version(
        NAME, str(entry.source), run.info.run_id, tags={"bundle": version}
    )
    registry.set_registered_model_alias(NAME, "challenger", moved.version)
    with pytest.raises(TrackingError, match=f"{version} is not whole here nor in MLflow"):
        promote(project)


def test_training_asks_the_registry_before_the_work(project: Settings) -> None:
    before = {path: path.read_bytes() for path in project.reports.iterdir()}
    said: list[str] = []
    nowhere = project.model_copy(update={"tracking_uri": "http://127.0.0.1:9"})
    with pytest.raises(TrackingError, match="does not answer"):
        run_train(nowhere, said.append)
    assert said == ["loading the table"]
    assert {path: path.read_bytes() for path in project.reports.iterdir()} == before


def test_a_deleted_experiment_is_restored(project: Settings) -> None:
    experiment = open_experiment(project)
    client(project).delete_experiment(experiment)
    assert open_experiment(project) == experiment
    assert client(project).get_experiment(experiment).lifecycle_stage == "active"


@pytest.mark.parametrize("tag", [f"../../{PARENT}", "", f"/{PARENT}", "a b", "..", "a\n"])
def test_a_tag_that_is_no_version_never_becomes_a_path(project: Settings, tag: str) -> None:
    registry = client(project)
    entry = registry.get_model_version_by_alias(NAME, "challenger")
    registry.set_model_version_tag(NAME, entry.version, "bundle", tag)
    with pytest.raises(RegistryError, match="names no bundle"):
        promote(project)
    assert not list(project.home.parent.rglob(PARENT))


def test_a_home_with_odd_characters_keeps_its_registry_inside(tmp_path: Path) -> None:
    home = tmp_path / "é #1 & 'x'"
    home.mkdir()
    assert open_experiment(Settings(home=home)) == "1"
    assert [path.name for path in tmp_path.iterdir()] == [home.name]
    assert (home / "mlflow.db").stat().st_size > 0


@pytest.mark.parametrize("name", ["100%20", "what?"])
def test_a_home_that_mlflow_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    with pytest.raises(TrackingError, match=r"rename the folder, or set MLFLOW_TRACKING_URI"):
        open_experiment(Settings(home=home))
    assert list(home.iterdir()) == []


def test_a_password_in_the_address_of_the_server_is_not_printed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, tracking_uri="http://bob:hunter2@127.0.0.1:9")
    with pytest.raises(TrackingError) as error:
        status(settings)
    assert "MLflow at http://127.0.0.1:9 does not answer" in str(error.value)
    assert "hunter2" not in str(error.value)
