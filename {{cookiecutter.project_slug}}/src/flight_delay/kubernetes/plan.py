"""What so many predictions a second take, on paper: cores, memory, network, log, and money."""

import math
from dataclasses import dataclass

from flight_delay.kubernetes.autoscaler import PROD
from flight_delay.kubernetes.measure import Measured
from flight_delay.settings import Settings

GOAL = 1_000_000
"""Predictions a second."""
REPLICA_CORES = 1
REPLICA_MIB = 256
"""What a replica requests, as in `deploy/kubernetes/base/deployment.yaml`; a test compares."""
CORE_HOUR_DOLLARS = 0.04
"""Assumed: about what a core with 4 GiB of memory costs on demand."""
GIGABYTE_MONTH_DOLLARS = 0.10
"""Assumed: about what a gigabyte on a network disk costs for a month."""
MONTH_HOURS = 730


@dataclass(frozen=True, slots=True)
class Way:
    """A way to ask: rows in a request, and the share of rows that is logged."""

    name: str
    rows: int
    logged_share: float = 1


WAYS = (
    Way("one row a request", 1),
    Way("batches of 100", 100),
    Way("batches of 1,000", 1000),
    Way("the same, 1 row in 1,000 logged", 1000, 0.001),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a way takes at a number of predictions a second."""

    way: Way
    microseconds: float
    busy_cores: float
    replicas: int
    memory_gib: float
    gigabits: float
    registry_polls: float
    log_terabytes_a_day: float
    compute_dollars: float
    log_dollars: float


def plan(measured: Measured, way: Way, goal: int = GOAL) -> Plan:
    """Return what a way takes; a gigabyte is 10^9 bytes, money is a month's.

    Args:
        measured: what a request costs.
        way: how the rows are asked for.
        goal: predictions a second.
    """
    settings = Settings()
    cost = measured.cost(way.rows)
    unlogged = (1 - way.logged_share) * measured.log_row_microseconds
    microseconds = cost.microseconds / way.rows - unlogged
    busy = goal * microseconds / 1e6
    replicas = math.ceil(busy / (PROD.target / 100) / REPLICA_CORES)
    log_gigabytes = goal * way.logged_share * measured.log_row_bytes * 86400 / 1e9
    kept = log_gigabytes * settings.log_retention_days
    return Plan(
        way=way,
        microseconds=microseconds,
        busy_cores=busy,
        replicas=replicas,
        memory_gib=replicas * REPLICA_MIB / 1024,
        gigabits=goal / way.rows * (cost.bytes_in + cost.bytes_out) * 8 / 1e9,
        registry_polls=replicas / settings.poll_seconds,
        log_terabytes_a_day=log_gigabytes / 1000,
        compute_dollars=replicas * REPLICA_CORES * MONTH_HOURS * CORE_HOUR_DOLLARS,
        log_dollars=kept * GIGABYTE_MONTH_DOLLARS,
    )
