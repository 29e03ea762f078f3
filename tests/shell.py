"""Run commands as a user would, and show all that they said when they fail."""

import os
import re
import subprocess
from pathlib import Path

# What the test run itself, or this machine, would leak into a user's shell.
LEAKS = re.compile("^(APP_|PYTEST_|VIRTUAL_ENV|PYTHONPATH|PYTHONDONTWRITEBYTECODE|MLFLOW_|MAKE)")


def environment(**extra: str) -> dict[str, str]:
    """Return a user's environment, with these variables added."""
    kept = {name: value for name, value in os.environ.items() if not LEAKS.match(name)}
    threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    return kept | threads | {"UV_NO_PROGRESS": "1"} | extra


def run(
    command: str, folder: Path, *, code: int = 0, seconds: int = 600, **extra: str
) -> subprocess.CompletedProcess[str]:
    """Run a line of bash and require an exit code."""
    result = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=folder,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    said = f"{command}\n{result.stdout}\n{result.stderr}"
    assert result.returncode == code, f"exit code {result.returncode}, not {code}:\n{said}"
    assert "Traceback" not in said, said
    return result
