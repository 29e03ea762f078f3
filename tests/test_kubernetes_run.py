"""The pods for real, from an empty registry to a prediction: podman runs what Kubernetes would.

The image is what the project builds, the overlay is one over `dev` that says where this machine's
registry and database are, MLflow and PostgreSQL are real. Services, autoscaling and network
policies need a cluster and are only validated.
"""

import contextlib
import copy
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from answers import generate
from container import build
from docker_engine import Engine
from manifests import Resource, container, of_kind, pods, rendered, resources
from mlflow_server import mlflow
from monitoring_stack import free_port
from podman import Podman, podman
from replicas import LOGGED, postgresql, python

pytestmark = pytest.mark.slow

KEY = "a key of the tests"
SERVICE = "service-pod-0-service"
TRAINER = "trainer-trainer"
TRAINING_SECONDS = 300
HERE = """
resources: [../dev]
configMapGenerator:
  - name: settings
    namespace: flight-delay-dev
    behavior: merge
    literals: ["MLFLOW_TRACKING_URI={registry}"]
"""


@dataclass(frozen=True)
class Node:
    """A node, what is to run on it, and where that answers."""

    podman: Podman
    manifests: list[Resource]
    client: httpx2.Client
    project: Path
    log_url: str

    def probe(self, name: str) -> bool:
        """Ask as the kubelet would, again and again, until a probe succeeds or fails for good."""
        probe = container(dict(pods(self.manifests))["Deployment"])[f"{name}Probe"]
        for _ in range(probe["failureThreshold"]):
            with contextlib.suppress(httpx2.TransportError):
                asked = probe["httpGet"]["path"]
                if self.client.get(asked, timeout=probe["timeoutSeconds"]).is_success:
                    return True
            time.sleep(probe["periodSeconds"])
        return False

    def deployment(self) -> Resource:
        """Return the Deployment, to listen on this machine alone."""
        made = copy.deepcopy(of_kind("Deployment", self.manifests))
        spec = self._local("service", made["spec"]["template"]["spec"])
        address = {"APP_HOST": "127.0.0.1", "APP_PORT": str(self.client.base_url.port)}
        spec["containers"][0]["env"] += [
            {"name": name, "value": value} for name, value in address.items()
        ]
        return made

    def trainer(self) -> Resource:
        """Return the pod of the CronJob."""
        spec = copy.deepcopy(dict(pods(self.manifests))["CronJob"]["spec"])
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "trainer"}}
        return pod | {"spec": self._local("trainer", spec)}

    def _local(self, owner: str, spec: Resource) -> Resource:
        """Give a pod this machine's loopback and the socket of its database."""
        socket = self.log_url.partition("host=")[2]
        (one,) = spec["containers"]
        for not_known in ("ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle"):
            one.pop(not_known, None)
        # Podman would give volumes of one name to both pods, and the champion with them.
        for volume in (*spec["volumes"], *one["volumeMounts"]):
            volume["name"] = f"{owner}-{volume['name']}"
        one["volumeMounts"].append({"name": "socket", "mountPath": socket})
        spec["volumes"].append({"name": "socket", "hostPath": {"path": socket}})
        spec["hostNetwork"] = True
        return spec

    def logged(self) -> set[str]:
        """Return the ids of the rows in the prediction log."""
        settings = {"APP_LOG_URL": self.log_url}
        return {name for name, _ in json.loads(python(self.project, settings, "-c", LOGGED))}


