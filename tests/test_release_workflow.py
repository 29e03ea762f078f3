"""From a tag to a release: the images are built, and GitHub is told what the release is."""

import json
import re
import shutil
from pathlib import Path

import pytest
from actions import Runner, nothing, runs, uses, workflow
from answers import generate
from docker_engine import Engine
from github_stand_in import REPOSITORY, TOKEN, GitHub, github
from shell import run

RELEASE = workflow("release.yml")
TARGETS = RELEASE["jobs"]["image"]["strategy"]["matrix"]["target"]
# Why a step cannot be run here, where no registry can be reached and no token of GitHub's be had.
ELSEWHERE = {
    "Sign": "a certificate from Sigstore for the identity of a workflow, and an image to sign",
}
ONLY_ON_GITHUB = {
    "actions/checkout",
    "actions/download-artifact",
    "actions/upload-artifact",
    "docker/build-push-action",
    "docker/login-action",
    "docker/setup-buildx-action",
    "sigstore/cosign-installer",
}
REVISION = "0123456789abcdef0123456789abcdef01234567"
DIGESTS = dict(zip(TARGETS, ("sha256:" + "a" * 64, "sha256:" + "b" * 64), strict=True))
NAME = "ghcr.io/some-body/late-trains"
IMAGES = {
    "service": f"{NAME}@{DIGESTS['service']}",
    "trainer": f"{NAME}-trainer@{DIGESTS['trainer']}",
}
DISPATCHES = "actions/workflows/deploy.yml/dispatches"
DEPLOYS = "hashFiles('.github/workflows/deploy.yml') != ''"


def machine(
    project: Path, scratch: Path, hub: GitHub | None = None, *, tag: str = "v0.1.0"
) -> Runner:
    """Return a machine of GitHub's on which a tag was pushed."""
    known = {
        "github.actor": "somebody",
        "github.repository": REPOSITORY,
        "github.server_url": "https://github.example",
        "github.sha": REVISION,
        "github.token": TOKEN,
    }
    variables = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_REF_NAME": tag}
    return Runner(
        project,
        scratch,
        known=known,
        conditions={DEPLOYS: (project / ".github/workflows/deploy.yml").exists()},
        actions=dict.fromkeys(ONLY_ON_GITHUB - {"actions/checkout"}, nothing),
        variables=variables | (hub.variables() if hub else {}),
        elsewhere=ELSEWHERE,
    )


def test_every_command_is_run_here_but_those_that_are_named() -> None:
    every = [name for job in RELEASE["jobs"] for name in runs(RELEASE, job)]
    assert every == [
        "Name the image",
        "Sign",
        "Note the digest",
        "Publish the release, with the digests",
        "Deploy it to the environment dev",
    ]
    assert set(every) >= set(ELSEWHERE)
    assert uses(RELEASE) == ONLY_ON_GITHUB


def test_every_test_comes_before_an_image_and_does_not_wait_for_itself() -> None:
    jobs, ci = RELEASE["jobs"], workflow("ci.yml")
    assert jobs["test"]["uses"] == "./.github/workflows/ci.yml"
    # YAML reads the word `on` as true.
    assert "workflow_call" in {str(key): value for key, value in ci.items()}["True"]
    assert (jobs["image"]["needs"], jobs["release"]["needs"]) == ("test", "image")
    # GitHub starts no workflow that has fewer rights than a job of the one it calls. The name of a
    # called one is that of its caller: in one group each would wait for the other.
    asked = {pair for job in ci["jobs"].values() for pair in job["permissions"].items()}
    assert asked == set(jobs["test"]["permissions"].items())
    assert ci["concurrency"]["group"] == "ci-${{ github.ref }}"


def test_what_is_signed_is_what_was_pushed_and_nothing_else() -> None:
    steps = RELEASE["jobs"]["image"]["steps"]
    (build,) = (step["with"] for step in steps if "build-push" in step.get("uses", ""))
    assert (build["push"], build["provenance"], build["sbom"]) == (True, "mode=max", True)
    (sign,) = (step for step in steps if step.get("name") == "Sign")
    image = "${{ steps.image.outputs.name }}@${{ steps.build.outputs.digest }}"
    assert (sign["run"], sign["env"]["IMAGE"]) == ('cosign sign --yes "$IMAGE"', image)
    assert RELEASE["jobs"]["image"]["permissions"].keys() >= {"id-token", "packages"}


@pytest.mark.slow
def test_the_images_are_built_as_the_workflow_says(engine: Engine, tmp_path: Path) -> None:
    project = generate(tmp_path)
    run("uv lock", project)
    built: list[str] = []

    def build(given: dict[str, str]) -> dict[str, str]:
        pairs = [f"--build-arg={line}" for line in given["build-args"].splitlines()]
        pairs += [f"--label={line}" for line in given["labels"].splitlines()]
        context = str(project / given["context"])
        options = ("--target", given["target"], "--tag", given["tags"])
        engine.docker("build", "--quiet", *options, *pairs, context, seconds=900)
        built.append(given["tags"])
        return {"digest": DIGESTS[given["target"]]}

    runner = machine(project, tmp_path)
    runner.known["matrix.target"] = "service"
    runner.actions["docker/build-push-action"] = build
    runner.passes(RELEASE, "image")
    assert built == [f"{NAME}:0.1.0"]
    labels = json.loads(engine.docker("inspect", "--format", "{{json .Config.Labels}}", built[0]))
    about = {name.rpartition(".")[2]: value for name, value in labels.items()}
    assert about["source"] == f"https://github.example/{REPOSITORY}"
    assert (about["revision"], about["version"]) == (REVISION, "0.1.0")
    shutil.rmtree(project)


