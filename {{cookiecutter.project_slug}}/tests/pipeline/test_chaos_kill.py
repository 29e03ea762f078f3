"""`kill -9` of the trainer and of the monitor: whatever is left, what is read is whole."""

import json

import pytest

from flight_delay.bundle import load
from flight_delay.champion import read_champion
from flight_delay.errors import ProjectError
from flight_delay.lock import locked
from flight_delay.loop import run_retrain
from flight_delay.monitoring.run import run_monitor
from flight_delay.registry import status
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, client

from ..conftest import champion_of, silent  # noqa: TID252 - what the tests share
from .programs import MONITOR, TRAINER, killed

Moment = tuple[int, float | None]
MOMENTS: list[Moment] = [(1, 0.0), (2, 0.0), (3, 0.0), (3, 0.4), (4, 0.0), (5, 0.0)]
MOMENTS += [(5, None), (6, 0.0), (6, 0.3), (7, 0.0)]
"""Lines that the trainer has said when it is killed, and seconds since the last; see `killed`.

It is ready; it gathers the past, fits, compares, converts, logs, and asks the gates.
"""


def check_that_all_is_whole(settings: Settings, first: str) -> str:
    """Fail unless there is one whole champion and no half bundle; return the champion."""
    champion = read_champion(settings.models)
    assert champion is not None
    assert champion.version == champion.line[-1] == champion.changes[-1].version
    assert champion.line[0] == first
    bundles = [path for path in settings.models.iterdir() if path.name[0] != "." and path.is_dir()]
    assert {load(path).version for path in bundles} >= {champion.version}
    with locked(settings):  # whoever was killed let go of it
        assert (settings.models / ".lock").exists()
    assert status(settings)["champion"] == champion.version
    entry = client(settings).get_model_version_by_alias(NAME, "champion")
    assert entry.tags["bundle"] == champion.version
    return champion.version


def test_a_trainer_killed_at_ten_points_leaves_one_whole_champion_and_the_next_works(
    alive: Settings,
) -> None:
    first = champion_of(alive)
    for lines, seconds in MOMENTS:
        killed(TRAINER, alive, lines, seconds)
        survivor = check_that_all_is_whole(alive, first)
        if lines < 7:
            assert survivor == first, "nobody is crowned before the gates were asked"
    if survivor == first:
        run_retrain(alive, silent)
    else:  # the last kill came after the crown
        with pytest.raises(ProjectError, match="0 days since 2013-05-10"):
            run_retrain(alive, silent)
    assert check_that_all_is_whole(alive, first) != first


def test_a_killed_monitor_leaves_the_last_report_whole_and_the_next_works(alive: Settings) -> None:
    before = run_monitor(alive, silent)
    for lines, seconds in ((1, 0.0), (2, 0.0), (2, 0.1), (2, 0.3)):
        killed(MONITOR, alive, lines, seconds)
        report = json.loads((alive.reports / "monitor.json").read_text(encoding="utf-8"))
        assert report["today"] == before["today"]
        assert (
            (alive.reports / "monitor.html")
            .read_text(encoding="utf-8")
            .rstrip()
            .endswith("</html>")
        )
    again = run_monitor(alive, silent)
    assert again["decision"] == before["decision"]
    assert again["quality"] == before["quality"]
