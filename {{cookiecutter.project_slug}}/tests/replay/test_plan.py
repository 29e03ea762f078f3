"""What may be replayed, and what is refused in words."""

from datetime import date
from pathlib import Path

import pytest

from flight_delay.bundle import load
from flight_delay.champion import crown
from flight_delay.replay.plan import (
    Injection,
    Plan,
    ReplayError,
    prepare,
    service_environment,
)
from flight_delay.settings import Settings

from ..conftest import champion_of  # noqa: TID252 - what the tests share

LAUNCH = date(2013, 4, 1)


def test_by_default_it_goes_from_launch_to_the_end_of_the_table(trained: Settings) -> None:
    plan = Plan.of(trained)
    assert (plan.first, plan.last) == (LAUNCH, date(2013, 12, 31))
    assert len(plan.days) == 275
    assert plan.version == champion_of(trained)
    assert plan.whole
    assert not Plan.of(trained, days=274).whole
    assert not Plan.of(trained, incidents=["frozen_feed"]).whole


def test_a_start_and_a_number_of_days_bound_it(trained: Settings) -> None:
    plan = Plan.of(trained, start=date(2013, 12, 30), days=10)
    assert plan.days == [date(2013, 12, 30), date(2013, 12, 31)]
    assert Plan.of(trained, days=2).days == [LAUNCH, date(2013, 4, 2)]


def test_an_incident_begins_where_it_is_told_to_or_a_third_of_the_way_in(
    trained: Settings,
) -> None:
    plan = Plan.of(trained, days=31, incidents=["frozen_feed", "bad_challenger@2013-04-20"])
    assert plan.injections == (
        Injection("frozen_feed", date(2013, 4, 11)),
        Injection("bad_challenger", date(2013, 4, 20)),
    )


@pytest.mark.parametrize(
    ("incident", "said"),
    [
        ("flood", "--inject flood is not known; known are: .*frozen_feed.*bad_challenger"),
        ("frozen_feed@soon", "'soon' is not a day such as 2013-04-01"),
        ("frozen_feed@2013-03-31", "2013-03-31 is not among the days replayed, 2013-04-01 to"),
    ],
)
def test_an_incident_that_cannot_happen_is_refused(
    trained: Settings, incident: str, said: str
) -> None:
    with pytest.raises(ReplayError, match=said):
        Plan.of(trained, days=10, incidents=[incident])


def test_days_that_the_champion_has_seen_are_refused(trained: Settings) -> None:
    with pytest.raises(ReplayError, match="trained on days before 2013-03-31 alone"):
        Plan.of(trained, start=date(2013, 3, 31))


def test_days_after_the_table_are_refused(trained: Settings) -> None:
    with pytest.raises(ReplayError, match=r"2014-01-01 is after the last day .*, 2013-12-31"):
        Plan.of(trained, start=date(2014, 1, 1))


def test_a_project_without_table_or_champion_is_told_what_to_run(
    project: Settings, tmp_path: Path
) -> None:
    with pytest.raises(ReplayError, match="run the command `data`"):
        Plan.of(Settings(home=tmp_path))
    (project.models / "champion.json").unlink()
    with pytest.raises(ReplayError, match="run the commands `train` and `promote`"):
        Plan.of(project)


def test_everything_that_it_changes_is_in_a_folder_of_its_own(project: Settings) -> None:
    plan = Plan.of(
        project.model_copy(update={"log_url": "sqlite:///elsewhere.db", "tracking_uri": "http://x"})
    )
    own = plan.settings
    assert own.home == project.home / "replay"
    assert (own.models, own.data) == (own.home / "models", own.home / "data")
    assert (own.log_url, own.tracking_uri) == (None, None)
    assert own.seed == project.seed
    emptied = {"APP_MODELS", "APP_LOG_URL", "APP_API_KEYS", "APP_ENV"}
    emptied |= {"MLFLOW_TRACKING_URI", "APP_FOLLOW_REGISTRY"}
    assert {name for name, value in service_environment(plan).items() if not value} == emptied


def test_it_starts_anew_with_the_bundle_that_has_not_seen_its_days(project: Settings) -> None:
    plan = Plan.of(project)
    prepare(plan)
    (plan.settings.home / "left.over").touch()
    crown(plan.settings.models, "other", "of the last replay")
    prepare(plan)
    assert champion_of(plan.settings) == plan.version
    assert load(plan.settings.models / plan.version).version == plan.version
    assert not (plan.settings.home / "left.over").exists()
