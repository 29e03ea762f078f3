"""A release on its way to a cluster, and back when the smoke test fails.

kubectl, the manifests, the service and the smoke test are real. The cluster's interface is a server
of ours, and so is GitHub's. Only the tunnel of `kubectl port-forward` is not dug: the service is on
this machine already.
"""

import contextlib
import copy
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from actions import Runner, nothing, runs, uses, workflow
from answers import generate
from cluster_stand_in import Cluster, cluster
from github_stand_in import REPOSITORY, TOKEN, GitHub, github
from machine import require
from manifests import kubectl
from monitoring_stack import free_port, wait_until
from shell import environment, run

DEPLOY = workflow("deploy.yml")
VERIFY = "Verify that this repository's release workflow signed them"
# Why a step cannot be run here.
ELSEWHERE = {VERIFY: "Sigstore's record of signatures, and an image that was signed"}
ONLY_ON_GITHUB = {
    "actions/checkout",
    "astral-sh/setup-uv",
    "docker/login-action",
    "sigstore/cosign-installer",
}
STEPS = [
    "Take the digests of the release",
    VERIFY,
    "Write the manifests, with the digests",
    "Apply",
    "Wait until every replica is the new one",
    "Smoke test",
    "Roll back",
]
KEY = "a-key-of-a-caller"
ROLL_BACK = "failure() && steps.apply.conclusion == 'success'"
# Digs no tunnel, and says what it was asked for.
WRAPPER = """#!/bin/sh
case "$*" in
  *port-forward*) echo "$*" >> "$0.log"; exec sleep 600 ;;
  *) exec {kubectl} "$@" ;;
esac
"""


@dataclass
class Place:
    """A project, a port on which the service answers, and what it is released and deployed to."""

    project: Path
    scratch: Path
    port: int
    hub: GitHub
    cluster: Cluster

    def deploy(self, version: str, digest: str, key: str = KEY) -> Runner:
        """Deploy a version to prod; its images have this digest."""
        names = {"service": "ghcr.io/o/p", "trainer": "ghcr.io/o/p-trainer"}
        self.hub.assets["images.json"] = {
            which: f"{name}@sha256:{digest}" for which, name in names.items()
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": self.cluster.address}}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            "current-context": "c",
        }
        runner = Runner(
            self.project,
            self.scratch,
            known={
                "github.actor": "somebody",
                "github.token": TOKEN,
                "inputs.environment": "prod",
                "inputs.version": version,
                "secrets.APP_API_KEY": key,
                "secrets.KUBE_CONFIG": json.dumps(config),
            },
            conditions={ROLL_BACK: lambda: runner.passed("Apply")},
            actions=dict.fromkeys(ONLY_ON_GITHUB - {"astral-sh/setup-uv"}, nothing),
            variables=self.hub.variables(
                HOME=str(self.scratch),
                PATH=f"{self.scratch}:{os.environ['PATH']}",
                UV_CACHE_DIR=run("uv cache dir", self.scratch).stdout.strip(),
            ),
            elsewhere=ELSEWHERE,
        )
        content = copy.deepcopy(DEPLOY)
        content["jobs"]["deploy"]["env"]["PORT"] = self.port
        runner.job(content, "deploy")
        return runner

    @property
    def image(self) -> str:
        """The image that the Deployment has."""
        pod: dict[str, Any] = self.cluster.of("deployments")["service"]["spec"]["template"]["spec"]
        return str(pod["containers"][0]["image"])


def test_every_command_is_run_here_but_those_that_are_named() -> None:
    assert runs(DEPLOY, "deploy") == STEPS
    assert uses(DEPLOY) == ONLY_ON_GITHUB
    assert DEPLOY["jobs"]["deploy"]["environment"] == "${{ inputs.environment }}"


@contextlib.contextmanager
def service(project: Path, folder: Path) -> Iterator[int]:
    """Serve the champion of an installed project, in production, until the block ends."""
    port = free_port()
    variables = {
        "APP_ENV": "production",
        "APP_API_KEYS": hashlib.sha256(KEY.encode()).hexdigest(),
        "APP_LOG_URL": f"sqlite:///{folder / 'log.db'}",
    }
    command: list[Path | str] = [
        project / ".venv/bin/python",
        "-m",
        "flight_delay",
        "serve",
        "--port",
        str(port),
    ]
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=project, env=environment(**variables), stdout=log, stderr=log
        )
        try:
            wait_until(lambda: is_ready(port), "the service to get ready")
            yield port
        finally:
            process.terminate()
            process.wait(timeout=60)


def is_ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health/ready").is_success
    except httpx2.HTTPError:
        return False


@pytest.fixture
def place(project: Path, tmp_path: Path) -> Iterator[Place]:
    """Return a cluster without anything in it, and what deploys to it."""
    for program in ("jq", "curl"):
        require(program, f"apt-get install {program}")
    wrapper = tmp_path / "kubectl"
    wrapper.write_text(WRAPPER.format(kubectl=kubectl()), encoding="utf-8")
    wrapper.chmod(0o755)
    generated = generate(tmp_path, platforms="kubernetes")
    with service(project, tmp_path) as port, github() as hub, cluster() as api:
        yield Place(generated, tmp_path, port, hub, api)


@pytest.mark.slow
def test_a_release_is_deployed_and_one_that_fails_its_smoke_test_is_taken_back(
    place: Place,
) -> None:
    first = place.deploy("v0.1.0", "a" * 64)
    assert not first.failed, first.fault
    assert list(first.said) == [step for step in STEPS[:-1] if step not in ELSEWHERE]
    assert place.image == f"ghcr.io/o/p@sha256:{'a' * 64}"
    (trainer,) = place.cluster.of("cronjobs").values()
    pod = trainer["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == f"ghcr.io/o/p-trainer@sha256:{'a' * 64}"
    assert (
        place.cluster.of("deployments")["service"]["metadata"]["namespace"] == "flight-delay-prod"
    )
    assert "successfully rolled out" in first.said[STEPS[4]].stdout
    assert f"http://127.0.0.1:{place.port} answers as it should" in first.said["Smoke test"].stdout
    tunnel = (place.scratch / "kubectl.log").read_text(encoding="utf-8")
    assert tunnel == f"--namespace flight-delay-prod port-forward service/service {place.port}:80\n"
    assert (place.scratch / ".kube/config").stat().st_mode & 0o777 == 0o600

    # The next one does not know the key that callers have.
    forget(place.project)
    second = place.deploy("v0.2.0", "b" * 64, key="another key")
    assert second.failed
    assert "did not do what it should" in second.said["Smoke test"].stderr
    assert list(second.said)[-1] == "Roll back"
    assert "deployment.apps/service rolled back" in second.said["Roll back"].stdout
    assert place.image == f"ghcr.io/o/p@sha256:{'a' * 64}"
    assert f"/repos/{REPOSITORY}/releases/tags/v0.2.0" in [one.path for one in place.hub.asked]


def forget(project: Path) -> None:
    """Remove what a run left in the checkout, as another machine would not have it."""
    overlay = project / "deploy/kubernetes/overlays/release"
    (overlay / "kustomization.yaml").unlink()
    overlay.rmdir()


@pytest.mark.slow
def test_nothing_is_rolled_back_that_was_not_applied(place: Place) -> None:
    place.cluster.address = "http://127.0.0.1:9"
    runner = place.deploy("v0.1.0", "a" * 64)
    assert runner.failed
    assert list(runner.said)[-1] == "Apply"
