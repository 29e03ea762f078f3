"""The end of every lab: what it started is stopped, and what it changed is as it was."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from course.labs import programs
from course.labs.folder import Lab, LabError, as_typed
from course.labs.service import MODELS, inside


@contextlib.contextmanager
def unless_begun(lab: Lab, end: Callable[[Path], object]) -> Iterator[None]:
    """Open a lab for what begins it; whatever stops that, Ctrl-C too, ends it: nothing stays."""
    lab.open()
    try:
        yield
        lab.write(ready=True)
    except BaseException as error:
        try:
            end(lab.project)
        except LabError as left:
            message = f"{str(error) or 'it was stopped'}; {left}"
            raise LabError(message) from error
        raise


def end(name: str, project: Path, tidy: Callable[[Lab], object] = lambda _: None) -> bool:
    """End a lab, on the project on which it was begun; return whether it was on.

    A project that was removed or cleaned since has nothing that could be brought back.

    Raises:
        LabError: when something could not be brought back; the lab is on then, to try again.
    """
    state = Lab(name, project).read()
    if not state:
        return False
    lab = Lab(name, Path(state["project"]))
    programs.stop_all(lab)
    tidy(lab)
    if mark := state.get("mark"):
        _restore(lab, mark)
    lab.close()
    return True


def _restore(lab: Lab, mark: dict[str, object]) -> None:
    if not (lab.project / MODELS).is_dir():
        told = f"{lab.project} is not there any more, or is clean: nothing was brought back in it."
        print(told)  # noqa: T201 - what the learner is told
        return
    try:
        inside(lab.project, {"do": "restore"} | mark)
    except LabError as error:
        message = (
            f"{error}. So champion, versions and prediction log of {lab.project.name} are as "
            f"{lab.name} left them. Put that right, then {lab.ending} again; or leave them so: "
            f"`rm -r {as_typed(lab.folder)}` forgets it"
        )
        raise LabError(message) from error
