"""Monitoring is light: it needs no training library, so it can run beside a service."""

import subprocess
import sys

from flight_delay import monitoring

HEAVY = {"matplotlib", "mlflow", "onnx", "pandas", "pandera", "skl2onnx", "sklearn"}
PROGRAM = "import sys, {name}.run; print(*{{name.split('.')[0] for name in sys.modules}})"


def test_no_training_library_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(name=monitoring.__name__)],
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = set(done.stdout.split())
    assert {"polars", "scipy", "jinja2"} <= loaded
    assert not HEAVY & loaded
