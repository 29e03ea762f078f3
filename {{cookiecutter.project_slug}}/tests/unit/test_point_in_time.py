"""No feature knows what happens after its cut-off: the future is rewritten and nothing moves.

For a cut-off T everything that is not yet known at T is replaced by other values that T allows:
flights that have not left by T leave at another time after T or never, cancelled ones leave after
T, and weather from T on is another. If a feature of a flight asked about at T then changes, it
has read the future.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from flight_delay.contract import DAY, SCHEDULED_AT, TARGET, field_names
from flight_delay.data import RawTables
from flight_delay.evaluate import point, scored
from flight_delay.features import HORIZON, build_table
from flight_delay.model import gradient_boosting
from flight_delay.train import fit, probabilities

Builder = Callable[[pl.DataFrame, pl.DataFrame, pl.DataFrame], pl.DataFrame]

CUTOFFS = 40
READINGS = ("wind_speed", "wind_gust", "precipitation", "visibility")


def cutoffs(raw: RawTables) -> list[datetime]:
    """Return a random sample of full hours at which flights are asked about."""
    hours = raw.flights.select(pl.col(SCHEDULED_AT).dt.truncate("1h") - HORIZON).to_series()
    return hours.unique().sort().sample(CUTOFFS, seed=20130401).to_list()


def around(raw: RawTables, cutoff: datetime) -> RawTables:
    """Return the raw tables of the two days around a cut-off."""
    day = timedelta(days=1)
    near = (cutoff - day, cutoff + day)
    return RawTables(
        raw.flights.filter(pl.col(SCHEDULED_AT).is_between(*near)),
        raw.weather.filter(pl.col("observed_at").is_between(*near)),
        raw.planes,
    )


def rewrite_future(known: RawTables, cutoff: datetime, seed: int) -> RawTables:
    """Return other tables that look the same at the cut-off."""
    random = np.random.default_rng(seed)
    flights, weather = known.flights, known.weather
    waited = (pl.lit(cutoff) - pl.col(SCHEDULED_AT)).dt.total_minutes()
    has_left = (pl.col("delay") <= waited).fill_null(value=False)
    # At least one minute after the cut-off; half an hour before the schedule is the earliest.
    earliest = pl.max_horizontal(waited + 1, -30)
    other = pl.Series(random.integers(0, 600, flights.height))
    cancelled = pl.Series(random.random(flights.height) < 0.2)
    new = pl.when(cancelled).then(None).otherwise(earliest + other)
    later = pl.col("observed_at") >= cutoff
    new_readings = [
        pl.when(later)
        .then(pl.Series(random.uniform(0, 20, weather.height)))
        .otherwise(pl.col(name))
        .alias(name)
        for name in READINGS
    ]
    return RawTables(
        flights.with_columns(delay=pl.when(has_left).then("delay").otherwise(new)),
        weather.with_columns(new_readings),
        known.planes,
    )


def reads_future(build: Builder, raw: RawTables) -> set[str]:
    """Return the fields of flights asked about at some cut-off that move with what comes after."""
    moved: set[str] = set()
    for seed, cutoff in enumerate(cutoffs(raw)):
        known = around(raw, cutoff)
        other = rewrite_future(known, cutoff, seed)
        asked = pl.col(SCHEDULED_AT).dt.truncate("1h") == cutoff + HORIZON
        ours = build(known.flights, known.weather, known.planes).filter(asked)
        theirs = build(other.flights, other.weather, other.planes).filter(asked)
        assert ours.height == theirs.height > 0
        moved |= {name for name in field_names() if not ours[name].equals(theirs[name])}
    return moved


def test_no_feature_moves_when_the_future_is_rewritten(raw: RawTables) -> None:
    assert reads_future(build_table, raw) == set()


def test_the_future_is_really_rewritten_and_the_past_is_not(raw: RawTables) -> None:
    cutoff = cutoffs(raw)[0]
    known = around(raw, cutoff)
    other = rewrite_future(known, cutoff, seed=1)
    left = pl.col(SCHEDULED_AT) + pl.duration(minutes="delay") <= cutoff
    assert known.flights.filter(left).equals(other.flights.filter(left))
    assert known.flights.filter(left).height > 100
    assert known.flights.drop("delay").equals(other.flights.drop("delay"))
    waiting = (pl.col(SCHEDULED_AT) < cutoff) & ~left.fill_null(value=False)
    assert known.flights.filter(waiting).height > 0
    pairs = zip(known.flights["delay"], other.flights["delay"], strict=True)
    changed = {(before is None, after is None) for before, after in pairs if before != after}
    assert {(False, False), (False, True)} <= changed, "other delays, and new cancellations"
    past = pl.col("observed_at") < cutoff
    assert known.weather.filter(past).equals(other.weather.filter(past))
    assert not known.weather.filter(~past).equals(other.weather.filter(~past))


def test_cancelled_flights_leave_after_all_in_some_rewritten_future(raw: RawTables) -> None:
    revived = 0
    for seed, cutoff in enumerate(cutoffs(raw)):
        known = around(raw, cutoff)
        other = rewrite_future(known, cutoff, seed)
        revived += int(
            (known.flights["delay"].is_null() & other.flights["delay"].is_not_null()).sum()
        )
    assert revived > 100


def of_itself(flights: pl.DataFrame, weather: pl.DataFrame, planes: pl.DataFrame) -> pl.DataFrame:
    """Leak: a feature made of when the flight itself left."""
    table = build_table(flights, weather, planes)
    return table.with_columns(airport_delay=pl.col(TARGET).cast(pl.Float32))


def of_the_same_hour(
    flights: pl.DataFrame, weather: pl.DataFrame, planes: pl.DataFrame
) -> pl.DataFrame:
    """Leak: the share of late flights in the hour of the flight, the trap of the notebook."""
    hour = pl.col(SCHEDULED_AT).dt.truncate("1h")
    share = pl.col(TARGET).mean().over("origin", hour).cast(pl.Float32)
    return build_table(flights, weather, planes).with_columns(airport_late_share=share)


def weather_too_early(
    flights: pl.DataFrame, weather: pl.DataFrame, planes: pl.DataFrame
) -> pl.DataFrame:
    """Leak: the reading of an hour that is not over."""
    sooner = weather.with_columns(pl.col("observed_at") - timedelta(hours=1))
    return build_table(flights, sooner, planes)


def whole_delays(
    flights: pl.DataFrame, weather: pl.DataFrame, planes: pl.DataFrame
) -> pl.DataFrame:
    """Leak: flights of the hours before count with the delay that they will have in the end."""
    hour = pl.col(SCHEDULED_AT).dt.truncate("1h") + HORIZON + timedelta(hours=1)
    past = flights.group_by("origin", hour=hour).agg(whole=pl.col("delay").mean())
    table = build_table(flights, weather, planes)
    table = table.with_columns(hour=pl.col(SCHEDULED_AT).dt.truncate("1h"))
    joined = table.join(past, on=["origin", "hour"], how="left", maintain_order="left")
    return joined.with_columns(airport_delay=pl.col("whole"))


def an_hour_late(
    flights: pl.DataFrame, weather: pl.DataFrame, planes: pl.DataFrame
) -> pl.DataFrame:
    """Leak: asked one hour ahead and called two."""
    return build_table(flights, weather, planes, horizon=timedelta(hours=1))


@pytest.mark.parametrize(
    ("leak", "fields"),
    [
        (of_itself, {"airport_delay"}),
        (of_the_same_hour, {"airport_late_share"}),
        (weather_too_early, set(READINGS)),
        (whole_delays, {"airport_delay"}),
        (
            an_hour_late,
            {*READINGS, "airport_delay", "airport_late_share", "carrier_delay", "city_delay"},
        ),
    ],
)
def test_a_leak_is_caught(leak: Builder, fields: set[str], raw: RawTables) -> None:
    assert reads_future(leak, raw) == fields


def launch_auc(table: pl.DataFrame) -> float:
    """Return the AUC on April of a quick model that was fitted on March."""
    labelled = table.filter(pl.col(TARGET).is_not_null())
    march = labelled.filter(pl.col(DAY).dt.month() == 3)
    april = labelled.filter(pl.col(DAY).dt.month() == 4)
    # A quarter of the trees and a third of the history: quick, and the jump of 0.09 is as large.
    quick = gradient_boosting(seed=1).set_params(
        classifier__max_iter=25, classifier__learning_rate=0.2
    )
    return point(scored(april, probabilities(fit(quick, march), april)))["auc"]


def test_an_hour_of_future_would_make_the_model_look_much_better(raw: RawTables) -> None:
    spring = pl.col(DAY).dt.month().is_in([3, 4])
    flights = raw.flights.filter(spring)
    honest = build_table(flights, raw.weather, raw.planes)
    leaking = build_table(flights, raw.weather, raw.planes, horizon=timedelta(hours=-1))
    recent = ["airport_delay", "carrier_delay", "city_delay", "wind_speed"]
    assert not any(honest[name].equals(leaking[name]) for name in recent)
    assert honest.drop(*recent, "airport_late_share", *READINGS[1:]).equals(
        leaking.drop(*recent, "airport_late_share", *READINGS[1:])
    )
    jump = launch_auc(leaking) - launch_auc(honest)
    assert jump > 0.05
