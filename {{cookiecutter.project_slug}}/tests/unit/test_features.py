"""Every feature on tiny worlds, against values worked out by hand.

The flight that is asked about is scheduled at 12:30, so the cut-off is 10:00 and the three hours
before it are 7:00 to 10:00.
"""

from datetime import date, timedelta

import polars as pl
import pytest

from flight_delay.contract import TARGET, field_names, numeric_fields
from flight_delay.data import RawTables
from flight_delay.features import HISTORY_HOURS, HORIZON, build_table

from .world import asked, at, flight, reading

RECENT = ("airport_delay", "airport_late_share", "carrier_delay", "city_delay")


def test_the_horizon_is_two_hours_and_the_history_three() -> None:
    assert timedelta(hours=2) == HORIZON
    assert HISTORY_HOURS == 3


def test_delays_are_averaged_over_airport_airline_and_city() -> None:
    row = asked(
        flight(at(7, 10), 20),
        flight(at(8, 20), -4),
        flight(at(8, 50), 32, carrier="AA"),
        flight(at(8), 60, origin="JFK"),
    )
    assert row["airport_delay"] == pytest.approx((20 - 4 + 32) / 3)
    assert row["airport_late_share"] == pytest.approx(2 / 3)
    assert row["carrier_delay"] == pytest.approx((20 - 4) / 2)
    assert row["city_delay"] == pytest.approx((20 - 4 + 32 + 60) / 4)


def test_another_airports_flights_of_the_same_airline_do_not_count_as_its_own() -> None:
    row = asked(flight(at(8), 60, origin="JFK"))
    assert (row["airport_delay"], row["carrier_delay"], row["city_delay"]) == (None, None, 60)


def test_history_is_the_three_full_hours_before_the_cutoff_and_no_more() -> None:
    before, first, last, after = at(6, 59), at(7), at(9, 59), at(10)
    assert asked(flight(before, 40))["airport_delay"] is None
    assert asked(flight(first, 40))["airport_delay"] == 40
    assert asked(flight(last, 1))["airport_delay"] == 1
    assert asked(flight(after, 0))["airport_delay"] is None


def test_no_history_is_null_and_not_zero() -> None:
    row = asked()
    assert [row[name] for name in RECENT] == [None] * 4


def test_a_flight_that_waits_at_the_cutoff_counts_with_its_delay_so_far() -> None:
    # Scheduled at 9:20 and left at 11:20: at 10:00 it had waited 40 minutes.
    row = asked(flight(at(9, 20), 120))
    assert row["airport_delay"] == 40
    assert row["airport_late_share"] == 1
    # Scheduled at 9:50: at 10:00 it was ten minutes late, which is not yet late.
    row = asked(flight(at(9, 50), 120))
    assert row["airport_delay"] == 10
    assert row["airport_late_share"] == 0


def test_a_flight_that_left_just_at_the_cutoff_counts_as_it_left() -> None:
    assert asked(flight(at(9, 20), 40))["airport_delay"] == 40
    assert asked(flight(at(9, 20), 41))["airport_delay"] == 40
    assert asked(flight(at(9, 20), 39))["airport_delay"] == 39


def test_a_cancelled_flight_counts_as_one_that_waits() -> None:
    row = asked(flight(at(9, 20), None), flight(at(9, 20), 2))
    assert row["airport_delay"] == pytest.approx((40 + 2) / 2)
    assert row["airport_late_share"] == 0.5


@pytest.mark.parametrize(("delay", "share"), [(15, 0), (16, 1)])
def test_late_is_more_than_fifteen_minutes(delay: int, share: float) -> None:
    assert asked(flight(at(7), delay))["airport_late_share"] == share


def test_flights_in_hour_counts_those_scheduled_at_the_airport_in_the_clock_hour() -> None:
    row = asked(
        flight(at(12), None),
        flight(at(12, 59), 5, carrier="AA"),
        flight(at(11, 59), 5),
        flight(at(13), 5),
        flight(at(12, 10), 5, origin="JFK"),
    )
    assert row["flights_in_hour"] == 3
    assert asked()["flights_in_hour"] == 1


@pytest.mark.parametrize(
    ("day", "number"), [(date(2013, 4, 1), 1), (date(2013, 4, 6), 6), (date(2013, 4, 7), 7)]
)
def test_weekday_is_one_on_monday_and_seven_on_sunday(day: date, number: int) -> None:
    assert asked(day=day)["weekday"] == number


def test_weather_is_the_last_reading_whose_hour_is_over() -> None:
    hours = (8, 9, 10, 11, 12)
    readings = tuple(reading(at(hour), 10.0 + hour) for hour in hours)
    assert asked(weather=readings)["wind_speed"] == 19


