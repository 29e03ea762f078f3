"""What the Dockerfile says, read without Docker: small, locked, without rights, and consistent."""

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from answers import generate

BASE = "${PYTHON_IMAGE}"
SHIPPED = {"runtime": "serve", "trainer": "schedule"}
"""The stages from which containers are run, and what they run."""
READ = ("Dockerfile", ".dockerignore", ".python-version", "Makefile", "pyproject.toml")
LABELS = {"title", "licenses", "source", "revision", "version"}


@dataclass
class Stage:
    """The instructions of a stage, with their lines joined, and the stage or image below it."""

    below: str
    instructions: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        """Return what every instruction of a name says."""
        return [rest for instruction, rest in self.instructions if instruction == name]

    def copied_from(self) -> set[str]:
        """Return the stages from which it copies."""
        return {found[1] for one in self.all("COPY") if (found := re.match(r"--from=(\S+)", one))}


Stages = dict[str, Stage]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dockerfile")
    return generate(place, project_name="Late Trains", package_name="rail", python_version="3.12")


@pytest.fixture
def project(generated: Path, tmp_path: Path) -> Path:
    """Return a copy of what is read here, to be changed by a test."""
    for name in READ:
        shutil.copy(generated / name, tmp_path)
    return tmp_path


def stages_of(text: str) -> Stages:
    """Return the stages by their names, in order."""
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    found: Stages = {}
    current = Stage("", [])
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, _, rest = line.partition(" ")
        if name == "FROM":
            below, _, stage = rest.partition(" AS ")
            current = found[stage] = Stage(below, [])
        else:
            current.instructions.append((name, rest))
    return found


def faults(project: Path) -> Iterator[str]:
    """Yield what is wrong with a project's images, as far as the text tells."""
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    stages = stages_of(text)
    if any(stage.below not in {BASE, *stages} for stage in stages.values()):
        yield "a base that is no argument"
    if re.search(r"# *syntax=|COPY.* --(?:link|exclude|parents)|<<", text):
        yield "what an older engine cannot read"
    yield from faults_of_installs(stages)
    yield from faults_of_layers(stages)
    yield from faults_of_rights(stages)
    yield from faults_of_running(project, stages)
    yield from faults_of_labels(project, stages)
    yield from faults_of_versions(project, text, stages)


def faults_of_installs(stages: Stages) -> Iterator[str]:
    """Yield what is installed and should not be, or otherwise than it should."""
    installs = {name: " ".join(stage.all("RUN")) for name, stage in stages.items()}
    syncs = {name: re.findall(r"uv sync ([^&]+)", said) for name, said in installs.items()}
    if [name for name, found in syncs.items() if found] != ["dependencies", "training", "build"]:
        yield "other stages install"
    everything = [options for found in syncs.values() for options in found]
    if any(not one.startswith("--locked --no-default-groups ") for one in everything):
        yield "not the lock file, or not the serving group"
    if set(re.findall(r"--(?:group|extra) \S+", " ".join(syncs["dependencies"]))) != {
        "--extra postgres"
    } or any("--group" in one for one in syncs["build"]):
        yield "the service has more than it needs"
    if re.search(r"--(?:all-)?(?:groups|extras)|--only-|pip install [^\"]|apt", str(installs)):
        yield "something else is installed"


def faults_of_layers(stages: Stages) -> Iterator[str]:
    """Yield what would make a layer differ from build to build, or hold too much."""
    for name in ("base", "runtime", "baked", "trainer", "service"):
        stage = stages[name]
        if stage.all("RUN") or any(not one.startswith("--from=") for one in stage.all("COPY")):
            yield f"{name} does more than to copy what was made"
    if stages["runtime"].copied_from() != {"dependencies", "build"}:
        yield "the service holds something else"
    if any(not one.endswith(" /") for name in SHIPPED for one in stages[name].all("COPY")):
        yield "a folder that COPY makes has the date of the build"
    if list(stages)[-1] != "service" or stages["service"] != Stage("runtime", []):
        yield "the last stage is not the service"
    if re.search(r"site-packages/\w+-", " ".join(stages["build"].all("RUN"))):
        yield "what describes the package is looked for under a name that is another's"
    for name in ("dependencies", "training", "build", "model"):
        last = stages[name].all("RUN")[-1]
        if not re.search(r'find /(?:image|project) -exec touch (?:-h )?-d "@\$\{SOURCE_D.*$', last):
            yield f"dates in {name}"
        if name != "model" and "compileall -q --invalidation-mode unchecked-hash" not in last:
            yield f"bytecode in {name}"


