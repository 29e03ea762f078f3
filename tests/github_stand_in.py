"""GitHub's interface as far as the workflows use it, on loopback; it keeps what it was sent."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from stand_in import answering

TOKEN = "the-token-of-the-run"  # noqa: S105 - of nothing
REPOSITORY = "Some-Body/Late-Trains"

Answer = tuple[int, Any]
"""Status and body."""


@dataclass(frozen=True)
class Request:
    """What was asked of GitHub."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str
    body: Any


@dataclass
class GitHub:
    """A repository at GitHub: comments by number of a pull request, issues, releases."""

    address: str
    asked: list[Request] = field(default_factory=list)
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    releases: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By their number, with their files."""
    assets: dict[str, Any] = field(default_factory=dict)
    """Files of what was released, by name."""
    down_at: str = ""
    """A method and path that this repository fails at, once."""

    def variables(self, **more: str) -> dict[str, str]:
        """Return what a step finds in its environment."""
        return {"GITHUB_API_URL": self.address, "GITHUB_REPOSITORY": REPOSITORY} | more

    def sent(self, method: str, path: str) -> list[Any]:
        """Return the bodies of the requests to a path below the repository's."""
        return [
            request.body
            for request in self.asked
            if (request.method, request.path) == (method, f"/repos/{REPOSITORY}/{path}")
        ]

    def answer(self, request: Request) -> Answer:
        """Return status and body; what no workflow should ask for is not found."""
        if self.down_at and self.down_at in f"{request.method} {request.path}":
            self.down_at = ""
            return 502, {"message": "Bad Gateway"}
        for method, pattern, handle in (
            ("GET", r"issues/(\d+)/comments", self._list_comments),
            ("POST", r"issues/(\d+)/comments", self._add_comment),
            ("PATCH", r"issues/comments/(\d+)", self._change_comment),
            ("GET", r"(issues)", self._list_issues),
            ("POST", r"(issues)", self._add_issue),
            ("PATCH", r"issues/(\d+)", self._change_issue),
            ("GET", r"(releases)", self._list_releases),
            ("POST", r"(releases)", self._add_release),
            ("POST", r"releases/(\d+)/assets", self._add_asset),
            ("PATCH", r"releases/(\d+)", self._change_release),
            ("DELETE", r"releases/(\d+)", self._remove_release),
            ("GET", r"releases/tags/(.+)", self._get_release),
            ("GET", r"releases/assets/(.+)", lambda name, _: (200, self.assets[name])),
            ("POST", r"actions/workflows/([\w.]+)/dispatches", self._start),
        ):
            found = re.fullmatch(f"/repos/{REPOSITORY}/{pattern}", request.path)
            if found and method == request.method:
                return handle(found[1], request)
        return 404, {"message": "Not Found"}

    def _list_comments(self, number: str, request: Request) -> Answer:
        size, page = int(request.query["per_page"]), int(request.query["page"])
        return 200, self.comments.get(number, [])[size * (page - 1) : size * page]

    def _add_comment(self, number: str, request: Request) -> Answer:
        identity = 1 + sum(map(len, self.comments.values()))
        address = f"https://github.example/{number}#{identity}"
        new = request.body | {"id": identity, "html_url": address}
        self.comments.setdefault(number, []).append(new)
        return 201, new

    def _change_comment(self, identity: str, request: Request) -> Answer:
        every = [one for comments in self.comments.values() for one in comments]
        (one,) = (one for one in every if one["id"] == int(identity))
        one.update(request.body)
        return 200, one

    def _list_issues(self, _: str, request: Request) -> Answer:
        labels = set(request.query["labels"].split(","))
        return 200, [
            issue
            for issue in self.issues
            if labels <= set(issue["labels"]) and issue["state"] == request.query["state"]
        ]

    def _add_issue(self, _: str, request: Request) -> Answer:
        number = 1 + len(self.issues)
        self.issues.append({"labels": [], **request.body, "number": number, "state": "open"})
        return 201, self.issues[-1]

    def _change_issue(self, number: str, request: Request) -> Answer:
        self.issues[int(number) - 1].update(request.body)
        return 200, self.issues[int(number) - 1]

    def _list_releases(self, *_: object) -> Answer:
        return 200, list(self.releases.values())

    def _add_release(self, _: str, request: Request) -> Answer:
        if request.body["tag_name"] in [
            one["tag_name"] for one in self.releases.values() if not one["draft"]
        ]:
            return 422, {"message": "Validation Failed"}
        number = 1 + max(self.releases, default=0)
        address = f"{self.address}/repos/{REPOSITORY}/releases/{number}"
        places = {"url": address, "upload_url": f"{address}/assets{{?name,label}}"}
        self.releases[number] = {"draft": False} | request.body | places | {"assets": {}}
        return 201, self.releases[number]

    def _add_asset(self, number: str, request: Request) -> Answer:
        self.releases[int(number)]["assets"][request.query["name"]] = request.body
        return 201, {}

    def _change_release(self, number: str, request: Request) -> Answer:
        release = self.releases[int(number)]
        release.update(request.body)
        if not release["draft"]:
            self.assets = release["assets"]
        return 200, release

    def _remove_release(self, number: str, _: Request) -> Answer:
        del self.releases[int(number)]
        return 204, None

    def _get_release(self, tag: str, _: Request) -> Answer:
        address = f"{self.address}/repos/{REPOSITORY}/releases/assets"
        assets = [{"name": name, "url": f"{address}/{name}"} for name in self.assets]
        return 200, {"tag_name": tag, "assets": assets}

    def _start(self, *_: object) -> Answer:
        return 204, None


@contextlib.contextmanager
def github() -> Iterator[GitHub]:
    """Answer like GitHub's interface until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            content = self.rfile.read(int(self.headers["Content-Length"] or 0))
            request = Request(
                self.command,
                address.path,
                dict(parse_qsl(address.query)),
                self.headers["Authorization"] or "",
                json.loads(content or "null"),
            )
            hub.asked.append(request)
            allowed = request.authorization == f"Bearer {TOKEN}"
            status, body = hub.answer(request) if allowed else (403, {"message": "not accessible"})
            self.send_response(status)
            self.end_headers()
            if body is not None:
                self.wfile.write(json.dumps(body).encode())

        def do_POST(self) -> None:
            self.do_GET()

        def do_PATCH(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with answering(Handler) as port:
        hub = GitHub(f"http://127.0.0.1:{port}")
        yield hub
