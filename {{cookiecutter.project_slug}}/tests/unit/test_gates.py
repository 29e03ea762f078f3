"""Every gate passes and refuses, at its limit and beyond, with its figures in words."""

from typing import Any

import numpy as np
import pytest

from flight_delay.bundle import DailyScore, load
from flight_delay.champion import read_champion
from flight_delay.evaluate import compare_daily
from flight_delay.gates import Gate, judge
from flight_delay.settings import Settings

from .manifests import MILLISECONDS, ROWS, days, manifest, march


def gate(name: str, *arguments: Any, **limits: float) -> Gate:  # noqa: ANN401 - two manifests
    """Return what one gate says."""
    challenger, champion = (*arguments, None)[:2]
    settings = Settings.model_validate({"resamples": 500, **limits})
    gates = judge(challenger, champion, settings, MILLISECONDS)
    (found,) = [one for one in gates if one.name == name]
    return found


def on_one_shared_day(challenger: list[DailyScore], champion: list[DailyScore]) -> Gate:
    """Return what the champion's gate says of these days, of which one is shared."""
    manifests = (manifest(validation_days=days) for days in (challenger, champion))
    return gate("champion", *manifests, min_shared_days=1)


def test_without_a_champion_there_are_five_gates_and_with_one_six() -> None:
    settings = Settings(resamples=100)
    alone = judge(manifest(), None, settings, MILLISECONDS)
    assert [one.name for one in alone] == [
        "contract",
        "parity",
        "latency",
        "calibration",
        "baseline",
    ]
    assert all(one.passed for one in alone)
    compared = judge(manifest(), manifest(), settings, MILLISECONDS)
    assert [one.name for one in compared] == [*(one.name for one in alone), "champion"]


def test_one_gate_refuses_without_silencing_the_others() -> None:
    gates = judge(manifest(parity=1, calibration=1), None, Settings(resamples=100), MILLISECONDS)
    assert [one.name for one in gates if not one.passed] == ["parity", "calibration"]
    assert len(gates) == 5


def test_contract() -> None:
    assert gate("contract", manifest()).reason == "made for this code's data contract"
    other = manifest().model_copy(update={"fields": manifest().fields[1:]})
    refused = gate("contract", other)
    assert (refused.passed, refused.reason) == (False, "made for another data contract")
    assert not gate("contract", manifest().model_copy(update={"target": "cancelled"})).passed


def test_latency() -> None:
    assert gate("latency", manifest(), max_scoring_milliseconds=MILLISECONDS).passed, "the limit"
    refused = gate("latency", manifest(), max_scoring_milliseconds=0.04)
    assert not refused.passed
    assert refused.reason == "one row takes 0.05 ms, the median, limit 0.04 ms"


def test_parity() -> None:
    assert gate("parity", manifest(parity=1e-6)).passed, "the limit itself is allowed"
    refused = gate("parity", manifest(parity=2.5e-6))
    assert not refused.passed
    assert refused.reason == "ONNX differs from scikit-learn by at most 2.5e-06, limit 1e-06"
    assert gate("parity", manifest(parity=2.5e-6), max_parity_difference=1e-5).passed


def test_baseline() -> None:
    assert gate("baseline", manifest(advantage=(-0.001, -0.003, 0.001))).passed
    refused = gate("baseline", manifest(advantage=(0.0012, -0.0003, 0.0031)))
    assert not refused.passed
    assert refused.reason == (
        "validation Brier score less the logistic baseline's: +0.0012 (-0.0003 to +0.0031), "
        "must be below 0"
    )
    assert not gate("baseline", manifest(advantage=(0, 0, 0))).passed, "no better is not better"


def test_calibration() -> None:
    assert gate("calibration", manifest(calibration=0.05)).passed, "the limit itself is allowed"
    refused = gate("calibration", manifest(calibration=0.061))
    assert not refused.passed
    assert refused.reason == "validation calibration error 0.061, limit 0.05"
    assert gate("calibration", manifest(calibration=0.061), max_calibration_error=0.1).passed


