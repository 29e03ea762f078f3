"""The root of the errors that a person can act on: each is shown as one line, not a traceback."""


class ProjectError(Exception):
    """Something that the person at the keyboard can put right; the message says how."""


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its kind when it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0]
