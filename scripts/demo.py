"""Generate a project with default answers and take it from raw data to served predictions.

Every step is the command that a user of the project would type. The project stays, with the same
summary in its reports/demo.json; the service that answered is stopped.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cookiecutter.main import cookiecutter

TEMPLATE = Path(__file__).resolve().parent.parent
SLUG = "flight-delay"
MARKER = ".made-by-demo"
START_SECONDS = 60
REQUESTS = 20
REPLAY_DAYS = 42
"""Six weeks: the first retraining is due after thirty days."""
# A service on this machine is asked directly, whatever proxy the person has set.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> None:
    """Run the demo; exit code 1 and one line when a step fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dest", type=Path, help="parent folder of the project")
    dest: Path = parser.parse_args().dest.resolve()
    started = time.perf_counter()
    try:
        project = generate(dest)
        for target in ("setup", "data", "train", "promote"):
            make(project, target)
        summary = serve_and_ask(project)
        summary["replay"] = replay(project)
    except DemoError as error:
        sys.exit(f"demo: {error}")
    summary["seconds"] = round(time.perf_counter() - started, 1)
    report = project / "reports" / "demo.json"
    report.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(describe(summary, project))


class DemoError(Exception):
    """A step did not do what it should."""


def generate(dest: Path) -> Path:
    """Generate into `dest`, replacing only a project that a demo made."""
    project = dest / SLUG
    if project.exists() and not (project / MARKER).is_file():
        message = (
            f"{project} is there and no demo made it: move it away, or give another folder, "
            f"for example make demo DEST=elsewhere"
        )
        raise DemoError(message)
    step("generate", f"cookiecutter --no-input, into {shown(project)}")
    dest.mkdir(parents=True, exist_ok=True)
    # Made beside its place and moved in whole, so that a demo that is stopped can be run again.
    with tempfile.TemporaryDirectory(dir=dest, prefix=".demo-") as scratch:
        made = Path(cookiecutter(str(TEMPLATE), no_input=True, output_dir=scratch))
        (made / MARKER).touch()
        keep_environment(project, made)
        shutil.rmtree(project, ignore_errors=True)
        made.rename(project)
    return project


def keep_environment(old: Path, new: Path) -> None:
    """Carry the installed packages over: `make setup` brings them up to date in a second."""
    for name in (".venv", ".tools", "uv.lock"):
        if (old / name).exists():
            (old / name).rename(new / name)


def make(project: Path, *arguments: str) -> None:
    """Run a target of the project's Makefile, showing its output."""
    typed = f"make {' '.join(arguments)}"
    step(typed)
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    command = ["make", "--no-print-directory", *arguments]
    result = subprocess.run(command, cwd=project, env=environment, check=False)
    if result.returncode:
        message = f"`{typed}` failed in {project} with exit code {result.returncode}"
        raise DemoError(message)


def serve_and_ask(project: Path) -> dict[str, Any]:
    """Serve the champion on a free port, send real requests, and return the summary."""
    port = free_port()
    step(f"make serve PORT={port}", "and real requests to it")
    with service(project, port) as url:
        example = ask(f"{url}/openapi.json")["components"]["schemas"]["Instance"]["examples"][0]
        golden = golden_rows(project)[:REQUESTS]
        answers = [ask(f"{url}/v1/predict", row) for row in golden]
        batch = ask(f"{url}/v1/predict/batch", {"instances": golden})
        first = ask(f"{url}/v1/predict", example)
        manifest = ask(f"{url}/v1/model")
        counted = predictions_counted(url)
    singles = [answer["probability"] for answer in answers]
    if singles != [answer["probability"] for answer in batch["predictions"]]:
        message = "a batch did not answer what single requests did"
        raise DemoError(message)
    if counted != 2 * len(golden) + 1:
        message = f"the service counted {counted} predictions, not {2 * len(golden) + 1}"
        raise DemoError(message)
    train = json.loads((project / "reports" / "train.json").read_text(encoding="utf-8"))
    return {
        "version": manifest["version"],
        "threshold": manifest["threshold"],
        "example": example,
        "answer": first,
        "requests": len(golden) + 2,
        "predictions": counted,
        "rows_trained_on": train["rows"]["history"],
        "launch": {who: train["launch"][who] for who in ("model", "baseline", "advantage")},
        "onnx_largest_difference": train["parity"],
        "training_seconds": train["seconds"],
    }


