"""The manifests of a generated project, as Kubernetes would get them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from machine import require

Resource = dict[str, Any]
OVERLAYS = ("dev", "prod")
DATE = "2026-11-24"
"""Tools are those of the day to which the project's own versions are pinned."""
KUBECTL = "install kubectl 1.31 or newer; Debian's package is too old for these manifests"
NEEDED_VERSION = (5, 0)
"""Of the kustomize in kubectl, which prints both."""


def kubectl() -> str:
    """Return a kubectl that can render the manifests."""
    program = str(require("kubectl", KUBECTL))
    command = [program, "version", "--client"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    version = re.search(r"Kustomize Version: v(\d+)\.(\d+)", said)
    found = version is not None and tuple(map(int, version.groups())) >= NEEDED_VERSION
    return program if found else str(require("kubectl with kustomize 5", KUBECTL))


def rendered(folder: Path) -> str:
    """Return what `kubectl apply -k` would send."""
    command = [kubectl(), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # a deprecated field is a warning there
    return done.stdout


def resources(text: str) -> list[Resource]:
    """Return the resources of a stream of YAML."""
    return [resource for resource in yaml.safe_load_all(text) if resource]


def of_kind(kind: str, manifests: list[Resource]) -> Resource:
    """Return the only resource of a kind."""
    (found,) = (one for one in manifests if one["kind"] == kind)
    return found


def pods(manifests: list[Resource]) -> Iterator[tuple[str, Resource]]:
    """Yield the kind that makes pods, and what they are made from: metadata and spec."""
    for one in manifests:
        if one["kind"] == "Deployment":
            yield one["kind"], one["spec"]["template"]
        if one["kind"] == "CronJob":
            yield one["kind"], one["spec"]["jobTemplate"]["spec"]["template"]


def container(pod: Resource) -> Resource:
    """Return the only container of a pod."""
    (found,) = pod["spec"]["containers"]
    return dict(found)
