"""The bulk import of outcomes: everything is checked first, and it can be run again."""

import contextlib
import json
import re
from pathlib import Path

import pytest

from flight_delay import outcomes
from flight_delay.database import LogError
from flight_delay.outcomes import (
    PART,
    OutcomesError,
    import_outcomes,
    read_outcomes,
)
from flight_delay.prediction_log import open_log
from flight_delay.settings import Settings

from ..conftest import silent  # noqa: TID252 - what the tests share
from ..logs import entries, logged, new_id  # noqa: TID252 - what the tests share

ONE, OTHER = new_id(), new_id()
HEADER = "request_id,outcome\n"
JSON_LINE = json.dumps({"request_id": ONE, "outcome": True})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a project with an empty log."""
    return Settings(home=tmp_path)


def recorded(settings: Settings, count: int) -> list[str]:
    """Put answered rows into the log and return their request ids."""
    given = entries(count)
    with contextlib.closing(open_log(settings)) as log:
        log.record(given)
    return [entry.request_id for entry in given]


def csv_file(folder: Path, *lines: tuple[str, str]) -> Path:
    """Write a file of outcomes."""
    path = folder / "outcomes.csv"
    path.write_text(HEADER + "".join(f"{one},{outcome}\n" for one, outcome in lines), "utf-8")
    return path


def report_of(settings: Settings) -> dict[str, object]:
    """Return the stored report."""
    report: dict[str, object] = json.loads((settings.reports / "feedback.json").read_bytes())
    return report


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}{ONE},true\n{OTHER},False\n",
        f"{HEADER}{ONE},1\r\n{OTHER},0\r\n\r\n",
        f"\ufeff{HEADER}{ONE},TRUE\n{ONE},true\n{OTHER}, false ",
        f'outcome,delay,"request_id"\ntrue,30,"{ONE}"\nfalse,,{OTHER}\n',
        f'{JSON_LINE}\n\n{{"outcome": false, "request_id": "{OTHER}"}}',
    ],
    ids=["words", "numbers", "as a spreadsheet writes it", "more columns", "JSON lines"],
)
def test_every_usual_way_of_writing_outcomes_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "outcomes"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_outcomes(path) == {ONE: True, OTHER: False}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER}{ONE},true\n{OTHER},late\n", "line 3: outcome='late': write true or false"),
        (f"{HEADER}{ONE}\n", "line 2: outcome=None: write true or false"),
        (f"{HEADER}{ONE[1:]},true\n", f"line 2: request_id='{ONE[1:]}': write the 32 hexadecimal"),
        (f"{HEADER}{ONE},1\n{ONE},0\n", f"line 3: request_id={ONE}: a line before has the other"),
        (f"{ONE},true\n", f"line 1: '{ONE},true': write the header request_id,outcome"),
        (HEADER, "no outcome is in it"),
        ("", "line 1: '': write the header"),
        ('{"request_id": 7, "outcome": true}', "line 1: request_id=7: write the 32 hexadecimal"),
        (f'{{"request_id": "{ONE}", "outcome": 1}}', "line 1: outcome=1: write true or false"),
        (f"{JSON_LINE}\n[]", r"line 2: [] is not a JSON object"),
        (f"{JSON_LINE}\n{{", "line 2: '{' is not a JSON object"),
        (HEADER + f"{ONE},maybe\n" * 5, "line 4: outcome='maybe': write true or false and 2 more"),
    ],
)
def test_a_line_at_fault_is_named_with_the_value_and_what_to_do(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "outcomes"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(OutcomesError, match=re.escape(said)):
        read_outcomes(path)


@pytest.mark.parametrize("content", [b"\xff\xfe", f'{HEADER}"'.encode() + b"x" * 200_000])
def test_what_cannot_be_read_at_all_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "outcomes"
    path.write_bytes(content)
    with pytest.raises(OutcomesError, match=r"^cannot read .*outcomes: [^\n]+$"):
        read_outcomes(path)
    with pytest.raises(OutcomesError, match=r"^cannot read .*absent"):
        read_outcomes(tmp_path / "absent")


def test_an_import_records_what_is_new_and_may_be_run_again(
    settings: Settings, tmp_path: Path
) -> None:
    first, second, third = recorded(settings, 3)
    path = csv_file(tmp_path, (first, "true"), (second, "false"))
    expected = {
        "source": str(path),
        "outcomes": 2,
        "new": 2,
        "known": 0,
        "unknown": [],
        "conflicting": [],
    }
    assert import_outcomes(settings, path, silent) == expected == report_of(settings)
    assert logged(settings) == {first: True, second: False, third: None}
    again = import_outcomes(settings, path, silent)
    assert (again["new"], again["known"]) == (0, 2)


def test_an_import_of_many_parts_goes_on_where_it_was_killed(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "PART", 10)
    path = csv_file(tmp_path, *[(one, "true") for one in recorded(settings, 35)])

    def die(line: str) -> None:
        if line.startswith("20 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_outcomes(settings, path, die)
    assert list(logged(settings).values()) == [True] * 20 + [None] * 15
    report = import_outcomes(settings, path, silent)
    assert (report["new"], report["known"]) == (15, 20)
    assert set(logged(settings).values()) == {True}


def test_ids_at_fault_are_all_listed_and_nothing_is_recorded(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "PART", 3)
    good, bad = recorded(settings, 2)
    import_outcomes(settings, csv_file(tmp_path, (bad, "true")), silent)
    absent = [new_id() for _ in range(5)]
    path = csv_file(tmp_path, (good, "true"), (bad, "0"), *[(one, "true") for one in absent])
    named = ", ".join(absent[:3])
    said = (
        rf"nothing was recorded: 5 request_id not in the log \({named} and 2 more\) and "
        rf"1 with another outcome recorded \({bad}\); reports/feedback.json lists them"
    )
    with pytest.raises(OutcomesError, match=said):
        import_outcomes(settings, path, silent)
    report = report_of(settings)
    assert (report["unknown"], report["conflicting"]) == (absent, [bad])
    assert logged(settings) == {good: None, bad: True}


def test_progress_is_told(settings: Settings, tmp_path: Path) -> None:
    lines: list[str] = []
    path = csv_file(tmp_path, *[(one, "true") for one in recorded(settings, PART + 1)])
    import_outcomes(settings, path, lines.append)
    assert lines == [
        "2,001 outcomes in outcomes.csv",
        "2,000 of them are in the log",
        "2,001 of them are in the log",
    ]


def test_a_log_that_cannot_be_opened_is_one_clear_line(tmp_path: Path) -> None:
    path = csv_file(tmp_path, (ONE, "true"))
    with pytest.raises(LogError, match="refuses"):
        import_outcomes(Settings(home=tmp_path / "absent"), path, silent)
