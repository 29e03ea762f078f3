"""The job that shows, on a pull request, what a change does to the model.

Both projects, their trainings, the registry and the comment are real. GitHub's interface stands
outside this machine, so a server of ours takes its place.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mermaid
import pytest
from actions import Runner, only, workflow
from answers import generate
from github_stand_in import REPOSITORY, TOKEN, GitHub, github
from mlflow_server import mlflow
from playwright.sync_api import Browser
from shell import run

pytestmark = pytest.mark.slow

CI = workflow("ci.yml")
PULL_REQUEST = 7
PLOT = "https://github.example/artifacts/1"
OURS = "github.event.pull_request.head.repo.full_name == github.repository"
COMPARE = "Compare with the champion of the registry, or with what the base branch would train"
COMMENT = "Comment on the pull request"
SAMPLE = CI["jobs"]["model"]["env"]
# A table that ends two days after the champion's history.
CUT = """
import json
from datetime import date
from flight_delay.contract import DAY
from flight_delay.data import FACTS_FILE, TABLE_FILE, data_hash, load_table
from flight_delay.settings import Settings

settings = Settings()
table = load_table(settings).filter(load_table(settings)[DAY] <= date(2013, 4, 2))
table.write_parquet(settings.data / TABLE_FILE)
facts = json.dumps({"data_hash": data_hash(table)})
(settings.data / FACTS_FILE).write_text(facts, encoding="utf-8")
"""


@dataclass(frozen=True)
class Change:
    """A checkout of a pull request, with that of its base branch inside, as the job makes both."""

    project: Path
    base: Path
    environment: Path

    @property
    def variables(self) -> dict[str, Any]:
        """What tells uv to work in the environment."""
        return {"UV_PROJECT_ENVIRONMENT": str(self.environment)}


@pytest.fixture(scope="module")
def change(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Change]:
    """Let the pull request change the recipe: a leaf may be a tenth as large.

    Both checkouts work in the environment of an installed project, which is given back at the end:
    every `uv run` installs the code of the folder in which it is typed, and finds the rest there.
    """
    place = tmp_path_factory.mktemp("change")
    head, base = generate(place), generate(place / "before")
    recipe = head / "src/flight_delay/model.py"
    text, count = re.subn("min_samples_leaf=300", "min_samples_leaf=30", recipe.read_text("utf-8"))
    assert count == 1
    recipe.write_text(text, encoding="utf-8")
    try:
        yield Change(head, base.rename(head / "base"), project / ".venv")
    finally:
        run("uv sync", project)
        shutil.rmtree(place)


def machine(
    change: Change, hub: GitHub, scratch: Path, *, registry: str = "", ours: bool = True
) -> Runner:
    """Return a machine with both checkouts, for the run of a pull request."""
    event = scratch / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": PULL_REQUEST}}), encoding="utf-8")

    def upload(given: dict[str, str]) -> dict[str, str]:
        assert (change.project / given["path"]).read_bytes().startswith(b"\x89PNG")
        return {"artifact-url": PLOT}

    return Runner(
        change.project,
        scratch,
        known={
            "github.event.pull_request.base.sha": "c0ffee",
            "github.token": TOKEN,
            "secrets.MLFLOW_READ_ONLY_URI": registry,
            "steps.plot.outputs.artifact-url": PLOT,
        },
        conditions={"github.event_name == 'pull_request'": True, OURS: ours},
        actions={"actions/upload-artifact": upload},
        variables=hub.variables(GITHUB_EVENT_PATH=str(event), APP_RESAMPLES="200")
        | change.variables,
    )


def report(project: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((project / "reports" / f"{name}.json").read_text("utf-8"))
    return content


@pytest.fixture(scope="module")
def commented(change: Change, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run the job where there is no registry, and return the comment."""
    with github() as hub:
        runner = machine(change, hub, tmp_path_factory.mktemp("first"))
        runner.passes(CI, "model")
        (comment,) = hub.comments[str(PULL_REQUEST)]
        assert hub.asked[-1].path == f"/repos/{REPOSITORY}/issues/{PULL_REQUEST}/comments"
        text = str(comment["body"])
        assert runner.summary in text
        return text


