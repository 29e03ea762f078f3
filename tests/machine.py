"""What a test needs from the machine, such as a browser: skipped by name here, failed in CI."""

import os
import shutil
from pathlib import Path

import pytest


def require(program: str, how_to_get: str) -> Path:
    """Return the path of a program, given by its name or by a path.

    Where it is absent the test is skipped with the way to get it. With `CI=true`, where everything
    was to be installed, it fails instead.
    """
    found = shutil.which(program)
    if found is not None:
        return Path(found)
    message = f"{program} is not on this machine: {how_to_get}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message)
    pytest.skip(message)
