"""The contract as a pandera schema: which table may be trained on.

A null where none is allowed, a number out of range, a string outside a closed set or of the wrong
form, and a missing or unexpected column are errors. A category of an open set that was never seen
before is not: it is scored as unknown.
"""

from dataclasses import dataclass
from functools import cache

import pandera.polars as pa
import polars as pl

from flight_delay.contract import (
    DAY,
    FIELDS,
    SCHEDULED_AT,
    TARGET,
    Categorical,
    Field,
    Numeric,
)
from flight_delay.errors import ProjectError

SHOWN = 5
KEYS = {SCHEDULED_AT: pl.Datetime("us"), DAY: pl.Date()}
RULES = {
    "column_in_dataframe": "every column of the contract is there",
    "column_in_schema": "no column is there but those of the contract",
    "not_nullable": "a value is required",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule; `row` counts from 0 and is None when the whole column is at fault."""

    row: int | None
    column: str
    value: str | None
    rule: str

    def __str__(self) -> str:
        """Say where, what and which rule, on one line."""
        where = "" if self.row is None else f"row {self.row}, "
        return f"{where}column '{self.column}': value {self.value!r} breaks the rule: {self.rule}"


class ContractError(ProjectError):
    """A table breaks the contract; `violations` holds every broken rule."""

    def __init__(self, violations: list[Violation]) -> None:
        """Show the first few violations and count the others."""
        self.violations = violations
        lines = [str(violation) for violation in violations[:SHOWN]]
        if len(violations) > SHOWN:
            lines.append(f"and {len(violations) - SHOWN} more")
        super().__init__("the table breaks the data contract\n  " + "\n  ".join(lines))


@cache
def table_schema(keys: tuple[str, ...] = tuple(KEYS)) -> pa.DataFrameSchema:
    """Derive the schema of the table from the contract: keys, fields and target, nothing else."""
    columns = {field.name: _column(field) for field in FIELDS}
    target = {TARGET: pa.Column(pl.Boolean, nullable=True)}
    of_keys = {key: pa.Column(KEYS[key]) for key in keys}
    return pa.DataFrameSchema({**of_keys, **columns, **target}, strict=True)


def validate(table: pl.DataFrame, keys: tuple[str, ...] = tuple(KEYS)) -> pl.DataFrame:
    """Return the table unchanged if it keeps the contract.

    Args:
        table: the columns in any order.
        keys: the key columns that it has; rows from the prediction log have the day alone.

    Raises:
        ContractError: naming row, column, value and rule of what is wrong.
    """
    try:
        table_schema(keys).validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases.to_dicts()
        # A rule can fail to run at all on a column of a wrong type: only the type is then news.
        mistyped = {case["column"] for case in cases if _is_type(case)}
        raise ContractError(
            [_violation(case) for case in cases if _is_type(case) or case["column"] not in mistyped]
        ) from None
    return table


def _column(field: Field) -> pa.Column:
    match field:
        case Numeric():
            in_range = pa.Check.in_range(field.minimum, field.maximum)
            return pa.Column(pl.Float32, in_range, nullable=field.nullable)
        case Categorical(categories=()):
            form = pa.Check.str_matches(field.pattern)
            return pa.Column(pl.String, form, nullable=field.nullable)
        case Categorical():
            known = pa.Check.isin(field.categories)
            return pa.Column(pl.String, known, nullable=field.nullable)


def _is_type(case: dict[str, object]) -> bool:
    return str(case["check"]).startswith("dtype(")


def _violation(case: dict[str, object]) -> Violation:
    row, column, value = case["index"], case["column"], case["failure_case"]
    rule = RULES.get(str(case["check"]), str(case["check"]))
    # A column that is absent or unexpected has no row; pandera gives its name as the value.
    if column is None:
        return Violation(None, str(value), None, rule)
    return Violation(
        row if isinstance(row, int) else None,
        str(column),
        None if value is None else str(value),
        rule,
    )
