"""Windows in time: what is fitted on, what is chosen on, and what is only ever measured."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from flight_delay.contract import DAY, ROWS, TARGET
from flight_delay.data import DataError
from flight_delay.settings import Settings


@dataclass(frozen=True, slots=True)
class Windows:
    """Labelled rows by time. `history` is `fit` and `validation` together, for the last fit.

    `launch` is empty until something has happened after launch, and always in a retraining.
    """

    fit: pl.DataFrame
    validation: pl.DataFrame
    launch: pl.DataFrame

    @property
    def history(self) -> pl.DataFrame:
        """Everything known on launch day."""
        return pl.concat([self.fit, self.validation])


def split(table: pl.DataFrame, settings: Settings) -> Windows:
    """Cut the labelled rows of the table at the days given in the settings.

    Raises:
        DataError: when a window before launch holds no labelled row or only one class.
    """
    bounds = {
        "fit": (settings.fit_from, settings.validate_from),
        "validation": (settings.validate_from, settings.launch),
        "launch": (settings.launch, settings.launch_until),
    }
    labelled = table.filter(pl.col(TARGET).is_not_null())
    windows = {}
    for name, (start, end) in bounds.items():
        rows = labelled.filter(pl.col(DAY).is_between(start, end, closed="left"))
        if name != "launch" and not has_both_outcomes(rows):
            message = (
                f"the {name} window, {start} to {end}, has {rows.height} labelled rows and needs "
                f"both outcomes: change the dates in the settings or the data"
            )
            raise DataError(message)
        windows[name] = rows
    return Windows(**windows)


def hold_out(rows: pl.DataFrame, seen_until: date, settings: Settings) -> Windows:
    """Cut off the newest days as the validation window: days that the champion has not seen.

    Args:
        rows: all the past, labelled.
        seen_until: the last day that the champion was fitted on.
        settings: how many days at most and at least, and how many rows make a day count.

    Raises:
        DataError: when too few days are left to compare on, or a window has only one outcome.
    """
    unseen = rows.filter(pl.col(DAY) > seen_until).group_by(DAY).len()
    counting = unseen.filter(pl.col("len") >= settings.least_day_rows)[DAY].sort()
    needed = settings.least_holdout_days
    if len(counting) < needed:
        message = (
            f"{len(counting)} days since {seen_until}, the last that the champion was fitted on, "
            f"have at least {settings.least_day_rows} {ROWS} with their outcomes, and {needed} are "
            f"needed to compare: send outcomes to /v1/feedback, or wait for more days of them"
        )
        raise DataError(message)
    first: date = counting.tail(settings.holdout_days)[0]
    parts = {
        "fit": rows.filter(pl.col(DAY) < first),
        "validation": rows.filter(pl.col(DAY) >= first),
    }
    for name, part in parts.items():
        if not has_both_outcomes(part):
            message = (
                f"the {name} window, {'before' if name == 'fit' else 'from'} {first}, has "
                f"{part.height} labelled rows and needs both outcomes"
            )
            raise DataError(message)
    return Windows(**parts, launch=rows.clear())


def has_both_outcomes(rows: pl.DataFrame) -> bool:
    """Return whether a model can be fitted or measured on these rows."""
    return rows[TARGET].n_unique() == 2  # noqa: PLR2004 - two classes
