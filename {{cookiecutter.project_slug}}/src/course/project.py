"""The project that the course lives in: its exercises, its files, and what they were."""

import contextlib
import hashlib
import itertools
import shutil
from pathlib import Path

from course.digging import NotFoundError, dig, transplant
from course.exercises import Exercise, load

SHIPPED = "shipped.sha256"
"""What the code and the tests were, as `sha256sum` writes it."""


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
                said.append(
                    f"The place in {file} could not be found any more, so the file was written "
                    "anew: your answers to other exercises are in it, and all else is as shipped."
                )
                text = self._filled(file, self._with_answers(file), exercise)
            self.write(file, self._with_holes(file, text, [exercise]) if opened else text)
        return said

    def _with_answers(self, file: str) -> str:
        """Return a file as shipped, with each function of an exercise that the learner's has."""
        text = self.shipped(file)
        for exercise in self.exercises.values():
            for symbol in exercise.remove:
                if symbol.file == file:
                    with contextlib.suppress(LookupError, SyntaxError, WrongUseError):
                        text = transplant(text, symbol.name, self.text(file))
        return text

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
        """Return what the files of the project's code and tests hash to, whatever ends a line."""
        files = (
            path
            for folder in ("src", "tests")
            for path in sorted((self.root / folder).rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        )
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(
                path.read_bytes().replace(b"\r\n", b"\n")
            ).hexdigest()
            for path in files
        }

    def changed(self) -> list[str]:
        """Return the files that are not as shipped and belong to no exercise."""
        shipped, now = self._shipped_hashes(), self.hashes()
        written = {file for exercise in self.exercises.values() for file in exercise.written_in}
        return [file for file in shipped if file not in written and now.get(file) != shipped[file]]

    def added_hooks(self) -> list[str]:
        """Return each conftest.py that was not shipped: pytest obeys it, whatever a test says."""
        paths = (self.root / "conftest.py", *(self.root / "tests").rglob("conftest.py"))
        found = {path.relative_to(self.root).as_posix() for path in paths if path.exists()}
        return sorted(found - self._shipped_hashes().keys())

    def _shipped_hashes(self) -> dict[str, str]:
        lines = (self.folder / SHIPPED).read_text(encoding="utf-8").splitlines()
        return {file: digest for digest, _, file in (line.partition("  ") for line in lines)}
