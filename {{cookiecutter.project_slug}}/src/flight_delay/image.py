"""The images of this project, built from its Dockerfile: what is in them, and how one is run.

An image that is shipped has the champion in it: what was tested is what answers, everywhere, and
the way back is the image before. The other way is an image without a model, which takes the
champion of a registry when it starts and each one that follows.
"""

import re
import subprocess
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from flight_delay.bundle import load
from flight_delay.champion import read_champion
from flight_delay.docker import ask, engine, fetch, follow, last_line
from flight_delay.errors import ProjectError
from flight_delay.files import write_json
from flight_delay.settings import Settings

Stage = Literal["baked", "service", "trainer"]
"""The stages of the Dockerfile that are shipped."""
NEEDED_GIGABYTES: dict[Stage, float] = {"baked": 2, "service": 2, "trainer": 5}
"""Free where the engine keeps images: the image, what it is made in, and what it is made from."""
SERVED = "-p 127.0.0.1:8000:8000 -e APP_API_KEYS=HASH"
REGISTRY = "-e MLFLOW_TRACKING_URI=http://HOST:5000"
SETTINGS: dict[Stage, str] = {
    "baked": SERVED,
    "service": f"{SERVED} -e APP_FOLLOW_REGISTRY=true {REGISTRY}",
    "trainer": REGISTRY,
}
MEGABYTE = 1e6
"""As `docker images` counts it."""
BASE = re.compile(r"^ARG PYTHON_IMAGE=(\S+)$", re.MULTILINE)
STEP = re.compile(r"#\d+ (\[(?!internal)[^\]]+\] .+)")
SAID_IN_A_STEP = re.compile(r"#\d+ \d+\.\d+\s+(.*\S)")
FAILED_STEP = re.compile(r"#\d+ ERROR")
SHOWN = 88
SAFE = "--read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp --stop-timeout 30"
"""How a container is run: it writes to /state alone, and has half a minute for its last rows."""


class ImageError(ProjectError):
    """An image cannot be built."""


def build_image(
    settings: Settings,
    say: Callable[[str], None],
    *,
    stage: Stage = "baked",
    base: str | None = None,
) -> dict[str, Any]:
    """Build an image of this project and return what was made.

    Args:
        settings: of the project whose folder holds the Dockerfile.
        say: called with each step.
        stage: what is built.
        base: the image with Python to build on, by default the Dockerfile's.

    Raises:
        ImageError: when there is no champion to bake, no base, or the build fails.
        DockerError: when there is no engine to build with.
    """
    started = time.perf_counter()
    base = base or _base_of(settings.home)
    version = _champion_to_bake(settings) if stage == "baked" else ""
    engine(NEEDED_GIGABYTES[stage])
    if problem := fetch(base, say):
        message = f"the base image {problem}, or name one that is here with --base"
        raise ImageError(message)
    name = tag(settings, stage)
    arguments = {
        "PYTHON_IMAGE": base,
        "REVISION": revision_of(settings.home),
        "VERSION": _project(settings)["version"],
    } | ({"MODEL_VERSION": version} if version else {})
    _build(settings, say, stage, name, arguments)
    size = _bytes(name)
    report = {
        "image": name,
        "stage": stage,
        "id": ask("image", "inspect", "--format", "{{.Id}}", name),
        "megabytes": size / MEGABYTE,
        "megabytes_over_base": (size - _bytes(base)) / MEGABYTE,
        "base": base,
        "revision": arguments["REVISION"],
        "model_version": version,
        "seconds": time.perf_counter() - started,
        "run": run_line(settings, stage),
    }
    write_json(settings.reports / "image.json", report)
    return report


def tag(settings: Settings, stage: Stage) -> str:
    """Return the name of an image."""
    name = _project(settings)["name"]
    return f"{name}-trainer:dev" if stage == "trainer" else f"{name}:{stage}"


def run_line(settings: Settings, stage: Stage) -> str:
    """Return the command that runs an image; a person fills in the words in capitals."""
    volume = f"-v {_project(settings)['name']}-state:/state"
    return f"docker run --rm {SAFE} {volume} {SETTINGS[stage]} {tag(settings, stage)}"


def _champion_to_bake(settings: Settings) -> str:
    """Return the version of the champion, whose hashes and golden rows are good."""
    here = settings.home / "models"
    if settings.models != here:
        message = f"APP_MODELS is {settings.models}, and an image is made from {here}: unset it"
        raise ImageError(message)
    champion = read_champion(settings.models)
    if champion is None:
        message = (
            "there is no champion to put into the image: run the commands `train` and `promote`, "
            "or build an image that takes one from a registry with --stage service"
        )
        raise ImageError(message)
    return load(settings.models / champion.version).version


def _build(
    settings: Settings,
    say: Callable[[str], None],
    stage: Stage,
    name: str,
    arguments: dict[str, str],
) -> None:
    said: list[str] = []
    shown: set[str] = set()

    def hear(line: str) -> None:
        said.append(line)
        step = STEP.match(line)
        if step and step[1] not in shown:
            shown.add(step[1])
            say(" ".join(step[1].split())[:SHOWN])

    given = [f"--build-arg={key}={value}" for key, value in arguments.items()]
    command = ["build", "--progress=plain", f"--target={stage}", f"--tag={name}", *given]
    if follow(hear, *command, str(settings.home)) == 0:
        return
    log = settings.reports / "image.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("\n".join(said) + "\n", encoding="utf-8")
    message = f"the build failed: {reason_of(said)} (all that it said is in reports/{log.name})"
    raise ImageError(message)


def reason_of(said: list[str]) -> str:
    """Return the last thing that the failing step said, or else the last thing that was said."""
    failed = next((number for number, line in enumerate(said) if FAILED_STEP.match(line)), 0)
    words = [found[1] for line in said[:failed] if (found := SAID_IN_A_STEP.fullmatch(line))]
    return words[-1] if words else last_line("\n".join(said))


def _base_of(home: Path) -> str:
    try:
        found = BASE.search((home / "Dockerfile").read_text(encoding="utf-8"))
    except FileNotFoundError:
        found = None
    if found is None:
        message = f"{home} has no Dockerfile of this project: run this in the project's folder"
        raise ImageError(message)
    return found[1]


def _project(settings: Settings) -> dict[str, str]:
    """Return name and version of the project, as pyproject.toml has them."""
    content = tomllib.loads((settings.home / "pyproject.toml").read_text(encoding="utf-8"))
    project: dict[str, str] = content["project"]
    return project


def revision_of(home: Path) -> str:
    """Return the commit of the project, marked when files differ from it; unknown without git."""
    tracked = ["git", "ls-files", "--error-unmatch", "pyproject.toml"]
    commit = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    said = ""
    for command in (tracked, commit):
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                command, cwd=home, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return "unknown"
        said = done.stdout.strip()
    return said


def _bytes(image: str) -> int:
    return int(ask("image", "inspect", "--format", "{{.Size}}", image))
