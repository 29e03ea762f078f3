"""Take the pictures of the course anew, from a project that `make demo` made: `make pictures`.

It lives through the whole year, and then looks with a real browser at what a person would look at:
the dashboard under traffic, an alert in Prometheus, the runs in MLflow. It needs Chromium and
Prometheus, takes about ten minutes, and changes nothing but lessons/images/.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lesson_pages import LESSONS, PROJECT, TEMPLATE

sys.path.insert(0, str(TEMPLATE / "tests"))

import httpx2
from browsing import QUIET
from monitoring_stack import free_port, running
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = LESSONS / "images"
LARGEST_BYTES = 200_000
WINDOW: Any = {"width": 1200, "height": 900}
PATIENCE_SECONDS = 240
TRAFFIC_SECONDS = 150
REAL_ROWS = 20
PLOTS = ("calibration.png", "replay.png")
COPIED = ("days.png", "autoscaling.png")
"""Of the generated project's own pages, where they are kept up to date."""
SHOWN_ALERT = "NoModel"
COLUMNS = ("Dataset", "Source", "Models", "validation_auc", "validation_brier", "rival_brier")
"""Of MLflow's table: a click hides the first three, and shows the others."""


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "project", nargs="?", type=Path, default=TEMPLATE / "build" / "flight-delay"
    )
    parser.add_argument("--only", choices=TAKEN, help="one picture alone")
    given = parser.parse_args()
    project: Path = given.project.resolve()
    if not (project / "reports" / "demo.json").is_file():
        sys.exit(f"pictures: {project} is no project of a demo: run `make demo` first")
    chromium, _ = needed("chromium", "chromium"), needed("prometheus", "prometheus")
    replay_the_year(project)
    for name in PLOTS:
        shutil.copy(project / "reports" / name, IMAGES / name)
    for name in COPIED:
        shutil.copy(PROJECT / "docs" / "images" / name, IMAGES / name)
    with (
        tempfile.TemporaryDirectory() as scratch,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=QUIET) as browser,
    ):
        for name, take in TAKEN.items():
            if given.only in {None, name}:
                take(project, Path(scratch), browser)
    for picture in sorted(IMAGES.glob("*.png")):
        size = picture.stat().st_size
        print(f"{picture.relative_to(TEMPLATE)}  {size / 1000:.0f} kB")
        if size > LARGEST_BYTES:
            sys.exit(f"pictures: {picture.name} is larger than {LARGEST_BYTES // 1000} kB")


def needed(program: str, package: str) -> str:
    """Return the path of a program, or end with the way to get it."""
    found = shutil.which(program)
    if found is None:
        sys.exit(f"pictures: {program} is not on this machine: apt-get install {package}")
    return found


def replay_the_year(project: Path) -> None:
    """Live through April to December, unless the last replay of the project was that."""
    report = project / "reports" / "replay.json"
    if not json.loads(report.read_text(encoding="utf-8"))["whole"]:
        subprocess.run(["make", "--no-print-directory", "replay"], cwd=project, check=True)


@contextlib.contextmanager
def serving(project: Path, home: Path, **settings: str) -> Iterator[str]:
    """Run the service of a project on some home until the block ends."""
    port = free_port()
    given = {"APP_HOME": str(home), "APP_PORT": str(port)} | settings
    command: list[Path | str] = [project / ".venv/bin/python", "-m", "flight_delay", "serve"]
    with running(command, project, home / "service.log", **given):
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/health/live")
        yield url


