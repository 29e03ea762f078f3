"""A seeded fault."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A change of one module that leaves valid Python, and the test that it should turn red."""

    name: str
    module: str
    old: str
    new: str
    test: str
