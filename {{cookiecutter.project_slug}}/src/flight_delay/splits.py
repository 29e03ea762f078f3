"""Windows in time: what is fitted on, what is chosen on, and what is only ever measured."""

from dataclasses import dataclass

import polars as pl

from flight_delay.contract import DAY, TARGET
from flight_delay.data import DataError
from flight_delay.settings import Settings


@dataclass(frozen=True, slots=True)
class Windows:
    """Labelled rows by time. `history` is `fit` and `validation` together, for the last fit.

    `launch` is empty until something has happened after launch.
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


def has_both_outcomes(rows: pl.DataFrame) -> bool:
    """Return whether a model can be fitted or measured on these rows."""
    return rows[TARGET].n_unique() == 2  # noqa: PLR2004 - two classes
