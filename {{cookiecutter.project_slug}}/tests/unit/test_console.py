"""What is said at the end of a verb can be typed as it stands."""

import sys

import pytest

from flight_delay import console


@pytest.mark.parametrize(
    ("program", "typed"),
    [
        (".venv/bin/late-planes", "uv run late-planes serve"),
        ("src/late/__main__.py", "uv run python -m flight_delay serve"),
    ],
)
def test_the_next_step_is_said_as_it_was_called(
    program: str,
    typed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", [program, "promote"])
    monkeypatch.delenv("MAKELEVEL", raising=False)
    assert next_step(capsys) == typed
    monkeypatch.setenv("MAKELEVEL", "1")
    assert next_step(capsys) == "make serve"


def next_step(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a verb that is done says to do next."""
    console.done("made", "serve")
    return capsys.readouterr().out.strip().removeprefix("done: made. Next: ")
