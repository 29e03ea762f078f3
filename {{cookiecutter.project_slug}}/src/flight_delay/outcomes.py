"""Outcomes in bulk, from a file: `feedback FILE` does what `POST /v1/feedback` does, for many.

The file is CSV with the header `request_id,outcome`, or JSON lines with the same two names. All of
it is read and held against the log before anything is recorded, so a mistake in its last line costs
nothing. Then the outcomes are committed in parts. An import that was killed is simply run again:
what is recorded already is only counted.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from flight_delay.clock import now
from flight_delay.errors import ProjectError
from flight_delay.files import write_json
from flight_delay.prediction_log import (
    REQUEST_ID_FORM,
    ConflictingOutcomeError,
    PredictionLog,
    UnknownRequestError,
    open_log,
)
from flight_delay.settings import Settings

REPORT = "feedback.json"
REQUEST_ID, OUTCOME = "request_id", "outcome"
WORDS = {"true": True, "1": True, "false": False, "0": False}
"""How an outcome may be written in CSV, in any case."""
PART = 2000
SHOWN = 3
"""So many faults are told; the report of the import lists every request id at fault."""

Faults = tuple[list[str], list[str]]
"""Request ids that the log does not hold, and those with another outcome there."""


class OutcomesError(ProjectError):
    """A file of outcomes that cannot be recorded; nothing of it was."""


def import_outcomes(settings: Settings, path: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Record every outcome of a file, and return the report that is also in `reports/`.

    Raises:
        OutcomesError: naming the lines or request ids at fault; nothing was recorded.
        LogError: when the log refuses; run the import again.
    """
    given = read_outcomes(path)
    say(f"{len(given):,} outcomes in {path.name}")
    report: dict[str, Any] = {"source": str(path), "outcomes": len(given), "new": 0, "known": 0}
    with closing(open_log(settings)) as log:
        unknown, conflicting = _faults(log, given)
        report |= {"unknown": unknown, "conflicting": conflicting}
        if not unknown and not conflicting:
            for done, part in _parts(given):
                recorded = log.record_outcomes(part, now(settings.clock_file))
                report["new"] += recorded.new
                report["known"] += recorded.known
                say(f"{done:,} of them are in the log")
    write_json(settings.reports / REPORT, report)
    if unknown or conflicting:
        raise _refusal(path, unknown, conflicting)
    return report


def read_outcomes(path: Path) -> dict[str, bool]:
    """Return the outcomes of a file by request id; the same one twice is one.

    Raises:
        OutcomesError: naming the first lines at fault, the field, the value and what to do.
    """
    given: dict[str, bool] = {}
    faults = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in _rows(file):
                if fault := _fault(row, given):
                    faults.append(f"line {number}: {fault}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"cannot read {path}: {error}"
        raise OutcomesError(message) from None
    if not given and not faults:
        faults = [f"no outcome is in it: write a line with {REQUEST_ID} and {OUTCOME} for each"]
    if faults:
        message = f"{path.name}: nothing was recorded: {_some(faults, '; ')}"
        raise OutcomesError(message)
    return given


def _rows(file: TextIO) -> Iterator[tuple[int, Any]]:
    """Yield each line's number and what is in it: CSV, or JSON if the first line is an object."""
    first = file.readline()
    lines = chain([first], file)
    if first.lstrip().startswith("{"):
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _json(line)
    else:
        reader = csv.DictReader(lines)
        if not {REQUEST_ID, OUTCOME} <= set(reader.fieldnames or ()):
            message = f"line 1: {first.strip()!r:.80}: write the header {REQUEST_ID},{OUTCOME}"
            raise OutcomesError(message)
        for row in reader:
            yield reader.line_num, row


def _json(line: str) -> Any:  # noqa: ANN401 - whatever it holds
    try:
        return json.loads(line)
    except ValueError:
        return line


def _fault(row: Any, given: dict[str, bool]) -> str | None:  # noqa: ANN401 - whatever a line holds
    """Return what is wrong with a line, or take its outcome."""
    if not isinstance(row, dict):
        return f"{row!r:.80} is not a JSON object: write {{{REQUEST_ID!r}: ..., {OUTCOME!r}: true}}"
    request_id, outcome = row.get(REQUEST_ID), row.get(OUTCOME)
    if not (isinstance(request_id, str) and re.fullmatch(REQUEST_ID_FORM, request_id)):
        return f"{REQUEST_ID}={request_id!r:.80}: write the 32 hexadecimal digits of the answer"
    if isinstance(outcome, str):
        outcome = WORDS.get(outcome.strip().lower(), outcome)
    if not isinstance(outcome, bool):
        return f"{OUTCOME}={outcome!r:.80}: write true or false"
    if given.setdefault(request_id, outcome) != outcome:
        return f"{REQUEST_ID}={request_id}: a line before has the other outcome; keep the right one"
    return None


def _faults(log: PredictionLog, given: Mapping[str, bool]) -> Faults:
    unknown: list[str] = []
    conflicting: list[str] = []
    for _, part in _parts(given):
        absent, other = _faults_of_part(log, part)
        unknown += absent
        conflicting += other
    return unknown, conflicting


def _faults_of_part(log: PredictionLog, part: Mapping[str, bool]) -> Faults:
    try:
        log.check_outcomes(part)
    except UnknownRequestError as error:
        unknown = list(error.request_ids)
        logged = {name: part[name] for name in part.keys() - set(unknown)}
        return unknown, _faults_of_part(log, logged)[1]
    except ConflictingOutcomeError as error:
        return [], list(error.request_ids)
    return [], []


def _parts(given: Mapping[str, bool]) -> Iterator[tuple[int, dict[str, bool]]]:
    """Yield the outcomes in parts, each with how many there are up to its end."""
    items = iter(given.items())
    done = 0
    while part := dict(islice(items, PART)):
        done += len(part)
        yield done, part


def _refusal(path: Path, unknown: list[str], conflicting: list[str]) -> OutcomesError:
    said = []
    if unknown:
        said.append(f"{len(unknown):,} request_id not in the log ({_some(unknown, ', ')})")
    if conflicting:
        said.append(
            f"{len(conflicting):,} with another outcome recorded ({_some(conflicting, ', ')})"
        )
    return OutcomesError(
        f"{path.name}: nothing was recorded: {' and '.join(said)}; reports/{REPORT} lists them: "
        f"remove those lines and run this again"
    )


def _some(names: list[str], between: str) -> str:
    more = len(names) - SHOWN
    return between.join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