def test_the_comment_compares_with_what_the_base_branch_would_train(
    commented: str, change: Change
) -> None:
    compared = report(change.project, "compare")
    ours, theirs = compared["challenger"], compared["other"]
    assert ours["version"] == report(change.project, "train")["version"]
    assert theirs["version"] == report(change.base, "train")["version"]
    assert ours["version"] != theirs["version"]
    assert ours["fitted_on"] == theirs["fitted_on"] == [SAMPLE["APP_FIT_FROM"], "2013-03-14"]
    # No day that either was fitted on, and none after launch.
    assert (compared["from"], compared["to"]) == (SAMPLE["APP_LAUNCH"], "2013-03-28")
    brier = compared["rival"]["difference"]["brier"]
    row = re.search(r"^\| Brier score, less is better \| (.+) \|$", commented, re.MULTILINE)
    assert row is not None
    assert row[1].split(" | ") == [
        "{estimate:.4f} ({low:.4f} to {high:.4f})".format_map(ours["metrics"]["brier"]),
        "{estimate:.4f} ({low:.4f} to {high:.4f})".format_map(theirs["metrics"]["brier"]),
        "{estimate:+.4f} ({low:+.4f} to {high:+.4f})".format_map(brier),
    ]
    assert f"]({PLOT})" in commented


def test_the_chart_in_the_comment_is_one_that_mermaid_draws(
    commented: str, browser: Browser
) -> None:
    chart = re.search(r"^```mermaid\n(.+?)^```$", commented, re.MULTILINE | re.DOTALL)
    assert chart is not None
    page = browser.new_page()
    page.add_script_tag(path=mermaid.script())
    page.evaluate("mermaid.initialize({startOnLoad: false})")
    svg = page.evaluate("chart => mermaid.render('drawn', chart).then(it => it.svg)", chart[1])
    page.set_content(svg)
    assert page.locator("rect[width]:not(.background)").count() == 10
    assert page.locator("g.line-plot-1 path").count() == 1
    page.close()


def test_the_base_branch_is_checked_out_where_the_job_looks_for_it(change: Change) -> None:
    _, second = (step for step in CI["jobs"]["model"]["steps"] if "checkout" in str(step))
    assert second["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert change.project / second["with"]["path"] == change.base


def test_a_registry_gives_the_champion_and_the_next_push_replaces_the_comment(
    change: Change, project: Path, commented: str, tmp_path: Path
) -> None:
    others = [{"body": f"a word, {number}", "id": number} for number in range(150)]
    ours = {"body": commented, "id": 150, "html_url": ""}
    with mlflow(project, tmp_path) as registry, github() as hub:
        run("make train promote", change.base, MLFLOW_TRACKING_URI=registry, **change.variables)
        champion = json.loads((change.base / "models/champion.json").read_text())["version"]
        hub.comments[str(PULL_REQUEST)] = [*others, ours]
        runner = machine(change, hub, tmp_path, registry=registry)
        runner.passes(only(CI, "model", COMPARE, COMMENT), "model")
        compared = report(change.project, "compare")
        assert compared["other"]["version"] == champion
        # The champion has seen all of March, so the days are those after it.
        assert (compared["from"], compared["to"]) == ("2013-04-01", "2013-04-14")
        assert hub.comments[str(PULL_REQUEST)] == [*others, ours]
        assert f"`{champion}`, was fitted on 2013-01-01 to 2013-03-31" in str(ours["body"])

        # It could as well have been retrained on days up to the table's end.
        run(f"uv run python -c '{CUT}'", change.project, **change.variables)
        runner.passes(only(CI, "model", COMPARE, COMMENT), "model")
        said = runner.said[COMPARE]
        assert "2 days after 2013-03-31, the last that a model was fitted on" in said.stderr
        compared = report(change.project, "compare")
        assert compared["other"]["version"] == report(change.base, "train")["version"] != champion
        assert (compared["from"], compared["to"]) == (SAMPLE["APP_LAUNCH"], "2013-03-28")


def test_the_pull_request_of_a_fork_gets_no_comment(change: Change, tmp_path: Path) -> None:
    with github() as hub:
        runner = machine(change, hub, tmp_path, ours=False)
        runner.passes(only(CI, "model", COMMENT), "model")
        assert hub.asked == []
