"""The end of every lab: what it started is stopped, and what it changed is as it was."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from course.labs import programs
from course.labs.folder import Lab
from course.labs.service import MODELS, inside


@contextlib.contextmanager
def unless_begun(name: str, project: Path, end: Callable[[Path], None]) -> Iterator[Lab]:
    """Open a lab for what begins it; whatever stops that, Ctrl-C too, ends it: nothing stays."""
    lab = Lab(name, project)
    lab.open()
    try:
        yield lab
    except BaseException:
        end(project)
        raise


def end(name: str, project: Path, tidy: Callable[[Lab], object] = lambda _: None) -> None:
    """End a lab, on the project on which it was begun; one that is not on is no error.

    A project that was removed or cleaned since has nothing that could be brought back.
    """
    state = Lab(name, project).read()
    if not state:
        return
    lab = Lab(name, Path(state["project"]))
    programs.stop_all(lab)
    tidy(lab)
    mark = state.get("mark")
    if mark and (lab.project / MODELS).is_dir():
        inside(lab.project, {"do": "restore"} | mark)
    lab.close()
