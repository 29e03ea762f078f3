"""A program that answers like `docker`, from what a test wrote into a folder, and starts nothing.

The real engine is used in the tests of the template; here it is about what becomes of its answers,
on any machine.
"""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

SERVICES = ("postgres", "mlflow", "service", "trainer", "prometheus", "alertmanager", "grafana")
PORTS = {f"{name.upper()}_PORT" for name in SERVICES} - {"POSTGRES_PORT", "TRAINER_PORT"}
"""The variables that choose a port."""
STARTING = ("running", "Up 2 seconds (health: starting)")
PROGRAM = f"""#!{sys.executable} -IS
import json, os, pathlib, sys
program = pathlib.Path(__file__)
folder = program.parent
said = json.loads((folder / "answers.json").read_text())
alone = program.name == "docker-compose"
asked = ["compose"] * alone + sys.argv[1:]
with (folder / "asked").open("a") as log:
    log.write(" ".join(asked) + "\\n")
if asked[0] == "compose" and asked[1:2] != ["version"]:
    (folder / "name").write_text(os.environ["COMPOSE_PROJECT_NAME"])
there = folder / "containers.json"
containers = json.loads(there.read_text()) if there.exists() else []
def are_there(containers):
    there.with_suffix(".new").write_text(json.dumps(containers))
    there.with_suffix(".new").replace(there)
match asked:
    case ["compose", *_] if said["plugin"] == alone:
        sys.exit("docker: 'compose' is not a docker command.")
    case ["info", *_]:
        print(json.dumps({{"Name": "here", "DockerRootDir": "/"}}))
    case ["ps", *_]:
        print("\\n".join("\\t".join(one) for one in containers))
    case ["logs", *_, "--tail", most, name]:
        lines = said["words"].get(name, "").splitlines()
        print("\\n".join(lines if most == "all" else lines[-int(most):]), file=sys.stderr)
    case ["inspect", *_]:
        print(json.dumps([{{"Output": said["check"]}}] if said["check"] else None))
    case ["image", "inspect", *_, name]:
        print("100")
        sys.exit(name in said["absent"])
    case ["pull", *_]:
        sys.exit("Error response from daemon: no route to the registry")
    case ["compose", "up", *_]:
        are_there(said["started"])
        print(said["compose_error"])
        sys.exit(bool(said["compose_error"]))
    case ["compose", "down", *_]:
        there.unlink(missing_ok=True)
    case ["compose", "rm", *options]:
        kept = [one for one in containers if one[1] not in options]
        are_there(kept if "--stop" in options else [])
"""


@dataclass
class Docker:
    """What the program is to answer, and what it was asked."""

    folder: Path
    started: list[list[str]] = field(default_factory=list)
    """The containers that are there after a start: name, service, state and status."""
    words: dict[str, str] = field(default_factory=dict)
    """What each has said."""
    check: str = ""
    """What the last health check has said."""
    absent: list[str] = field(default_factory=list)
    """Images that are not on this machine."""
    plugin: bool = True
    """Whether Compose is a plugin of it, and not a program of its own."""
    compose_error: str = ""
    """What Compose ends with instead of well."""

    def install(self) -> None:
        """Write program and answers into a folder for the PATH."""
        for name in ("docker", "docker-compose"):
            (self.folder / name).write_text(PROGRAM, encoding="utf-8")
            (self.folder / name).chmod(0o755)
        answers = asdict(self) | {"folder": None}
        (self.folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")

    def runs(self, *services: str) -> None:
        """Let these run before anything is asked."""
        there = [[f"x_{name}", name, "running", "Up (healthy)"] for name in services]
        (self.folder / "containers.json").write_text(json.dumps(there), encoding="utf-8")

    @property
    def asked(self) -> list[str]:
        """What it was asked, in order."""
        return (self.folder / "asked").read_text(encoding="utf-8").splitlines()

    @property
    def name(self) -> str:
        """What Compose was told to call the stack."""
        return (self.folder / "name").read_text(encoding="utf-8")

    @property
    def left(self) -> list[str]:
        """The services whose containers are left."""
        there = self.folder / "containers.json"
        return [one[1] for one in json.loads(there.read_text())] if there.exists() else []


def state(**different: tuple[str, str]) -> list[list[str]]:
    """Return every container as healthy, but for some with a state and a status."""
    healthy = ("running", "Up 9 seconds (healthy)")
    return [[f"x_{name}", name, *different.get(name, healthy)] for name in SERVICES]
