"""Settings come from the environment, and a wrong one is said by its name."""

import hashlib
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from flight_delay import settings as module
from flight_delay.settings import Settings

FIRST_KEY, SECOND_KEY = (hashlib.sha256(key).hexdigest() for key in (b"first", b"second"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder to be in, within no project."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_are_the_honest_windows_and_a_service_of_this_machine(folder: Path) -> None:
    settings = Settings()
    assert settings.fit_from == date(2013, 1, 1)
    assert settings.validate_from == date(2013, 3, 1)
    assert settings.launch == date(2013, 4, 1)
    assert settings.launch_until == date(2013, 5, 1)
    assert settings.resamples == 1000
    assert (settings.max_calibration_error, settings.max_parity_difference) == (0.05, 1e-6)
    assert settings.min_shared_days == 14
    assert (settings.breaches_needed, settings.breach_windows) == (2, 3)
    assert (settings.host, settings.port, settings.env) == ("127.0.0.1", 8000, "development")
    assert (settings.tracking_uri, settings.api_keys) == (None, ())
    assert settings.home == folder.resolve()


def test_state_lives_in_the_home_folder(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert settings.data == tmp_path / "data"
    assert settings.models == tmp_path / "models"
    assert settings.reports == tmp_path / "reports"


def test_the_models_may_live_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_MODELS", "baked")
    settings = Settings(home=tmp_path / "state")
    assert settings.models == folder.resolve() / "baked"
    assert settings.data == tmp_path / "state" / "data"
    monkeypatch.setenv("APP_MODELS", "")
    assert Settings(home=tmp_path / "state").models == tmp_path / "state" / "models"


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("APP_PORT", "8123", "port", 8123),
        ("APP_ENV", "production", "env", "production"),
        ("APP_SEED", "7", "seed", 7),
        ("APP_LAUNCH", "2013-05-01", "launch", date(2013, 5, 1)),
        ("APP_MAX_CALIBRATION_ERROR", "0.1", "max_calibration_error", 0.1),
        ("APP_MIN_SHARED_DAYS", "0", "min_shared_days", 0),
        ("APP_POLL_SECONDS", "0.5", "poll_seconds", 0.5),
        ("MLFLOW_TRACKING_URI", "http://mlflow:5000", "tracking_uri", "http://mlflow:5000"),
        ("APP_FOLLOW_REGISTRY", "", "follow_registry", False),
        ("app_port", "8123", "port", 8123),
        ("APP_PORT", "", "port", 8000),
        ("APP_API_KEYS", "", "api_keys", ()),
    ],
)
def test_each_setting_is_read_from_its_variable(
    name: str, text: str, field: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(Settings(), field) == value


def test_the_home_folder_is_read_and_made_absolute(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_HOME", "elsewhere")
    assert Settings().home == folder.resolve() / "elsewhere"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("APP_PORT", "eighty"),
        ("APP_PORT", "65536"),
        ("APP_PORT", "-1"),
        ("APP_ENV", "prod"),
        ("APP_LAUNCH", "April"),
        ("APP_RESAMPLES", "99"),
        ("APP_MAX_CALIBRATION_ERROR", "0"),
        ("APP_MAX_PARITY_DIFFERENCE", "-1"),
        ("APP_MIN_SHARED_DAYS", "-1"),
        ("APP_POLL_SECONDS", "0"),
        ("APP_MAX_INSTANCES", "0"),
        ("APP_API_KEYS", "secret"),
    ],
)
def test_a_bad_value_is_refused_and_its_field_named(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ValidationError) as caught:
        Settings()
    (problem,) = caught.value.errors()
    assert problem["loc"] == (name.removeprefix("APP_").lower(),)


def test_keys_are_split_tidied_and_kept_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_API_KEYS", f" {FIRST_KEY} ,{SECOND_KEY.upper()},, ")
    assert Settings().api_keys == (FIRST_KEY, SECOND_KEY)


@pytest.mark.parametrize("entry", ["secret", FIRST_KEY[:-1], FIRST_KEY + "0", "g" * 64])
def test_an_entry_that_is_no_hash_is_refused(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_API_KEYS", f"{FIRST_KEY},{entry}")
    with pytest.raises(ValidationError, match="is not the SHA-256 of a key in hexadecimal"):
        Settings()


def problem_with(**chosen: int) -> str:
    """Return what is wrong with settings that do not go together; nothing if they do."""
    try:
        Settings.model_validate(chosen)
    except ValidationError as error:
        (problem,) = error.errors()
        assert problem["loc"] == ()
        return problem["msg"].removeprefix("Value error, ")
    return ""


@pytest.mark.parametrize(
    ("name", "bound", "consequence"),
    [
        ("breaches_needed", "breach_windows", "breaches would never be enough"),
        ("least_holdout_days", "holdout_days", "no training would ever have enough days"),
        ("least_labelled_days", "quality_days", "live quality would never have enough days"),
        ("rollback_days", "quality_days", "a rollback would never see enough days"),
        ("cooldown_days", "retrain_every_days", "the schedule could not be kept"),
    ],
)
def test_a_setting_that_another_bounds_is_refused_beyond_it(
    name: str, bound: str, consequence: str
) -> None:
    assert problem_with(**{bound: 20, name: 20}) == ""
    assert problem_with(**{bound: 20, name: 21}) == (
        f"APP_{name.upper()}=21 is more than APP_{bound.upper()}=20, so {consequence}: "
        f"lower the first or raise the second"
    )


@pytest.mark.parametrize(
    ("chosen", "because"),
    [
        ({"retrain_every_days": 90}, "APP_RETRAIN_EVERY_DAYS=90"),
        ({"quality_days": 90}, "APP_QUALITY_DAYS=90"),
        ({"holdout_days": 90}, "APP_HOLDOUT_DAYS=90"),
        ({"drift_days": 90}, "APP_DRIFT_DAYS=90"),
        ({"breach_days": 30}, "APP_BREACH_DAYS=30, APP_BREACH_WINDOWS=3"),
    ],
)
def test_the_log_is_kept_for_as_long_as_anything_looks_back_on_it(
    chosen: dict[str, int], because: str
) -> None:
    assert problem_with(**chosen, log_retention_days=95, label_delay_days=5) == ""
    assert problem_with(**chosen, log_retention_days=94, label_delay_days=5) == (
        f"APP_LOG_RETENTION_DAYS=94 would delete rows that are still needed ({because}, "
        f"APP_LABEL_DELAY_DAYS=5): keep 95 days or more"
    )


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "sqlite:///mlflow.db",
        "databricks",
        "http://",
        "ftp://bob:hunter2@here:5000",
        "http://bob:hunter2@here:many",
        "https://bob:hunter2@",
    ],
)
def test_what_is_no_server_cannot_be_followed_and_its_password_is_not_shown(
    uri: str | None,
) -> None:
    told = "APP_FOLLOW_REGISTRY is on and MLFLOW_TRACKING_URI is no address of a server: set it "
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"follow_registry": True, "tracking_uri": uri})
    (problem,) = caught.value.errors()
    assert problem["msg"] == f"Value error, {told}to http://host:5000 or the like"