@pytest.mark.parametrize("tag", ["v0.1.1", "v0.1", "vnext"])
def test_a_tag_that_is_not_the_version_of_the_project_is_refused(tag: str, tmp_path: Path) -> None:
    runner = machine(generate(tmp_path), tmp_path, tag=tag)
    runner.known["matrix.target"] = "service"
    runner.job(RELEASE, "image")
    assert runner.failed
    said = runner.said["Name the image"].stdout
    assert f"the tag is {tag}, and pyproject.toml says 0.1.0" in said
    assert "Note the digest" not in runner.said


def pushed(project: Path, scratch: Path, hub: GitHub) -> Runner:
    """Push two images, and return the machine that makes the release of them."""
    runner = machine(project, scratch, hub)
    runner.actions["docker/build-push-action"] = lambda given: {"digest": DIGESTS[given["target"]]}
    kept = scratch / "artifacts"
    kept.mkdir()

    def upload(given: dict[str, str]) -> dict[str, str]:
        shutil.move(project / given["path"], kept)
        return {}

    def download(given: dict[str, str]) -> dict[str, str]:
        shutil.copytree(kept, project / given["path"], dirs_exist_ok=True)
        return {}

    runner.actions["actions/upload-artifact"] = upload
    for target in TARGETS:
        runner.known["matrix.target"] = target
        runner.passes(RELEASE, "image")
    runner.actions["actions/download-artifact"] = download
    return runner


def test_the_release_names_both_images_by_digest_and_is_deployed_to_dev(tmp_path: Path) -> None:
    with github() as hub:
        runner = pushed(generate(tmp_path, platforms="kubernetes"), tmp_path, hub)
        runner.passes(RELEASE, "release")
        assert hub.sent("POST", "releases") == [
            {"tag_name": "v0.1.0", "draft": True, "generate_release_notes": True}
        ]
        assert [one["draft"] for one in hub.releases.values()] == [False]
        assert hub.assets == {"images.json": IMAGES}
        assert hub.sent("POST", DISPATCHES) == [
            {"ref": "v0.1.0", "inputs": {"version": "v0.1.0", "environment": "dev"}}
        ]


@pytest.mark.parametrize(
    ("down_at", "made"),
    [("/assets", 2), ("PATCH", 2), (DISPATCHES, 1)],
    ids=["upload", "publish", "deploy"],
)
def test_a_run_that_fails_anywhere_is_started_again_and_ends_well(
    down_at: str, made: int, tmp_path: Path
) -> None:
    with github() as hub:
        runner = pushed(generate(tmp_path, platforms="kubernetes"), tmp_path, hub)
        hub.releases[1] = {"tag_name": "v0.0.9", "draft": True, "url": "of another tag"}
        hub.down_at = down_at
        runner.job(RELEASE, "release")
        assert runner.failed
        # Nothing is public yet without its digests.
        assert hub.assets == ({} if made == 2 else {"images.json": IMAGES})
        runner.passes(RELEASE, "release")
        assert len(hub.sent("POST", "releases")) == made
        assert [one["draft"] for one in hub.releases.values()] == [True, False]
        assert hub.assets == {"images.json": IMAGES}
        assert len(hub.sent("POST", DISPATCHES)) == (2 if down_at == DISPATCHES else 1)


def test_a_project_without_a_platform_is_released_and_not_deployed(tmp_path: Path) -> None:
    project = generate(tmp_path)
    assert not (project / ".github/workflows/deploy.yml").exists()
    with github() as hub:
        pushed(project, tmp_path, hub).passes(RELEASE, "release")
        assert hub.assets == {"images.json": IMAGES}
        assert [request.path for request in hub.asked if "actions" in request.path] == []


def test_a_release_that_github_refuses_fails_and_deploys_nothing(tmp_path: Path) -> None:
    project = generate(tmp_path, platforms="kubernetes")
    (project / "images").mkdir()
    (project / "images/service.json").write_text("{}", encoding="utf-8")
    with github() as hub:
        runner = machine(project, tmp_path, hub)
        runner.known["github.token"] = "of somebody else"
        runner.job(RELEASE, "release")
        assert runner.failed
        assert re.search("error: 403", runner.said["Publish the release, with the digests"].stderr)
        assert len(hub.asked) == 1


def test_what_is_released_are_stages_of_the_dockerfile(tmp_path: Path) -> None:
    text = (generate(tmp_path) / "Dockerfile").read_text(encoding="utf-8")
    stages = re.findall(r"^FROM \S+ AS (\w+)$", text, re.MULTILINE)
    assert set(TARGETS) <= set(stages)
