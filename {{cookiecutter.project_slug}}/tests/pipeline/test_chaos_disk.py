"""A disk that is full while a bundle is written: one line, nothing half, and the next run works."""

from flight_delay.loop import run_retrain
from flight_delay.settings import Settings

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share
from .programs import TRAINER, running


def test_a_full_disk_leaves_the_champion_and_no_half_bundle(alive: Settings) -> None:
    first = champion_of(alive)
    before = sorted(path.name for path in alive.models.iterdir())
    with running(TRAINER, alive, full_at="converting") as process:
        said, error = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "done" not in said
    assert said.splitlines()[-1].startswith("converting"), "it failed at the export"
    assert error.strip().splitlines()[-1].startswith("OSError: [Errno 27] File too large")
    assert sorted(path.name for path in alive.models.iterdir()) == before
    assert champion_of(alive) == first
    assert run_retrain(alive, silent)["result"] == "promoted"
