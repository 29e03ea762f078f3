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
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from actions import Runner, nothing, runs, uses, workflow
from answers import generate
from cluster_stand_in import REVISION, Cluster, cluster
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
    "Ask the cluster whether it would take them",
    "Note what runs now",
    "Apply",
    "Wait until every replica is the new one",
    "Smoke test",
    "Roll back",
]
WAIT = STEPS[6]
KEY = "a-key-of-a-caller"
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

    def deploy(self, digest: str, key: str = KEY, cancelled_at: str = "") -> Runner:
        """Deploy images of a digest to prod, on a machine that has seen no deployment before."""
        shutil.rmtree(self.project / "deploy/kubernetes/overlays/release", ignore_errors=True)
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
                "inputs.version": f"v{digest[0]}",
                "secrets.APP_API_KEY": key,
                "secrets.KUBE_CONFIG": json.dumps(config),
            },
            actions=dict.fromkeys(ONLY_ON_GITHUB - {"astral-sh/setup-uv"}, nothing),
            variables=self.hub.variables(
                HOME=str(self.scratch),
                PATH=f"{self.scratch}:{os.environ['PATH']}",
                UV_CACHE_DIR=run("uv cache dir", self.scratch).stdout.strip(),
            ),
            elsewhere=ELSEWHERE,
            cancelled_at=cancelled_at,
        )
        content = copy.deepcopy(DEPLOY)
        content["jobs"]["deploy"]["env"]["PORT"] = self.port
        runner.job(content, "deploy")
        return runner

    @property
    def images(self) -> list[str]:
        """The images that the Deployment and the CronJob have."""
        service: dict[str, Any] = self.cluster.of("deployments")["service"]["spec"]
        trainer: dict[str, Any] = self.cluster.of("cronjobs")["trainer"]["spec"]["jobTemplate"]
        pods = [service["template"]["spec"], trainer["spec"]["template"]["spec"]]
        return [str(pod["containers"][0]["image"]) for pod in pods]

    @property
    def revision(self) -> str:
        """The number of the Deployment's last rollout."""
        return str(self.cluster.of("deployments")["service"]["metadata"]["annotations"][REVISION])


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


def images(digest: str) -> list[str]:
    return [f"ghcr.io/o/p@sha256:{digest}", f"ghcr.io/o/p-trainer@sha256:{digest}"]


FIRST, SECOND = "a" * 64, "b" * 64


@pytest.mark.slow
def test_the_first_release_trains_a_champion_and_the_next_is_taken_back_by_its_smoke_test(
    place: Place,
) -> None:
    first = place.deploy(FIRST)
    assert not first.failed, first.fault
    assert list(first.said) == [step for step in STEPS[:-1] if step not in ELSEWHERE]
    assert place.images == images(FIRST)
    service = place.cluster.of("deployments")["service"]
    assert service["metadata"]["namespace"] == "flight-delay-prod"
    # No replica gets ready without a champion, and the registry may have none.
    (job,) = place.cluster.of("jobs").values()
    assert job["metadata"]["name"] == "first-turn"
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == images(FIRST)[1]
    assert "successfully rolled out" in first.said[WAIT].stdout
    assert f"http://127.0.0.1:{place.port} answers as it should" in first.said["Smoke test"].stdout
    tunnel = (place.scratch / "kubectl.log").read_text(encoding="utf-8")
    assert tunnel == f"port-forward service/service {place.port}:80\n"
    config = place.scratch / ".kube/config"
    assert config.stat().st_mode & 0o777 == 0o600
    assert "namespace: flight-delay-prod" in config.read_text(encoding="utf-8")

    # The next one does not know the key that callers have.
    second = place.deploy(SECOND, key="another key")
    assert second.failed
    assert "did not do what it should" in second.said["Smoke test"].stderr
    assert list(second.said)[-1] == "Roll back"
    assert second.passed("Roll back"), second.said["Roll back"].stderr
    assert place.images == images(FIRST)
    assert len(place.cluster.of("jobs")) == 1
    assert f"/repos/{REPOSITORY}/releases/tags/vb" in [one.path for one in place.hub.asked]

    # The one that runs already is deployed again: it goes on running, and no older one comes back.
    before = place.revision
    third = place.deploy(FIRST, key="another key")
    assert third.failed
    assert third.passed("Roll back")
    assert (place.images, place.revision) == (images(FIRST), before)


@pytest.mark.slow
def test_whatever_ends_a_deployment_early_brings_back_what_ran(place: Place) -> None:
    place.deploy(FIRST)

    place.cluster.never_ready = SECOND
    late = place.deploy(SECOND)
    assert "exceeded its progress deadline" in late.said[WAIT].stderr
    assert "Smoke test" not in late.said
    assert late.passed("Roll back")
    assert place.images == images(FIRST)

    place.cluster.never_ready = ""
    cancelled = place.deploy(SECOND, cancelled_at=WAIT)
    assert cancelled.passed("Apply")
    assert cancelled.passed("Roll back")
    assert place.images == images(FIRST)

    # Half of it was taken when the rest was refused.
    place.cluster.refused = "cronjobs"
    before = int(place.revision)
    half = place.deploy(SECOND)
    assert half.said["Apply"].returncode == 1
    assert half.passed("Roll back")
    assert place.images == images(FIRST)
    assert int(place.revision) > before


@pytest.mark.slow
def test_what_the_cluster_would_not_take_is_not_applied_by_half(place: Place) -> None:
    place.deploy(FIRST)
    before = place.revision
    place.cluster.lacking = "cronjobs"
    runner = place.deploy(SECOND)
    assert runner.failed
    assert list(runner.said)[-1] == STEPS[3]
    assert (place.images, place.revision) == (images(FIRST), before)


@pytest.mark.slow
def test_a_first_deployment_that_fails_has_nothing_to_go_back_to_and_says_so(place: Place) -> None:
    runner = place.deploy(FIRST, key="another key")
    assert runner.failed
    assert runner.said["Roll back"].stdout == "::warning::nothing ran before, so this stays\n"
    assert place.images == images(FIRST)
