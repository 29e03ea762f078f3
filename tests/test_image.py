"""The image for real: built by a Docker Engine, run by its own line, asked from outside.

The base is Debian's Python under the official image's name; everything else is what anybody gets.
The service's own tests are put to a container in test_image_workflow.py.
"""

import json
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from container import KEY, Container, Image, asked_until_it_ends, build, running, serving
from docker_engine import BASE, Engine
from monitoring_stack import wait_until
from shell import run
from test_serving_environment import ABSENT, FIND, PRESENT

pytestmark = pytest.mark.slow

MOST_MEGABYTES = 230
"""Over the base, bytecode included; of 2^20 bytes."""
CONTEXT = ("Dockerfile", ".dockerignore", "LICENSE", "README.md", "models", "pyproject.toml", "src")
AGAIN = "again:baked"
PROGRAMS = ("cc", "gcc", "g++", "ld", "make", "uv", "git", "curl", "wget")
WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1], 'file').touch()"
WHO = """
import os, pathlib
state = pathlib.Path("/state").stat()
print(os.getuid(), os.getgid(), *os.getgroups(), state.st_uid, state.st_gid)
status = pathlib.Path("/proc/self/status").read_text().splitlines()
print(*{line.split()[1] for line in status if line.startswith("Cap")})
"""
COMPILED = """
import importlib.util, pathlib, re
bad, good = [], 0
for source in pathlib.Path("/app/.venv/lib").rglob("*.py"):
    if re.search("/pygments/lexers/[a-z]", str(source)):  # hundreds of languages, for nobody
        continue
    compiled = pathlib.Path(importlib.util.cache_from_source(str(source)))
    head = compiled.read_bytes()[:16] if compiled.exists() else b""
    expected = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
    if head != expected + importlib.util.source_hash(source.read_bytes()):
        bad.append(str(source))
    else:
        good += 1
print(good, *bad)
"""


@pytest.fixture(scope="module")
def image(project: Path, engine: Engine) -> Image:
    """Build the image of the service with the champion in it."""
    return build(project, engine)


@pytest.fixture(scope="module")
def container(image: Image) -> Iterator[Container]:
    """Run it; its health is asked more often, so that nobody has to wait."""
    with serving(image, "--health-interval=1s") as container:
        yield container


def champion(project: Path) -> str:
    version: str = json.loads((project / "models" / "champion.json").read_text("utf-8"))["version"]
    return version


def golden(image: Image) -> dict[str, Any]:
    bundle = image.project / "models" / image.report["model_version"]
    content: dict[str, Any] = json.loads((bundle / "golden.json").read_text("utf-8"))
    return content


def layers(image: Image, folder: Path) -> Iterator[str]:
    """Yield every path that the image adds to its base."""
    archive = folder / "image.tar"
    image.engine.docker("save", "--output", str(archive), image.name)
    of_base = len(image.inspect("RootFS.Layers", BASE))
    with tarfile.open(archive) as content:
        described = content.extractfile("manifest.json")
        assert described is not None
        [manifest] = json.load(described)
        for layer in manifest["Layers"][of_base:]:
            with tarfile.open(fileobj=content.extractfile(layer)) as files:
                yield from files.getnames()


def copy_context(image: Image, folder: Path) -> None:
    """Copy what Docker is given to a folder, with other dates and rights."""
    for name in (*CONTEXT, "uv.lock"):
        run(f"cp -r --no-preserve=all {image.project / name} .", folder)


def build_again(image: Image, folder: Path, *options: str) -> list[str]:
    """Build the image from a folder under another name and return its layers."""
    version = f"--build-arg=MODEL_VERSION={image.report['model_version']}"
    image.engine.docker("build", *options, "--target=baked", f"--tag={AGAIN}", version, str(folder))
    found: list[str] = image.inspect("RootFS.Layers", AGAIN)
    return found


def test_the_command_says_what_it_made_and_how_to_run_it(image: Image) -> None:
    report = image.report
    assert report["image"] == "flight-delay:baked"
    assert report["model_version"] == champion(image.project)
    assert f"run it: {report['run']}\n" in image.printed
    assert f"size {report['megabytes']:.0f} MB" in image.printed
    assert "[baked 1/1] COPY --from=model /image /" in image.printed
    assert image.inspect("Id") == report["id"]


def test_its_labels_say_what_it_is(image: Image) -> None:
    labels = image.inspect("Config.Labels")
    prefix = "org.opencontainers.image."
    about = {name.removeprefix(prefix): value for name, value in labels.items()}
    assert about == {
        "title": "flight-delay",
        "licenses": "MIT",
        "source": "https://github.com/your-username/flight-delay",
        "revision": image.report["revision"],
        "version": "0.1.0",
        "model.version": champion(image.project),
    }


def test_it_is_small(image: Image) -> None:
    added = image.inspect("Size") - image.inspect("Size", BASE)
    assert added / 2**20 <= MOST_MEGABYTES
    assert added / 1e6 == pytest.approx(image.report["megabytes_over_base"])


def test_it_adds_no_compiler_no_training_library_and_no_cache(image: Image, tmp_path: Path) -> None:
    added = set(layers(image, tmp_path))
    names = {Path(path).name for path in added}
    assert {"flight_delay", "onnxruntime", "champion.json", "psycopg"} <= names
    assert not names & {*ABSENT, *PROGRAMS, "pip", "tests", ".cache", ".lock", "uv_cache.json"}
    places = {path.split("/")[0] for path in added}
    assert places == {"app", "state", "usr"}
    assert {Path(path).suffix for path in added if path.startswith("usr")} <= {"", ".pyc", ".11"}
    found = image.run("python", "-c", FIND, *ABSENT, "pip", *PRESENT)
    assert tuple(found.split()) == PRESENT
    which = f"import shutil; print(*filter(shutil.which, {PROGRAMS}))"
    assert image.run("python", "-c", which) == ""


