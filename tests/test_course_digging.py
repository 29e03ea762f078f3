"""Bodies are removed and put back, and nothing else in a file moves."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from answers import PROJECT, TEMPLATE
from course_edition import course_module

DIGGING = course_module("digging")
EXERCISES = course_module("exercises")
SHORT = "late"
LONG = "the-longest-name-is-as-this"

MODULE = '''\
"""A module.\x0c"""

import math  # of which only a body makes use

LIMIT = 3


class Bundle:
    """A class."""

    limit = LIMIT  # stays

    @property
    @staticmethod
    def score(row: dict[str, int],
              *, twice: bool = False) -> float:  # the signature is as it is
        """Return a score.

        Over several lines.
        """
        # A comment of the body.
        def inner() -> int:
            """Return nothing of interest."""
            return 1

        return math.sqrt(inner()) * (2 if twice else 1)  # the last line

    # Between two methods.
    async def wait(self) -> None:
        # Above the first statement, and no docstring.

        pass


def short(x: int) -> int: return x


def only_documented() -> None:
    """Have no statement at all."""


def outer(x: int) -> int:
    @staticmethod
    def helper() -> int:
        return x

    return helper()
# At the end.
'''


def hole(name: str) -> str:
    return f'raise NotImplementedError("exercise {name}: run `course start {name}`")'


def test_a_method_keeps_decorators_signature_and_docstring() -> None:
    dug = DIGGING.dig(MODULE, "Bundle.score", SHORT)
    head, _, rest = MODULE.partition("        # A comment of the body.\n")
    tail = rest.partition("# the last line\n")[2]
    assert dug == f"{head}        {hole(SHORT)}\n{tail}"
    assert not DIGGING.is_open(MODULE, "Bundle.score")
    assert DIGGING.is_open(dug, "Bundle.score")


def test_without_a_docstring_the_comments_above_the_body_go_with_it() -> None:
    dug = DIGGING.dig(MODULE, "Bundle.wait", SHORT)
    assert f"    async def wait(self) -> None:\n        {hole(SHORT)}\n\n\ndef short" in dug
    assert "# Between two methods.\n" in dug


def test_a_decorated_function_at_the_start_of_a_body_goes_with_its_decorator() -> None:
    dug = DIGGING.dig(MODULE, "outer", SHORT)
    assert f"def outer(x: int) -> int:\n    {hole(SHORT)}\n# At the end.\n" in dug


def test_a_long_hole_is_wrapped_as_the_formatter_would(tmp_path: Path) -> None:
    assert max(map(len, DIGGING.dig(MODULE, "Bundle.wait", LONG).splitlines())) <= 100
    file = tmp_path / "module.py"
    for name in (SHORT, LONG):
        text = "def f() -> None:\n    return\n"
        file.write_text(DIGGING.dig(text, "f", name))
        ruff = [sys.executable, "-m", "ruff", "format", "--no-cache", "--line-length=100"]
        done = subprocess.run([*ruff, "--check", file], capture_output=True, check=False)
        assert done.returncode == 0, file.read_text()
    assert DIGGING.is_open(file.read_text(), "f")


@pytest.mark.parametrize("name", ["Bundle.score", "Bundle.wait", "outer"])
def test_a_function_put_back_gives_the_same_text(name: str) -> None:
    dug = DIGGING.dig(MODULE, name, SHORT)
    assert dug != MODULE
    assert DIGGING.transplant(dug, name, MODULE) == MODULE


def test_a_fragment_is_found_in_its_function() -> None:
    def at(fragment: str) -> object:
        return DIGGING.enclosing(MODULE, fragment)

    assert at("LIMIT = 3") is None
    assert at("limit = LIMIT") is None, "a class is no function"
    assert at("# A comment of the body.") == "Bundle.score"
    assert at("Return nothing of interest") == "Bundle.score", "the outer one can be put back"


def test_only_the_one_function_is_put_back() -> None:
    dug = DIGGING.dig(DIGGING.dig(MODULE, "outer", SHORT), "Bundle.wait", LONG)
    mine = dug.replace("limit = LIMIT", "limit = 7")
    back = DIGGING.transplant(mine, "outer", MODULE)
    assert DIGGING.is_open(back, "Bundle.wait")
    assert not DIGGING.is_open(back, "outer")
    assert "limit = 7" in back


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "no function nowhere"),
        ("Bundle.nowhere", r"no function Bundle\.nowhere"),
        ("Bundle", "is a class"),
        ("short", "no body of its own lines"),
        ("only_documented", "no body of its own lines"),
        ("twice", "more than one"),
    ],
)
def test_what_cannot_be_dug_is_refused(name: str, message: str) -> None:
    twice = "\n\ndef twice() -> None:\n    pass\n"
    with pytest.raises(LookupError, match=message):
        DIGGING.dig(f"{MODULE}{twice}{twice}", name, SHORT)


def test_every_function_of_the_project_can_be_dug_and_put_back() -> None:
    dug = 0
    for path in sorted((TEMPLATE / PROJECT / "src/flight_delay").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.body[1:]:
                holed = DIGGING.dig(text, node.name, SHORT)
                assert DIGGING.is_open(holed, node.name)
                assert DIGGING.transplant(holed, node.name, text) == text
                assert ast.get_docstring(node) == ast.get_docstring(found(holed, node.name))
                dug += 1
    assert dug > 200


def found(text: str, name: str) -> ast.FunctionDef:
    return next(
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )


@pytest.mark.parametrize(("right", "wrong"), [("a + b", "a"), ("a", "a + b"), ("x < 1", "x <= 1")])
def test_an_edit_knows_right_from_wrong_when_one_is_a_part_of_the_other(
    right: str, wrong: str
) -> None:
    edit = EXERCISES.Edit("file", f"return {right}", f"return {wrong}")
    whole = f"def f():\n    return {right}\n"
    shipped = edit.put_wrong(whole)
    assert edit.is_open(shipped)
    assert not edit.is_open(whole)
    assert edit.put_right(shipped) == whole == edit.put_right(whole)


def test_an_answer_that_begins_as_the_fault_does_is_neither_open_nor_changed() -> None:
    edit = EXERCISES.Edit("file", "return a and b[-1] == c[-1]", "return a")
    mine = "def f():\n    return a and breached(c[-1])\n"
    assert not edit.is_open(mine)
    assert edit.put_right(mine) == mine


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "x"', "KeyError: 'kind'"),
        ("title =", "TOMLDecodeError"),
        ('kind = "song"', "has to be one of body, edit, test, live"),
        ('kind = "body"\nremove = ["file.py function"]', 'has to be "file: function"'),
        ('kind = "edit"\n[[edits]]\nfile = "x"\nright = "a"\nwrong = " "', "may not be empty"),
        ('kind = "edit"\n[[edits]]\nfile = "x"\nright = "a"\nrong = "b"', "rong"),
    ],
)
def test_a_file_that_describes_no_exercise_is_named(
    text: str, message: str, tmp_path: Path
) -> None:
    head = 'title = ""\nlesson = ""\norder = 1\ntask = ""\nhints = []\n'
    (tmp_path / "one.toml").write_text(text if text.startswith("title") else head + text)
    with pytest.raises(ValueError, match=r"^one\.toml: ") as refused:
        EXERCISES.load(tmp_path)
    assert message in str(refused.value)
