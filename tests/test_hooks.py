"""What generating leaves on the disk, when answers are refused and when they are accepted."""

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from answers import (
    DEFAULTS,
    NAME_IN_TEMPLATE,
    PROJECT,
    QUESTIONS,
    TEMPLATE,
    answers,
    copy_template,
    generate,
    load_hook,
    tree,
)
from cookiecutter.exceptions import (
    FailedHookException,
    OutputDirExistsException,
    UndefinedVariableInTemplate,
)
from cookiecutter.main import cookiecutter
from cruft import create as cruft_create
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jinja2.exceptions import TemplateSyntaxError

PRE = load_hook("pre_gen_project")
POST = load_hook("post_gen_project")


@pytest.mark.parametrize(
    "slug",
    ["a/b", "a/b/c", "kept/b", "empty/b", "../up", "new/../b", ".", "..", "", "x" * 300, "Upper"],
)
def test_a_refused_slug_leaves_every_folder_as_it_was(
    slug: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for folder in ("out/kept", "out/empty"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "out/kept/file").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(FailedHookException):
        generate(tmp_path / "out", project_slug=slug)
    assert tree(tmp_path) == before
    assert f"project_slug: {slug!r}" in capfd.readouterr().err


def test_an_absolute_slug_is_never_followed(tmp_path: Path) -> None:
    with pytest.raises(FailedHookException):
        generate(tmp_path / "out", project_slug=str(tmp_path / "elsewhere/x"))
    assert not (tmp_path / "elsewhere").exists()


def test_an_existing_folder_is_untouched(tmp_path: Path) -> None:
    (tmp_path / "flight-delay").mkdir()
    (tmp_path / "flight-delay/LICENSE").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(OutputDirExistsException):
        generate(tmp_path)
    with pytest.raises(FailedHookException):
        generate(tmp_path, overwrite=True, package_name="class")
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("description", "error"),
    [
        ("{{ 1 }}", FailedHookException),
        ("{% if 1 %}x{% endif %}", FailedHookException),
        ("{{ nowhere }}", UndefinedVariableInTemplate),
        ("{% nothing", TemplateSyntaxError),
    ],
)
def test_a_template_tag_is_refused_and_never_rendered(
    description: str, error: type[Exception], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(error):
        generate(tmp_path, description=description)
    assert list(tmp_path.iterdir()) == []
    if error is FailedHookException:
        assert f"description: {description!r}" in capfd.readouterr().err


def test_an_unknown_choice_is_refused_by_cookiecutter_and_in_a_replay_by_the_hook(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    with pytest.raises(ValueError, match=r"GPL provided for choice variable license.*Apache-2\.0"):
        generate(output, license="GPL")
    replay = tmp_path / "replay.json"
    replay.write_text(json.dumps({"cookiecutter": answers() | {"license": "GPL"}}))
    own = tmp_path / "settings.json"
    own.write_text(json.dumps({"replay_dir": str(tmp_path), "cookiecutters_dir": str(tmp_path)}))
    with pytest.raises(FailedHookException):
        cookiecutter(
            str(TEMPLATE), replay=str(replay), output_dir=str(output), config_file=str(own)
        )
    assert "license: 'GPL'" in capfd.readouterr().err
    assert list(output.iterdir()) == []


def test_a_failure_after_rendering_leaves_nothing(tmp_path: Path) -> None:
    template = copy_template(tmp_path / "template")
    (template / PROJECT / "licenses/MIT").unlink()
    (tmp_path / "out").mkdir()
    with pytest.raises(FailedHookException):
        generate(tmp_path / "out", template=template)
    assert list((tmp_path / "out").iterdir()) == []


PEOPLE = [
    (
        "O'Brien's \"ML\" Project",
        "o-brien-s-ml-project",
        'Connor "C:\\" O\'Brien',
        r'"\d" & <b> \\',
    ),
    ("Élan Vital", "elan-vital", "Zoë Ångström", "naïve — 50 % 'off' \"\"\" '''"),
    ("机器学习", "ji-qi-xue-xi", "王小明", "预测 ${HOME} %(x)s {0} 🚀"),
    ("Late 🚂 Trains", "late-trains", "🚀", "\\"),
]


@pytest.mark.parametrize(("name", "slug", "author", "description"), PEOPLE)
def test_names_that_people_have_survive_unharmed(
    name: str, slug: str, author: str, description: str, tmp_path: Path
) -> None:
    project = generate(
        tmp_path, project_name=name, author_name=author, description=description, license="MIT"
    )
    assert project == tmp_path / slug
    metadata = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["name"] == slug
    assert metadata["description"] == description
    assert metadata["authors"] == [{"name": author, "email": DEFAULTS["author_email"]}]
    assert (project / "src" / slug.replace("-", "_")).is_dir()
    readme = (project / "README.md").read_text("utf-8")
    assert name in readme
    assert description in readme
    assert f"Copyright (c) {author}\n" in (project / "LICENSE").read_text("utf-8")


def test_a_name_without_letters_is_refused_clearly(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FailedHookException):
        generate(tmp_path, project_name="🚀")
    assert "name without letters and digits" in capfd.readouterr().err
    assert generate(tmp_path, project_name="🚀", project_slug="rocket") == tmp_path / "rocket"


@pytest.mark.parametrize("name", QUESTIONS["license"])
def test_only_the_chosen_license_is_kept(name: str, tmp_path: Path) -> None:
    project = generate(tmp_path, license=name, author_name="Ann Author")
    text = (project / "LICENSE").read_text("utf-8")
    assert not (project / "licenses").exists()
    assert name[:3] in text or name == "Proprietary"
    assert ("Ann Author" in text) == (name != "Apache-2.0")
    assert "cookiecutter" not in text
    assert re.findall(r"\b20\d\d\b", text) == (["2004"] if name == "Apache-2.0" else [])


def test_a_platform_that_was_not_chosen_leaves_neither_files_nor_folders(tmp_path: Path) -> None:
    places = list(POST.CHOICES["platforms"]["kubernetes"])
    without, chosen = (generate(tmp_path / name, platforms=name) for name in QUESTIONS["platforms"])
    assert [place for place in places if (without / place).exists()] == []
    assert [place for place in places if not (chosen / place).exists()] == []
    overlay = (chosen / "deploy/kubernetes/overlays/prod/kustomization.yaml").read_text("utf-8")
    assert "flight-delay-prod" in overlay


def test_the_chosen_python_is_the_one_that_tools_will_use(tmp_path: Path) -> None:
    project = generate(tmp_path, python_version="3.12")
    assert (project / ".python-version").read_text() == "3.12\n"
    assert not (project / "python-version").exists()


def test_the_course_is_in_its_edition_alone(tmp_path: Path) -> None:
    places = list(POST.CHOICES["edition"]["course"])
    portfolio, course = (generate(tmp_path / name, edition=name) for name in QUESTIONS["edition"])
    assert [place for place in places if (portfolio / place).exists()] == []
    assert [place for place in places if not (course / place).exists()] == []
    hole = b"raise NotImplementedError("
    made = [content for _, content in tree(course).values()]
    assert any(hole in content and b"exercise " in content for content in made)
    assert not any(b"course start" in content for _, content in tree(portfolio).values())


def test_an_exercise_about_a_platform_that_was_not_chosen_is_dropped(tmp_path: Path) -> None:
    template = copy_template(tmp_path / "template")
    exercises = template / PROJECT / "course/exercises"
    [first, *_] = sorted(exercises.glob("*.toml"))
    text = first.read_text("utf-8")
    added = '\n[[faults]]\nfile = "docs/kubernetes.md"\nright = "a"\nwrong = "b"\n'
    (exercises / "on-a-platform.toml").write_text(text.replace("order = ", "order = 9") + added)
    first.unlink()
    for platform, kept in (("none", False), ("kubernetes", True)):
        project = generate(
            tmp_path / platform, template=template, platforms=platform, edition="course"
        )
        assert (project / "course/exercises/on-a-platform.toml").exists() == kept
        assert (project / "course/whole/docs/kubernetes.md.txt").exists() == kept


def test_an_exercise_that_does_not_fit_the_project_leaves_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    template = copy_template(tmp_path / "template")
    [first, *_] = sorted((template / PROJECT / "course/exercises").glob("*.toml"))
    text = first.read_text("utf-8")
    edit = '[[edits]]\nfile = "ruff.toml"\nright = "nowhere"\nwrong = "x"\n'
    first.write_text(text.partition("[[edits]]")[0] + edit)
    (tmp_path / "out").mkdir()
    with pytest.raises(FailedHookException):
        generate(tmp_path / "out", template=template, edition="course")
    assert "ruff.toml" in capfd.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("package", ["late_trains", "flight", "flight_delay_nyc"])
def test_another_package_name_replaces_the_token_everywhere(package: str, tmp_path: Path) -> None:
    old, new = NAME_IN_TEMPLATE.encode(), package.encode()
    default = tree(generate(tmp_path / "default", platforms="kubernetes"))
    other = tree(generate(tmp_path / "other", platforms="kubernetes", package_name=package))
    assert {path: content for path, (_, content) in other.items()} == {
        path.replace(NAME_IN_TEMPLATE, package): content.replace(old, new)
        for path, (_, content) in default.items()
    }
    assert package == f"{NAME_IN_TEMPLATE}_nyc" or not any(
        NAME_IN_TEMPLATE in path or NAME_IN_TEMPLATE.encode() in content
        for path, (_, content) in other.items()
    )


def test_every_line_has_room_for_the_longest_package_name() -> None:
    """A longer name must not break lines, which ruff would want wrapped and sorted anew."""
    longer = PRE.LONGEST["package_name"] - len(NAME_IN_TEMPLATE)
    crowded = [
        f"{path.name}:{number}"
        for path in (TEMPLATE / PROJECT).rglob("*.py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) + longer * line.count(NAME_IN_TEMPLATE) > 100 and NAME_IN_TEMPLATE in line
    ]
    assert crowded == []


def test_a_binary_file_keeps_its_bytes_when_the_package_is_renamed(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    contents = {
        "a.png": b"\x89PNG flight_delay",
        "b.bin": b"\0flight_delay",
        ".git/x": NAME_IN_TEMPLATE.encode(),
    }
    for path, content in contents.items():
        (tmp_path / path).write_bytes(content)
    (tmp_path / "test_flight_delay.py").write_bytes(b"import flight_delay\r\n")
    POST.rename_package(tmp_path, "late_trains")
    assert (tmp_path / "test_late_trains.py").read_bytes() == b"import late_trains\r\n"
    assert {path: (tmp_path / path).read_bytes() for path in contents} == contents


def plant_leftovers(project: Path) -> None:
    """Leave in a template what tools leave, with text that Jinja could not read."""
    for folder in (".mypy_cache/3.11", ".ruff_cache/0.1", ".pytest_cache/v", ".venv/bin"):
        (project / folder).mkdir(parents=True)
        (project / folder / "state.json").write_text('{"broken": "{{ {% flight_delay"}')
    for path in (
        "src/flight_delay/__pycache__/a.pyc",
        "tests/.hypothesis/b",
        "x.egg-info/PKG-INFO",
        "__pycache__/conftest.pyc",
        ".coverage",
        "licenses/.DS_Store",
        "notebooks/c.pyc",
    ):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(b"\xff{{ \0{% {# flight_delay")


@pytest.mark.parametrize("edition", QUESTIONS["edition"])
def test_cruft_and_caches_in_the_template_change_nothing(edition: str, tmp_path: Path) -> None:
    template = copy_template(tmp_path / "template")
    plant_leftovers(template / PROJECT)
    ours: dict[str, Any] = {"package_name": "late_trains", "author_name": 'Connor O\'Brien "🚀"'}
    ours["edition"] = edition
    plain = generate(tmp_path / "plain", template=template, **ours)
    assert tree(plain) == tree(generate(tmp_path / "clean", **ours))

    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "t"],
    ):
        subprocess.run(["git", *command], cwd=template, env=environment, check=True)
    repository = str(template)
    by_cruft = cruft_create(
        repository, output_dir=tmp_path / "cruft", extra_context=ours, default_config=True
    )
    (by_cruft / ".cruft.json").unlink()
    assert tree(by_cruft) == tree(plain)

    refused = {"project_slug": "a/b", "license": "MIT"}
    with pytest.raises(FailedHookException):
        cruft_create(
            repository, output_dir=tmp_path / "no", extra_context=refused, default_config=True
        )
    assert list((tmp_path / "no").iterdir()) == []


def test_no_dependency_of_the_project_may_lend_its_name(tmp_path: Path) -> None:
    pyproject = tomllib.loads((generate(tmp_path) / "pyproject.toml").read_text("utf-8"))
    groups = pyproject["dependency-groups"].values()
    required = [*pyproject["project"]["dependencies"], *pyproject["build-system"]["requires"]]
    required += [item for group in groups for item in group if isinstance(item, str)]
    names = {re.split(r"[^\w-]", item)[0].lower().replace("_", "-") for item in required}
    assert len(names) > 10
    for name in names:
        assert PRE.problems(DEFAULTS | {"project_slug": name}), name
        assert PRE.problems(DEFAULTS | {"package_name": name.replace("-", "_")}), name


LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))
LINE = st.text(LETTERS, min_size=1, max_size=40)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    name=LINE,
    author=LINE,
    description=LINE,
    package=st.from_regex(r"[a-z][a-z0-9_]{0,29}", fullmatch=True),
)
def test_every_accepted_set_of_answers_gives_a_project_that_compiles(
    name: str, author: str, description: str, package: str
) -> None:
    asked = DEFAULTS | {"project_name": name, "author_name": author, "description": description}
    asked |= {"package_name": package}
    asked |= {problem.field: problem.would_pass for problem in PRE.problems(asked)}
    with tempfile.TemporaryDirectory() as output:
        project = generate(Path(output), **asked)
        metadata = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
        assert metadata["description"] == asked["description"]
        assert metadata["authors"][0]["name"] == asked["author_name"]
        for path in filter(Path.is_file, project.rglob("*")):
            if path.suffix == ".png":
                continue
            text = path.read_text("utf-8")
            assert "cookiecutter." not in text, path
            if path.suffix == ".py":
                compile(text, str(path), "exec")
        for check in (["check"], ["format", "--check"]):
            ruff = [sys.executable, "-m", "ruff", *check, "--no-cache"]
            linted = subprocess.run(ruff, cwd=project, capture_output=True, text=True, check=False)
            assert linted.returncode == 0, linted.stdout
