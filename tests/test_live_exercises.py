"""The live exercises on a real service: unsolved, a plausible wrong answer, and solved."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx2
import pytest
from labs import PROJECT, Course, begun, learning
from monitoring_stack import wait_until
from shell import environment
from stand_in import answering

slow = pytest.mark.slow

ALERT = "live.alert_fires_and_clears"
ROLLBACK = "live.rollback_in_time"
P99 = "live.p99_budget"
BUDGET = "BUDGET = 5000"
SOON_SPENT = "BUDGET = 30"
ONE_BY_ONE = "http.client.HTTPConnection"
BATCH = '''"""A screen, in one request."""

import http.client
import json


def ask(port, flights):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = json.dumps({"instances": flights})
    connection.request("POST", "/v1/predict/batch", body, {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return [one["probability"] for one in answer["predictions"]]
'''
KEPT_OPEN = '''"""A screen, flight by flight over one connection."""

import http.client
import json

HEADERS = {"Content-Type": "application/json"}


def ask(port, flights):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    chances = []
    for flight in flights:
        connection.request("POST", "/v1/predict", json.dumps(flight), HEADERS)
        chances.append(json.loads(connection.getresponse().read())["probability"])
    connection.close()
    return chances
'''


# As somebody may do who tries the registry by hand; it names no bundle.
REGISTER = """
from flight_delay.settings import Settings
from flight_delay.tracking import NAME, client
client(Settings()).create_model_version(NAME, source="file:///by-hand")
"""


@pytest.fixture(scope="module")
def course(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """Return what a learner has."""
    with learning(project, tmp_path_factory.mktemp("live")) as course:
        yield course


@slow
def test_nothing_is_begun_without_a_service_or_without_prometheus(course: Course) -> None:
    for module in (ALERT, ROLLBACK):
        said = course.ask("begin", module)
        assert f"no service answers on port {course.port}" in said
        assert list(course.missing(module)) == ["begun"]
    course.tools["PATH"] = "/bin"
    try:
        if not Path("/bin/prometheus").exists():
            assert "apt-get install prometheus" in course.ask("begin", ALERT)
    finally:
        course.tools.clear()
    assert course.programs() == ""


@slow
def test_an_alert_has_to_fire_and_to_clear(course: Course) -> None:
    course.start()
    with begun(course, ALERT) as told:
        address = re.search(r"http://\S+/alerts", told)
        assert address is not None
        assert httpx2.get(address[0]).is_success
        assert "no alert fire" in course.missing(ALERT)["an alert fired"]
        assert course.ask("begin", ALERT) == told, "it goes on"
        course.stop()
        fired = course.until(ALERT, "an alert fired")
        assert "ServiceDown" in fired.said
        assert "fires on" in course.missing(ALERT)["and cleared"], "to fire is not enough"
        course.start()
        course.until(ALERT, "and cleared")
        assert course.missing(ALERT) == {}
    course.stop()


@slow
def test_a_bad_model_has_to_be_rolled_back_before_the_budget_is_spent(course: Course) -> None:
    course.start()
    course.command("train")
    course.command("status")  # which lets the registry's names follow
    course.command_line(shlex.join([str(course.python), "-c", REGISTER]))
    assert {("challenger", 1), ("champion", 1), (2, None)} < set(course.registered())
    course.replace("live/rollback_in_time.py", BUDGET, SOON_SPENT)
    with begun(course, ROLLBACK):
        course.until(ROLLBACK, "budget", passed=False)
        course.command("rollback")
        course.until(ROLLBACK, "rolled back")
        missing = course.missing(ROLLBACK)
        assert list(missing) == ["budget"]
        assert "too late: all 30 were spent" in missing["budget"]
    course.replace("live/rollback_in_time.py", SOON_SPENT, BUDGET)
    with begun(course, ROLLBACK):
        missing = course.missing(ROLLBACK)
        assert list(missing) == ["rolled back"]
        assert "promoted by force" in missing["rolled back"]
        course.command("rollback", "--reason", "forced past the gates")
        answers = course.until(ROLLBACK, "rolled back")
        assert "forced past the gates" in answers.said
        assert course.missing(ROLLBACK) == {}
    course.stop()


@slow
def test_p99_has_to_come_under_a_budget(course: Course) -> None:
    folder = course.root / "course/p99-budget"
    with begun(course, P99) as told:
        slow_screen = course.missing(P99)["p99 is within the budget"]
        assert re.search(r"p99 of a screen is .* ms, and .* 3 are allowed", slow_screen)
        screen = folder / "screen.py"
        assert ONE_BY_ONE in screen.read_text("utf-8")
        assert str(course.home.parent) not in (folder / "serve.sh").read_text("utf-8")

        screen.write_text(KEPT_OPEN, encoding="utf-8")
        assert list(course.missing(P99)) == ["p99 is within the budget"]
        screen.write_text(BATCH, encoding="utf-8")
        assert "the service says to a batch" in course.missing(P99)["a screen is answered"]
        made_up = BATCH.replace('one["probability"]', "0.5")
        screen.write_text(made_up, encoding="utf-8")

        serve = folder / "serve.sh"
        settings = serve.read_text("utf-8").splitlines()
        kept = [line for line in settings if "APP_MAX_INSTANCES" not in line]
        assert len(kept) == len(settings) - 1
        restart = re.search(r"To restart: (kill .*), then bash (.*) 2> (.*) &$", told, re.MULTILINE)
        assert restart, told
        assert (course.home / restart[2]).samefile(serve)
        assert (course.home / restart[3]).parent.samefile(folder)
        course.command_line(restart[1])
        wait_until(lambda: not course.lives(), "the service has stopped")
        assert course.ask("begin", P99) == told
        assert screen.read_text("utf-8") == made_up, "what was written stays"
        assert "start it with serve.sh" in course.missing(P99)["the service answers"]
        course.start()
        assert list(course.missing(P99)) == ["the answers are right"], "and not made up"
        screen.write_text(BATCH, encoding="utf-8")
        assert course.missing(P99) == {}
    course.stop()


def test_a_service_has_time_to_follow_a_champion_that_was_crowned_just_now(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/champion.json").write_text('{"version": "new"}', encoding="utf-8")
    answers = iter(["old", "old", "new", "new"])

    class Model(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"version": next(answers)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    ask = (
        "import sys; from pathlib import Path; from course.labs.service import require_service; "
        "print(require_service(Path(sys.argv[1])))"
    )
    with answering(Model) as port:
        assert _python(ask, str(tmp_path), COURSE_PORT=str(port)) == "new"


def test_every_duration_of_the_rules_is_a_sixtieth_and_nothing_else_is_changed() -> None:
    shipped = (PROJECT / "monitoring/rules.yml").read_text("utf-8")
    faster = _faster(shipped)
    assert "[5s]" in faster
    assert "[360s]" in faster
    assert "for: 2s" in faster
    bare = re.compile(r"(?<=\[)\w+(?=\])|(?<=for: )\w+")
    assert bare.sub("", faster) == bare.sub("", shipped)
    assert not set(bare.findall(shipped)) & {"5s", "2s", "360s"}
    assert _faster("scrape_interval: 15s") == "scrape_interval: 250ms"


def _faster(text: str) -> str:
    script = "import sys; from course.labs.prometheus import faster; print(faster(sys.argv[1]))"
    return _python(script, text)


def _python(script: str, *words: str, **variables: str) -> str:
    """Run a script that imports the course, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        env=environment(PYTHONPATH=str(PROJECT / "src"), **variables),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.removesuffix("\n")
