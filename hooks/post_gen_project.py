"""Turn the rendered template into the project that was asked for.

Four steps, in the folder of the new project, on the standard library alone:

1. What tools left inside the template (caches, bytecode) was copied too, as cookiecutter cannot
   skip a file: drop it. `_copy_without_render` lists the same names, so that none is rendered.
2. Choices are whole files, kept or dropped by the table `CHOICES`. Folders that are empty then go
   too: cruft generates from a repository, which has none, and both must give the same tree.
3. The template is real code, whose package is literally `flight_delay`, so that every tool reads
   it as it stands. If another package name was asked for, replace that token in all paths and
   texts. It is one plain word, `pre_gen_project.py` keeps it out of the answers, and replacing
   twice changes nothing, so rendered and copied files can be treated alike.
4. In the course edition, let the course make its exercises, as `src/course/edition.py` says. It is
   run from the new project, where the learner's command needs the same code to open one again.

An error in any step ends the hook with a failure, and cookiecutter removes the folder that it
made: there is a whole project or none. Cookiecutter and cruft run the same hook.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

NAME_IN_TEMPLATE = "flight_delay"

LEFTOVERS = (
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".ipynb_checkpoints",
    ".venv",
    "*.egg-info",
    "*.pyc",
    ".coverage",
    ".DS_Store",
)

# question -> answer -> the files and folders that it keeps: path in the template -> path in the
# project. What is named here is dropped with the answers that were not chosen.
CHOICES = {
    "license": {
        name: {f"licenses/{name}": "LICENSE"}
        for name in ("MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary")
    },
    # Under its real name, with a tag inside, it would stop uv and pyenv within the template.
    "python_version": {
        version: {"python-version": ".python-version"} for version in ("3.11", "3.12", "3.13")
    },
    "platforms": {
        "none": {},
        "kubernetes": {
            path: path
            for path in (
                ".github/workflows/deploy.yml",
                "deploy/kubernetes",
                "docs/capacity.md",
                "docs/images/autoscaling.png",
                "docs/kubernetes.md",
                f"src/{NAME_IN_TEMPLATE}/kubernetes",
                "tests/kubernetes",
            )
        },
    },
    "edition": {
        "portfolio": {},
        "course": {path: path for path in ("course", "src/course")},
    },
}


def drop_leftovers(project: Path) -> None:
    """Remove caches and bytecode, wherever they are."""
    for folder, folders, files in os.walk(project):
        dropped = {
            name for pattern in LEFTOVERS for name in fnmatch.filter([*folders, *files], pattern)
        }
        for name in dropped:
            _remove(Path(folder, name))
        folders[:] = [name for name in folders if name not in {*dropped, ".git"}]


def keep_chosen(project: Path, answers: Mapping[str, str]) -> None:
    """Move what the chosen answers keep to its place and remove the rest."""
    for question, files_of in CHOICES.items():
        kept = files_of[answers[question]]
        for source in {source for files in files_of.values() for source in files}:
            path = project / source
            if source in kept:
                path.replace(project / kept[source])
            else:
                _remove(path)


def drop_empty_folders(project: Path) -> None:
    """Remove what the steps before emptied, and what a repository would not have kept either."""
    for path in _walk(project):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def rename_package(project: Path, package: str) -> None:
    """Replace the token by `package` in the names and the texts of all files."""
    # The longer name comes first: `flight_delay_nyc` is finished, and `flight` is only a beginning.
    token = re.compile(
        "|".join(sorted((package, NAME_IN_TEMPLATE), key=len, reverse=True)).encode()
    )
    for path in _walk(project):
        if path.is_file():
            content = path.read_bytes()
            renamed = token.sub(package.encode(), content)
            if renamed != content and _is_text(content):
                path.write_bytes(renamed)
        if NAME_IN_TEMPLATE in path.name:
            path.rename(path.with_name(token.sub(package.encode(), path.name.encode()).decode()))


def make_exercises(project: Path) -> None:
    """Remove the bodies that the learner will write, and keep what they were."""
    subprocess.run(
        [sys.executable, "-B", "-m", "course.edition"],
        env=os.environ | {"PYTHONPATH": str(project / "src")},
        check=True,
    )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _walk(project: Path) -> Iterator[Path]:
    """Yield everything inside, contents before their folder, without a repository's own files."""
    for entry in sorted(project.iterdir()):
        if entry.name != ".git":
            if entry.is_dir() and not entry.is_symlink():
                yield from _walk(entry)
            yield entry


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def main() -> None:
    """Finish the project in the working directory, which cookiecutter sets to it."""
    # The same literal as in pre_gen_project.py, where it is shown why no answer can end it.
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    project = Path.cwd()
    drop_leftovers(project)
    keep_chosen(project, answers)
    drop_empty_folders(project)
    if answers["package_name"] != NAME_IN_TEMPLATE:
        rename_package(project, answers["package_name"])
    if answers["edition"] == "course":
        make_exercises(project)
    print(f"{project.name} is made; the next step is `make setup` in its folder.")


if __name__ == "__main__":
    main()
