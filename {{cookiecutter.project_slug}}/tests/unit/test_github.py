"""The comment on a pull request: written once, replaced from then on, whatever others write."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from flight_delay.github import (
    MARKER,
    PAGE,
    GitHubError,
    PullRequest,
    comment,
    of_environment,
)

from ..conftest import free_port  # noqa: TID252 - what the tests share

TOKEN = "of-the-run"  # noqa: S105 - of nothing
COMMENTS = "/repos/somebody/project/issues/7/comments"


@dataclass
class Comments:
    """The comments of a pull request at a server that answers as GitHub does."""

    api: str = ""
    texts: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    status: int = 200

    def answer(self, method: str, address: str, body: Any) -> Any:  # noqa: ANN401 - JSON
        """Do what was asked, and return what GitHub would."""
        self.asked.append(method)
        parts = urlsplit(address)
        if method == "GET":
            query = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
            first = query["per_page"] * (query["page"] - 1)
            shown = list(enumerate(self.texts))[first : first + query["per_page"]]
            return [{"id": number, "body": text} for number, text in shown]
        if method == "POST":
            assert parts.path == COMMENTS
            self.texts.append(body["body"])
            return {"html_url": f"{self.api}#{len(self.texts) - 1}"}
        number = int(parts.path.removeprefix("/repos/somebody/project/issues/comments/"))
        self.texts[number] = body["body"]
        return {"html_url": f"{self.api}#{number}"}

    @property
    def pull_request(self) -> PullRequest:
        """The pull request that they are about."""
        return PullRequest(self.api, "somebody/project", 7, TOKEN)


@pytest.fixture
def comments() -> Iterator[Comments]:
    """Serve comments on loopback."""
    kept = Comments()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            length = int(self.headers["Content-Length"] or 0)
            body = json.loads(self.rfile.read(length) or "null")
            answer = kept.answer(self.command, self.path, body)
            self.send_response(kept.status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_POST = do_PATCH = do_GET  # noqa: N815 - the names are the library's

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.api = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(server.shutdown)
            yield kept


def test_the_first_run_writes_and_the_next_ones_replace(comments: Comments) -> None:
    first = comment(comments.pull_request, "better\n")
    assert comments.texts == [f"{MARKER}\nbetter\n"]
    comments.texts.insert(0, "a word of somebody else")
    again = comment(comments.pull_request, "worse\n")
    assert comments.texts == ["a word of somebody else", f"{MARKER}\nworse\n"]
    assert (first, again) == (f"{comments.api}#0", f"{comments.api}#1")


@pytest.mark.parametrize("before", [PAGE - 1, PAGE, 2 * PAGE + 1])
def test_a_comment_is_found_behind_any_number_of_others(comments: Comments, before: int) -> None:
    comments.texts = [f"{number}, quoting {MARKER}" for number in range(before)]
    comment(comments.pull_request, "one")
    comment(comments.pull_request, "two")
    assert comments.texts[before:] == [f"{MARKER}\ntwo"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, r"answers 403 to GET .*`pull-requests: write`, and the run of a fork's"),
        (401, r"answers 401 to GET .*`pull-requests: write`"),
        (
            502,
            r"answers 502 to GET /repos/somebody/project/issues/7/comments\?per_page=100&page=1$",
        ),
    ],
)
def test_a_refusal_says_what_to_change(comments: Comments, status: int, said: str) -> None:
    comments.status = status
    with pytest.raises(GitHubError, match=said):
        comment(comments.pull_request, "one")
    assert comments.asked == ["GET"]


def test_a_server_that_is_not_there_is_named() -> None:
    nowhere = PullRequest(f"http://127.0.0.1:{free_port()}", "somebody/project", 7, TOKEN)
    with pytest.raises(GitHubError, match=r"GitHub at http://127\.0\.0\.1:\d+.* does not answer"):
        comment(nowhere, "one")


def environment(event: Path) -> dict[str, str]:
    """Return what a workflow finds in its environment."""
    return {
        "GITHUB_API_URL": "https://api.github.example",
        "GITHUB_REPOSITORY": "somebody/project",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_TOKEN": TOKEN,
    }


def test_the_pull_request_is_the_one_of_the_event(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"pull_request": {"number": 7}}', encoding="utf-8")
    found = of_environment(environment(event))
    assert found == PullRequest("https://api.github.example", "somebody/project", 7, TOKEN)


@pytest.mark.parametrize("content", ["{}", '{"pull_request": null}', "[]", "", None])
def test_an_event_without_a_pull_request_is_refused(content: str | None, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    if content is not None:
        event.write_text(content, encoding="utf-8")
    with pytest.raises(GitHubError, match="tells of no pull request"):
        of_environment(environment(event))


@pytest.mark.parametrize("name", environment(Path()))
def test_a_variable_that_is_absent_is_named(name: str, tmp_path: Path) -> None:
    given = environment(tmp_path) | {name: ""}
    with pytest.raises(GitHubError, match=f"^{name} is not set"):
        of_environment(given)