@pytest.mark.parametrize("uri", ["http://here:5000", "https://bob:hunter2@here/mlflow"])
def test_a_server_can_be_followed(uri: str) -> None:
    assert Settings.model_validate({"follow_registry": True, "tracking_uri": uri}).follow_registry


def test_every_pair_that_does_not_go_together_is_told_at_once() -> None:
    told = problem_with(breaches_needed=4, cooldown_days=31, log_retention_days=10).split("; and ")
    assert [one.partition("=")[0] for one in told] == [
        "APP_BREACHES_NEEDED",
        "APP_COOLDOWN_DAYS",
        "APP_LOG_RETENTION_DAYS",
    ]


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


def test_the_project_is_found_from_any_folder_in_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "pyproject.toml").touch()
    deep = folder / "notebooks" / "old"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert Settings().home == folder.resolve()
    (folder / "notebooks" / "pyproject.toml").touch()
    assert Settings().home == folder.resolve() / "notebooks", "the nearest one counts"


def test_thread_counts_have_safe_defaults_that_a_person_can_change() -> None:
    names = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    reads = ", ".join(f"os.environ[{name!r}]" for name in names)
    program = f"import os, {module.__name__}; print({reads})"
    clean = {name: value for name, value in os.environ.items() if name not in names}

    def run(**chosen: str) -> list[str]:
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, env=clean | chosen, check=True, capture_output=True, text=True
        )
        return done.stdout.split()

    assert run() == ["1", "passive", "true", "true"]
    assert run(OMP_NUM_THREADS="4") == ["4", "passive", "true", "true"]
