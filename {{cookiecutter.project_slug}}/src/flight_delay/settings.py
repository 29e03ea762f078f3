"""Every setting, typed, from the environment (`APP_*`) and from nowhere else."""

import os
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, field_validator
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
    env: Literal["development", "production"] = "development"

    tracking_uri: str | None = Field(
        default=None,
        validation_alias=AliasChoices("MLFLOW_TRACKING_URI", "tracking_uri"),
        description="An MLflow server; by default mlflow.db in the project's folder",
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

    # Service.
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    api_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="SHA-256 of each accepted key, comma-separated; see `keys new`"
    )
    poll_seconds: float = Field(default=2.0, gt=0, description="How often champion.json is read")
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

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.resolve()

    @property
    def data(self) -> Path:
        """Folder of the validated table."""
        return self.home / "data"

    @property
    def models(self) -> Path:
        """Folder of the bundles and of champion.json."""
        return self.home / "models"

    @property
    def reports(self) -> Path:
        """Folder of plots and of what each command reported."""
        return self.home / "reports"
