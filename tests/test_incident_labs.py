"""The incidents on a real service: unsolved, a plausible wrong answer, and solved.

Each is mended with the commands of the project, as its learner would do it.
"""

import contextlib
import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from labs import LABS, Course, begun, learning
from monitoring_stack import wait_until

pytestmark = pytest.mark.slow

BAD_DEPLOY, LATENCY = "incidents.bad_deploy", "incidents.latency"
DRIFT, DATA_FEED = "incidents.drift", "incidents.data_feed"
ALERTS = {
    BAD_DEPLOY: "ChampionRejected",
    LATENCY: "HighLatency",
    DRIFT: "LiveQualityBreached",
    DATA_FEED: "OutcomesMissing",
}
CAUSE = {
    BAD_DEPLOY: "a champion that answers",
    LATENCY: "the cause is gone",
    DRIFT: "a model that knows these weeks",
    DATA_FEED: "outcomes sent again",
}
FOUND = {
    BAD_DEPLOY: "The file of the new model was cut short on its way.",
    LATENCY: "Some callers send their bodies over a slow line.",
    DRIFT: "The model knows the winter alone, and nobody trained another.",
    DATA_FEED: "The ids were in capitals, and some of another service.",
}


@pytest.fixture(scope="module")
def course(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """Return what a learner has, with the service running."""
    with learning(project, tmp_path_factory.mktemp("incidents")) as course:
        course.start()
        yield course


def noticed(course: Course, module: str, told: str) -> None:
    """Wait for the alert; the learner is told nothing of it or of the cause before."""
    assert ALERTS[module] not in told
    fired = course.until(module, "alert fired")
    assert ALERTS[module] in fired.said
    missing = course.missing(module)
    assert "fires since" in missing["alert cleared"]
    assert "after the alert has cleared" in missing["cause"]
    assert CAUSE[module] not in missing
    assert "none is answered" in missing["post-mortem"]


def written_down(course: Course, module: str) -> None:
    """Write the post-mortem, after it was not enough to have mended it."""
    for mended in ("alert cleared", "service recovered", CAUSE[module]):
        course.until(module, mended)
    assert list(course.missing(module)) == ["post-mortem"]
    name = module.removeprefix("incidents.").replace("_", "-")
    path = course.root / "course/postmortems" / f"{name}.md"
    questions = [line for line in path.read_text("utf-8").splitlines() if line.startswith("## ")]
    now = time.strftime("%H:%M", time.gmtime())
    answers = [
        f"Until {now} callers were answered from a wrong place.",
        f"{ALERTS[module]} fired, and we were told.",
        "Nobody looked before it was done.",
        "It was mended by a command, some time later.",
        "We look first, every time, and a test does so too.",
    ]
    path.write_text(_document(questions, answers), encoding="utf-8")
    said = course.missing(module)["post-mortem"]
    cause, _, rest = said.partition("; ")
    assert cause == "question 3: the cause that it names does not fit what was found"
    assert rest.startswith("question 4: names no time of day")
    assert "question" not in rest[len("question 4") :]
    answers[2] = FOUND[module]
    answers[3] = f"It was mended by a command at {now}."
    promised = [*answers[:4], "From now on we are more careful."]
    path.write_text(_document(questions, promised), encoding="utf-8")
    said = course.missing(module)["post-mortem"]
    assert said.startswith("question 5: to be careful is no change")
    path.write_text(_document(questions, answers), encoding="utf-8")
    assert course.missing(module) == {}


def _document(questions: list[str], answers: list[str]) -> str:
    return "\n\n".join(part for pair in zip(questions, answers, strict=True) for part in pair)


def test_a_bad_deployment_is_rolled_back_and_not_restarted(course: Course) -> None:
    with begun(course, BAD_DEPLOY) as told:
        noticed(course, BAD_DEPLOY, told)
        course.stop()
        course.start()  # what anybody would try first makes an outage of it
        course.command("rollback")
        course.until(BAD_DEPLOY, "service recovered")
        assert "x 503" in course.missing(BAD_DEPLOY)["no request lost"]
    with begun(course, BAD_DEPLOY) as told:
        noticed(course, BAD_DEPLOY, told)
        course.command("rollback")
        written_down(course, BAD_DEPLOY)


def test_slow_callers_are_bounded_by_a_setting(course: Course) -> None:
    with begun(course, LATENCY) as told:
        noticed(course, LATENCY, told)
        course.stop()
        course.start()
        assert {"cause", CAUSE[LATENCY]} & {*course.missing(LATENCY)}, "a restart mends nothing"
        course.stop()
        course.start(APP_REQUEST_SECONDS="1")
        written_down(course, LATENCY)


def test_a_service_that_is_killed_loses_what_it_had_not_written(course: Course) -> None:
    course.stop()
    course.start(APP_LOG_FLUSH_SECONDS="5")
    with begun(course, LATENCY):
        time.sleep(6)
        course.stop(by_force=True)
        course.start(APP_REQUEST_SECONDS="1")
        said = course.missing(LATENCY)["nothing dropped"]
        assert "are not in the prediction log: a service that is killed" in said
    course.stop()
    course.start()


def test_what_has_decayed_is_retrained_and_not_silenced(course: Course) -> None:
    with begun(course, DRIFT) as told:
        noticed(course, DRIFT, told)
        course.command("monitor", APP_MAX_LIVE_BIAS="0.5")
        course.until(DRIFT, "alert cleared")
        missing = course.missing(DRIFT)
        assert "still answers, as it did" in missing[CAUSE[DRIFT]]
        assert course.ask("begin", DRIFT) == told, "it goes on"
        course.command("retrain")
        made = course.written()["bundles"]
        assert course.ask("begin", DRIFT) == told
        assert course.written()["bundles"] == made, "nothing is taken back"
        course.command("monitor")
        course.until(DRIFT, CAUSE[DRIFT])
        written_down(course, DRIFT)


def asked_last_week(course: Course, times: int) -> None:
    """Let the learner's log hold rows of his own without an outcome, as after a few lessons."""
    columns = "model_version, probability, prediction, features"
    again = (  # the names of columns, no more
        f"INSERT INTO predictions (request_id, asked_at, day, {columns}) "  # noqa: S608
        f"SELECT lower(hex(randomblob(16))), asked_at, date('now', '-6 days'), {columns} "
        "FROM predictions WHERE day = date('now') LIMIT 4"
    )
    with contextlib.closing(sqlite3.connect(course.home / "predictions.db")) as log:
        for _ in range(times):
            log.execute(again)
        log.commit()


def test_a_feed_that_is_refused_is_mended_and_sent_again(course: Course) -> None:
    asked_last_week(course, 300)
    with begun(course, DATA_FEED) as told:
        noticed(course, DATA_FEED, told)
        feed = course.home / "feed"
        log = feed / "feed.log"
        wait_until(lambda: log.exists() and "422" in log.read_text("utf-8"), "a refusal is logged")
        course.command("feedback", "feed/outcomes.csv", code=1)
        lower = feed / "lower.csv"
        lower.write_text((feed / "outcomes.csv").read_text("utf-8").lower(), encoding="utf-8")
        course.command("feedback", "feed/lower.csv", code=1)
        report = json.loads((course.home / "reports/feedback.json").read_text("utf-8"))
        lines = lower.read_text("utf-8").splitlines()
        ours = [line for line in lines if line.split(",")[0] not in report["unknown"]]
        assert len(ours) == len(lines) - 25

        most = feed / "most.csv"  # so many that the alert falls silent
        most.write_text("\n".join(ours[:-20]) + "\n", encoding="utf-8")
        course.command("feedback", "feed/most.csv")
        course.command("monitor")
        course.until(DATA_FEED, "alert cleared")
        assert course.missing(DATA_FEED)[CAUSE[DATA_FEED]].startswith("20 of the feed's")
        (feed / "outcomes.csv").write_text("\n".join(ours) + "\n", encoding="utf-8")
        course.until(DATA_FEED, CAUSE[DATA_FEED])
        written_down(course, DATA_FEED)


def test_ctrl_c_while_it_begins_leaves_nothing_behind(course: Course) -> None:
    before = course.written()
    process = course.asking("begin", DATA_FEED)
    wait_until(lambda: "prometheus" in course.programs(), "it has begun something")
    os.killpg(process.pid, signal.SIGINT)
    code = process.wait(60)
    left = course.written(), course.programs(), (course.root / LABS).exists()
    course.ask("end", DATA_FEED)  # for the tests that follow, if this one fails
    assert (code, *left) == (-signal.SIGINT, before, "", False)


def test_only_one_is_on_at_a_time(course: Course) -> None:
    with begun(course, LATENCY):
        assert "latency is still on: `course incident latency end` ends it" in course.ask(
            "begin", BAD_DEPLOY
        )