def faults_of_rights(stages: Stages) -> Iterator[str]:
    """Yield what is wrong with the user, and with the only folder that it may write."""
    made = " ".join(stages["dependencies"].all("RUN"))
    environment = " ".join(stages["base"].all("ENV"))
    for name in SHIPPED:
        stage = stages[name]
        users = stage.all("USER")
        found = re.fullmatch(r"(\d{4,}):(\d{4,})", users[0]) if len(users) == 1 else None
        if found is None:
            yield f"{name} has no user without rights"
            continue
        [folder] = stage.all("VOLUME")
        if f"install -d -o {found[1]} -g {found[2]} /image{folder} " not in made:
            yield f"{name} writes to a folder of somebody else"
        if stage.all("WORKDIR") != [folder] or not {
            f"APP_HOME={folder}",
            f"HOME={folder}",
        } <= set(environment.split()):
            yield f"{name} writes elsewhere"


def faults_of_running(project: Path, stages: Stages) -> Iterator[str]:
    """Yield what is wrong with the commands, the port, the health check and the baked model."""
    scripts = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    for name, verb in SHIPPED.items():
        if [json.loads(one) for one in stages[name].all("CMD")] != [[*scripts, verb]]:
            yield f"another command in {name}"
    if "APP_ENV=production" not in " ".join(stages["base"].all("ENV")).split():
        yield "it would start without keys"
    [port] = stages["runtime"].all("EXPOSE")
    health = " ".join(stages["runtime"].all("HEALTHCHECK"))
    port_asked = f"int(os.environ.get('APP_PORT') or {port})"
    if not all(part in health for part in ("CMD [", port_asked, "'/health/live'")):
        yield "no health check of the port"
    [models] = stages["baked"].all("ENV")
    place = f" /image{models.removeprefix('APP_MODELS=')}/"
    if not all(place in one for one in stages["model"].all("COPY")):
        yield "the model is looked for elsewhere"
    if stages["baked"].below != "runtime" or stages["baked"].copied_from() != {"model"}:
        yield "the model is not baked into the service"


def faults_of_labels(project: Path, stages: Stages) -> Iterator[str]:
    """Yield the labels that are absent or do not say what the project says."""
    said = " ".join(stages["base"].all("LABEL"))
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]+)"', said))
    about = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    expected = {
        "title": about["name"],
        "licenses": about["license"],
        "source": about["urls"]["Repository"],
    }
    if labels.keys() != LABELS or labels | expected != labels:
        yield "labels"
    arguments = {one.partition("=")[0] for one in stages["base"].all("ARG")}
    if {labels.get(name) for name in ("revision", "version")} != {f"${{{a}}}" for a in arguments}:
        yield "labels of a build"


def faults_of_versions(project: Path, text: str, stages: Stages) -> Iterator[str]:
    """Yield what disagrees with the other files: Python, uv, and what Docker is given to copy."""
    python = (project / ".python-version").read_text().strip()
    if f"ARG PYTHON_IMAGE=python:{python}-slim-bookworm" not in text.splitlines():
        yield "another Python"
    uv = re.search(r"^UV_VERSION := (.+)$", (project / "Makefile").read_text(), re.MULTILINE)
    if uv is None or f"UV_VERSION={uv[1]}" not in stages["tools"].all("ARG"):
        yield "another uv"
    ignored = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    given = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copies = [one for stage in stages.values() for one in stage.all("COPY")]
    here = [shlex.split(one)[:-1] for one in copies if not one.startswith("--from")]
    if "*" not in ignored or given != {path.split("/")[0] for paths in here for path in paths}:
        yield "not what is copied is given to Docker"


