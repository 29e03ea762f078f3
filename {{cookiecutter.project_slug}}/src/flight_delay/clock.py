"""What time it is for this project: the machine's clock, or one that a replay moves by hand."""

from datetime import UTC, date, datetime
from pathlib import Path

from flight_delay.errors import ProjectError
from flight_delay.files import write_atomically


class ClockError(ProjectError):
    """The file that `APP_CLOCK_FILE` names cannot be read as a time."""


def now(clock_file: Path | None = None) -> datetime:
    """Return the time, UTC: the machine's, or the one that is written in a file.

    Raises:
        ClockError: when the file is absent or holds no ISO 8601 time with an offset from UTC.
    """
    if clock_file is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(clock_file.read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as error:
        message = f"APP_CLOCK_FILE={clock_file} cannot be read as a time: {error}"
        raise ClockError(message) from None
    if moment.tzinfo is None:
        message = (
            f"APP_CLOCK_FILE={clock_file}: {moment.isoformat()} lacks an offset such as +00:00"
        )
        raise ClockError(message)
    return moment.astimezone(UTC)


def set_clock(clock_file: Path, day: date) -> None:
    """Set the clock of a file to noon of a day, UTC."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    write_atomically(clock_file, noon.isoformat().encode())
