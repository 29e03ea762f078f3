"""What a test needs from the machine, such as a database: skipped by name here, failed in CI."""

import os
import shutil
from pathlib import Path

import pytest


def require(program: str, how_to_get: str, *folders: Path) -> Path:
    """Return the path of a program on the PATH or in one of some folders, the first that has it.

    Where it is absent the test is skipped with the way to get it. With `CI=true`, where everything
    was to be installed, it fails instead.
    """
    found = shutil.which(program) or next(
        (str(folder / program) for folder in folders if (folder / program).is_file()), None
    )
    if found is not None:
        return Path(found)
    message = f"{program} is not on this machine: {how_to_get}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message)
    pytest.skip(message)