@pytest.fixture(scope="module")
def node(project: Path, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Return a node with the images, beside a registry and a database that are empty."""
    folder = tmp_path_factory.mktemp("node")
    port = free_port()
    overlays = generate(folder, platforms="kubernetes") / "deploy/kubernetes/overlays"
    with contextlib.ExitStack() as stack:
        worker = stack.enter_context(podman())
        for stage in ("service", "trainer"):
            image = build(project, engine, f"uv run flight-delay image --stage {stage}")
            worker.take(engine, image.name)
        registry = stack.enter_context(mlflow(project, folder))
        log_url = stack.enter_context(postgresql(project))
        Path(log_url.partition("host=")[2]).chmod(0o755)
        (overlays / "here").mkdir()
        overlay = HERE.format(registry=registry)
        (overlays / "here/kustomization.yaml").write_text(overlay, encoding="utf-8")
        worker.secret(
            "service",
            {"APP_API_KEYS": hashlib.sha256(KEY.encode()).hexdigest(), "APP_LOG_URL": log_url},
        )
        client = stack.enter_context(
            httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        )
        made = resources(rendered(overlays / "here"))
        yield Node(worker, made, client, project, log_url)


@pytest.fixture(scope="module")
def alive(node: Node) -> Iterator[Node]:
    """Start the Deployment; the registry has no champion yet."""
    settings = of_kind("ConfigMap", node.manifests)
    with node.podman.playing(node.deployment(), settings):
        yield node


def example(node: Node) -> dict[str, Any]:
    """Return a row, as the service's own page shows it."""
    page = node.client.get("/openapi.json").json()
    row: dict[str, Any] = page["components"]["schemas"]["Instance"]["examples"][0]
    return row


def ask(node: Node) -> httpx2.Response:
    return node.client.post("/v1/predict", json=example(node), headers={"X-API-Key": KEY})


def test_a_replica_lives_and_is_not_ready_while_the_registry_has_no_champion(alive: Node) -> None:
    assert alive.probe("startup"), alive.podman.logs(SERVICE)
    assert alive.probe("liveness")
    assert not alive.probe("readiness")
    assert "champion" in alive.client.get("/health/ready").json()["detail"]


def test_it_has_no_rights_and_writes_where_it_may(alive: Node) -> None:
    top = alive.podman.run("top", SERVICE, "user", "capeff", "capbnd", "seccomp").stdout
    assert [line.split() for line in top.splitlines()[1:]] == [["10001", "none", "none", "filter"]]
    known = alive.podman.inspect(SERVICE)
    assert known["HostConfig"]["ReadonlyRootfs"] is True
    assert "no-new-privileges" in known["HostConfig"]["SecurityOpt"]
    assert known["HostConfig"]["Memory"] == 512 * 2**20
    write = "import pathlib, sys; pathlib.Path(sys.argv[1], 'file').touch()"
    for folder, code in (("/state", 0), ("/tmp", 0), ("/", 1), ("/app", 1)):  # noqa: S108
        alive.podman.run("exec", SERVICE, "python", "-c", write, folder, code=code)


def test_the_trainers_first_turn_makes_the_champion_that_the_replica_takes(alive: Node) -> None:
    settings = of_kind("ConfigMap", alive.manifests)
    with alive.podman.playing(alive.trainer(), settings):
        ended = alive.podman.run("wait", TRAINER, seconds=TRAINING_SECONDS).stdout
        said = alive.podman.logs(TRAINER)
    assert ended.split() == ["0"], said
    assert alive.probe("readiness"), alive.podman.logs(SERVICE)
    assert alive.client.post("/v1/predict", json=example(alive)).status_code == 401
    answer = ask(alive).raise_for_status().json()
    assert 0 < answer["probability"] < 1
    assert answer["model_version"] in said


def test_a_replica_that_is_stopped_loses_no_row_that_it_answered(alive: Node) -> None:
    """Requests go on until it lets go of its port; each answer has to be in the log afterwards."""
    spec = dict(pods(alive.manifests))["Deployment"]["spec"]
    stopping = threading.Timer(
        1,
        alive.podman.run,
        ("stop", "--time", str(spec["terminationGracePeriodSeconds"]), SERVICE),
    )
    stopping.start()
    answered = []
    with contextlib.suppress(httpx2.TransportError):
        while True:
            answered.append(ask(alive).raise_for_status().json()["request_id"])
    stopping.join()
    assert alive.podman.inspect(SERVICE)["State"]["ExitCode"] == 0
    assert len(answered) > 10
    assert set(answered) <= alive.logged()
