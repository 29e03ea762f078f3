"""The manifests are valid, hardened, and about the service that is really there."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from answers import TEMPLATE, generate
from machine import require
from manifests import DATE, OVERLAYS, Resource, container, of_kind, pods, rendered, resources
from shell import environment, run

slow = pytest.mark.slow

VALIDATOR = "kubernetes-validate==1.37.0"
KUBERNETES = ("1.31", "1.37")
"""The oldest that docs/kubernetes.md names, and the newest that the validator knows."""
CHECKOV = "checkov==3.3.30"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
BENCHMARKS = TEMPLATE / "benchmarks" / "results.json"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(
        tmp_path_factory.mktemp("kubernetes"), platforms="kubernetes", github_username="Ann-Author"
    )


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest, project: Path) -> Path:
    return project / "deploy" / "kubernetes" / "overlays" / str(request.param)


@pytest.fixture(scope="module")
def manifests(overlay: Path) -> list[Resource]:
    return resources(rendered(overlay))


def source(project: Path, name: str) -> str:
    """Return the text of a module of the service."""
    return (project / "src" / "flight_delay" / name).read_text("utf-8")


def constant(project: Path, name: str, module: str) -> int:
    found = re.search(rf"^{name} = (\d+)$", source(project, module), re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_every_resource_is_named_in_the_environments_namespace(
    manifests: list[Resource], overlay: Path
) -> None:
    namespace = f"flight-delay-{overlay.name}"
    spaced = [one for one in manifests if one["kind"] != "Namespace"]
    assert {one["metadata"]["namespace"] for one in spaced} == {namespace}
    made = of_kind("Namespace", manifests)["metadata"]
    assert made["name"] == namespace
    labels = {name.rpartition("/")[2]: value for name, value in made["labels"].items()}
    assert labels["enforce"] == labels["warn"] == labels["audit"] == "restricted"


def test_the_overlays_are_one_base_with_little_that_differs(project: Path) -> None:
    folders = [project / "deploy/kubernetes/overlays" / name for name in OVERLAYS]
    dev, prod = ({one["kind"] for one in resources(rendered(folder))} for folder in folders)
    assert prod - dev == {"ServiceMonitor", "PrometheusRule"}
    assert dev - prod == set()
    images = [
        container(pod)["image"]
        for folder in folders
        for _, pod in pods(resources(rendered(folder)))
    ]
    registry = "ghcr.io/ann-author/flight-delay"
    assert [image.rpartition(":")[0] for image in images] == [
        "flight-delay",
        "flight-delay-trainer",
        registry,
        f"{registry}-trainer",
    ]


def test_the_images_are_those_that_a_release_of_this_version_pushes(project: Path) -> None:
    version = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    prod = resources(rendered(project / "deploy/kubernetes/overlays/prod"))
    assert {container(pod)["image"].rpartition(":")[2] for _, pod in pods(prod)} == {version}


def test_every_container_is_hardened(manifests: list[Resource]) -> None:
    found = dict(pods(manifests))
    assert set(found) == {"Deployment", "CronJob"}
    for pod in found.values():
        spec, one = pod["spec"], container(pod)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is False
        assert set(one["resources"]["requests"]) == set(one["resources"]["limits"])
        assert all("sizeLimit" in volume["emptyDir"] for volume in spec["volumes"])
        mounted = {mount["name"]: mount["mountPath"] for mount in one["volumeMounts"]}
        assert mounted == {"state": "/state", "tmp": "/tmp"}  # noqa: S108 - in the container
        assert set(mounted) == {volume["name"] for volume in spec["volumes"]}
    accounts = [one for one in manifests if one["kind"] == "ServiceAccount"]
    assert {one["metadata"]["name"] for one in accounts} == {
        pod["spec"]["serviceAccountName"] for pod in found.values()
    }
    assert all(one["automountServiceAccountToken"] is False for one in accounts)


def test_user_port_and_folder_are_those_of_the_image(
    manifests: list[Resource], project: Path
) -> None:
    dockerfile = (project / "Dockerfile").read_text("utf-8")
    assert re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)
    assert set(re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)) == {"10001:10001"}
    assert "APP_HOME=/state" in dockerfile
    assert "APP_ENV=production" in dockerfile
    (port,) = re.findall(r"^EXPOSE (\d+)$", dockerfile, re.MULTILINE)
    (declared,) = container(dict(pods(manifests))["Deployment"])["ports"]
    assert declared == {"name": "http", "containerPort": int(port)}
    assert f"port: int = Field(default={port}," in source(project, "settings.py")


def test_every_variable_is_a_setting_and_secrets_are_only_referred_to(
    manifests: list[Resource], project: Path
) -> None:
    settings = of_kind("ConfigMap", manifests)
    text = source(project, "settings.py")
    given: dict[str, Any] = dict.fromkeys(settings["data"])
    for _, pod in pods(manifests):
        one = container(pod)
        assert one["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
        given |= {variable["name"]: variable for variable in one["env"]}
    for name in given:
        field = name.removeprefix("APP_").lower()
        assert re.search(rf'"{name}"|^    {field}: ', text, re.MULTILINE), name
    secret = {
        name: variable["valueFrom"]["secretKeyRef"].get("optional", False)
        for name, variable in given.items()
        if "valueFrom" in (variable or {})
    }
    # The registry's address is in the settings too, for the one without a password.
    assert secret == {"APP_API_KEYS": False, "APP_LOG_URL": False, "MLFLOW_TRACKING_URI": True}
    assert "MLFLOW_TRACKING_URI" in settings["data"]
    page = (project / "docs" / "kubernetes.md").read_text("utf-8")
    needed = [name for name, optional in secret.items() if not optional]
    assert all(f"\n{name}=" in page for name in needed)
    assert not [one for one in manifests if one["kind"] == "Secret"]


def test_probes_ask_routes_that_the_service_has(manifests: list[Resource], project: Path) -> None:
    one = container(dict(pods(manifests))["Deployment"])
    routes = re.findall(r'router\.get\(\s*"(/\S+)"', source(project, "service/routes.py"))
    paths = {
        name: one[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "readiness", "liveness")
    }
    assert paths == {
        "startup": "/health/live",
        "readiness": "/health/ready",
        "liveness": "/health/live",
    }
    assert set(paths.values()) < set(routes)
    assert {one[f"{name}Probe"]["httpGet"]["port"] for name in paths} == {"http"}
    for monitor in (one for one in manifests if one["kind"] == "ServiceMonitor"):
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["path"] in routes


def test_a_replica_has_the_time_that_its_end_takes(
    manifests: list[Resource], project: Path
) -> None:
    pod = dict(pods(manifests))["Deployment"]["spec"]
    forgotten = container({"spec": pod})["lifecycle"]["preStop"]["sleep"]["seconds"]
    requests = constant(project, "GRACE_SECONDS", "service/server.py")
    rows = constant(project, "STOP_SECONDS", "service/recorder.py")
    assert pod["terminationGracePeriodSeconds"] >= forgotten + requests + rows + 10
    rollout = of_kind("Deployment", manifests)["spec"]
    assert rollout["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert "replicas" not in rollout


def test_everything_selects_the_pods_that_it_is_about(manifests: list[Resource]) -> None:
    labels = {kind: pod["metadata"]["labels"] for kind, pod in pods(manifests)}
    deployment = of_kind("Deployment", manifests)
    wanted = deployment["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= labels["Deployment"].items()
    assert not wanted.items() <= labels["CronJob"].items()
    assert of_kind("Service", manifests)["spec"]["selector"] == wanted
    assert of_kind("PodDisruptionBudget", manifests)["spec"]["selector"]["matchLabels"] == wanted
    spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [one["labelSelector"]["matchLabels"] for one in spread] == [wanted] * 2
    target = of_kind("HorizontalPodAutoscaler", manifests)["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    for monitor in (one for one in manifests if one["kind"] == "ServiceMonitor"):
        served = of_kind("Service", manifests)["metadata"]["labels"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= served.items()


def test_only_what_is_needed_may_pass(manifests: list[Resource]) -> None:
    policies = {
        one["metadata"]["name"]: one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"
    }
    denied = policies.pop("deny-everything")
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    ((incoming,),) = (one["ingress"] for one in policies.values() if "ingress" in one)
    assert incoming["ports"] == [{"port": "http"}]
    assert all("namespaceSelector" in peer for peer in incoming["from"])
    ((names, stores),) = (one["egress"] for one in policies.values() if "egress" in one)
    assert {port["port"] for port in names["ports"]} == {53}
    # The registry's as in the settings, and PostgreSQL's own.
    address = of_kind("ConfigMap", manifests)["data"]["MLFLOW_TRACKING_URI"]
    assert [port["port"] for port in stores["ports"]] == [int(address.rpartition(":")[2]), 5432]


def test_the_trainer_calls_a_verb_and_is_not_tried_again_when_the_gates_refuse(
    manifests: list[Resource], project: Path
) -> None:
    python, module, package, verb, *options = container(dict(pods(manifests))["CronJob"])["command"]
    assert (python, module, package, options) == ("python", "-m", "flight_delay", ["--once"])
    verbs = "".join(path.read_text("utf-8") for path in project.glob("src/*/cli*.py"))
    assert re.search(rf"app\.command\(\)\ndef {verb}\(", verbs)
    job = of_kind("CronJob", manifests)["spec"]
    (rule,) = job["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == [constant(project, "REFUSED", "console.py")]
    assert job["concurrencyPolicy"] == "Forbid"


def test_prometheus_gets_the_rules_and_the_job_that_they_ask_for(project: Path) -> None:
    prod = resources(rendered(project / "deploy/kubernetes/overlays/prod"))
    rules = yaml.safe_load((project / "monitoring/rules.yml").read_text("utf-8"))
    assert of_kind("PrometheusRule", prod)["spec"] == rules
    (endpoint,) = of_kind("ServiceMonitor", prod)["spec"]["endpoints"]
    (job,) = endpoint["relabelings"]
    assert job["targetLabel"] == "job"
    assert set(re.findall(r'job="(\w+)"', json.dumps(rules).replace("\\", ""))) == {
        job["replacement"]
    }


def test_the_planning_rests_on_what_the_benchmarks_found_too(project: Path) -> None:
    """Another load gives another figure; a model that rests on a wrong one would be far off."""
    measured = json.loads((project / "deploy/kubernetes/measured.json").read_text("utf-8"))
    peers = json.loads(BENCHMARKS.read_text("utf-8"))["peers"]
    ours = next(peer["cpu_microseconds"] for peer in peers if peer["name"] == "this service")
    assert measured["costs"][0]["rows"] == 1
    assert measured["costs"][0]["microseconds"] == pytest.approx(ours, rel=0.4)


def tool(package: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool in an environment of its own, so that its dependencies meet none of ours."""
    uv = str(require("uv", "pip install uv"))
    command = [uv, "tool", "run", "--quiet", "--exclude-newer", DATE, package, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


@slow
@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_knows_every_field(version: str, overlay: Path, tmp_path: Path) -> None:
    text = rendered(overlay)
    (tmp_path / "all.yaml").write_text(text, "utf-8")
    validator = (VALIDATOR, "--strict", "-k", version, "all.yaml")
    accepted = tool(*validator, folder=tmp_path)
    assert accepted.returncode == 0, accepted.stdout
    said = [line.split()[0] for line in (accepted.stdout + accepted.stderr).splitlines()]
    customs = [one for one in resources(text) if "monitoring.coreos.com" in one["apiVersion"]]
    assert said.count("WARN") == len(customs)
    assert said.count("INFO") == len(resources(text)) - len(customs)
    misspelt = text.replace("failureThreshold: 6\n", "failureTreshold: 6\n")
    assert misspelt != text
    (tmp_path / "all.yaml").write_text(misspelt, "utf-8")
    assert tool(*validator, folder=tmp_path).returncode != 0


@slow
def test_the_rules_in_the_resource_pass_promtool(project: Path, tmp_path: Path) -> None:
    require("promtool", "apt-get install prometheus")
    prod = resources(rendered(project / "deploy/kubernetes/overlays/prod"))
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(of_kind("PrometheusRule", prod)["spec"]))
    assert "SUCCESS" in run("promtool check rules rules.yml", tmp_path).stdout