def test_the_images_are_small_locked_without_rights_and_consistent(project: Path) -> None:
    assert list(faults(project)) == []


FAULTS = [
    ("--locked --no-default-groups --extra postgres --no-i.*\n.*rm", "--no-i \\\\\n&& rm", "lock"),
    ("--extra postgres --no-editable", "--extra postgres --group train --no-editable", "needs"),
    ("--group train", "--all-groups", "something else"),
    ("RUN library=", "RUN pip install x \\&\\& library=", "something else"),
    ("FROM base AS runtime\n", "FROM base AS runtime\nRUN useradd app\n", "more than to copy"),
    ("FROM runtime AS service", "FROM runtime AS service\nCOPY . .", "more than to copy"),
    ("COPY --from=dependencies", "COPY --from=training", "holds something else"),
    ("COPY --from=build /project/image /", "COPY --from=build /project/image/app /app", "date of"),
    ("FROM runtime AS service\n", "FROM base AS service\n", "last stage"),
    ("\\Z", "FROM base AS other\n", "last stage"),
    ("    && find /project -exec .*\n", "    && true\n", "dates in build"),
    ('find /image -exec touch -d "@[^"]+"', "find /image -exec touch", "dates in model"),
    ("unchecked-hash \\\\\n        /app", "timestamp \\\\\n        /app", "bytecode in build"),
    ("site-packages/\\*/uv_cache", "site-packages/rail-*/uv_cache", "under a name"),
    ("USER 10001:10001", "USER root", "no user"),
    ("USER 10001:10001\n", "", "no user"),
    ("-o 10001", "-o 10002", "somebody else"),
    ("APP_HOME=/state", "APP_HOME=/app", "elsewhere"),
    ("WORKDIR /state", "WORKDIR /app", "elsewhere"),
    ("EXPOSE 8000", "EXPOSE 9000", "health check"),
    ("'/health/live'", "'/'", "health check"),
    ('"late-trains", "serve"', '"late-trains"', "another command in runtime"),
    ('"late-trains", "schedule"', '"late-trains", "train"', "another command in trainer"),
    ("APP_ENV=production", "APP_ENV=development", "without keys"),
    ("APP_MODELS=/app/models", "APP_MODELS=/models", "looked for elsewhere"),
    ("FROM runtime AS baked", "FROM trainer AS baked", "not baked"),
    ('licenses="MIT"', 'licenses="BSD"', "labels"),
    (' *org.*revision="[^"]+" \\\\\n', "", "labels"),
    ("ARG REVISION=unknown\n", "", "labels of a build"),
    ("python:3.12-", "python:3.11-", "another Python"),
    ("FROM \\$\\{PYTHON_IMAGE\\} AS base", "FROM python:3.12-slim AS base", "no argument"),
    ("UV_VERSION=0", "UV_VERSION=1", "another uv"),
    ("\\A", "# syntax=docker/dockerfile:1\n", "older engine"),
    ("COPY src src", "COPY --link src src", "older engine"),
    ("COPY README.md LICENSE", "COPY LICENSE", "what is copied"),
]


@pytest.mark.parametrize(("old", "new", "fault"), FAULTS)
def test_a_fault_is_found(old: str, new: str, fault: str, project: Path) -> None:
    path = project / "Dockerfile"
    text, count = re.subn(old, new, path.read_text(encoding="utf-8"), count=1)
    assert count == 1
    path.write_text(text, encoding="utf-8")
    assert any(fault in found for found in faults(project)), list(faults(project))


def test_docker_is_given_nothing_that_no_stage_copies(project: Path) -> None:
    with (project / ".dockerignore").open("a", encoding="utf-8") as ignored:
        ignored.write("!data\n")
    assert list(faults(project)) == ["not what is copied is given to Docker"]
