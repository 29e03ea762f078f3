"""Every setting, typed, from the environment (`APP_*`) and from nowhere else."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# Set before NumPy, scikit-learn or MLflow are imported, unless the person has set them. A
# spin-waiting OpenMP makes a fit twenty times slower on a busy machine; no telemetry should leave
# a machine unasked; and a registry that is down should be noticed in seconds, not minutes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

SHA256_HEX_LENGTH = 64


def _project_root() -> Path:
    """Return the nearest folder upwards that holds a pyproject.toml, or the current folder."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file():
            return folder
    return here


class Settings(BaseSettings):
    """Settings of every command and of the service; the field `port` is read from `APP_PORT`."""

    model_config = SettingsConfigDict(env_prefix="APP_", frozen=True, env_ignore_empty=True)

    home: Path = Field(default_factory=_project_root, description="Folder that holds all state")
    models: Path = Field(
        default_factory=lambda given: given["home"] / "models",
        description="Folder of the bundles and of champion.json; by default models/ in that folder",
    )
    env: Literal["development", "production"] = "development"

    tracking_uri: str | None = Field(
        default=None,
        validation_alias=AliasChoices("MLFLOW_TRACKING_URI", "tracking_uri"),
        description="An MLflow server; by default mlflow.db in the project's folder",
    )

    follow_registry: bool = Field(
        default=False,
        description="The service takes the champion of that server, and no trial: those need a "
        "folder of models that is shared",
    )

    # Training. The windows are half open: [start, end). That of launch may be empty as yet.
    seed: int = 2013
    fit_from: date = date(2013, 1, 1)
    validate_from: date = date(2013, 3, 1)
    launch: date = date(2013, 4, 1)
    launch_until: date = date(2013, 5, 1)
    resamples: int = Field(default=1000, ge=100, description="Bootstrap resamples of whole days")

    # Gates of promotion.
    max_calibration_error: float = Field(default=0.05, gt=0, le=1)
    max_parity_difference: float = Field(default=1e-6, gt=0)
    min_shared_days: int = Field(
        default=14, ge=0, description="Validation days shared with the champion, to compare on"
    )

    # Prediction log.
    log_url: str | None = Field(
        default=None,
        description="postgresql://user@host/name; by default predictions.db in the project",
    )
    log_flush_seconds: float = Field(
        default=1.0, gt=0, description="What a killed service may lose of what it answered"
    )
    log_buffer_rows: int = Field(default=100_000, gt=0, description="Then rows are dropped")
    log_retention_days: int = Field(default=400, gt=0, description="Older rows are deleted")
    clock_file: Path | None = Field(
        default=None, description="A file with the time that is to be taken for now, for a replay"
    )

    # Monitoring. Outcomes of one day hang together, so everything here is counted in days.
    label_delay_days: int = Field(default=3, ge=0, description="When outcomes are complete")
    drift_days: int = Field(default=7, ge=1, description="Window of traffic looked at for drift")
    quality_days: int = Field(default=14, ge=1, description="Window of live quality")
    breach_days: int = Field(default=7, ge=2, description="One window of the early trigger")
    breach_windows: int = Field(default=3, ge=1, description="Windows looked at: the n of k of n")
    breaches_needed: int = Field(default=2, ge=1, description="Breaches that retrain: the k")
    max_live_bias: float = Field(
        default=0.05, gt=0, le=1, description="Mean probability less share of outcomes, at most"
    )
    least_labelled_days: int = Field(default=7, ge=2, description="Fewer give no verdict")
    least_day_rows: int = Field(default=100, ge=1, description="Rows that make a day count")

    # Policy.
    retrain_every_days: int = Field(default=30, ge=1, description="The schedule")
    cooldown_days: int = Field(default=14, ge=0, description="Between two trainings, at least")
    rollback_days: int = Field(default=5, ge=2, description="Days that a rollback needs to see")
    rollback_margin: float = Field(
        default=0.002, ge=0, description="Brier score lost against the champion before, at least"
    )

    # Retraining.
    holdout_days: int = Field(default=14, ge=2, description="Newest labelled days, for the gates")
    least_holdout_days: int = Field(default=7, ge=2, description="Fewer refuse to train")
    max_slice_loss: float = Field(
        default=0.01, gt=0, description="Brier score that a slice may lose beyond chance"
    )
    max_scoring_milliseconds: float = Field(default=5.0, gt=0, description="One row, median")
    shadow_days: int = Field(default=0, ge=0, description="Days a challenger scores unheard")
    canary_days: int = Field(default=0, ge=0, description="Days it then answers a share")
    canary_share: float = Field(default=0.1, gt=0, lt=1, description="That share of requests")

    # Service.
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    api_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="SHA-256 of each accepted key, comma-separated; see `keys new`"
    )
    poll_seconds: float = Field(
        default=2.0, gt=0, description="How often the service looks for a champion"
    )
    max_body_bytes: int = Field(
        default=600_000, gt=0, description="1,000 rows take at most 0.55 MB"
    )
    max_instances: int = Field(default=1000, gt=0, description="Rows in one batch request")
    request_seconds: float = Field(default=10.0, gt=0, description="Longest life of a request")
    max_connections: int = Field(default=1000, gt=0, description="Answered at a time; then 503")

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("api_keys")
    @classmethod
    def _keys_are_hashes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            if len(key) != SHA256_HEX_LENGTH or set(key) - set("0123456789abcdef"):
                message = (
                    "an entry is not the SHA-256 of a key in hexadecimal; `keys new` prints a pair"
                )
                raise ValueError(message)
        return value

    @field_validator("home", "models")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.resolve()

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        if problems := [*_out_of_order(self), *_deleted_too_soon(self), *_not_to_follow(self)]:
            raise ValueError("; and ".join(problems))
        return self

    @property
    def data(self) -> Path:
        """Folder of the validated table."""
        return self.home / "data"

    @property
    def reports(self) -> Path:
        """Folder of plots and of what each command reported."""
        return self.home / "reports"


