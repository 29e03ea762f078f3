"""Looks for what Grafana would load, where Grafana looks for it, and then answers /api/health."""

import json
import os
import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PROVISIONING = Path("/etc/grafana/provisioning")


def check() -> None:
    """Fail unless the provisioned dashboards would show data from a source that is provisioned."""
    (source,) = (PROVISIONING / "datasources").glob("*.yml")
    (uid,) = re.findall(r"uid: (\S+)", source.read_text())
    (provider,) = (PROVISIONING / "dashboards").glob("*.yml")
    (path,) = re.findall(r"path: (\S+)", provider.read_text())
    dashboards = list(Path(os.path.expandvars(path)).glob("*.json"))
    assert dashboards, f"no dashboard in {path}"
    for dashboard in dashboards:
        content = json.loads(dashboard.read_text())
        assert f'"uid": "{uid}"' in json.dumps(content), f"{dashboard} has another source"
    assert os.environ["GF_SECURITY_ADMIN_PASSWORD"]
    Path("/var/lib/grafana/grafana.db").touch()


class Handler(BaseHTTPRequestHandler):
    """Answers as Grafana does when it is well."""

    def do_GET(self) -> None:
        """Answer /api/health."""
        good = self.path == "/api/health"
        self.send_response(200 if good else 404)
        self.end_headers()
        self.wfile.write(b'{"database": "ok"}' if good else b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


check()
HTTPServer(("", 3000), Handler).serve_forever()
