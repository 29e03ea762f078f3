"""What a user of the template meets first: generating, the demo, and the model that it trains."""

import functools
import json
import os
import shutil
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.processes import MeasurementError, ProjectError, environment, run
from benchmarks.report import Figure

SLUG = "flight-delay"
GENERATIONS = 5
CLONE_SECONDS = 60
DEMO_SECONDS = 900


class Workspace:
    """A scratch folder, and the demo project that the parts measure: made once, or given."""

    def __init__(self, root: Path, scratch: Path, given: Path | None) -> None:
        """Make nothing yet."""
        self.root = root
        self.scratch = scratch
        self.given = given
        self.demo_seconds: float | None = None

    @functools.cached_property
    def project(self) -> Path:
        """The demo project; a fresh clone of the last commit makes one if none was given."""
        if self.given is not None:
            return self.given
        clone = self.scratch / "slipway"
        command = ["git", "clone", "--quiet", str(self.root), str(clone)]
        given = environment(PATH=_path_without_uv())
        try:
            run(command, self.scratch, environment(), CLONE_SECONDS)
            print("make demo, in a fresh clone of the last commit ...", flush=True)
            self.demo_seconds = run(["make", "demo"], clone, given, DEMO_SECONDS)
        except MeasurementError as error:
            raise ProjectError(str(error)) from None
        return clone / "build" / SLUG

    def report(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """Return one of the project's reports."""
        path = self.project / "reports" / f"{name}.json"
        if not path.is_file():
            message = f"the project has no reports/{name}.json: it was not made by `make demo`"
            raise MeasurementError(message)
        return json.loads(path.read_text(encoding="utf-8"))


def measure_generate(workspace: Workspace) -> Iterator[Figure]:
    """Measure the command that generates a project, its start included."""
    # A configuration of its own, so that neither the answers nor the replays of the person count.
    config = workspace.scratch / "cookiecutter.yaml"
    folders = {name: str(workspace.scratch / name) for name in ("cookiecutters_dir", "replay_dir")}
    config.write_text(json.dumps(folders), encoding="utf-8")
    seconds = []
    for number in range(GENERATIONS):
        target = workspace.scratch / f"generated-{number}"
        command = [sys.executable, "-m", "cookiecutter", "--no-input", str(workspace.root)]
        given = environment(COOKIECUTTER_CONFIG=str(config))
        seconds.append(run([*command, "-o", str(target)], workspace.scratch, given, 60))
    yield Figure(
        "generate_seconds",
        "`cookiecutter --no-input`",
        statistics.median(seconds),
        "s",
        "at most",
        1,
        f"median of {GENERATIONS}, {min(seconds):.2f} to {max(seconds):.2f}",
    )


def measure_demo(workspace: Workspace) -> Iterator[Figure]:
    """Measure `make demo` in a fresh clone."""
    if workspace.given is not None:
        return
    _ = workspace.project
    yield Figure(
        "demo_seconds",
        "`make demo` on a fresh clone",
        workspace.demo_seconds or 0.0,
        "s",
        "at most",
        120,
        "warm package cache; uv, environments, data and training included",
        ".0f",
    )


def measure_model(workspace: Workspace) -> Iterator[Figure]:
    """Read what training reported of itself and of the model."""
    train = workspace.report("train")
    launch, days = train["launch"], "resampled by day"
    model, advantage = launch["model"]["auc"], launch["advantage"]["auc"]
    interval = f"{advantage['low']:+.4f} to {advantage['high']:+.4f}"
    yield Figure(
        "training_seconds",
        "training on the first quarter",
        train["seconds"],
        "s",
        "at most",
        30,
        f"the whole command on {train['rows']['history']:,} flights: fits, export, MLflow",
        ".1f",
    )
    yield Figure(
        "april_auc",
        "AUC of the champion in April",
        model["estimate"],
        "",
        "at least",
        0.745,
        f"95 % interval {model['low']:.3f} to {model['high']:.3f}, {days}",
        ".4f",
    )
    yield Figure(
        "april_auc_advantage_low",
        "its advantage over logistic regression, lower end",
        advantage["low"],
        "",
        "above",
        0,
        f"{advantage['estimate']:+.4f} ({interval}, 95 %), paired, {days}",
        "+.4f",
    )
    yield Figure(
        "onnx_largest_difference",
        "ONNX against scikit-learn, largest difference",
        train["parity"],
        "",
        "at most",
        1e-6,
        f"every one of {train['rows']['validation']:,} validation rows, and the hard cases",
        ".1e",
    )


def _path_without_uv() -> str:
    """Return the PATH without the folders that hold uv or this script's environment.

    A fresh clone then installs its own uv, as on a new machine, if make, git and python3 remain.
    """
    folders = os.environ["PATH"].split(os.pathsep)
    kept = [
        folder
        for folder in folders
        if not Path(folder, "uv").exists() and Path(folder) != Path(sys.prefix, "bin")
    ]
    path = os.pathsep.join(kept)
    if all(shutil.which(tool, path=path) for tool in ("make", "git", "python3")):
        return path
    return os.environ["PATH"]
