"""The tables of `docs/capacity.md`."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from flight_delay.kubernetes.day import Day
from flight_delay.kubernetes.measure import Measured
from flight_delay.kubernetes.plan import Plan

ROWS: dict[str, Callable[[Plan], str]] = {
    "CPU a prediction": lambda plan: f"{plan.microseconds:,.0f} us",
    "cores that work": lambda plan: f"{plan.busy_cores:,.0f}",
    "replicas, of one core": lambda plan: f"{plan.replicas:,}",
    "memory": lambda plan: f"{plan.memory_gib:,.0f} GiB",
    "network, both ways": lambda plan: f"{plan.gigabits:,.1f} Gbit/s",
    "questions to the registry": lambda plan: f"{plan.registry_polls:,.0f} a second",
    "log": lambda plan: f"{plan.log_terabytes_a_day:,.2f} TB a day",
    "cores, a month": lambda plan: f"${plan.compute_dollars:,.0f}",
    "log, a month": lambda plan: f"${plan.log_dollars:,.0f}",
}


def measured_table(measured: Measured) -> str:
    """Return what was measured."""
    rows = [
        (
            f"{cost.rows:,}",
            f"{cost.microseconds:,.0f} us",
            f"{cost.microseconds / cost.rows:,.0f} us",
            f"{1e6 / cost.microseconds:,.0f}",
            f"{1e6 / cost.microseconds * cost.rows:,.0f}",
            f"{cost.bytes_in:,} + {cost.bytes_out:,}",
        )
        for cost in measured.costs
    ]
    head = (
        "rows in a request",
        "CPU",
        "CPU a row",
        "requests a core-second",
        "rows a core-second",
        "bytes in + out",
    )
    said = (
        f"Measured on {measured.day} on {measured.cores} cores. A row of the log takes "
        f"{measured.log_row_microseconds:.0f} us of that CPU and {measured.log_row_bytes} bytes on "
        f"disk. The process holds {measured.resident_mb:.0f} MB after all of it."
    )
    return f"{markdown(head, rows)}\n\n{said}"


def targets_table(days: Mapping[tuple[int, int], Sequence[Day]]) -> str:
    """Return how days go, by target in percent and by seconds from decision to readiness."""
    rows = [
        (
            f"{target} %",
            f"{seconds} s",
            f"{max(day.replicas.max() for day in some):.0f}",
            f"{fmean(day.replica_hours for day in some):.0f}",
            f"{fmean(day.over_seconds for day in some):.0f} s",
            f"{fmean(day.over_share for day in some):.2%}",
            f"{fmean(day.lost_share for day in some):.3%}",
        )
        for (target, seconds), some in days.items()
    ]
    head = (
        "target",
        "a replica is ready after",
        "replicas, at most",
        "replica hours",
        "above capacity",
        "of the day",
        "requests above it",
    )
    return markdown(head, rows)


def plans_table(plans: Sequence[Plan]) -> str:
    """Return what each way takes, a column each."""
    rows = [(name, *map(cell, plans)) for name, cell in ROWS.items()]
    return markdown(("", *(plan.way.name for plan in plans)), rows)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    rule = ("---",) * len(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