def test_champion_refuses_a_challenger_that_is_worse_beyond_the_noise_of_days() -> None:
    worse = manifest(validation_days=days(march(0.15, noise=1)))
    refused = gate("champion", worse, manifest())
    assert not refused.passed
    assert refused.reason.startswith(
        "Brier score less the champion's over 31 shared validation days: +0.0"
    )
    assert refused.reason.endswith("must not be wholly above 0")


@pytest.mark.parametrize("error", [0.11, 0.13, 0.131])
def test_champion_passes_a_challenger_that_is_better_or_no_worse_than_noise(error: float) -> None:
    assert gate(
        "champion", manifest(validation_days=days(march(error, noise=1))), manifest()
    ).passed


def test_champion_says_the_figures_of_the_paired_comparison() -> None:
    ours, theirs = march(0.14, noise=1), march(0.13)
    difference = compare_daily(
        ROWS * np.array(list(ours.values())),
        ROWS * np.array(list(theirs.values())),
        np.full(31, ROWS, float),
        resamples=500,
        seed=Settings().seed,
    )
    said = gate("champion", manifest(validation_days=days(ours)), manifest()).reason
    figures = f"{difference.estimate:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
    assert figures in said


def test_champion_compares_only_days_that_both_were_measured_on() -> None:
    # On the one day that they share the challenger is better; the others would be unfair.
    challenger = days({"2013-03-30": 0.3, "2013-03-31": 0.1})
    champion = days({"2013-03-31": 0.2, "2013-04-01": 0.01})
    found = on_one_shared_day(challenger, champion)
    assert found.passed
    assert "over 1 shared validation days: -0.1000 (-0.1000 to -0.1000)" in found.reason
    back = on_one_shared_day(champion, challenger)
    assert not back.passed
    assert ": +0.1000" in back.reason


def test_champion_leaves_out_a_day_whose_rows_are_not_the_same() -> None:
    same, other = {"2013-03-30": 0.1}, {"2013-03-31": 0.9}
    challenger = days(same) + days(other, rows=50)
    champion = days({"2013-03-30": 0.1, "2013-03-31": 0.1})
    found = on_one_shared_day(challenger, champion)
    assert found.passed
    assert "over 1 shared validation days: +0.0000" in found.reason


def test_champion_refuses_when_no_day_is_shared_and_says_what_to_do() -> None:
    better_in_june = manifest(
        validation_days=days({f"2013-06-{day + 1:02}": 0.01 for day in range(30)})
    )
    refused = gate("champion", better_in_june, manifest())
    assert not refused.passed
    assert refused.reason == (
        "0 validation days are shared with the champion and 14 are needed to compare: train on "
        "windows whose validation overlaps the champion's (2013-03-01 to 2013-03-31), or lower "
        "APP_MIN_SHARED_DAYS"
    )


@pytest.mark.parametrize(("shared", "passed"), [(1, False), (13, False), (14, True), (31, True)])
def test_champion_needs_enough_shared_days_however_good_they_are(
    shared: int, *, passed: bool
) -> None:
    few = dict(list(march(0.01).items())[:shared])
    found = gate("champion", manifest(validation_days=days(few)), manifest())
    assert found.passed is passed
    assert f"{shared} " in found.reason


def test_the_need_of_shared_days_can_be_waived_and_that_is_said() -> None:
    other_month = manifest(validation_days=days({"2013-06-01": 0.9}))
    waived = gate("champion", other_month, manifest(), min_shared_days=0)
    assert waived.passed
    assert waived.reason == (
        "no validation day is shared, so nothing was compared: APP_MIN_SHARED_DAYS is 0"
    )
    worse = manifest(validation_days=days({"2013-03-01": 0.9}))
    assert not gate("champion", worse, manifest(), min_shared_days=0).passed


def test_a_champion_without_days_shares_none() -> None:
    refused = gate("champion", manifest(), manifest(validation_days=[]))
    assert not refused.passed
    assert "the champion's (none)" in refused.reason


def test_the_real_champion_passes_every_gate_against_itself(trained: Settings) -> None:
    champion = read_champion(trained.models)
    assert champion is not None
    real = load(trained.models / champion.version).manifest
    gates = judge(real, real, trained, MILLISECONDS)
    assert [one.passed for one in gates] == [True] * 6
    assert "over 31 shared validation days: +0.0000 (+0.0000 to +0.0000)" in gates[-1].reason
