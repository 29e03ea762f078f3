"""How the log's database is named, and how its errors are told."""

from pathlib import Path

import pytest

from flight_delay.database import LogError
from flight_delay.prediction_log import PredictionLog, open_log, unopened_log
from flight_delay.settings import Settings

from ..logs import entries, rows  # noqa: TID252 - what the tests share


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("predictions.db", "APP_LOG_URL cannot be read: "),
        ("mysql://user@host/name", "APP_LOG_URL names mysql, and the log can be kept in SQLite"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(url: str, said: str) -> None:
    with pytest.raises(LogError, match=f"^{said}"):
        PredictionLog(url)


@pytest.mark.parametrize("name", ["plain", "é #1 100%20 ?x=y", "a:b@c"])
def test_the_log_is_in_the_folder_of_the_project_whatever_its_name(
    tmp_path: Path, name: str
) -> None:
    settings = Settings(home=tmp_path / name)
    settings.home.mkdir()
    log = open_log(settings)
    log.record(entries(1))
    assert len(rows(log)) == 1
    log.close()
    assert (settings.home / "predictions.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    unopened_log(Settings(home=tmp_path / "absent")).close()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LogError, match=r"absent/predictions\.db.* refuses: unable to open"):
        open_log(Settings(home=tmp_path / "absent"))


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "predictions.db").write_text("these are not rows" * 100, encoding="utf-8")
    with pytest.raises(LogError, match=r"predictions\.db.* refuses: file is not a database"):
        open_log(Settings(home=tmp_path))


def test_no_password_is_told() -> None:
    log = PredictionLog("postgresql://user:secret@127.0.0.1:1/name")
    with pytest.raises(LogError, match=r"user:\*\*\*@127\.0\.0\.1:1/name") as caught:
        log.create()
    assert "secret" not in str(caught.value)
    log.close()


def test_what_was_committed_survives_a_power_cut(tmp_path: Path) -> None:
    log = open_log(Settings(home=tmp_path))
    with log.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        }
    log.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}
