"""The champion of an MLflow server, over plain HTTP: where the service runs there is no MLflow.

Two questions are enough: which version has the alias, and the files of its bundle. Both are
MLflow's own interface, as its documentation of the REST API and the page of a run use it.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

import httpx2
from pydantic import BaseModel, ValidationError

from flight_delay.bundle import LISTED, MANIFEST_FILE
from flight_delay.champion import VERSION_FORM
from flight_delay.errors import ProjectError

NAME = __name__.split(".")[0]
"""Name of the registered model: the package's."""
CHAMPION = "champion"
BUNDLE_TAG = "bundle"
BUNDLE_ARTIFACTS = "bundle"
TAKEN = "it is the registry's champion"
"""Why a machine has a champion that it did not promote."""

ALIAS_PATH = "/api/2.0/mlflow/registered-models/alias"
ARTIFACT_PATH = "/get-artifact"
ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""What MLflow says of a model that is not registered, and of an alias that nobody has."""
ANSWER_SECONDS = 5
DOWNLOAD_SECONDS = 300
KEPT_SECONDS = 4
"""How long an idle connection is kept; the server of MLflow closes it after five seconds."""
LONGEST_REASON = 100


class RemoteRegistryError(ProjectError):
    """The registry does not answer, refuses, or has not what was asked for."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the registry: the bundle that it names, and the run that holds its files."""

    bundle: str
    run_id: str


class _Tag(BaseModel):
    key: str
    value: str = ""


class _ModelVersion(BaseModel):
    version: str
    run_id: str
    tags: list[_Tag] = []


class _Answer(BaseModel):
    model_version: _ModelVersion


class _Refusal(BaseModel):
    error_code: str


class RegistryClient:
    """Asks one server; credentials in its address are sent, and never shown."""

    def __init__(self, uri: str, enough: Callable[[], bool] = lambda: False) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            uri: of the server, http://host:5000 or http://user:password@host:5000.
            enough: asked between two parts of a download, which ends when it says so.
        """
        parts = urlsplit(uri)
        without = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        self.address = without.geturl().rstrip("/")
        self._enough = enough
        self._http = httpx2.Client(
            base_url=self.address,
            auth=(unquote(parts.username), unquote(parts.password or ""))
            if parts.username
            else None,
            timeout=ANSWER_SECONDS,
            limits=httpx2.Limits(keepalive_expiry=KEPT_SECONDS),
        )

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._http.close()

    def champion(self) -> Registered:
        """Return the version that has the alias `champion`, in one request.

        Raises:
            RemoteRegistryError: when there is none, or the server does not say.
        """
        with self._explained():
            answer = self._http.get(ALIAS_PATH, params={"name": NAME, "alias": CHAMPION})
        if _error_code(answer) in ABSENT:
            message = (
                f"the registry at {self.address} has no champion yet: run the commands `train` "
                f"and `promote`"
            )
            raise RemoteRegistryError(message)
        self._check(answer)
        try:
            found = _Answer.model_validate_json(answer.content).model_version
        except ValidationError:
            message = (
                f"what answers at {self.address} is no MLflow server: set MLFLOW_TRACKING_URI to "
                f"the address of one"
            )
            raise RemoteRegistryError(message) from None
        bundle = {tag.key: tag.value for tag in found.tags}.get(BUNDLE_TAG, "")
        if not re.fullmatch(VERSION_FORM, bundle):  # it becomes the name of a folder
            message = (
                f"number {found.version} in the registry at {self.address} names no bundle (its "
                f"tag '{BUNDLE_TAG}' is {bundle!r}): run the commands `train` and `promote`"
            )
            raise RemoteRegistryError(message)
        return Registered(bundle, found.run_id)

    def download(self, wanted: Registered, folder: Path) -> None:
        """Put the files of a bundle into a folder; nothing is verified here.

        Raises:
            RemoteRegistryError: when one of them cannot be had.
            OSError: when it cannot be stored.
        """
        deadline = time.monotonic() + DOWNLOAD_SECONDS
        for name in (MANIFEST_FILE, *sorted(LISTED)):
            self._download(wanted, name, folder / name, deadline)

    def _download(self, wanted: Registered, name: str, path: Path, deadline: float) -> None:
        asked = {"run_uuid": wanted.run_id, "path": f"{BUNDLE_ARTIFACTS}/{name}"}
        with self._explained(), self._http.stream("GET", ARTIFACT_PATH, params=asked) as answer:
            if not answer.is_success:
                answer.read()
            self._check(answer, f"{name} of bundle {wanted.bundle}")
            with path.open("xb") as file:
                for part in answer.iter_bytes():
                    file.write(part)
                    if self._enough() or time.monotonic() > deadline:
                        message = (
                            f"bundle {wanted.bundle} was not whole when its download was given up: "
                            f"{DOWNLOAD_SECONDS} s are allowed"
                        )
                        raise RemoteRegistryError(message)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what goes wrong on the way into one line that names the server."""
        try:
            yield
        except httpx2.HTTPError as error:
            reason = str(error).strip() or type(error).__name__
            message = (
                f"the registry at {self.address} does not answer ({_short(reason)}): is it "
                f"running, and is MLFLOW_TRACKING_URI its address?"
            )
            raise RemoteRegistryError(message) from None

    def _check(self, answer: httpx2.Response, what: str = "the champion") -> None:
        """Raise what a status other than 200 means."""
        status = answer.status_code
        if status == HTTPStatus.OK:
            return
        if status == HTTPStatus.UNAUTHORIZED:
            message = (
                f"the registry at {self.address} does not know these credentials (401): set "
                f"MLFLOW_TRACKING_URI to http://user:password@host"
            )
        elif status == HTTPStatus.FORBIDDEN:
            message = (
                f"the registry at {self.address} forbids it (403, {_short(answer.text)}): its "
                f"user has to be allowed to read, and this address to be one of its allowed hosts"
            )
        elif status == HTTPStatus.NOT_FOUND:
            message = (
                f"the registry at {self.address} has not {what} (404): train and promote again, "
                f"or set MLFLOW_TRACKING_URI to the right server"
            )
        else:
            message = (
                f"the registry at {self.address} answers {status} when asked for {what}: "
                f"its own log says why"
            )
        raise RemoteRegistryError(message)


def _error_code(answer: httpx2.Response) -> str:
    """Return MLflow's name for an error; nothing if it is none, or none of MLflow's."""
    try:
        return "" if answer.is_success else _Refusal.model_validate_json(answer.content).error_code
    except ValidationError:
        return ""


def _short(text: str) -> str:
    first, *_ = [*text.strip().splitlines(), ""]
    return first[:LONGEST_REASON]
