"""Windows in time: half open, in order, without overlap, and never without both outcomes."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from flight_delay.contract import DAY, SCHEDULED_AT, TARGET
from flight_delay.data import DataError
from flight_delay.settings import Settings
from flight_delay.splits import Windows, has_both_outcomes, hold_out, split

SETTINGS = Settings(
    home=Path(),
    fit_from=date(2013, 1, 2),
    validate_from=date(2013, 1, 5),
    launch=date(2013, 1, 8),
    launch_until=date(2013, 1, 10),
)


def days_of(frame: pl.DataFrame) -> list[int]:
    """Return the days of the month that a frame spans."""
    return frame[DAY].dt.day().unique().sort().to_list()


@pytest.fixture
def daily() -> pl.DataFrame:
    """Return three rows for each day of January: late, on time, and never left."""
    days = [date(2013, 1, 1) + timedelta(days=number) for number in range(31)]
    return pl.DataFrame(
        {DAY: [day for day in days for _ in range(3)], TARGET: [True, False, None] * 31}
    )


def test_a_window_holds_its_first_day_and_not_its_last(daily: pl.DataFrame) -> None:
    windows = split(daily, SETTINGS)
    assert days_of(windows.fit) == [2, 3, 4]
    assert days_of(windows.validation) == [5, 6, 7]
    assert days_of(windows.launch) == [8, 9]


def test_history_is_fit_and_validation_in_order(daily: pl.DataFrame) -> None:
    windows = split(daily, SETTINGS)
    assert days_of(windows.history) == [2, 3, 4, 5, 6, 7]
    assert windows.history[DAY].is_sorted()


def test_rows_without_an_outcome_are_left_out(daily: pl.DataFrame) -> None:
    windows = split(daily, SETTINGS)
    assert windows.fit[TARGET].to_list() == [True, False] * 3
    assert windows.launch[TARGET].null_count() == 0


def test_an_empty_window_is_refused_with_its_dates(daily: pl.DataFrame) -> None:
    early = daily.filter(pl.col(DAY) < date(2013, 1, 5))
    with pytest.raises(DataError) as caught:
        split(early, SETTINGS)
    assert str(caught.value) == (
        "the validation window, 2013-01-05 to 2013-01-08, has 0 labelled rows and needs both "
        "outcomes: change the dates in the settings or the data"
    )


def test_on_launch_day_nothing_has_happened_after_launch(daily: pl.DataFrame) -> None:
    before = daily.filter(pl.col(DAY) < date(2013, 1, 8))
    windows = split(before, SETTINGS)
    assert windows.launch.is_empty()
    assert windows.history.equals(split(daily, SETTINGS).history)


def test_a_launch_in_which_all_went_alike_is_no_error(daily: pl.DataFrame) -> None:
    alike = daily.filter((pl.col(DAY) < date(2013, 1, 8)) | ~pl.col(TARGET))
    windows = split(alike, SETTINGS)
    assert windows.launch.height == 2
    assert [has_both_outcomes(part) for part in (windows.fit, windows.launch)] == [True, False]


def test_dates_in_the_wrong_order_are_refused(daily: pl.DataFrame) -> None:
    wrong = SETTINGS.model_copy(update={"validate_from": date(2013, 1, 1)})
    with pytest.raises(DataError, match="the fit window, 2013-01-02 to 2013-01-01, has 0 "):
        split(daily, wrong)


@pytest.mark.parametrize("outcome", [True, False])
def test_a_window_with_one_outcome_is_refused(daily: pl.DataFrame, *, outcome: bool) -> None:
    of_validation = pl.col(DAY).is_between(date(2013, 1, 5), date(2013, 1, 7))
    one_sided = daily.filter(~of_validation | (pl.col(TARGET) == outcome))
    message = "the validation window, 2013-01-05 to 2013-01-08, has 3 labelled rows"
    with pytest.raises(DataError, match=message):
        split(one_sided, SETTINGS)


HOLD_OUT = SETTINGS.model_copy(
    update={"holdout_days": 4, "least_holdout_days": 3, "least_day_rows": 2}
)
SEEN_UNTIL = date(2013, 1, 20)


@pytest.fixture
def labelled(daily: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of January that have an outcome: two a day."""
    return daily.filter(pl.col(TARGET).is_not_null())


def test_the_newest_days_that_the_champion_has_not_seen_are_held_out(
    labelled: pl.DataFrame,
) -> None:
    windows = hold_out(labelled, SEEN_UNTIL, HOLD_OUT)
    assert days_of(windows.validation) == [28, 29, 30, 31]
    assert days_of(windows.fit) == list(range(1, 28))
    assert windows.launch.is_empty()
    assert windows.history.equals(labelled)


def test_no_day_that_the_champion_has_seen_is_held_out(labelled: pl.DataFrame) -> None:
    windows = hold_out(labelled, date(2013, 1, 28), HOLD_OUT)
    assert days_of(windows.validation) == [29, 30, 31], "fewer than are wanted, and enough"


@pytest.mark.parametrize("seen_until", [29, 30, 31])
def test_too_few_new_days_are_refused_with_how_many(
    labelled: pl.DataFrame, seen_until: int
) -> None:
    with pytest.raises(DataError) as caught:
        hold_out(labelled, date(2013, 1, seen_until), HOLD_OUT)
    assert str(caught.value).startswith(
        f"{31 - seen_until} days since 2013-01-{seen_until}, the last that the champion was fitted "
        f"on, have at least 2 flights with their outcomes, and 3 are needed to compare"
    )


def test_a_day_with_too_few_rows_does_not_count(labelled: pl.DataFrame) -> None:
    thin = pl.col(DAY).dt.day().is_in([29, 30]) & pl.col(TARGET)
    windows = hold_out(labelled.filter(~thin), SEEN_UNTIL, HOLD_OUT)
    assert days_of(windows.validation) == [26, 27, 28, 29, 30, 31]
    with pytest.raises(DataError, match="2 days since 2013-01-27"):
        hold_out(labelled.filter(~thin), date(2013, 1, 27), HOLD_OUT)


def test_a_holdout_with_one_outcome_is_refused(labelled: pl.DataFrame) -> None:
    one_sided = labelled.with_columns(pl.col(TARGET) & (pl.col(DAY) < date(2013, 1, 25)))
    with pytest.raises(DataError, match="the validation window, from 2013-01-28, has 8 labelled"):
        hold_out(one_sided, SEEN_UNTIL, HOLD_OUT)


def test_the_real_windows(windows: Windows) -> None:
    parts = (windows.fit, windows.validation, windows.launch)
    assert [part.height for part in parts] == [50_173, 27_973, 27_662]
    spans = [(str(part[DAY].min()), str(part[DAY].max())) for part in parts]
    assert spans == [
        ("2013-01-01", "2013-02-28"),
        ("2013-03-01", "2013-03-31"),
        ("2013-04-01", "2013-04-30"),
    ]
    assert all(part[SCHEDULED_AT].is_sorted() for part in parts)
    assert windows.history.height == 78_146
    assert windows.history[SCHEDULED_AT].is_sorted()