def wait_for(url: str, says: str = "") -> None:
    """Wait until an address answers, with some text in its answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            answer = httpx2.get(url)
            if answer.is_success and says in answer.text:
                return
        time.sleep(0.5)
    sys.exit(f"pictures: not in {PATIENCE_SECONDS} s: {url} {says}")


def alert(project: Path, scratch: Path, browser: Browser) -> None:
    """Take Prometheus's page of the alerts when one fires, for a service whose model was damaged.

    The rules are the project's own, so it takes a minute until one may fire.
    """
    home = scratch / "damaged"
    shutil.copytree(project / "models", home / "models")
    champion = json.loads((home / "models" / "champion.json").read_text("utf-8"))["version"]
    with (home / "models" / champion / "model.onnx").open("ab") as model:
        model.write(b"X")
    configuration = shutil.copytree(project / "monitoring", scratch / "monitoring")
    with serving(project, home) as url:
        file = configuration / "prometheus.yml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("127.0.0.1:8000", url.removeprefix("http://")), "utf-8")
        address = f"127.0.0.1:{free_port()}"
        command = [needed("prometheus", "prometheus"), "--config.file", "monitoring/prometheus.yml"]
        command += ["--web.listen-address", address, "--storage.tsdb.path", "kept"]
        with running([*command], scratch, scratch / "prometheus.log"):
            query = f"query=ALERTS{{alertname=%22{SHOWN_ALERT}%22}}"
            wait_for(f"http://{address}/api/v1/query?{query}", says='"firing"')
            page = browser.new_page(viewport=WINDOW)
            page.goto(f"http://{address}/classic/alerts", wait_until="networkidle")
            page.get_by_text("Inactive (").click()
            page.get_by_text(f"{SHOWN_ALERT} (1 active)").click()
            page.get_by_text(f'alertname="{SHOWN_ALERT}"').wait_for()
            page.wait_for_timeout(1000)
            save(page, "alert", height=760)


def dashboard(project: Path, _: Path, browser: Browser) -> None:
    """Take the dashboard of a service that has a year behind it, and is asked all the time."""
    home = project / "replay"
    golden = next(iter((home / "models").glob("*/golden.json")))
    # Later golden rows are hard cases, which break the contract on purpose.
    rows = json.loads(golden.read_text(encoding="utf-8"))["rows"][:REAL_ROWS]
    clock = {"APP_CLOCK_FILE": str(home / "clock")}
    with serving(project, home, **clock) as url, httpx2.Client(base_url=url) as http:
        page = browser.new_page(viewport=WINDOW)
        page.goto(f"{url}/dashboard")
        asked, end = 0, time.monotonic() + TRAFFIC_SECONDS
        while time.monotonic() < end:
            asked += 1
            row = rows[asked % len(rows)]
            wrong = asked % 97 == 0
            http.post("/v1/predict", json=row | ({"origin": "BOS"} if wrong else {}))
            time.sleep(0.02 + 0.015 * ((asked // 400) % 3))
        page.wait_for_timeout(3000)
        save(page, "dashboard", height=900)


def mlflow(project: Path, scratch: Path, browser: Browser) -> None:
    """Take MLflow's table of the trainings of that year, with what the gates looked at."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    store = f"sqlite:///{project / 'replay' / 'mlflow.db'}"
    command = [str(project / ".venv/bin/mlflow"), "server", "--backend-store-uri", store]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with running([*command], scratch, scratch / "mlflow.log", MLFLOW_DISABLE_TELEMETRY="true"):
        wait_for(f"{url}/health")
        page = browser.new_page(viewport=WINDOW)
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.goto(f"{url}/#/experiments/1/runs")
        page.get_by_text("matching runs").wait_for()
        page.get_by_label("Close", exact=True).click()
        page.get_by_role("button", name="Columns").click()
        tree = page.locator("[class*=tree-treenode]")
        for name in COLUMNS:
            tree.filter(has_text=name).first.locator("[class*=tree-checkbox]").first.click()
            page.wait_for_timeout(2000)  # the table is drawn anew, and the list with it
        page.keyboard.press("Escape")
        page.mouse.click(WINDOW["width"] / 2, WINDOW["height"] - 20)
        page.wait_for_timeout(2000)
        save(page, "mlflow", height=600)


def save(page: Page, name: str, height: int) -> None:
    """Save the upper part of a page as one of the pictures of the course."""
    clip: Any = {"x": 0, "y": 0, "width": WINDOW["width"], "height": height}
    page.screenshot(path=IMAGES / f"{name}.png", clip=clip, animations="disabled")
    page.close()


TAKEN = {"dashboard": dashboard, "alert": alert, "mlflow": mlflow}


if __name__ == "__main__":
    main()
