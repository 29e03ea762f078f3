"""One comment on a pull request, found again by its marker, so that the next push replaces it."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2

from flight_delay.errors import ProjectError

NAME = __name__.split(".")[0]
MARKER = f"<!-- {NAME}: the model of this change -->"
"""Begins the comment; the package's name keeps two projects in one repository apart."""
PAGE = 100
"""Comments in an answer, the most that GitHub gives."""
ANSWER_SECONDS = 20
FORBIDDEN = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class GitHubError(ProjectError):
    """GitHub does not answer or refuses, or this is no run of a workflow."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request, and the right to comment on it."""

    api: str
    repository: str
    number: int
    token: str


def of_environment(environment: Mapping[str, str]) -> PullRequest:
    """Return the pull request for which a workflow runs, as GitHub describes it to each step.

    Raises:
        GitHubError: naming the variable that is absent, or when it is no pull request's run.
    """
    names = ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH", "GITHUB_TOKEN")
    for name in names:
        if not environment.get(name):
            message = f"{name} is not set: this verb is for a workflow of GitHub Actions"
            raise GitHubError(message)
    api, repository, event, token = (environment[name] for name in names)
    try:
        number: int = json.loads(Path(event).read_bytes())["pull_request"]["number"]
    except (OSError, ValueError, KeyError, TypeError):
        message = f"{event} tells of no pull request: run the workflow on `pull_request`"
        raise GitHubError(message) from None
    return PullRequest(api, repository, number, token)


def comment(pull_request: PullRequest, text: str) -> str:
    """Write a comment, or replace the one that was written before; return its address.

    Raises:
        GitHubError: when GitHub does not answer or refuses.
    """
    body = {"body": f"{MARKER}\n{text}"}
    issues = f"/repos/{pull_request.repository}/issues"
    with _client(pull_request) as client:
        comments = f"{issues}/{pull_request.number}/comments"
        for one in _comments(client, comments):
            if str(one["body"]).startswith(MARKER):
                changed = _ask(client, "PATCH", f"{issues}/comments/{one['id']}", body)
                return str(changed["html_url"])
        return str(_ask(client, "POST", comments, body)["html_url"])


def _comments(client: httpx2.Client, path: str) -> Iterator[dict[str, Any]]:
    """Yield every comment, page after page."""
    for number in itertools.count(1):
        found: list[dict[str, Any]] = _ask(client, "GET", f"{path}?per_page={PAGE}&page={number}")
        yield from found
        if len(found) < PAGE:
            return


def _client(pull_request: PullRequest) -> httpx2.Client:
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {pull_request.token}",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    return httpx2.Client(base_url=pull_request.api, headers=headers, timeout=ANSWER_SECONDS)


def _ask(client: httpx2.Client, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    try:
        answer = client.request(method, path, json=body)
        if answer.is_success:
            return answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        message = f"GitHub at {client.base_url} does not answer: {error}"
        raise GitHubError(message) from None
    hint = (
        ": the job needs `pull-requests: write`, and the run of a fork's pull request never has it"
        if answer.status_code in FORBIDDEN
        else ""
    )
    message = f"GitHub answers {answer.status_code} to {method} {path}{hint}"
    raise GitHubError(message)
