"""Exercises and incidents on a running service: each is a module with three functions.

`begin(project)` tells the learner what is to be done and starts what is needed; of what is on
already it tells again, and leaves it alone. `check(project)` returns what it found. `end(project)`
stops and tidies up all that `begin` started, and returns whether there was anything; it ends what
is on wherever that was begun. `project` is the folder of the project that is worked on.
"""

import importlib
import pkgutil
from pathlib import Path
from typing import Protocol, cast

from course.findings import Finding

LIVE = "course.live"
INCIDENTS = "course.incidents"


class LabModule(Protocol):
    """What such a module has."""

    def begin(self, project: Path) -> None:
        """Tell what is to be done, and start what is needed."""

    def check(self, project: Path) -> list[Finding]:
        """Return what is as it should be and what is not; `begun` alone, failed, if not on."""

    def end(self, project: Path) -> bool:
        """Stop and tidy up; return whether it was on."""


def lab(package: str, name: str) -> LabModule:
    """Import a lab by its name, which has dashes where the module has underscores."""
    return cast("LabModule", importlib.import_module(f"{package}.{name.replace('-', '_')}"))


def incidents() -> dict[str, LabModule]:
    """Return the incidents by name. What else the package holds does not begin anything."""
    package = importlib.import_module(INCIDENTS)
    names = [info.name.replace("_", "-") for info in pkgutil.iter_modules(package.__path__)]
    labs = {name: lab(INCIDENTS, name) for name in names}
    return {name: found for name, found in labs.items() if hasattr(found, "begin")}
