"""How long a screen of flights takes: the learner's way against the best way, turn by turn.

Called as: python -m course.labs.screens FOLDER PORT REFERENCE_PORT FLIGHTS; it prints JSON.
Both are asked for the same flights one after the other, so that whatever else the machine does
meets both, and for other flights each time, so that to remember answers is of no use.
"""

import http.client
import importlib.util
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FLIGHTS = 100
ROUNDS = 5
SCREENS = 6
"""Of a round; the slowest of so few is their 99th percentile."""
PAUSE_SECONDS = 0.01
SCRIPT = "screen.py"

Ask = Callable[[int, list[dict[str, Any]]], list[float]]


class Best:
    """A batch over one connection that is kept open."""

    def __init__(self, port: int) -> None:
        """Connect when first asked."""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, _: int, flights: list[dict[str, Any]]) -> list[float]:
        """Return the probability of each flight."""
        body = json.dumps({"instances": flights})
        headers = {"Content-Type": "application/json"}
        self.connection.request("POST", "/v1/predict/batch", body, headers)
        answers = json.loads(self.connection.getresponse().read())
        return [one["probability"] for one in answers["predictions"]]


def measure(theirs: Ask, best: Ask, port: int, flights: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the p99 of both in milliseconds, the median over rounds, and whether they agree."""
    screens = (flights[first : first + FLIGHTS] for first in range(0, len(flights), FLIGHTS))
    first = next(screens)
    same = _same(theirs(port, first), best(port, first))
    rounds = []
    for _ in range(ROUNDS):
        times = []
        for screen in itertools.islice(screens, SCREENS):
            mine, answers = _asked(theirs, port, screen)
            reference, right = _asked(best, port, screen)
            same = same and _same(answers, right)
            times.append((mine, reference))
        rounds.append([max(each) * 1000 for each in zip(*times, strict=True)])
    mine, reference = (statistics.median(each) for each in zip(*rounds, strict=True))
    return {"mine": mine, "reference": reference, "same": same}


def _asked(ask: Ask, port: int, flights: list[dict[str, Any]]) -> tuple[float, list[float]]:
    """Return the seconds that a screen took, and its answers."""
    time.sleep(PAUSE_SECONDS)
    begun = time.perf_counter()
    answers = ask(port, flights)
    return time.perf_counter() - begun, answers


def _same(mine: object, reference: list[float]) -> bool:
    return isinstance(mine, list) and len(mine) == len(reference) and mine == reference


def _learners(path: Path) -> Ask:
    spec = importlib.util.spec_from_file_location("screen", path)
    if spec is None or spec.loader is None:
        message = f"{path} cannot be read"
        raise ImportError(message)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ask: Ask = module.ask
    return ask


def main() -> None:
    """Measure, and print what was found, or why the learner's script failed."""
    folder, port, reference_port = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    lines = Path(sys.argv[4]).read_text("utf-8").splitlines()
    flights = [json.loads(line)["features"] for line in lines]
    try:
        found = measure(_learners(folder / SCRIPT), Best(reference_port).ask, port, flights)
    except Exception as error:  # noqa: BLE001 - whatever the learner's script does wrong
        found = {"error": f"{type(error).__name__}: {error}"}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
