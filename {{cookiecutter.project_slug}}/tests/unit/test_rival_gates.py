"""Gates of a retrained challenger: better or equal on days that neither had seen, no slice lost."""

import pytest

from flight_delay.gates import Gate, judge
from flight_delay.settings import Settings

from .manifests import MILLISECONDS, difference, lost, manifest, rival

CHAMPION = manifest(calibration=0.04)
BETTER = difference(-0.001, -0.002, 0.0005)
WITHOUT_BASELINE = None


def gates(
    brier: tuple[float, float, float] = (-0.001, -0.002, 0.0005),
    version: str = CHAMPION.version,
    **measured: float,
) -> dict[str, Gate]:
    """Return what the gates say of a challenger that met the champion."""
    met = rival(version, difference(*brier), measured.pop("calibration_difference", -0.001))
    challenger = manifest(advantage=WITHOUT_BASELINE, rival=met, **measured)  # type: ignore[arg-type]
    return {one.name: one for one in judge(challenger, CHAMPION, Settings(), MILLISECONDS)}


def slices(*losses: tuple[str, str, float, float]) -> Gate:
    """Return what the gate of slices says of these losses and the lower bounds of each."""
    met = rival(CHAMPION.version, BETTER, slices=[lost(*loss) for loss in losses])
    challenger = manifest(advantage=WITHOUT_BASELINE, rival=met)
    return judge(challenger, CHAMPION, Settings(max_slice_loss=0.01), MILLISECONDS)[-1]


def test_a_retrained_challenger_meets_the_champion_and_no_baseline() -> None:
    found = gates()
    assert list(found) == ["contract", "parity", "latency", "calibration", "champion", "slices"]
    assert all(gate.passed for gate in found.values())


def test_without_a_champion_the_comparison_of_its_day_counts() -> None:
    for brier, passes in ((BETTER, True), (difference(0.003, 0.001, 0.005), False)):
        challenger = manifest(advantage=WITHOUT_BASELINE, rival=rival("0" * 12, brier))
        found = {one.name: one for one in judge(challenger, None, Settings(), MILLISECONDS)}
        assert list(found) == ["contract", "parity", "latency", "calibration", "champion", "slices"]
        assert found["champion"].passed == passes


def test_better_and_equal_pass_and_the_interval_is_told() -> None:
    assert gates(brier=(0.0, -0.001, 0.001))["champion"].passed, "equal"
    better = gates()["champion"]
    assert better.passed
    assert better.reason == (
        "Brier score less the champion's over the 14 days 2013-04-14 to 2013-04-27, which neither "
        "had seen: -0.0010 (-0.0020 to +0.0005), must not be above 0"
    )


@pytest.mark.parametrize(
    "brier", [(0.0001, -0.002, 0.002), (0.002, 0.001, 0.003)], ids=["within noise", "beyond it"]
)
def test_worse_is_refused_however_unsure(brier: tuple[float, float, float]) -> None:
    refused = gates(brier=brier)["champion"]
    assert not refused.passed
    assert f": {brier[0]:+.4f} ({brier[1]:+.4f} to {brier[2]:+.4f}), must not" in refused.reason


def test_a_comparison_with_a_champion_that_has_gone_counts_for_nothing() -> None:
    refused = gates(version="0" * 12)["champion"]
    assert not refused.passed
    assert refused.reason == (
        f"it was compared with 000000000000, and the champion is now {CHAMPION.version}: run the "
        f"command `retrain` again"
    )


def test_calibration_beyond_the_limit_passes_if_the_champion_is_no_better() -> None:
    odd_weeks = gates(calibration=0.06, calibration_difference=-0.002)["calibration"]
    assert odd_weeks.passed
    assert odd_weeks.reason == (
        "validation calibration error 0.060, limit 0.05; the champion's on the same days is 0.062"
    )
    assert gates(calibration=0.06, calibration_difference=0.0)["calibration"].passed
    worse = gates(calibration=0.06, calibration_difference=0.02)["calibration"]
    assert not worse.passed
    assert "the champion's on the same days is 0.040" in worse.reason


def test_calibration_within_the_limit_may_be_worse_than_the_champions() -> None:
    found = gates(calibration=0.05, calibration_difference=0.02)["calibration"]
    assert (found.passed, found.reason) == (True, "validation calibration error 0.050, limit 0.05")


def test_a_slice_that_loses_much_beyond_chance_is_refused_and_named() -> None:
    refused = slices(
        ("carrier", "UA", 0.02, 0.001),
        ("origin", "JFK", -0.001, -0.002),
        ("carrier", "B6", 0.03, 0),
    )
    assert not refused.passed
    assert refused.reason == (
        "Brier score less the champion's, lost too much: carrier UA +0.0200 (+0.0010 to +0.0390); "
        "a slice may lose 0.01 beyond chance"
    )


@pytest.mark.parametrize(
    ("estimate", "low"), [(0.01, 0.005), (0.05, 0.0), (0.05, -0.01)], ids=["little", "0", "chance"]
)
def test_a_slice_may_lose_a_little_or_by_chance(estimate: float, low: float) -> None:
    found = slices(("carrier", "AA", estimate, low), ("carrier", "UA", -0.01, -0.02))
    assert found.passed
    assert f"at worst: carrier AA {estimate:+.4f}" in found.reason


def test_no_slice_with_rows_enough_is_said() -> None:
    found = slices()
    assert (found.passed, found.reason) == (True, "no slice has rows enough to compare")