@pytest.mark.parametrize("hour", [8, 10, 11, 12])
def test_a_reading_of_another_hour_is_never_used(hour: int) -> None:
    row = asked(weather=(reading(at(hour), 30.0),))
    assert (row["wind_speed"], row["visibility"]) == (None, None)


def test_weather_is_that_of_the_airport_of_departure() -> None:
    readings = (reading(at(9), 30.0, origin="JFK"), reading(at(9), 5.0))
    assert asked(weather=readings)["wind_speed"] == 5
    assert asked(weather=readings, origin="JFK")["wind_speed"] == 30


def build(*flights: dict[str, object]) -> pl.DataFrame:
    """Build a table of these flights, with one known aircraft."""
    weather = pl.DataFrame([reading(at(9), 5.0)])
    weather = weather.with_columns(pl.col("observed_at").cast(pl.Datetime("us")))
    planes = pl.DataFrame({"tail_number": ["N1"], "aircraft_seats": [149]})
    return build_table(pl.DataFrame(list(flights)), weather, planes)


def test_an_aircraft_that_is_not_known_has_null_seats() -> None:
    table = build(flight(at(12), 0), flight(at(13), 0) | {"tail_number": "N2"})
    assert table["aircraft_seats"].to_list() == [149, None]


def test_the_outcome_is_null_for_a_flight_that_never_left() -> None:
    table = build(flight(at(12), 15), flight(at(13), 16), flight(at(14), None))
    assert table[TARGET].to_list() == [False, True, None]


def test_the_order_of_the_flights_does_not_matter(raw: RawTables) -> None:
    flights = raw.flights.head(3000)
    table = build_table(flights, raw.weather, raw.planes)
    shuffled = flights.sample(fraction=1, shuffle=True, seed=1)
    assert build_table(shuffled, raw.weather, raw.planes).equals(table)
    assert table.height == flights.height


@pytest.mark.parametrize("doubled", ["weather", "planes"])
def test_a_reading_or_an_aircraft_that_is_there_twice_is_refused(
    raw: RawTables, doubled: str
) -> None:
    tables = {"weather": raw.weather, "planes": raw.planes}
    tables[doubled] = pl.concat([tables[doubled], tables[doubled]])
    with pytest.raises(pl.exceptions.ComputeError, match="m:1"):
        build_table(raw.flights.head(10), tables["weather"], tables["planes"])


def test_numbers_are_float32(table: pl.DataFrame) -> None:
    assert {table[field.name].dtype for field in numeric_fields()} == {pl.Float32()}


def test_real_rows_that_were_worked_out_from_the_raw_file(
    raw: RawTables, table: pl.DataFrame
) -> None:
    # Plain Python over the flights of one afternoon, as slow and as literal as the definition.
    cutoff = at(20) + timedelta(days=9)
    hours = (cutoff - timedelta(hours=3), cutoff - timedelta(minutes=1))
    near = raw.flights.filter(pl.col("scheduled_at").is_between(*hours))
    so_far = [
        (row["origin"], waited if row["delay"] is None else min(row["delay"], waited))
        for row in near.iter_rows(named=True)
        for waited in [(cutoff - row["scheduled_at"]).total_seconds() / 60]
    ]
    of_newark = [delay for origin, delay in so_far if origin == "EWR"]
    assert len(of_newark) > 50
    asked_then = table.filter(
        pl.col("scheduled_at").is_between(cutoff + HORIZON, cutoff + HORIZON, closed="both")
        & (pl.col("origin") == "EWR")
    )
    assert asked_then.height > 0
    row = asked_then.row(0, named=True)
    assert row["airport_delay"] == pytest.approx(sum(of_newark) / len(of_newark), rel=1e-6)
    late = [delay > 15 for delay in of_newark]
    assert row["airport_late_share"] == pytest.approx(sum(late) / len(late), rel=1e-6)
    everywhere = [delay for _, delay in so_far]
    assert row["city_delay"] == pytest.approx(sum(everywhere) / len(everywhere), rel=1e-6)


def test_what_is_missing_is_missing_for_a_known_reason(table: pl.DataFrame) -> None:
    shares = {name: table[name].null_count() / table.height for name in field_names()}
    # Gusts are reported only when there are some, and fleet numbers of two airlines are unknown.
    assert shares["wind_gust"] == pytest.approx(0.77, abs=0.01)
    assert shares["aircraft_seats"] == pytest.approx(0.16, abs=0.01)
    assert shares["wind_speed"] < 0.01
    # The first flights of the morning have no hours before them: nothing flies at night.
    without = table.filter(pl.col("airport_delay").is_null())
    assert without.height / table.height == pytest.approx(0.153, abs=0.002)
    assert (without["scheduled_minute"] < 9 * 60).mean() == pytest.approx(1, abs=0.001)
