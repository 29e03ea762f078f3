"""What an image is called, how it is run, and why one is not built; Docker is not asked here."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from flight_delay import image
from flight_delay.bundle import LISTED, MODEL_FILE, BundleError
from flight_delay.champion import crown
from flight_delay.image import (
    ImageError,
    Stage,
    build_image,
    reason_of,
    revision_of,
    run_line,
    tag,
)
from flight_delay.settings import Settings

from ..conftest import silent  # noqa: TID252 - what the tests share
from .manifests import written

PROJECT = Path(__file__).parents[2]
NAME = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["name"]


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    """Return the settings of a project in which nothing was trained."""
    for name in ("Dockerfile", "pyproject.toml"):
        (tmp_path / name).write_bytes((PROJECT / name).read_bytes())
    return Settings(home=tmp_path)


@pytest.mark.parametrize(
    ("stage", "name"),
    [("baked", ":baked"), ("service", ":service"), ("trainer", "-trainer:dev")],
)
def test_an_image_is_called_after_the_project(stage: Stage, name: str, empty: Settings) -> None:
    assert tag(empty, stage) == f"{NAME}{name}"


def test_the_line_that_runs_it_gives_it_no_rights_and_this_machine_alone(empty: Settings) -> None:
    assert run_line(empty, "baked") == (
        "docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp "
        f"--stop-timeout 30 -v {NAME}-state:/state -p 127.0.0.1:8000:8000 -e APP_API_KEYS=HASH "
        f"{NAME}:baked"
    )
    follows = "-e APP_FOLLOW_REGISTRY=true -e MLFLOW_TRACKING_URI=http://HOST:5000"
    assert run_line(empty, "service").endswith(f"=HASH {follows} {NAME}:service")
    assert " -p " not in run_line(empty, "trainer")


def test_without_a_champion_there_is_nothing_to_bake(empty: Settings) -> None:
    with pytest.raises(ImageError) as caught:
        build_image(empty, silent)
    for words in ("no champion", "`train`", "`promote`", "--stage service"):
        assert words in str(caught.value)


def test_a_champion_that_is_not_whole_is_not_shipped(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(empty.models, dict.fromkeys(LISTED, b"0"))
    (folder / MODEL_FILE).write_bytes(b"1")
    crown(empty.models, folder.name, "by hand")
    reason = "a champion with a changed byte would be baked"
    monkeypatch.setattr(image, "engine", lambda _: pytest.fail(reason))
    with pytest.raises(BundleError, match=f"{MODEL_FILE} is not the file that was exported"):
        build_image(empty, silent)


def test_models_that_are_elsewhere_cannot_be_baked(empty: Settings, tmp_path: Path) -> None:
    elsewhere = Settings(home=empty.home, models=tmp_path / "elsewhere")
    with pytest.raises(ImageError) as caught:
        build_image(elsewhere, silent)
    for words in (str(tmp_path / "elsewhere"), str(tmp_path / "models"), "unset", "APP_MODELS"):
        assert words in str(caught.value)


def test_what_is_in_the_way_of_baking_is_said_in_full(empty: Settings, tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "models", tmp_path / "elsewhere"
    said = []
    for models in (here, elsewhere):
        with pytest.raises(ImageError) as caught:
            build_image(Settings(home=empty.home, models=models), silent)
        said.append(str(caught.value))
    no_champion, not_here = said
    assert no_champion == (
        "there is no champion to put into the image: run the commands `train` and `promote`, or "
        "build an image that takes one from a registry with --stage service"
    )
    assert not_here == f"APP_MODELS is {elsewhere}, and an image is made from {here}: unset it"


def test_outside_of_a_project_there_is_nothing_to_build(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        build_image(Settings(home=tmp_path), silent)
    assert str(caught.value) == (
        f"{tmp_path} has no Dockerfile of this project: run this in the project's folder"
    )


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody, and return what it said."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_revision_is_the_commit_and_whether_files_differ_from_it(empty: Settings) -> None:
    home = empty.home
    assert revision_of(home) == "unknown"
    git(home, "init", "--quiet")
    assert revision_of(home) == "unknown"
    git(home, "add", ".")
    git(home, "commit", "--quiet", "--message", "first")
    git(home, "tag", "--annotate", "--message", "first", "v1")
    commit = git(home, "rev-parse", "HEAD")
    assert revision_of(home) == commit
    (home / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    assert revision_of(home) == f"{commit}-dirty"


def test_a_project_that_git_ignores_has_no_revision(empty: Settings) -> None:
    outer = empty.home
    inner = outer / "build"
    inner.mkdir()
    (inner / "pyproject.toml").write_bytes((outer / "pyproject.toml").read_bytes())
    (outer / ".gitignore").write_text("/build/\n", encoding="utf-8")
    git(outer, "init", "--quiet")
    git(outer, "add", ".")
    git(outer, "commit", "--quiet", "--message", "first")
    assert revision_of(inner) == "unknown"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            [
                "#7 [build 3/3] RUN uv sync",
                "#7 0.780    Building project @ file:///src",
                "#7 0.902   cause: No solution found",
                "#7 ERROR: executor failed running [/bin/sh -c uv sync]: exit code: 1",
                "#8 1.000 the step beside it goes on",
                "executor failed running [/bin/sh -c uv sync]: exit code: 1",
            ],
            "cause: No solution found",
        ),
        (
            ["#7 ERROR: not found", 'failed to compute cache key: "/nope": not found'],
            'failed to compute cache key: "/nope": not found',
        ),
        (["ERROR: BuildKit is enabled but the buildx component is missing"], "BuildKit is enabled"),
        ([], "it said nothing"),
    ],
)
def test_why_a_build_failed_is_the_last_word_of_the_step_that_failed(
    said: list[str], reason: str
) -> None:
    assert reason_of(said).startswith(reason)
