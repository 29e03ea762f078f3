"""The project that the course lives in: its exercises, its files, and what they were."""

import hashlib
import itertools
import shutil
from pathlib import Path

from course.digging import NotFoundError, dig, enclosing, transplant
from course.exercises import Exercise, load

SHIPPED = "shipped.sha256"
"""What the code, the tests and the exercises were, as `sha256sum` writes it."""
HASHED = ("src", "tests", "course/exercises", "course/whole", "pyproject.toml")
OBEYED = (
    *("conftest.py", "tests/**/conftest.py"),
    *("*pytest.ini", "*pytest.toml", "setup.cfg", "tox.ini"),
    *("*.py", "*/__init__.py", "src/*.py", "src/*/__init__.py"),
)
"""What pytest or Python takes up because of its name, whatever a test says."""


class WrongUseError(Exception):
    """A command cannot do what was asked; the message is one line for the person."""


class Project:
    """The files of the course edition."""

    def __init__(self, root: Path) -> None:
        """Read the exercises of the project in this folder."""
        self.root = root
        self.folder = root / "course"
        self.exercises = load(self.folder / "exercises")

    def text(self, file: str) -> str:
        """Return a file as the learner has it."""
        try:
            return (self.root / file).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            message = f"{file} is missing; `course reset NAME` of its exercise brings it back"
            raise WrongUseError(message) from error
        except UnicodeDecodeError as error:
            message = f"{file} is not UTF-8: let your editor save it so, or `course reset` it"
            raise WrongUseError(message) from error

    def write(self, file: str, text: str) -> None:
        """Write a file of the learner's, after a copy of it was kept."""
        path = self.root / file
        if path.exists() and path.read_bytes() != text.encode():
            self._keep(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")

    def whole_path(self, file: str) -> Path:
        """Return where the untouched file lies."""
        return self.folder / "whole" / f"{file}.txt"

    def whole(self, file: str) -> str:
        """Return a file as it is in the untouched project."""
        return self.whole_path(file).read_text(encoding="utf-8")

    @property
    def whole_files(self) -> list[str]:
        """Return the files of which there is an untouched copy."""
        folder = self.folder / "whole"
        paths = (path.relative_to(folder) for path in folder.rglob("*.txt"))
        return sorted(path.as_posix().removesuffix(".txt") for path in paths)

    def shipped(self, file: str) -> str:
        """Return a file as the course gives it out: the untouched one with every hole."""
        return self._with_holes(file, self.whole(file), list(self.exercises.values()))

    def reset(self, exercise: Exercise) -> list[str]:
        """Open the holes of one exercise again; return a sentence about each file given up on."""
        return self._rewrite(exercise, opened=True)

    def solve(self, exercise: Exercise) -> list[str]:
        """Write the course's answer into the learner's files; return sentences as `reset` does."""
        return self._rewrite(exercise, opened=False)

    def _rewrite(self, exercise: Exercise, *, opened: bool) -> list[str]:
        said = []
        for file in exercise.written_in:
            try:
                text = self._filled(file, self.text(file), exercise)
            except (LookupError, SyntaxError, WrongUseError):
                anew, lost = self._with_answers(file, exercise)
                said.append(_written_anew(file, lost))
                text = self._filled(file, anew, exercise)
            self.write(file, self._with_holes(file, text, [exercise]) if opened else text)
        return said

    def functions(self, exercise: Exercise, file: str) -> list[str]:
        """Return the functions of a file in which an exercise is written."""
        removed = [symbol.name for symbol in exercise.remove if symbol.file == file]
        if not file.endswith(".py"):
            return removed
        edits = [edit for edit in exercise.edits if edit.file == file]
        edited = (enclosing(self.whole(file), edit.right) for edit in edits)
        return [*removed, *(name for name in edited if name)]

    def _with_answers(self, file: str, exercise: Exercise) -> tuple[str, list[str]]:
        """Return a file as shipped with the learner's answers to other exercises in it.

        And the exercises to which there is no answer that could be read.
        """
        text, lost = self.shipped(file), []
        own = self.functions(exercise, file)
        for other in self.exercises.values():
            if other.name == exercise.name or file not in other.written_in:
                continue
            try:
                learners = self.text(file)
                for name in self.functions(other, file):
                    if name not in own:
                        text = transplant(text, name, learners)
            except (LookupError, SyntaxError, WrongUseError):
                lost.append(other.name)
                continue
            for edit in other.edits:
                if edit.file == file and edit.right in learners:
                    text = edit.put_right(text)
        return text, lost

    def _filled(self, file: str, text: str, exercise: Exercise) -> str:
        """Return a file of the learner's with the course's answer to one exercise in it."""
        for symbol in exercise.remove:
            if symbol.file == file:
                text = transplant(text, symbol.name, self.whole(file))
        for edit in exercise.edits:
            if edit.file == file:
                text = edit.put_right(text)
                if text.count(edit.right) != 1:
                    raise NotFoundError(edit.right)
        return text

    @staticmethod
    def _with_holes(file: str, text: str, exercises: list[Exercise]) -> str:
        for exercise in exercises:
            for symbol in exercise.remove:
                if symbol.file == file:
                    text = dig(text, symbol.name, exercise.name)
            for edit in exercise.edits:
                if edit.file == file:
                    text = edit.put_wrong(text)
        return text

    def is_untouched(self, file: str) -> bool:
        """Whether a file differs from the untouched one in nothing but what learners write."""
        try:
            text = self.text(file)
            for exercise in self.exercises.values():
                text = self._filled(file, text, exercise)
        except (LookupError, SyntaxError, WrongUseError):
            return False
        return text == self.whole(file)

    def _keep(self, file: str) -> None:
        """Copy a file of the learner's to where nothing overwrites it."""
        folder = (self.folder / "kept" / file).parent
        folder.mkdir(parents=True, exist_ok=True)
        copies = (folder / f"{Path(file).name}.{number}.txt" for number in itertools.count(1))
        shutil.copy2(self.root / file, next(copy for copy in copies if not copy.exists()))

    def hashes(self) -> dict[str, str]:
        """Return what the files that make a check hash to, whatever ends a line."""
        files = (
            path
            for name in HASHED
            for path in sorted([self.root / name, *(self.root / name).rglob("*")])
            if path.is_file() and "__pycache__" not in path.parts
        )
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(
                path.read_bytes().replace(b"\r\n", b"\n")
            ).hexdigest()
            for path in files
        }

    def changed(self) -> dict[str, str]:
        """Return each file that could decide what a check finds, and what is amiss with it.

        What learners write is not among them.
        """
        lines = (self.folder / SHIPPED).read_text(encoding="utf-8").splitlines()
        shipped = {file: digest for digest, _, file in (line.partition("  ") for line in lines)}
        now = self.hashes()
        written = {file for exercise in self.exercises.values() for file in exercise.written_in}
        kept = shipped.keys() - written
        spoilt = [file for file in shipped if file in kept and now.get(file) != shipped[file]]
        obeyed = {path for pattern in OBEYED for path in self.root.glob(pattern)}
        found = sorted(path.relative_to(self.root).as_posix() for path in obeyed)
        added = [file for file in found if file not in shipped]
        return {
            **dict.fromkeys(spoilt, "it is not as shipped"),
            **dict.fromkeys(added, "it was not shipped"),
        }


def _written_anew(file: str, lost: list[str]) -> str:
    """Return the sentence about a file in which the place of an exercise was not found."""
    anew = f"The place in {file} could not be found any more, so the file was written anew"
    if lost:
        return (
            f"{anew}, as shipped. What it was is in course/kept, your answer to "
            f"{', '.join(lost)} with it."
        )
    return f"{anew}: your answers to other exercises are in it, and all else is as shipped."
