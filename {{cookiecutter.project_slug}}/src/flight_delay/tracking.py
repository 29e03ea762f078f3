"""MLflow: where runs go, and what a training run records."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
import onnx
from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, Schema, TensorSpec

from flight_delay.bundle import MODEL_FILE, Bundle, Manifest, load, load_if_intact
from flight_delay.contract import FIELDS, Numeric
from flight_delay.errors import ProjectError
from flight_delay.files import unfinished_folder
from flight_delay.registry_client import BUNDLE_ARTIFACTS
from flight_delay.settings import Settings

if TYPE_CHECKING:  # every verb that asks the registry would wait for it
    from matplotlib.figure import Figure

NAME = __name__.split(".")[0]
"""Name of the experiment and of the registered model: the package's."""
URI_VARIABLE = "MLFLOW_TRACKING_URI"


CREDENTIALS = re.compile(r"//[^/@\s]+@")


class TrackingError(ProjectError):
    """MLflow does not answer or refuses."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training run."""

    run_id: str
    model_id: str


def client(settings: Settings) -> MlflowClient:
    """Return a client for `MLFLOW_TRACKING_URI`, or for `mlflow.db` in the project's folder."""
    uri = _uri(settings)
    # MLflow writes what it is told into the environment, where other settings made in this process
    # would take it for the person's own choice: the environment stays as the person left it.
    kept = os.environ.get(URI_VARIABLE)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    os.environ.pop(URI_VARIABLE, None)
    if kept is not None:
        os.environ[URI_VARIABLE] = kept
    return MlflowClient(uri, uri)


def log_run(
    settings: Settings,
    bundle: Bundle,
    params: dict[str, Any],
    figures: "dict[str, Figure]",
    launch: dict[str, dict[str, float]] | None = None,
) -> Run:
    """Record parameters, metrics, plots, the bundle, and the model as one that MLflow can run.

    `launch` is what was measured after launch, if anything was: the bundle does not hold it.

    Raises:
        TrackingError: when MLflow does not answer.
    """
    experiment = open_experiment(settings)
    manifest = bundle.manifest
    with (
        answering(settings),
        mlflow.start_run(experiment_id=experiment, run_name=bundle.version) as run,
    ):
        mlflow.log_params(params)
        mlflow.log_metrics(
            {
                f"{window}_{name}": figure["estimate"]
                for window, figures_of in (manifest.metrics | {"launch": launch or {}}).items()
                for name, figure in figures_of.items()
            }
            | _of_rival(manifest)
        )
        mlflow.set_tags(
            {
                "bundle": bundle.version,
                "data_hash": manifest.data_hash,
                "code_hash": manifest.code_hash,
            }
        )
        for name, figure in figures.items():
            mlflow.log_figure(figure, f"plots/{name}.png")
        mlflow.log_artifacts(str(bundle.path), BUNDLE_ARTIFACTS)
        model = mlflow.onnx.log_model(
            onnx.load(str(bundle.path / MODEL_FILE)),
            name="model",
            signature=signature(),
            onnx_execution_providers=["CPUExecutionProvider"],
            pip_requirements=[f"{name}=={version(name)}" for name in ("onnx", "onnxruntime")],
        )
    return Run(run.info.run_id, str(model.model_id))


@contextmanager
def answering(settings: Settings) -> Iterator[None]:
    """Turn what goes wrong with MLflow into one line that names the server and what was said.

    Raises:
        TrackingError: instead of the errors of MLflow and of connections to it.
    """
    try:
        yield
    except (MlflowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # not a connection's: this machine's own, such as a full disk
        reason = str(error).splitlines()[0]
        said = f"MLflow at {_uri(settings)} does not answer: {reason:.200}"
        raise TrackingError(CREDENTIALS.sub("//", said)) from None


def signature() -> ModelSignature:
    """Derive MLflow's signature of the model from the contract: one tensor (rows, 1) a field.

    Tensors, because MLflow hands plain columns to ONNX as arrays of one dimension, and ONNX
    refuses those.
    """
    inputs: list[ColSpec | TensorSpec] = [
        TensorSpec(np.dtype(np.float32 if isinstance(field, Numeric) else str), (-1, 1), field.name)
        for field in FIELDS
    ]
    return ModelSignature(inputs=Schema(inputs))


def fetch_bundle(settings: Settings, run_id: str, bundle_version: str) -> Bundle:
    """Return a verified bundle, downloaded from its run if this machine lacks it whole."""
    folder = settings.models / bundle_version
    if bundle := load_if_intact(folder):
        return bundle
    registry = client(settings)
    with answering(settings):
        files = registry.list_artifacts(run_id, BUNDLE_ARTIFACTS)
    if not files:
        message = (
            f"bundle {bundle_version} is not whole here nor in MLflow: run the command `train`"
        )
        raise TrackingError(message)
    with answering(settings), unfinished_folder(folder) as unfinished:
        for file in files:
            downloaded = registry.download_artifacts(run_id, file.path, str(unfinished.parent))
            Path(downloaded).rename(unfinished / Path(file.path).name)
        load(unfinished)
    return load(folder)


def open_experiment(settings: Settings) -> str:
    """Return the id of this project's experiment, made or restored where that is needed.

    MLflow stores the place of artifacts as an absolute path. When the project's folder was moved
    or copied, the old experiment is set aside under another name, with its runs and figures, so
    that nothing is ever written to the old place.
    """
    registry = client(settings)
    local = None if settings.tracking_uri else (settings.home / "mlartifacts").as_uri()
    with answering(settings):
        experiment = registry.get_experiment_by_name(NAME)
        if experiment is not None and experiment.lifecycle_stage == LifecycleStage.DELETED:
            registry.restore_experiment(experiment.experiment_id)
        if experiment is not None and local and experiment.artifact_location != local:
            registry.rename_experiment(
                experiment.experiment_id, f"{NAME} (before a move, {experiment.experiment_id})"
            )
            experiment = None
        if experiment is not None:
            return str(experiment.experiment_id)
        return str(registry.create_experiment(NAME, artifact_location=local))


def _of_rival(manifest: Manifest) -> dict[str, float]:
    """Return the differences from the champion as metrics of a run, if there are any."""
    differences = manifest.rival.difference if manifest.rival else {}
    return {f"rival_{name}": difference.estimate for name, difference in differences.items()}


def _uri(settings: Settings) -> str:
    return settings.tracking_uri or _local_uri(settings.home / "mlflow.db")


def _local_uri(path: Path) -> str:
    """Return the address of a database on this disk."""
    if "%" in str(path) or "?" in str(path):
        message = (
            f"MLflow would not find {path} again, because of the % or ? in it: rename the folder, "
            f"or set {URI_VARIABLE}"
        )
        raise TrackingError(message)
    return f"sqlite:///{path}"


def as_params(settings: Settings, pipeline_params: dict[str, Any]) -> dict[str, Any]:
    """Return what a run records of its settings: seed, windows and the model's own parameters."""
    names = ("seed", "fit_from", "validate_from", "launch", "launch_until")
    return {name: str(getattr(settings, name)) for name in names} | pipeline_params