def test_its_user_has_no_rights_and_writes_its_state_alone(image: Image) -> None:
    assert image.inspect("Config.User") == "10001:10001"
    assert image.run("python", "-c", WHO) == f"{'10001 ' * 4}10001\n{'0' * 16}"
    for folder in ("/state", "/tmp"):  # noqa: S108 - the container's own
        image.run("python", "-c", WRITE, folder)
    for folder in ("/app", "/app/models", "/usr/bin", "/"):
        writable = (
            "--rm",
            image.name,
            "python",
            "-c",
            WRITE,
            folder,
        )  # not even without --read-only
        assert "PermissionError" in image.engine.run("run", *writable, code=1).stderr


def test_nothing_is_compiled_when_it_starts(image: Image) -> None:
    good, *bad = image.run("python", "-c", COMPILED).split()
    assert bad == []
    assert int(good) > 1000
    safe = ("--rm", "--read-only", image.name, "python", "-v", "-c")
    said = image.engine.run("run", *safe, "import flight_delay.service.server").stderr
    assert "flight_delay/service/__pycache__/app.cpython" in said
    assert re.findall(r"^# code object from (/\S+\.py)$", said, re.MULTILINE) == []


def test_building_again_elsewhere_gives_the_same_layers(image: Image, tmp_path: Path) -> None:
    """From files with other dates and other rights, with nothing kept from the build before."""
    copy_context(image, tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.chmod(0o660)
            os.utime(path, (1_700_000_000, 1_700_000_000))
    assert build_again(image, tmp_path, "--no-cache") == image.inspect("RootFS.Layers")


def test_a_release_of_the_code_alone_sends_one_small_layer(image: Image, tmp_path: Path) -> None:
    copy_context(image, tmp_path)
    with (tmp_path / "src/flight_delay/errors.py").open("a", encoding="utf-8") as source:
        source.write("RELEASE = 2\n")
    before, after = image.inspect("RootFS.Layers"), build_again(image, tmp_path)
    changed = [n for n, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    of_dependencies = len(image.inspect("RootFS.Layers", BASE))
    assert changed == [of_dependencies + 1]
    history = image.engine.docker(
        "history", "--human=false", "--format={{.Size}} {{.CreatedBy}}", AGAIN
    )
    [code] = re.findall(r"^(\d+) COPY /project/image / ", history, re.MULTILINE)
    assert 0 < int(code) < 4e6


def test_the_engine_finds_it_healthy(container: Container) -> None:
    wait_until(lambda: container.state("State.Health.Status") != "starting", "its health is known")
    assert container.state("State.Health.Status") == "healthy"


def test_it_answers_as_scikit_learn_did(container: Container) -> None:
    expected = golden(container.image)
    manifest = container.client.get("/v1/model").raise_for_status().json()
    assert manifest["version"] == container.image.report["model_version"]
    # The last golden rows have nulls and unseen categories, which a request may not.
    rows = expected["rows"][:40]
    answers = [one["probability"] for one in container.predict(rows)]
    assert answers == pytest.approx(expected["probabilities"][: len(rows)], abs=1e-6)
    [example] = container.predict([container.example])
    demo = json.loads((container.image.project / "reports/demo.json").read_text("utf-8"))
    assert example["probability"] == pytest.approx(demo["answer"]["probability"], abs=1e-6)
    assert container.client.get("/docs").is_success


def test_it_passes_the_smoke_test_from_outside(container: Container) -> None:
    smoke = f"uv run flight-delay smoke --port {container.port} --api-key '{KEY}'"
    said = run(smoke, container.image.project).stdout
    assert f"{container.url} answers as it should." in said
    assert "started for this" not in said


def test_without_keys_it_does_not_start(image: Image) -> None:
    refused = image.engine.run("run", "--rm", image.name, code=1, seconds=60)
    assert refused.stderr.count("\n") == 1
    assert "error: APP_ENV is production" in refused.stderr


def test_what_was_answered_is_in_the_log_after_a_stop(image: Image) -> None:
    with serving(image) as container:
        answered = asked_until_it_ends(container)
        assert container.state("State.ExitCode") == 0
        assert len(answered) > 100
        assert set(container.logged()) == set(answered)


def test_the_log_outlives_the_container(image: Image) -> None:
    volume = image.engine.docker("volume", "create")
    with serving(image, volume=volume) as container:
        [first] = container.predict([container.example])
        container.stop()
    with serving(image, volume=volume) as container:
        outcome = {"request_id": first["request_id"], "outcome": True}
        assert container.client.post("/v1/feedback", json=outcome).is_success
        [second] = container.predict([container.example])
        container.stop()
        assert set(container.logged()) == {first["request_id"], second["request_id"]}
    image.engine.docker("volume", "rm", volume)


def test_an_image_without_a_model_takes_what_is_in_its_folder(image: Image, project: Path) -> None:
    service = build(project, image.engine, "uv run flight-delay image --stage service")
    assert service.name == "flight-delay:service"
    assert "-e APP_FOLLOW_REGISTRY=true" in service.printed
    alone = {**service.report, "run": image.report["run"].replace(image.name, service.name)}
    without = Image(service.engine, project, service.printed, alone)
    with running(without) as container:
        wait_until(container.lives, "it answers")
        assert "no champion yet" in container.client.get("/health/ready").text
    with serving(without, "--volume", f"{project}/models:/state/models:ro") as container:
        assert container.client.get("/v1/model").json()["version"] == champion(project)
