"""Remove the body of a function from a text, and put one in, with the rest left as it is.

A function is named as one would write it after the module: `build_table` or `Bundle.score`. What is
found by syntax tree is cut by lines, so comments and blank lines elsewhere stay where they are.
"""

import ast
import io

LONGEST_LINE = 100
Function = ast.FunctionDef | ast.AsyncFunctionDef


class NotFoundError(LookupError):
    """A text has no function of this name, or several."""


def dig(text: str, name: str, exercise: str) -> str:
    """Return the text with a hole in the place of this function's body; its docstring stays."""
    body = _body(_find(text, name))
    return fill(text, name, _hole(exercise, body[0].col_offset if body else 0))


def fill(text: str, name: str, body: str) -> str:
    """Return the text with another body, whole lines of it, in this function."""
    function = _find(text, name)
    statements = _body(function)
    if not statements or statements[0].lineno == function.lineno:
        message = f"{name} has no body of its own lines that could be removed"
        raise NotFoundError(message)
    lines = _lines(text)
    before = lines[: _before(statements, function, lines)]
    return "".join([*before, body, *lines[_end(function) :]])


def is_open(text: str, name: str) -> bool:
    """Whether the body of this function is a hole."""
    body = _body(_find(text, name))
    return len(body) == 1 and "NotImplementedError('exercise " in ast.unparse(body[0])


def function_text(text: str, name: str) -> str:
    """Return the lines of this function, with its decorators."""
    function = _find(text, name)
    return "".join(_lines(text)[_start(function) : _end(function)])


def enclosing(text: str, fragment: str) -> str | None:
    """Return the name of the function in which this fragment begins, or None outside of any."""
    line = text[: text.index(fragment)].count("\n") + 1
    scope: list[ast.stmt] = ast.parse(text).body
    names: list[str] = []
    while True:
        named = (node for node in scope if isinstance(node, Function | ast.ClassDef))
        node = next((one for one in named if one.lineno <= line <= (one.end_lineno or 0)), None)
        if node is None:
            return None
        names.append(node.name)
        if isinstance(node, Function):
            return ".".join(names)
        scope = node.body


def transplant(text: str, name: str, source: str) -> str:
    """Return the text with this function as it stands in `source`."""
    function = _find(text, name)
    lines = _lines(text)
    ours = function_text(source, name)
    return "".join([*lines[: _start(function)], ours, *lines[_end(function) :]])


def _find(text: str, name: str) -> Function:
    scope: list[ast.stmt] = ast.parse(text).body
    found: ast.stmt | None = None
    for part in name.split("."):
        named = [
            node
            for node in scope
            if isinstance(node, Function | ast.ClassDef) and node.name == part
        ]
        if len(named) != 1:
            message = f"there is no function {name}, or more than one"
            raise NotFoundError(message)
        found, scope = named[0], named[0].body
    if not isinstance(found, Function):
        message = f"{name} is a class and not a function"
        raise NotFoundError(message)
    return found


def _body(function: Function) -> list[ast.stmt]:
    """Return the statements after the docstring."""
    return function.body[ast.get_docstring(function) is not None :]


def _before(body: list[ast.stmt], function: Function, lines: list[str]) -> int:
    """Return how many lines of the text come before the body and the comments above it."""
    if body[0] is not function.body[0]:
        return function.body[0].end_lineno or 0
    decorators: list[ast.expr] = getattr(body[0], "decorator_list", [])
    first = min([body[0].lineno, *(decorator.lineno for decorator in decorators)]) - 1
    while lines[first - 1].strip()[:1] in {"", "#"}:
        first -= 1
    return first


def _start(function: Function) -> int:
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)]) - 1


def _end(function: Function) -> int:
    return function.end_lineno or function.lineno


def _lines(text: str) -> list[str]:
    """Split a text as Python counts lines: a form feed ends none."""
    return io.StringIO(text).readlines()


def _hole(exercise: str, indent: int) -> str:
    """Return the statement that stands in a hole, wrapped as ruff would."""
    margin = " " * indent
    words = f'"exercise {exercise}: run `course start {exercise}`"'
    line = f"{margin}raise NotImplementedError({words})\n"
    if len(line) <= LONGEST_LINE + 1:
        return line
    return f"{margin}raise NotImplementedError(\n{margin}    {words}\n{margin})\n"
