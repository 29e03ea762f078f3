"""One issue for the weekly run: opened when something breaks, replaced while it is, then closed."""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

LABEL = "newest-versions"
"""By which the issue is found again."""
ANSWER_SECONDS = 30


def main() -> None:
    """Tell GitHub what a run of newest.py has found; one line and exit code 1 when it refuses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where newest.py has written its report")
    folder: Path = parser.parse_args().folder
    passed, text = told(folder)
    title, _, body = text.partition("\n")
    content = {"title": title.removeprefix("# "), "body": body.strip()}
    try:
        found = ask("GET", f"issues?labels={LABEL}&state=open&per_page=1")
        if found:
            state = {"state": "closed"} if passed else {}
            ask("PATCH", f"issues/{found[0]['number']}", content | state)
        elif not passed:
            ask("POST", "issues", content | {"labels": [LABEL]})
    except (urllib.error.URLError, TimeoutError) as error:
        sys.exit(f"GitHub did not take the report: {error}")


def told(folder: Path) -> tuple[bool, str]:
    """Return whether the run has passed, and its report, or that it has written none."""
    if not (folder / "report.md").is_file():
        run = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"
        return False, (
            "# With the newest versions: the run ended without a report\n"
            f"What it said is at {run.format_map(os.environ)}"
        )
    passed: bool = json.loads((folder / "report.json").read_text(encoding="utf-8"))["passed"]
    return passed, (folder / "report.md").read_text(encoding="utf-8")


def ask(method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Ask the interface of this run's repository."""
    address = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {os.environ['TOKEN']}",
    }
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - the address that GitHub gives its workflows
        address, data, headers, method=method
    )
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
        return json.load(answer)


if __name__ == "__main__":
    main()
