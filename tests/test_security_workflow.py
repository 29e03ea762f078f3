"""The weekly search for what is known to be unsafe, as far as it can be made without advisories."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from actions import Runner, only, runs, uses, workflow
from answers import generate
from docker_engine import Engine
from shell import run

pytestmark = pytest.mark.slow

SECURITY = workflow("security.yml")
EXPORT = "Export what the lock file pins"
AUDIT = "Ask the advisory database"
BUILD = "Build"
SEARCH = "Look for keys and passwords in every file and every commit of a pull request"
BASE = "github.event.pull_request.base.sha"
# Why a step cannot be run here.
ELSEWHERE = {AUDIT: "the advisories of PyPI, which no mirror of packages has"}
ONLY_ON_GITHUB = {
    "actions/checkout",
    "astral-sh/setup-uv",
    "aquasecurity/trivy-action",  # fetches its database of vulnerabilities
    "github/codeql-action/analyze",
    "github/codeql-action/init",
}
GIT: dict[str, Any] = {
    f"GIT_{who}_{what}": "ann@example.com"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
# None opens anything: the first is the example of its maker's own documentation.
SECRETS = {
    "AWS Access Key": 'KEY = "AKIAIOSFODNN7EXAMPLE"',
    "GitHub Token": f'def ask(token="ghp_{"0123456789" * 3}abcdef"): ...',
    "Basic Auth Credentials": 'URL = "postgresql://app:Pw9-x@db.example.org/log"',
    "Private Key": f"{'-' * 5}BEGIN RSA PRIVATE KEY{'-' * 5}",
    "Base64 High Entropy String": 'KEY = "v3Zk1p9QmX7dRt5yUw2LbN8cGh4JfA6s"',
    "Hex High Entropy String": f'KEY = "{hashlib.sha256(b"").hexdigest()}"',
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new project whose owner has added every file, the lock file too."""
    project = generate(tmp_path_factory.mktemp("security"))
    run("uv lock && git init --quiet && git commit --quiet --allow-empty -m base", project, **GIT)
    run("git add --all && git commit --quiet -m 'Every file'", project, **GIT)
    return project


def test_every_command_is_run_here_but_those_that_are_named() -> None:
    every = [name for job in SECURITY["jobs"] for name in runs(SECURITY, job)]
    assert every == [EXPORT, AUDIT, BUILD, SEARCH]
    assert set(every) >= set(ELSEWHERE)
    assert uses(SECURITY) == ONLY_ON_GITHUB


def test_the_audit_is_given_every_package_of_the_lock_file_with_its_hash(
    repository: Path, tmp_path: Path
) -> None:
    runner = Runner(repository, tmp_path, elsewhere=ELSEWHERE)
    runner.passes(SECURITY, "dependencies")
    text = (tmp_path / "requirements.txt").read_text(encoding="utf-8")
    exported = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    locked = set(
        re.findall(r'^name = "(.+)"$', (repository / "uv.lock").read_text("utf-8"), re.MULTILINE)
    )
    assert exported == locked - {repository.name}
    assert text.count("--hash=sha256:") > len(exported) > 100
    (audit,) = (
        one for one in SECURITY["jobs"]["dependencies"]["steps"] if one.get("name") == AUDIT
    )
    assert "--strict" in audit["run"]
    options = re.findall(r"--[a-z-]+", audit["run"].partition("pip-audit")[2])
    known = run("uv run --only-group audit pip-audit --help", repository).stdout
    assert [option for option in options if option not in known] == []


@pytest.mark.parametrize(("target", "command"), [("service", "serve"), ("trainer", "schedule")])
def test_each_image_that_is_released_is_scanned(
    target: str, command: str, repository: Path, engine: Engine, tmp_path: Path
) -> None:
    targets = SECURITY["jobs"]["image"]["strategy"]["matrix"]["target"]
    assert targets == workflow("release.yml")["jobs"]["image"]["strategy"]["matrix"]["target"]
    scanned: list[str] = []

    def scan(given: dict[str, str]) -> dict[str, str]:
        found = engine.docker("inspect", "--format", "{{json .Config.Cmd}}", given["image-ref"])
        scanned.append(json.loads(found)[-1])
        assert given["exit-code"] == "1"
        return {}

    runner = Runner(repository, tmp_path, variables={**engine.variables})
    runner.known["matrix.target"] = target
    runner.actions["aquasecurity/trivy-action"] = scan
    content = without_fetching(SECURITY)
    runner.passes(content, "image")
    assert scanned == [command]


def without_fetching(content: dict[str, Any]) -> dict[str, Any]:
    """Return the workflow whose build takes the base that is here: no registry can be reached."""
    text = json.dumps({name: content[name] for name in ("defaults", "jobs")})
    assert text.count("build --pull ") == 1
    filled: dict[str, Any] = json.loads(text.replace("build --pull ", "build "))
    return filled


@pytest.mark.parametrize("base", ["", "HEAD~1"], ids=["weekly", "of a pull request"])
def test_a_new_project_holds_no_secret(base: str, repository: Path, tmp_path: Path) -> None:
    Runner(repository, tmp_path, known={BASE: base}).passes(SECURITY, "secrets")


def test_every_secret_is_found_by_its_form(repository: Path, tmp_path: Path) -> None:
    runner = Runner(repository, tmp_path, known={BASE: ""})
    leak(repository)
    runner.job(only(SECURITY, "secrets", SEARCH), "secrets")
    run("git rm --force --quiet leak.py", repository)
    assert runner.failed
    assert found_in(r"leak\.py", runner) == {*SECRETS}


def test_what_a_pull_request_adds_and_takes_away_again_is_found(
    repository: Path, tmp_path: Path
) -> None:
    runner = Runner(repository, tmp_path, known={BASE: "HEAD~2"})
    leak(repository)
    run("git commit --quiet -m leak && git rm --quiet leak.py", repository, **GIT)
    run("git commit --quiet -m 'No leak'", repository, **GIT)
    runner.job(only(SECURITY, "secrets", SEARCH), "secrets")
    run("git reset --quiet --hard HEAD~2", repository)
    assert runner.failed
    assert found_in(r".*/added\.txt", runner) == {*SECRETS}


def leak(repository: Path) -> None:
    """Add a file with every secret."""
    text = "".join(f"{line}\n" for line in SECRETS.values())
    (repository / "leak.py").write_text(text, encoding="utf-8")
    run("git add leak.py", repository)


def found_in(place: str, runner: Runner) -> set[str]:
    """Return which kinds of secrets were found in a file, each once in its line."""
    pattern = rf"Secret Type: (.+)\nLocation:    {place}:\d+\n"
    kinds = re.findall(pattern, runner.said[SEARCH].stdout)
    assert len(kinds) == len(set(kinds))
    return set(kinds)
