"""The challenger beside another model, on days that neither has seen, or why that cannot be."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from flight_delay.bundle import MANIFEST_FILE, Bundle, load
from flight_delay.champion import CHAMPION_FILE
from flight_delay.compare import NothingTrainedError, compare, run_compare, unseen
from flight_delay.contract import DAY, TARGET
from flight_delay.data import DataError
from flight_delay.settings import Settings

from ..conftest import RESAMPLES, champion_of, silent  # noqa: TID252 - what the tests share
from ..service.bundles import copy_of, rewrite, seal, sibling  # noqa: TID252
from .typed import Run

SEEN_UNTIL = date(2013, 3, 31)
EARLIER = ["2013-01-01", "2013-03-14"]


def worse(champion: Bundle) -> str:
    """Make a bundle that says far too much, and return its version."""
    return sibling(champion.path, threshold=0.4, shift=1.0)


def champion_bundle(settings: Settings) -> Bundle:
    return load(settings.models / champion_of(settings))


def days(rows: pl.DataFrame) -> list[date]:
    return sorted(rows[DAY].unique().to_list())


def labelled(counts: dict[date, int]) -> pl.DataFrame:
    """Return so many rows a day, every second one late."""
    rows = [(day, number % 2 == 0) for day, count in counts.items() for number in range(count)]
    return pl.DataFrame(rows, schema=[DAY, TARGET], orient="row")


def since(count: int, rows: int = 4) -> dict[date, int]:
    """Return a number of rows for each of the first days after the history."""
    return {SEEN_UNTIL + timedelta(days=1 + number): rows for number in range(count)}


def test_rows_are_those_of_the_first_days_after_the_history(trained: Settings) -> None:
    settings = Settings(least_day_rows=3, holdout_days=9, least_holdout_days=7)
    table = labelled({date(2013, 3, 30): 4, SEEN_UNTIL: 4} | since(12) | {date(2013, 4, 2): 2})
    # A day with too few rows does not count, and one more at the end takes its place.
    assert days(unseen(table, [champion_bundle(trained)], settings)) == [
        day for day in since(10) if day != date(2013, 4, 2)
    ]


def test_the_days_are_new_to_both_models(project: Settings) -> None:
    champion = champion_bundle(project)
    folder = copy_of(champion.path)
    rewrite(folder / MANIFEST_FILE, lambda it: it["windows"].update(history=EARLIER))
    earlier = load(project.models / seal(folder))
    table = labelled({date(2013, 3, 20): 4} | since(8))
    settings = Settings(least_day_rows=3)
    for models in ([champion, earlier], [earlier, champion]):
        assert days(unseen(table, models, settings)) == list(since(8))
    assert days(unseen(table, [earlier], settings))[0] == date(2013, 3, 20)


def test_rows_without_an_outcome_are_no_rows(trained: Settings) -> None:
    settings = Settings(least_day_rows=3, least_holdout_days=7)
    table = labelled(since(8)).with_columns(
        pl.when(pl.col(DAY) == date(2013, 4, 3)).then(None).otherwise(TARGET).alias(TARGET)
    )
    assert date(2013, 4, 3) not in days(unseen(table, [champion_bundle(trained)], settings))


@pytest.mark.parametrize("late", [True, False])
def test_too_few_days_or_one_outcome_are_refused(trained: Settings, *, late: bool) -> None:
    settings = Settings(least_day_rows=3, least_holdout_days=7)
    models = [champion_bundle(trained)]
    with pytest.raises(DataError, match=r"^6 days after 2013-03-31, .* at least 3 labelled"):
        unseen(labelled(since(6)), models, settings)
    alike = labelled(since(7)).with_columns(pl.lit(late).alias(TARGET))
    with pytest.raises(DataError, match=r"^7 days .* both outcomes are needed"):
        unseen(alike, models, settings)


def test_a_model_beside_itself_differs_in_nothing(trained: Settings) -> None:
    champion = champion_bundle(trained)
    report = compare(champion, champion, Settings(home=trained.home, resamples=RESAMPLES))
    assert report["same_model"]
    assert report["challenger"] == report["other"]
    assert (report["from"], report["to"], report["days"]) == ("2013-04-01", "2013-04-14", 14)
    for figure in report["rival"]["difference"].values():
        assert figure == {"estimate": 0, "low": 0, "high": 0}


def test_a_model_that_says_too_much_is_the_worse_one(project: Settings) -> None:
    champion = champion_bundle(project)
    louder = load(project.models / worse(champion))
    report = compare(louder, champion, project)
    assert not report["same_model"]
    difference = report["rival"]["difference"]
    assert difference["brier"]["low"] > 0
    ours, theirs = (report[who]["metrics"]["brier"] for who in ("challenger", "other"))
    assert ours["estimate"] - theirs["estimate"] == pytest.approx(difference["brier"]["estimate"])
    turned = compare(champion, louder, project)["rival"]["difference"]["brier"]
    assert turned["estimate"] == pytest.approx(-difference["brier"]["estimate"])


def test_the_verb_reports_as_json_markdown_and_picture(run: Run, project: Settings) -> None:
    champion = champion_bundle(project)
    version = worse(champion)
    report = project.reports / "train.json"
    content = json.loads(report.read_bytes()) | {"version": version}
    report.write_text(json.dumps(content), encoding="utf-8")
    said = run(project.home, "compare", APP_RESAMPLES=str(RESAMPLES))
    assert said.code == 0
    assert f"  {version} less {champion.version}: Brier score +0." in said.stdout
    written = json.loads((project.reports / "compare.json").read_bytes())
    assert written["challenger"]["version"] == version
    page = (project.reports / "compare.md").read_text(encoding="utf-8")
    assert "**Worse**" in page
    assert f"`{champion.version}`" in page
    assert (project.reports / "compare.png").read_bytes().startswith(b"\x89PNG")


def test_another_folder_may_be_named(run: Run, project: Settings, tmp_path: Path) -> None:
    champion = champion_bundle(project)
    elsewhere = shutil.copytree(champion.path, tmp_path / champion.version)
    (project.models / CHAMPION_FILE).unlink()
    said = run(project.home, "compare", "--with", str(elsewhere), APP_RESAMPLES=str(RESAMPLES))
    assert f"{champion.version} less {champion.version}: Brier score +0.0000" in said.stdout


def test_without_a_champion_the_challenger_is_measured_alone(run: Run, project: Settings) -> None:
    (project.models / CHAMPION_FILE).unlink()
    said = run(project.home, "compare", APP_RESAMPLES=str(RESAMPLES))
    assert said.code == 0
    assert "not compared: there is no champion yet" in said.stdout
    assert "**Not compared" in (project.reports / "compare.md").read_text(encoding="utf-8")


def test_a_bundle_that_cannot_be_read_is_named_and_no_error(project: Settings) -> None:
    damaged = project.models / worse(champion_bundle(project))
    (damaged / MANIFEST_FILE).write_text("{", encoding="utf-8")
    report = run_compare(project, silent, damaged)
    assert report["other"] is None
    assert report["problem"].startswith(f"bundle {damaged.name}: {MANIFEST_FILE} cannot be read")


def test_before_a_training_there_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(NothingTrainedError, match="run the command `train` first"):
        run_compare(Settings(home=tmp_path), silent)


def test_a_comment_needs_a_comparison_and_a_workflow(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_API_URL", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    said = run(tmp_path, "comment")
    assert said.code == 1
    assert "no reports/compare.md: run the command `compare` first" in said.stderr
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "compare.md").write_text("better", encoding="utf-8")
    said = run(tmp_path, "comment")
    assert said.code == 1
    assert "GITHUB_API_URL is not set: this verb is for a workflow" in said.stderr
