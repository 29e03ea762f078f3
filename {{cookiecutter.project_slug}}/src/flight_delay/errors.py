"""The root of the errors that a person can act on: each is shown as one line, not a traceback."""


class ProjectError(Exception):
    """Something that the person at the keyboard can put right; the message says how."""