def replay(project: Path) -> dict[str, Any]:
    """Live through the first weeks in production, and return what came of it."""
    make(project, "replay", f"DAYS={REPLAY_DAYS}")
    report = json.loads((project / "reports" / "replay.json").read_text(encoding="utf-8"))
    summary: dict[str, Any] = report["summary"]
    if summary["failed_requests"] or not summary["retrainings"]:
        message = f"the replay did not go as it should: {summary}"
        raise DemoError(message)
    return summary


def golden_rows(project: Path) -> list[dict[str, Any]]:
    """Return real flights to ask about: the golden rows of the champion's bundle."""
    models = project / "models"
    champion = json.loads((models / "champion.json").read_text(encoding="utf-8"))["version"]
    golden = json.loads((models / champion / "golden.json").read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = golden["rows"]
    return rows


@contextlib.contextmanager
def service(project: Path, port: int) -> Iterator[str]:
    """Run `make serve` until the block ends."""
    log = project / "reports" / "serve.log"
    url = f"http://127.0.0.1:{port}"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            ["make", "--no-print-directory", "serve", f"PORT={port}"],
            cwd=project,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until_ready(url, process, log)
            yield url
        finally:
            # make and uv do not pass signals on: the whole group is asked to end.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
            process.wait(timeout=START_SECONDS)


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the service is ready.

    Raises:
        DemoError: when it ended or did not get ready in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            ask(f"{url}/health/ready")
            return
        time.sleep(0.1)
    message = f"the service did not get ready; its log is {log}"
    raise DemoError(message)


def ask(url: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Send a request to the service and return the JSON of its answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - loopback only
        url, data, {"Content-Type": "application/json"}
    )
    with DIRECT.open(request, timeout=10) as response:
        return json.load(response)


def predictions_counted(url: str) -> int:
    """Return how many rows the service says that it has answered."""
    with DIRECT.open(f"{url}/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    counters = [line for line in lines if line.startswith("predictions_total")]
    return int(sum(float(line.split()[-1]) for line in counters))


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def step(name: str, detail: str = "") -> None:
    """Announce a step."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}> {name}{plain} {detail}", flush=True)


def shown(path: Path) -> str:
    """Return a path the short way if it lies below the current folder."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def describe(summary: dict[str, Any], project: Path) -> str:
    """Return the summary as a person reads it."""
    launch = summary["launch"]
    model, baseline, gain = (launch[who]["auc"] for who in ("model", "baseline", "advantage"))
    trained = f"{summary['rows_trained_on']:,} flights in {summary['training_seconds']:.0f} s"
    advantage = f"{gain['estimate']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"
    example, answer = summary["example"], summary["answer"]
    lived = summary["replay"]
    weeks = (
        f"{lived['predictions']:,} predictions of six weeks, replayed in {lived['seconds']:.0f} s, "
        f"{lived['failed_requests']} failed; trained anew {_times(lived['retrainings'])}, "
        f"promoted {_times(lived['promotions'])}"
    )
    route = f"{example['carrier']} from {example['origin']} to {example['destination']}"
    return f"""
It works: from raw data to served predictions in {summary["seconds"]:.0f} s.

  champion      {summary["version"]}, trained on {trained}
  after launch  AUC {model["estimate"]:.3f}; logistic baseline {baseline["estimate"]:.3f}
                advantage {advantage}
  served as     ONNX, at most {summary["onnx_largest_difference"]:.0e} from scikit-learn
  answered      {summary["predictions"]} predictions in {summary["requests"]} requests

  {route}: {answer["probability"]:.0%} likely to leave late

  {weeks}

Try next, in {shown(project)}:
  make serve      then open http://127.0.0.1:8000/docs and /dashboard
  make replay     April to December in three minutes; then open reports/replay.html
  make status     champion, challenger, versions
  make test       the project's own tests
  .venv/bin/mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1
                  then open http://127.0.0.1:5000, "Training runs"
"""


if __name__ == "__main__":
    main()
