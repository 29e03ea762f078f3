"""What a lab finds: the cause once it is mended, a post-mortem that fits, and no traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from course_edition import course_module
from labs import INCIDENTS, module_of, on

FOLDER = course_module("labs.folder")
SERVICE = course_module("labs.service")
INCIDENT = course_module("labs.incident")
POSTMORTEM = course_module("labs.postmortem")
PROMETHEUS = course_module("labs.prometheus")
FINDINGS = course_module("findings")


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project, and keep labs beside it."""
    monkeypatch.setattr(FOLDER, "LABS", tmp_path / "labs")
    (tmp_path / "finished").mkdir()
    return tmp_path / "finished"


def test_what_had_decayed_is_mended_by_a_new_version_alone(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drift = module_of("drift")
    lab = on("drift", finished, mark={"champion": "b", "bundles": ["a", "b"]})
    for version, passed in (("b", False), ("a", False), (None, False), ("c", True)):
        monkeypatch.setattr(drift, "answering_version", lambda version=version: version)
        (found,) = drift.INCIDENT.mended(lab)
        assert found.passed is passed, found.said


@contextmanager
def watched(
    monkeypatch: pytest.MonkeyPatch, *, firing: bool = False, lives: bool = True
) -> Iterator[None]:
    """Let a Prometheus say of bad-deploy's alert what it would, or be gone."""

    def episodes(_: object) -> list[object]:
        if not lives:
            message = "does not answer"
            raise FOLDER.LabError(message)
        return [PROMETHEUS.Episode("ChampionRejected", 10.0, 20.0, firing)]

    with monkeypatch.context() as patch:
        patch.setattr(PROMETHEUS, "episodes", episodes)
        patch.setattr(PROMETHEUS, "lost_rows", lambda _: 0.0)
        yield


def test_the_cause_is_looked_at_once_the_alert_is_silent_and_silence_is_remembered(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned = SERVICE.Answer(200, {"warning": "model.onnx is not the file that was exported"})
    journal = {"answered": 1, "asked": 1, "lost": 0, "refused": 0, "again": 0, "failed": {}}
    monkeypatch.setattr(INCIDENT, "ask", lambda _: warned)
    monkeypatch.setattr(INCIDENT.traffic, "read", lambda _: journal | {"unreachable": 0})
    monkeypatch.setattr(INCIDENT, "logged", lambda *_: 0)
    cause = FINDINGS.Finding("a champion that answers", passed=True, said="so it does")
    lab = on("bad-deploy", finished)
    incident = INCIDENT.Incident(
        "bad-deploy", "ChampionRejected", (), causes="onnx", mended=lambda _: [cause]
    )

    def found() -> dict[str, Any]:
        return {one.name: one for one in incident.check(finished)}

    with watched(monkeypatch, lives=False), pytest.raises(FOLDER.LabError, match="not answer"):
        found()
    with watched(monkeypatch, firing=True):
        said = found()
    assert not said["cause"].passed
    assert "a champion that answers" not in said
    assert "onnx" not in said["service recovered"].said
    with watched(monkeypatch, lives=False), pytest.raises(FOLDER.LabError, match="not answer"):
        found()
    with watched(monkeypatch):
        assert found()["a champion that answers"].passed
    with watched(monkeypatch, lives=False):
        said = found()
    assert said["alert cleared"].passed
    assert said["a champion that answers"].passed
    assert lab.begun


@pytest.mark.parametrize(
    ("number", "answer", "problem"),
    [
        (5, "From now on we are more careful.", "to be careful is no change"),
        (5, "Everybody has to pay more attention here.", "to be careful is no change"),
        (5, "A test that carefully compares the hashes.", ""),
        (3, "The file of the model was cut short.", ""),
    ],
)
def test_a_post_mortem_names_a_cause_that_fits_and_a_change(
    number: int, answer: str, problem: str, finished: Path
) -> None:
    lab = on("bad-deploy", finished)
    causes = module_of("bad-deploy").INCIDENT.causes
    said = POSTMORTEM.problem(number, answer, lab, None, causes)
    assert problem in said
    assert bool(problem) == bool(said)


@pytest.mark.parametrize("name", INCIDENTS)
def test_a_cause_that_was_made_up_fits_no_incident(name: str, finished: Path) -> None:
    causes = module_of(name).INCIDENT.causes
    for answer in ("Nobody looked before it was done.", "We are told that it was bad luck, again."):
        said = POSTMORTEM.problem(3, answer, on(name, finished), None, causes)
        assert "does not fit what was found" in said


def test_a_prediction_log_that_cannot_be_read_is_told(finished: Path) -> None:
    with pytest.raises(FOLDER.LabError, match=r"predictions\.db of finished"):
        SERVICE.logged(finished, ["abc"])
    lab = on("data-feed", finished)
    (lab.folder / "owed.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FOLDER.LabError, match=r"predictions\.db of finished"):
        module_of("data-feed").INCIDENT.mended(lab)
    assert not (finished / "predictions.db").exists()
