"""The table of figures in README.md is that of the last training run."""

import json
from pathlib import Path

import pytest

from flight_delay.results import (
    BEGIN,
    END,
    PLOTS,
    REPLAY_BEGIN,
    REPLAY_END,
    ResultsError,
    replay_table,
    results_table,
    write_results,
)
from flight_delay.settings import Settings

README = f"# A title\n\nBefore.\n\n{BEGIN}\n{END}\n\nAfter: 1 < 2.\n"
FIGURES = {"auc": 0.75, "brier": 0.1434, "calibration_error": 0.031}


def interval(estimate: float) -> dict[str, float]:
    """Return a figure as reports hold it."""
    return {"estimate": estimate, "low": estimate - 0.01, "high": estimate + 0.01}


REPORT = {
    "launch": {
        "model": {name: interval(value) for name, value in FIGURES.items()},
        "baseline": {name: interval(value + 0.1) for name, value in FIGURES.items()},
        "advantage": {name: interval(-0.1) for name in FIGURES},
        "daily": [{"day": "2013-04-01"}, {"day": "2013-04-15"}, {"day": "2013-04-30"}],
    }
}

LESS = "-0.100 (-0.110 to -0.090)"
TABLE = f"""\
| 2013-04-01 to 2013-04-30 | model | logistic baseline | model less baseline, paired by day |
|---|---|---|---|
| AUC | 0.750 (0.740 to 0.760) | 0.850 (0.840 to 0.860) | {LESS} |
| Brier score | 0.143 (0.133 to 0.153) | 0.243 (0.233 to 0.253) | {LESS} |
| Calibration error | 0.031 (0.021 to 0.041) | 0.131 (0.121 to 0.141) | {LESS} |"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a project with a README, a training report and its plots."""
    settings = Settings(home=tmp_path)
    settings.reports.mkdir()
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    (settings.reports / "train.json").write_text(json.dumps(REPORT), encoding="utf-8")
    for name in PLOTS:
        (settings.reports / name).write_bytes(name.encode())
    return settings


def test_the_table_has_a_line_a_metric_with_intervals() -> None:
    assert results_table(REPORT) == TABLE


def test_the_table_goes_between_the_markers_and_nothing_else_changes(settings: Settings) -> None:
    path = write_results(settings)
    assert path == settings.home / "README.md"
    expected = f"# A title\n\nBefore.\n\n{BEGIN}\n{TABLE}\n{END}\n\nAfter: 1 < 2.\n"
    assert path.read_text(encoding="utf-8") == expected
    for name in PLOTS:
        assert (settings.home / "docs" / "images" / name).read_bytes() == name.encode()


def test_a_second_run_changes_nothing_and_a_new_report_replaces_the_table(
    settings: Settings,
) -> None:
    path = write_results(settings)
    once = path.read_bytes()
    write_results(settings)
    assert path.read_bytes() == once

    report = json.dumps(REPORT).replace("2013-04-30", "2013-05-31")
    (settings.reports / "train.json").write_text(report, encoding="utf-8")
    write_results(settings)
    text = path.read_text(encoding="utf-8")
    assert text.count("| AUC |") == 1
    assert "| 2013-04-01 to 2013-05-31 |" in text
    assert "2013-04-30" not in text


@pytest.mark.parametrize("lost", [BEGIN, END, README])
def test_without_a_marker_nothing_is_written(settings: Settings, lost: str) -> None:
    path = settings.home / "README.md"
    path.write_text(README.replace(lost, ""), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(ResultsError, match=r"README\.md has lost the line"):
        write_results(settings)
    assert path.read_bytes() == before


def test_markers_in_the_wrong_order_are_lost_ones(settings: Settings) -> None:
    (settings.home / "README.md").write_text(f"{END}\n{BEGIN}\n", encoding="utf-8")
    with pytest.raises(ResultsError, match="put both back"):
        write_results(settings)


def test_without_a_readme_the_markers_are_asked_for(settings: Settings) -> None:
    (settings.home / "README.md").unlink()
    with pytest.raises(ResultsError, match="put both back"):
        write_results(settings)


def test_before_anything_happened_after_launch_nothing_is_written(settings: Settings) -> None:
    report = json.dumps({"launch": None, "validation": REPORT["launch"]})
    (settings.reports / "train.json").write_text(report, encoding="utf-8")
    with pytest.raises(ResultsError, match=r"nothing there to measure: run .* between APP_LAUNCH"):
        write_results(settings)
    assert (settings.home / "README.md").read_text(encoding="utf-8") == README
    assert not (settings.home / "docs").exists()


def test_without_a_training_run_the_command_is_named(settings: Settings) -> None:
    (settings.reports / "train.json").unlink()
    with pytest.raises(ResultsError, match="run the command `train` first"):
        write_results(settings)


def test_a_real_run_fills_the_readme(project: Settings) -> None:
    (project.home / "README.md").write_text(README, encoding="utf-8")
    text = write_results(project).read_text(encoding="utf-8")
    report = json.loads((project.reports / "train.json").read_text(encoding="utf-8"))
    assert f"| AUC | {report['launch']['model']['auc']['estimate']:.3f} (" in text
    for name in PLOTS:
        content = (project.home / "docs" / "images" / name).read_bytes()
        assert content.startswith(b"\x89PNG")


LIVED = {
    "from": "2013-04-01",
    "to": "2013-12-31",
    "whole": True,
    "summary": {"left_alone": FIGURES, "kept_alive": dict.fromkeys(FIGURES, 0.1)},
    "difference": {name: {"estimate": -0.1, "low": -0.11, "high": 0.09} for name in FIGURES},
}
LIVED_TABLE = """\
| 2013-04-01 to 2013-12-31 | left alone | kept alive | kept less alone, paired by day |
|---|---|---|---|
| AUC | 0.7500 | 0.1000 | -0.1000 (-0.1100 to +0.0900) |
| Brier score | 0.1434 | 0.1000 | -0.1000 (-0.1100 to +0.0900) |
| Calibration error | 0.0310 | 0.1000 | -0.1000 (-0.1100 to +0.0900) |"""
MARKED = f"{README}\n{REPLAY_BEGIN}\nof before\n{REPLAY_END}\nThe end.\n"


def with_replay(settings: Settings, *, whole: bool) -> None:
    """Add the report of a replay, its plot, and the place in README.md."""
    (settings.home / "README.md").write_text(MARKED, encoding="utf-8")
    report = json.dumps(LIVED | {"whole": whole})
    (settings.reports / "replay.json").write_text(report, encoding="utf-8")
    (settings.reports / "replay.png").write_bytes(b"lines")


def test_a_whole_replay_has_its_table_and_its_picture(settings: Settings) -> None:
    assert replay_table(LIVED) == LIVED_TABLE
    with_replay(settings, whole=True)
    text = write_results(settings).read_text(encoding="utf-8")
    assert text.endswith(f"\n{REPLAY_BEGIN}\n{LIVED_TABLE}\n{REPLAY_END}\nThe end.\n")
    assert f"{BEGIN}\n{TABLE}\n{END}" in text
    assert (settings.home / "docs" / "images" / "replay.png").read_bytes() == b"lines"


def test_a_part_of_a_replay_changes_neither(settings: Settings) -> None:
    with_replay(settings, whole=False)
    text = write_results(settings).read_text(encoding="utf-8")
    assert f"{REPLAY_BEGIN}\nof before\n{REPLAY_END}" in text
    assert not (settings.home / "docs" / "images" / "replay.png").exists()
