"""The project's clock: the machine's, or a file's."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flight_delay.clock import ClockError, now, set_clock


def test_without_a_file_it_is_the_time_of_the_machine() -> None:
    before = datetime.now(UTC)
    assert before <= now() <= datetime.now(UTC)


def test_a_file_says_what_time_it_is(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    set_clock(clock, date(2013, 4, 1))
    assert now(clock) == datetime(2013, 4, 1, 12, tzinfo=UTC)
    set_clock(clock, date(2013, 4, 2))
    assert now(clock).date() == date(2013, 4, 2)


def test_any_offset_becomes_utc(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("2013-04-01T22:30:00-04:00\n", encoding="utf-8")
    assert now(clock) == datetime(2013, 4, 2, 2, 30, tzinfo=UTC)
    assert now(clock).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read as a time"),
        (b"noon", "cannot be read as a time"),
        (b"\xff\xfe", "cannot be read as a time"),
        (b"2013-04-01T12:00:00", r"lacks an offset such as \+00:00"),
    ],
)
def test_a_file_that_is_no_clock_is_refused(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    clock = tmp_path / "clock"
    if content is not None:
        clock.write_bytes(content)
    with pytest.raises(ClockError, match=f"APP_CLOCK_FILE=.*{said}"):
        now(clock)
