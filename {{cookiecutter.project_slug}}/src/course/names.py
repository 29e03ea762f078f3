"""Find what a person meant by a name."""

import difflib
from collections.abc import Collection, Mapping
from typing import TypeVar

from course.project import WrongUseError

ThingT = TypeVar("ThingT")


def named(name: str, things: Mapping[str, ThingT], what: str) -> ThingT:
    """Return the thing of this name; the error names those that are nearest to it."""
    if name in things:
        return things[name]
    command = "course list" if what == "exercise" else f"course {what}"
    message = f'there is no {what} "{name}"{_nearest(name, things, command)}'
    raise WrongUseError(message)


def _nearest(name: str, names: Collection[str], command: str) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    near = near or [other for other in names if name and name in other][:3]
    return f"; the nearest: {', '.join(near)}" if near else f"; `{command}` shows them all"
