"""What is derived is what its sources say, in the files as they stand."""

import shutil
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from flight_delay.kubernetes import written
from flight_delay.kubernetes.autoscaler import PROD
from flight_delay.kubernetes.measure import Measured
from flight_delay.kubernetes.plan import WAYS, Way, plan
from flight_delay.kubernetes.rules import prometheus_rule
from flight_delay.kubernetes.written import WrittenError

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Copy what is read and written."""
    for folder in ("monitoring", "docs", "deploy"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    return tmp_path


@pytest.fixture(scope="module")
def measured() -> Measured:
    return Measured.read(PROJECT / written.MEASURED)


def test_every_derived_file_is_what_its_sources_say_today() -> None:
    stale = [
        str(path)
        for path, text in written.texts(PROJECT).items()
        if (PROJECT / path).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `python -m flight_delay.kubernetes write`"


def test_the_resource_holds_the_rules_and_nothing_else() -> None:
    rules = (PROJECT / written.RULES).read_text(encoding="utf-8")
    resource = yaml.safe_load(prometheus_rule(rules))
    assert resource.pop("spec") == yaml.safe_load(rules)
    assert resource == {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "service"},
    }


def test_writing_mends_what_was_changed_and_draws_the_day(home: Path) -> None:
    (home / written.PROMETHEUS_RULE).write_text("edited by hand")
    (home / written.PICTURE).unlink()
    before = (home / written.CAPACITY).read_text("utf-8")
    (home / written.CAPACITY).write_text(before.replace("| 60 % |", "| 61 % |"), "utf-8")
    assert written.write(home) == [written.PROMETHEUS_RULE, written.CAPACITY, written.PICTURE]
    for path in (written.PROMETHEUS_RULE, written.CAPACITY):
        assert (home / path).read_bytes() == (PROJECT / path).read_bytes()
    assert (home / written.PICTURE).read_bytes().startswith(b"\x89PNG")


def test_a_lost_marker_is_named(home: Path) -> None:
    text = (home / written.CAPACITY).read_text("utf-8")
    (home / written.CAPACITY).write_text(text.replace("<!-- end of plans -->", ""), "utf-8")
    with pytest.raises(WrittenError, match=r"capacity\.md has lost .*end of plans.*: put both"):
        written.texts(home)


def test_the_manifest_has_the_settings_that_were_simulated() -> None:
    path = PROJECT / "deploy/kubernetes/base/autoscaler.yaml"
    spec = yaml.safe_load(path.read_text("utf-8"))["spec"]
    (metric,) = spec["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == PROD.target
    assert (spec["minReplicas"], spec["maxReplicas"]) == (PROD.least, PROD.most)
    for direction, scaling in (("scaleUp", PROD.up), ("scaleDown", PROD.down)):
        behaviour = spec["behavior"][direction]
        assert behaviour["stabilizationWindowSeconds"] == scaling.window_seconds
        assert behaviour["selectPolicy"] == "Max"
        assert [tuple(policy.values()) for policy in behaviour["policies"]] == [
            (policy.kind, policy.value, policy.seconds) for policy in scaling.policies
        ]


def test_a_plan_adds_up(measured: Measured) -> None:
    cost = measured.cost(1)
    single = plan(measured, Way("", 1), goal=1_000_000)
    assert single.busy_cores == pytest.approx(cost.microseconds)
    assert single.replicas == pytest.approx(single.busy_cores / 0.6, abs=1)
    assert single.gigabits == pytest.approx((cost.bytes_in + cost.bytes_out) * 8 / 1000)
    assert single.log_terabytes_a_day == pytest.approx(measured.log_row_bytes * 0.0864)
    assert single.compute_dollars == pytest.approx(single.replicas * 730 * 0.04)
    assert single.log_dollars == pytest.approx(single.log_terabytes_a_day * 400 * 100)
    assert plan(measured, Way("", 1), goal=1).replicas == 1


def test_each_way_is_cheaper_than_the_one_before_and_sampling_saves_the_log(
    measured: Measured,
) -> None:
    plans = [plan(measured, way) for way in WAYS]
    costs = [one.compute_dollars + one.log_dollars for one in plans]
    assert costs == sorted(costs, reverse=True)
    assert plans[3].log_dollars == pytest.approx(plans[2].log_dollars / 1000)
    assert plans[2].microseconds - plans[3].microseconds == pytest.approx(
        measured.log_row_microseconds * 0.999
    )
