"""`course doctor`: whose error it is, of an exercise and of something on a running service."""

import functools
import json
import re
import socket
from pathlib import Path

import pytest
from browsing import QuietHandler
from course_edition import Edition, described
from first_exercise import FILE, NAME, TEST_FILE, ship, write
from stand_in import answering

pytestmark = pytest.mark.slow


def test_the_list_has_the_incidents(edition: Edition) -> None:
    said = edition.course("list")
    for name in ("bad-deploy", "data-feed", "drift", "latency"):
        assert re.search(rf"open    {name} +course incident {name} --project FOLDER\n", said)


def test_the_doctor_looks_whether_something_live_is_on_and_then_for_a_service(
    edition: Edition, tmp_path: Path
) -> None:
    (tmp_path / "health").mkdir()
    (tmp_path / "health/live").write_text("{}", encoding="utf-8")
    service = functools.partial(QuietHandler, directory=str(tmp_path))
    said = edition.course("doctor", "drift", code=1)
    assert "failed  begun: drift was not begun, or is over" in said
    assert "service" not in said, "another lab may want the port to be free"
    for name in ("drift", "rollback-in-time"):
        state = edition.root / "course/labs" / name / "state.json"
        state.parent.mkdir(parents=True)
        state.write_text("{}", encoding="utf-8")
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = str(closed.getsockname()[1])
            said = edition.course("doctor", name, code=1, COURSE_PORT=port)
        assert f"passed  begun: {name} is on" in said
        assert f"failed  service: nothing answers on port {port}: start the service" in said
        assert "in the way of the check" in said
        with answering(service) as open_port:
            said = edition.course("doctor", name, COURSE_PORT=str(open_port))
        assert f"passed  service: answers on port {open_port}" in said
        assert "Nothing is in the way of the check" in said


def test_a_test_that_was_changed_is_noticed_and_not_used(edition: Edition) -> None:
    text = edition.text(TEST_FILE)
    (edition.root / TEST_FILE).write_text("def test_nothing() -> None:\n    pass\n")
    said = edition.course("check", NAME, code=1)
    assert f"{TEST_FILE} was changed; the check uses the tests as shipped" in said
    said = edition.course("doctor", NAME, code=1)
    assert f"failed  tests: {TEST_FILE} was changed" in said
    assert f"not as shipped, and no exercise asks for it: {TEST_FILE}" in said
    (edition.root / TEST_FILE).write_text(text)
    edition.course("doctor", NAME)


def test_doctor_tells_whose_error_it_is(edition: Edition) -> None:
    write(edition)
    said = edition.course("doctor", NAME)
    assert "passed  the check: it passes on the untouched project" in said
    assert "The course is in order" in said
    assert "the error is in what you wrote: unfinished_file in" in " ".join(said.split())

    (edition.root / FILE).write_text("def (:\n")
    assert "failed  your code: " in edition.course("doctor", NAME, code=1)

    edition.edit(f"course/whole/{FILE}.txt", "unfinished.replace(path)", "unfinished.touch()")
    edition.course("reset", NAME)
    said = edition.course("doctor", NAME, code=1)
    assert "failed  the check: it does not pass on the untouched project" in said
    assert f"no exercise asks for it: course/whole/{FILE}.txt" in said
    assert "what failed above explains it" in " ".join(said.split())
    ship(edition)
    assert "This is an error of the course and not yours" in edition.course("doctor", NAME, code=1)


def test_the_doctor_knows_that_a_test_which_is_asked_for_may_need_an_import(
    edition: Edition,
) -> None:
    shared = "tests/unit/test_features.py"
    edition.edit(shared, "import polars as pl\n", "import datetime\n\nimport polars as pl\n")
    asked = described()
    assert shared in asked["edges-of-the-window"]["remove"][0]
    assert shared in asked["count-only-what-was-known"]["tests"][0]
    said = edition.course("doctor", "count-only-what-was-known")
    assert "passed  tests: those of the exercise are as shipped" in said


def test_the_doctor_tries_the_faults_that_a_test_has_to_catch(edition: Edition) -> None:
    name = "edges-of-the-window"
    assert "The course is in order" in edition.course("doctor", name)
    file = edition.root / f"course/exercises/{name}.toml"
    harmless = file.read_text("utf-8").split("[[faults]]")[0]
    first_line = edition.text("course/whole/src/flight_delay/features.py.txt").splitlines()[0]
    fault = {"file": "src/flight_delay/features.py", "right": first_line, "wrong": "# nothing"}
    body = "".join(f"{key} = {json.dumps(value)}\n" for key, value in fault.items())
    file.write_text(f"{harmless}[[faults]]\n{body}", encoding="utf-8")
    ship(edition)
    said = edition.course("doctor", name, code=1)
    assert "a fault gets past your test" in said
    assert "This is an error of the course and not yours" in said
