"""The kinds that the stand-in for a cluster keeps, and how its interface describes them."""

import re
from typing import Any

Object = dict[str, Any]

VERBS = ["create", "get", "list", "patch", "watch"]
# group/version -> kind -> the word in addresses, and whether it lives in a namespace.
KINDS = {
    "v1": {
        "Namespace": ("namespaces", False),
        "ConfigMap": ("configmaps", True),
        "Service": ("services", True),
        "ServiceAccount": ("serviceaccounts", True),
    },
    "apps/v1": {"Deployment": ("deployments", True), "ReplicaSet": ("replicasets", True)},
    "autoscaling/v2": {"HorizontalPodAutoscaler": ("horizontalpodautoscalers", True)},
    "batch/v1": {"CronJob": ("cronjobs", True), "Job": ("jobs", True)},
    "monitoring.coreos.com/v1": {
        "PrometheusRule": ("prometheusrules", True),
        "ServiceMonitor": ("servicemonitors", True),
    },
    "networking.k8s.io/v1": {"NetworkPolicy": ("networkpolicies", True)},
    "policy/v1": {"PodDisruptionBudget": ("poddisruptionbudgets", True)},
}


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def discovered(path: str) -> Object | None:
    """Return what an interface says of itself."""
    groups = [version for version in KINDS if "/" in version]
    found: dict[str, Object] = {
        "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "groups": [_group(version) for version in groups]},
    }
    found["/openapi/v3"] = {
        "paths": {
            _root(version)[1:]: {"serverRelativeURL": f"/openapi/v3{_root(version)}"}
            for version in KINDS
        }
    }
    for version, kinds in KINDS.items():
        found[f"/openapi/v3{_root(version)}"] = _schema(version)
        resources = [
            {"name": plural, "singularName": "", "kind": kind, "namespaced": inside, "verbs": VERBS}
            for kind, (plural, inside) in kinds.items()
        ]
        found[_root(version)] = {
            "kind": "APIResourceList",
            "groupVersion": version,
            "resources": resources,
        }
    return found.get(path)


def _schema(version: str) -> Object:
    """Say that the interface checks the fields of what it is sent, so that kubectl need not."""
    group, _, number = version.rpartition("/")
    return {
        "openapi": "3.0.0",
        "info": {"title": version, "version": "0"},
        "paths": {
            f"{_root(version)}/{plural}/{{name}}": {
                "patch": {
                    "parameters": [
                        {"name": name, "in": "query"} for name in ("dryRun", "fieldValidation")
                    ],
                    "x-kubernetes-group-version-kind": {
                        "group": group,
                        "version": number,
                        "kind": kind,
                    },
                }
            }
            for kind, (plural, _) in KINDS[version].items()
        },
    }


def _group(version: str) -> Object:
    one = {"groupVersion": version, "version": version.partition("/")[2]}
    return {"name": version.partition("/")[0], "versions": [one], "preferredVersion": one}


def kind_of(path: str) -> tuple[str, str] | None:
    """Return version and kind of a list's address."""
    for version, kinds in KINDS.items():
        for kind, (plural, _) in kinds.items():
            if re.fullmatch(f"{_root(version)}(/namespaces/[^/]+)?/{plural}", path):
                return version, kind
    return None