def pinned(overlay: Path, place: Path) -> str:
    """Return an overlay with its images pinned by digest, as a release does it."""
    plain = resources(rendered(overlay))
    images = [container(pod)["image"].rpartition(":")[0] for _, pod in pods(plain)]
    above = {
        "resources": [str(Path("..") / "overlays" / overlay.name)],
        "images": [{"name": image, "digest": DIGEST} for image in images],
    }
    place.mkdir(exist_ok=True)
    (place / "kustomization.yaml").write_text(yaml.safe_dump(above), "utf-8")
    return rendered(place)


def scanned(folder: Path) -> dict[str, Any]:
    """Return what checkov found in `all.yaml`."""
    options = ("--framework", "kubernetes", "--skip-download", "--output", "json")
    scan = tool(CHECKOV, *options, "--file", "all.yaml", folder=folder)
    found: dict[str, Any] = json.loads(scan.stdout)["results"]
    return found


@slow
def test_checkov_finds_nothing_that_has_no_reason(overlay: Path, tmp_path: Path) -> None:
    text = pinned(overlay, overlay.parents[1] / f"pinned-{overlay.name}")
    (tmp_path / "all.yaml").write_text(text, "utf-8")
    found = scanned(tmp_path)
    assert [(one["check_id"], one["resource"]) for one in found["failed_checks"]] == []
    assert len(found["passed_checks"]) > 100
    skipped = {one["check_id"]: one["check_result"] for one in found["skipped_checks"]}
    assert (
        {"CKV_K8S_15", "CKV_K8S_35"} <= set(skipped) <= {"CKV_K8S_15", "CKV_K8S_35", "CKV_K8S_43"}
    )
    assert all(len(result["suppress_comment"]) > 30 for result in skipped.values())
    root = text.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false")
    (tmp_path / "all.yaml").write_text(root, "utf-8")
    assert "CKV_K8S_22" in {one["check_id"] for one in scanned(tmp_path)["failed_checks"]}


@slow
def test_the_projects_own_tests_and_checks_pass_with_it(project: Path) -> None:
    run("make setup && make check && uv run python -m pytest -q tests/kubernetes", project)