def _out_of_order(settings: Settings) -> Iterator[str]:
    """Yield each setting that is more than the one that bounds it."""
    for name, bound, consequence in (
        ("breaches_needed", "breach_windows", "breaches would never be enough"),
        ("least_holdout_days", "holdout_days", "no training would ever have enough days"),
        ("least_labelled_days", "quality_days", "live quality would never have enough days"),
        ("rollback_days", "quality_days", "a rollback would never see enough days"),
        ("cooldown_days", "retrain_every_days", "the schedule could not be kept"),
    ):
        if getattr(settings, name) > getattr(settings, bound):
            yield (
                f"{_given(settings, name)} is more than {_given(settings, bound)}, so "
                f"{consequence}: lower the first or raise the second"
            )


def _deleted_too_soon(settings: Settings) -> Iterator[str]:
    """Yield a retention that deletes rows of the log before everything has looked at them."""
    looks_back = {
        ("drift_days",): settings.drift_days,
        ("quality_days",): settings.quality_days,
        ("breach_days", "breach_windows"): settings.breach_days * settings.breach_windows,
        ("holdout_days",): settings.holdout_days,
        ("retrain_every_days",): settings.retrain_every_days,
    }
    longest = max(looks_back, key=lambda names: looks_back[names])
    needed = looks_back[longest] + settings.label_delay_days
    if settings.log_retention_days < needed:
        because = ", ".join(_given(settings, name) for name in (*longest, "label_delay_days"))
        yield (
            f"{_given(settings, 'log_retention_days')} would delete rows that are still needed "
            f"({because}): keep {needed} days or more"
        )


def _not_to_follow(settings: Settings) -> Iterator[str]:
    """Yield that there is no server to follow; an address may hold a password and is not shown."""
    try:
        address = urlsplit(settings.tracking_uri or "")
        good = address.scheme in {"http", "https"} and address.hostname and address.port != 0
    except ValueError:  # a port that is no number
        good = False
    if settings.follow_registry and not good:
        yield (
            "APP_FOLLOW_REGISTRY is on and MLFLOW_TRACKING_URI is no address of a server: set it "
            "to http://host:5000 or the like"
        )


def _given(settings: Settings, name: str) -> str:
    return f"APP_{name.upper()}={getattr(settings, name)}"
