"""What was measured, and how it is shown: lines, tables, results.json and the README's tables."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

START, END = "<!-- results: written by a full run -->", "<!-- end of results -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value and the target it is held against."""

    name: str
    what: str
    value: float
    unit: str
    sense: Literal["at most", "at least", "above"]
    target: float
    how: str = ""
    style: str = ".2f"

    @property
    def reached(self) -> bool:
        """Whether the value keeps its target."""
        match self.sense:
            case "at most":
                return self.value <= self.target
            case "at least":
                return self.value >= self.target
            case "above":
                return self.value > self.target

    def cells(self) -> list[str]:
        """Return the row of the table: what, measured, target, verdict, how."""
        return [
            self.what,
            f"{self.value:{self.style}} {self.unit}".strip(),
            f"{self.sense} {self.target:g} {self.unit}".strip(),
            "reached" if self.reached else "not reached",
            self.how,
        ]

    def line(self) -> str:
        """Return the verdict as one line."""
        what, measured, target, verdict, how = self.cells()
        return f"{verdict:11}  {what}: {measured} ({target}){'; ' * bool(how)}{how}"

    def plain(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        kept = {name: value for name, value in asdict(self).items() if name != "style"}
        return kept | {"value": float(f"{self.value:.6g}"), "reached": self.reached}


@dataclass(frozen=True, slots=True)
class Peer:
    """A server beside others in the same run; `ratio` is its CPU time over this service's."""

    name: str
    cpu_microseconds: float
    rounds: list[float]
    ratio: float
    resident_mb: float
    cold_start_seconds: float

    def cells(self) -> list[str]:
        """Return the row of the table."""
        return [
            self.name,
            f"{self.cpu_microseconds:,.0f} us",
            f"{min(self.rounds):,.0f} to {max(self.rounds):,.0f} us",
            f"{self.ratio:.1f}",
            f"{self.resident_mb:.0f} MB",
            f"{self.cold_start_seconds:.1f} s",
        ]

    def line(self) -> str:
        """Return the comparison as one line."""
        _, cpu, spread, ratio, resident, cold = self.cells()
        return (
            f"no target    {self.name}: {ratio} times the CPU of this service, {cpu} a request "
            f"({spread}); {resident}, ready in {cold}"
        )

    def plain(self) -> dict[str, Any]:
        """Return what results.json holds of it."""
        return asdict(self)


FIGURE_HEAD = ["figure", "measured", "target", "verdict", "how"]
PEER_HEAD = ["server", "CPU a request", "lowest to highest round", "ratio", "resident", "ready in"]


def tables(figures: Sequence[Figure], peers: Sequence[Peer]) -> str:
    """Return both tables, as Markdown that also reads well in a terminal."""
    parts = []
    if figures:
        parts.append(_table(FIGURE_HEAD, [figure.cells() for figure in figures]))
    if peers:
        parts.append(_table(PEER_HEAD, [peer.cells() for peer in peers]))
    return "\n\n".join(parts)


def write_results(
    path: Path,
    figures: Sequence[Figure],
    peers: Sequence[Peer],
    machine: dict[str, Any],
    notes: Sequence[str],
) -> None:
    """Write everything that a full run measured, and what it could not measure."""
    results = {
        **machine,
        "figures": [figure.plain() for figure in figures],
        "peers": [peer.plain() for peer in peers],
        "notes": list(notes),
    }
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def write_readme(path: Path, text: str) -> None:
    """Replace what stands between the two marks of the README."""
    before, _, rest = path.read_text(encoding="utf-8").partition(START)
    _, mark, after = rest.partition(END)
    if not mark:
        message = f"{path.name} lacks the marks between which the results go"
        raise ValueError(message)
    path.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )
