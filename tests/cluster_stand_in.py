"""The interface of a Kubernetes cluster as far as kubectl needs it to deploy, on loopback.

It keeps objects, and does with Deployments what their controller would: a ReplicaSet for each new
template, and replicas that are ready at once or never. It checks nothing: the manifests are
validated elsewhere.
"""

import contextlib
import copy
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from cluster_kinds import Object, discovered, kind_of
from stand_in import answering

Answer = tuple[int, Object]

REVISION = "deployment.kubernetes.io/revision"


@dataclass
class Cluster:
    """Objects by their address."""

    address: str
    objects: dict[str, Object] = field(default_factory=dict)
    never_ready: str = ""
    """Part of the image that no replica gets ready with."""
    refused: str = ""
    """The kind, in addresses, that a webhook refuses once; a dry run does not ask it."""
    lacking: str = ""
    """The kind, in addresses, that a dry run refuses already."""

    def of(self, plural: str) -> dict[str, Object]:
        """Return the objects of a kind by name."""
        return {
            one["metadata"]["name"]: one
            for path, one in self.objects.items()
            if path.split("/")[-2] == plural
        }

    def get(self, path: str) -> Answer:
        """Return what is at an address: what the interface has, an object or a list of them."""
        if found := discovered(path):
            return 200, found
        if path in self.objects:
            return 200, self.objects[path]
        kind = kind_of(path)
        if kind is None:
            return 404, _status(404, "NotFound")
        inside = [one for place, one in self.objects.items() if place.rpartition("/")[0] == path]
        return 200, {
            "kind": f"{kind[1]}List",
            "apiVersion": kind[0],
            "metadata": {},
            "items": inside,
        }

    def post(self, path: str, new: Object, *, dry: bool = False) -> Answer:
        """Make an object."""
        if self._is_refused(path, dry=dry):
            return 403, _status(403, "Forbidden")
        place = f"{path}/{new['metadata']['name']}"
        return 201, new if dry else self._keep(place, new, {})

    def patch(
        self,
        path: str,
        change: Any,  # noqa: ANN401 - an object or a list
        *,
        dry: bool = False,
    ) -> Answer:
        """Change an object: by a list of operations, or by merging as `kubectl apply` does."""
        if self._is_refused(path.rpartition("/")[0], dry=dry):
            return 403, _status(403, "Forbidden")
        before = self.objects[path]
        after = copy.deepcopy(before)
        if isinstance(change, list):
            for operation in change:
                _replace(after, operation)
        else:
            _merge(after, change)
        return 200, after if dry else self._keep(path, after, before)

    def _is_refused(self, path: str, *, dry: bool) -> bool:
        kind = path.rpartition("/")[2]
        if kind == self.refused and not dry:
            self.refused = ""
            return True
        return kind == self.lacking

    def _keep(self, path: str, new: Object, before: Object) -> Object:
        metadata = new["metadata"]
        metadata.setdefault("uid", f"uid-of-{path}")
        changed = new.get("spec") != before.get("spec")
        metadata["generation"] = metadata.get("generation", 0) + changed
        metadata["resourceVersion"] = str(1 + int(metadata.get("resourceVersion", 0)))
        if new["kind"] == "Deployment":
            self._roll_out(path, new, before)
        self.objects[path] = new
        return new

    def _roll_out(self, path: str, new: Object, before: Object) -> None:
        """Do what the controller of Deployments does, at once."""
        spec, metadata = new["spec"], new["metadata"]
        count = spec.setdefault("replicas", 1)
        if spec["template"] != before.get("spec", {}).get("template"):
            sets = path.replace("deployments", "replicasets")
            number = 1 + sum(one.startswith(sets) for one in self.objects)
            metadata.setdefault("annotations", {})[REVISION] = str(number)
            owner = {"uid": metadata["uid"], "kind": "Deployment", "controller": True}
            self.objects[f"{sets}-{number}"] = {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"{metadata['name']}-{number}",
                    "uid": f"uid-{number}-of-{sets}",
                    "annotations": {REVISION: str(number)},
                    "labels": spec["template"]["metadata"]["labels"],
                    "ownerReferences": [
                        owner | {"apiVersion": "apps/v1", "name": metadata["name"]}
                    ],
                },
                "spec": {name: spec[name] for name in ("replicas", "selector", "template")},
            }
        image = spec["template"]["spec"]["containers"][0]["image"]
        late = bool(self.never_ready) and self.never_ready in image
        new["status"] = {
            "observedGeneration": metadata["generation"],
            "replicas": count,
            "updatedReplicas": count,
            "readyReplicas": 0 if late else count,
            "availableReplicas": 0 if late else count,
            "conditions": [
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
            ]
            if late
            else [],
        }


def _status(code: int, reason: str) -> Object:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
    }


def _replace(target: Object, operation: dict[str, Any]) -> None:
    """Do one `replace` of a JSON patch (RFC 6902)."""
    assert operation["op"] == "replace", operation
    *parents, last = operation["path"].strip("/").split("/")
    for name in parents:
        target = target[name]
    target[last] = operation["value"]


def _merge(target: Object, change: Object) -> None:
    """Merge a change as `kubectl apply` sends it; items of a list are known by their names."""
    for name, value in change.items():
        if name.startswith("$"):
            continue
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict) and isinstance(target.get(name), dict):
            _merge(target[name], value)
        elif (
            isinstance(value, list) and value and isinstance(value[0], dict) and "name" in value[0]
        ):
            known = {item["name"]: item for item in target.get(name, [])}
            for item in value:
                _merge(known.setdefault(item["name"], {}), item)
            target[name] = list(known.values())
        else:
            target[name] = value


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Answer like a cluster's interface until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if "watch=true" in address.query:
                # Nothing happens later: all has happened at once.
                self.send_response(200)
                self.end_headers()
                self.close_connection = True
                ended.wait()
            else:
                self._answer(*here.get(address.path))

        def do_POST(self) -> None:
            address = urlsplit(self.path)
            dry = "dryRun=All" in address.query
            self._answer(*here.post(address.path, self._body(), dry=dry))

        def do_PATCH(self) -> None:
            address = urlsplit(self.path)
            dry = "dryRun=All" in address.query
            self._answer(*here.patch(address.path, self._body(), dry=dry))

        def _body(self) -> Any:  # noqa: ANN401 - JSON
            return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, status: int, body: Object) -> None:
            self._send(status, json.dumps(body).encode())

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    ended = threading.Event()
    with answering(Handler) as port:
        here = Cluster(f"http://127.0.0.1:{port}")
        try:
            yield here
        finally:
            ended.set()
