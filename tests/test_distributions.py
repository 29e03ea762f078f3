"""The wheel and the sdist of a generated project, opened: all of the code and nothing beside it."""

import configparser
import email
import re
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import pytest
from answers import DEFAULTS, TEMPLATE, generate
from shell import run

# What a project that was worked in holds besides its files: state, secrets, what tools left.
STATE = (
    "data/flights.parquet",
    "models/0123456789ab/model.onnx",
    "reports/train.json",
    "mlartifacts/1/model.onnx",
    "mlflow.db",
    "uv.lock",
    ".env",
    ".venv/lib/late_trains.py",
    "src/late_trains/.env",
    "src/late_trains/__pycache__/cli.cpython-311.pyc",
    "tests/.hypothesis/unit.py",
)


@dataclass(frozen=True)
class Built:
    """A project and the contents of its two distributions, by path."""

    project: Path
    wheel: dict[str, bytes]
    sdist: dict[str, bytes]

    @property
    def metadata(self) -> Message:
        """What an installer reads."""
        return email.message_from_bytes(self.wheel["late_trains-0.1.0.dist-info/METADATA"])


def build(folder: Path, license_name: str) -> Built:
    """Generate, leave state behind as work does, and build."""
    project = generate(
        folder,
        project_name="Late Trains",
        license=license_name,
        author_name="Zoë Ångström",
        description='How "late"?',
    )
    for name in STATE:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("state")
    run("uv build", project)
    [wheel] = (project / "dist").glob("*.whl")
    [sdist] = (project / "dist").glob("*.tar.gz")
    assert wheel.name == "late_trains-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name: archive.read(name) for name in archive.namelist()}
    in_sdist = {}
    with tarfile.open(sdist) as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None, f"{member.name} is no file"
            top, _, name = member.name.partition("/")
            assert top == "late_trains-0.1.0"
            in_sdist[name] = content.read()
    return Built(project, in_wheel, in_sdist)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("distributions"), "Apache-2.0")


SHIPPED = {".py", ".j2", ".html", ".css", ".js", ".svg"}


def code(project: Path, *tops: str) -> set[str]:
    """Return the files of some folders, without what tools leave."""
    paths = {path for top in tops for path in (project / top).rglob("*") if path.is_file()}
    kept = {path for path in paths if path.suffix in SHIPPED or path.name == "py.typed"}
    names = {path.relative_to(project).as_posix() for path in kept}
    return {name for name in names if name not in STATE}


def test_the_wheel_is_the_source_tree_and_its_metadata(built: Built) -> None:
    source = {name.removeprefix("src/") for name in code(built.project, "src")}
    assert {"late_trains/py.typed", "late_trains/service/app.py"} < source
    about = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    assert set(built.wheel) == source | {f"late_trains-0.1.0.dist-info/{name}" for name in about}
    for name in source:
        assert built.wheel[name] == (built.project / "src" / name).read_bytes(), name


def test_the_sdist_holds_code_tests_readme_license_and_nothing_else(built: Built) -> None:
    # The build backend always adds .gitignore, which says what is state, and PKG-INFO.
    beside = {"README.md", "LICENSE", "pyproject.toml", ".gitignore", "PKG-INFO"}
    assert set(built.sdist) == code(built.project, "src", "tests") | beside
    for name in set(built.sdist) - {"PKG-INFO"}:
        assert built.sdist[name] == (built.project / name).read_bytes(), name


def test_the_metadata_is_what_was_answered(built: Built) -> None:
    metadata = built.metadata
    assert metadata["Name"] == "late-trains"
    assert metadata["Version"] == "0.1.0"
    assert metadata["Summary"] == 'How "late"?'
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert str(metadata["Author-email"]).endswith(f"<{DEFAULTS['author_email']}>")
    # No index takes a project with this classifier, so nobody publishes one by mistake.
    assert metadata.get_all("Classifier") == ["Private :: Do Not Upload"]
    assert b"Apache License" in built.wheel["late_trains-0.1.0.dist-info/licenses/LICENSE"]


def test_the_wheel_requires_what_a_server_needs_and_no_group(built: Built) -> None:
    settings = tomllib.loads((built.project / "pyproject.toml").read_text(encoding="utf-8"))

    def names(required: list[str]) -> set[str]:
        return {re.split(r"[^\w-]", item)[0] for item in required}

    stated = built.metadata.get_all("Requires-Dist", [])
    extra = [item for item in stated if "extra ==" in item]
    required = names([item for item in stated if item not in extra])
    assert required == names(settings["project"]["dependencies"])
    assert not required & {"scikit-learn", "mlflow", "polars", "pytest"}
    assert built.metadata.get_all("Provides-Extra") == ["postgres"]
    assert names(extra) == {"psycopg"}


def test_the_command_that_the_wheel_installs_is_the_project_and_exists(built: Built) -> None:
    points = configparser.ConfigParser()
    points.read_string(built.wheel["late_trains-0.1.0.dist-info/entry_points.txt"].decode())
    assert {name: dict(points[name]) for name in points.sections()} == {
        "console_scripts": {"late-trains": "late_trains.cli:main"}
    }
    assert b"\ndef main() -> None:" in built.wheel["late_trains/cli.py"]


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_no_distribution_holds_a_path_of_this_machine_or_the_address_of_a_file(
    kind: str, built: Built
) -> None:
    folders = [str(folder).encode() for folder in (TEMPLATE, built.project, built.project.parent)]
    registries = [b"pypi" + b".org", b"python" + b"hosted"]
    contents = built.wheel if kind == "wheel" else built.sdist
    for name, content in contents.items():
        assert not [text for text in (*folders, *registries) if text in content], name


def test_a_proprietary_project_builds_too(tmp_path: Path) -> None:
    built = build(tmp_path, "Proprietary")
    assert built.metadata["License-Expression"] == "LicenseRef-Proprietary"
    assert "All rights reserved" in built.sdist["LICENSE"].decode()
