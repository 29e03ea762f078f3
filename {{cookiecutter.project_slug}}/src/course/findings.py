"""What a check says: one finding for each thing that it looked at."""

from typing import NamedTuple


class Finding(NamedTuple):
    """Whether one thing is as it should be, and the sentence that says so."""

    name: str
    passed: bool
    said: str
