"""Make the course edition of a project that was just generated; the template's hook runs this.

Once, on the standard library: `python -m course.edition`, with `src/` on the path.
"""

from pathlib import Path

from course.exercises import load
from course.project import SHIPPED, Project

COMMAND = 'course = "course.cli:main"\n'
SCRIPTS = "[project.scripts]\n"
IGNORES = "[lint.per-file-ignores]\n"
# What a file with a hole in it cannot please: arguments and imports that only the body used.
LENIENT = '"**.py" = ["ARG", "EM101", "F401", "RUF100", "TC"] # the course: bodies are missing\n'


def make(root: Path) -> None:
    """Drop the exercises about files that are not here, keep the originals, open the holes."""
    for exercise in load(root / "course" / "exercises").values():
        if not all((root / file).is_file() for file in exercise.files):
            (root / "course" / "exercises" / f"{exercise.name}.toml").unlink()
    _insert(root / "pyproject.toml", after=SCRIPTS, line=COMMAND)
    _insert(root / "ruff.toml", after=IGNORES, line=LENIENT)
    project = Project(root)
    touched = {file for exercise in project.exercises.values() for file in exercise.files}
    for file in sorted(touched):
        whole = project.whole_path(file)
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(project.text(file), encoding="utf-8", newline="\n")
    for file in sorted(touched):
        try:
            (root / file).write_text(project.shipped(file), encoding="utf-8", newline="\n")
        except LookupError as error:
            message = f"an exercise about {file}: {error}"
            raise LookupError(message) from error
    lines = "".join(f"{digest}  {file}\n" for file, digest in sorted(project.hashes().items()))
    (project.folder / SHIPPED).write_text(lines, encoding="utf-8", newline="\n")


def _insert(path: Path, *, after: str, line: str) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count(after) != 1:
        message = f"{path.name} has {after.strip()} not once"
        raise LookupError(message)
    path.write_text(text.replace(after, after + line), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2])
