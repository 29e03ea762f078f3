"""What nobody may find in a generated project: unfinished, hollow, or of another machine."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import TEMPLATE, generate

BINARY = {".png"}
# Composed, so that this file does not hold what it looks for.
REGISTRIES = (
    "pypi" + ".org",
    "python" + "hosted",
    "npm" + "js",
    "index" + "-url",
    "index" + "_url",
)
FORBIDDEN = {
    # In quotes XXX is a code that no airport has.
    "note of unfinished work": re.compile(r"\b(?:TODO|FIXME)\b|(?<![\"'])\bXXX\b(?![\"'])"),
    "template tag": re.compile(r"\{\{-?\s*_?cookiecutter|\{%"),
    "address of a package registry": re.compile(
        "|".join(map(re.escape, REGISTRIES)), re.IGNORECASE
    ),
    # The image's own cache folder is the same on every machine.
    "path of a machine": re.compile(
        r"(?<![\w.])(?<!target=)/(?:home|root|Users|work|tmp|mnt|private)/\w|\b[A-Z]:\\\\?\w"
    ),
    # But kubectl asks a cluster, or writes a manifest, in no other way.
    "run that does nothing": re.compile(r"\bdry[-_ ]?run(?!=(?:server|client)\b)", re.IGNORECASE),
}
EXEMPT = {"Protocol", "abstractmethod", "overload"}
SAYING = {"print", "typer.echo", "typer.secho", "out.print", "err.print", "say", "done"}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate all that there is, with a package name of its own, so that it is looked at too."""
    place = tmp_path_factory.mktemp("output")
    return generate(place, package_name="late_trains", platforms="kubernetes")


def texts(project: Path) -> Iterator[tuple[str, str]]:
    """Yield path and content of every text file."""
    for path in sorted(project.rglob("*")):
        if path.is_file() and path.suffix not in BINARY:
            yield path.relative_to(project).as_posix(), path.read_text(encoding="utf-8")


def programs(project: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield path and syntax tree of every Python file, and of every notebook's code."""
    for path, text in texts(project):
        if path.endswith(".py"):
            yield path, ast.parse(text)
        if path.endswith(".ipynb"):
            cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
            yield path, ast.parse("\n".join("".join(cell["source"]) for cell in cells))


def forbidden(text: str) -> Iterator[str]:
    """Yield what no file may say, with the line that says it."""
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in FORBIDDEN.items():
            if pattern.search(line):
                yield f"line {number}: {what}: {line.strip()}"


def names_in(nodes: list[ast.expr]) -> set[str]:
    """Return the names in some expressions: bases of a class, decorators of a function."""
    inside = [node for top in nodes for node in ast.walk(top)]
    plain = {node.id for node in inside if isinstance(node, ast.Name)}
    return plain | {node.attr for node in inside if isinstance(node, ast.Attribute)}


def is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def is_placeholder(statement: ast.stmt) -> bool:
    """Tell whether a statement only holds the place of one."""
    if isinstance(statement, ast.Raise) and statement.exc is not None:
        return "NotImplementedError" in names_in([statement.exc])
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(statement, ast.Pass) or (
        isinstance(value, ast.Constant) and value.value is Ellipsis
    )


def is_print(statement: ast.stmt) -> bool:
    """Tell whether a statement only says something, whatever the means."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    return ast.unparse(statement.value.func) in SAYING


def is_a_deaf_callback(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether doing nothing is the point: every argument is named as one that is ignored."""
    arguments = [argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]
    ignored = [name for name in arguments if name != "self"]
    return bool(ignored) and all(name.startswith("_") for name in ignored)


def hollow(tree: ast.Module) -> Iterator[str]:
    """Yield the lines of bodies that hold nothing, and of functions that only print."""
    exempt: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and names_in(node.bases) & EXEMPT:
            exempt |= set(node.body)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            exempt |= {node} if names_in(node.decorator_list) & EXEMPT else set()
            rest = [statement for statement in node.body if not is_docstring(statement)]
            deaf = is_a_deaf_callback(node) or node in exempt
            if all(map(is_print, rest)) and not deaf:
                what = "only prints" if rest else "has a docstring and nothing else"
                yield f"line {node.lineno}: {node.name} {what}"
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, [])
            statements = block if isinstance(block, list) else []
            rest = [statement for statement in statements if not is_docstring(statement)]
            if rest and all(map(is_placeholder, rest)) and node not in exempt:
                yield f"line {rest[0].lineno}: a body that does nothing"


def test_no_file_holds_what_no_file_may_hold(output: Path) -> None:
    # A page that the project fills in has tags of its own, which cookiecutter copies as they are.
    found = {
        path: list(forbidden(text.replace("{%", "") if path.endswith(".j2") else text))
        for path, text in texts(output)
    }
    assert len(found) > 80
    assert {path: faults for path, faults in found.items() if faults} == {}


def test_no_file_not_even_a_picture_names_a_folder_of_this_machine(output: Path) -> None:
    folders = [str(folder).encode() for folder in (TEMPLATE, output, output.parent)]
    for path in filter(Path.is_file, output.rglob("*")):
        content = path.read_bytes()
        assert not [folder for folder in folders if folder in content], path


def test_no_body_is_hollow(output: Path) -> None:
    found = {path: list(hollow(tree)) for path, tree in programs(output)}
    assert len(found) > 80
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 1  # TODO: more", "unfinished"),
        ("<!-- FIXME -->", "unfinished"),
        ("# XXX why", "unfinished"),
        ("name = {{ cookiecutter.project_slug }}", "template tag"),
        ("{%- if a %}", "template tag"),
        (f"https://{'pypi'}.org/simple", "registry"),
        (f"files.{'python'}hosted.org", "registry"),
        (f"--{'index'}-url=x", "registry"),
        (f"registry.{'npm'}js.org", "registry"),
        ('HOME = "/home/ann/project"', "path of a machine"),
        ("cd /root/project", "path of a machine"),
        (r'"C:\\Users\\ann"', "path of a machine"),
        ("def train(dry_run: bool)", "does nothing"),
        ("--dry-run", "does nothing"),
    ],
)
def test_a_text_that_no_file_may_hold_is_found(text: str, what: str) -> None:
    [fault] = forbidden(f"first line\n{text}")
    assert fault.startswith("line 2: ")
    assert what in fault


@pytest.mark.parametrize(
    "text",
    [
        "--mount=type=cache,target=/root/.cache/uv",
        '{"destination": "XXX"}',
        "curl http://127.0.0.1:8000/home/page",
        "${{ github.ref }}",
        '"{{ $labels.route }} is slow"',
    ],
)
def test_an_innocent_text_is_let_through(text: str) -> None:
    assert list(forbidden(text)) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    pass",
        'def f():\n    """Later."""\n    ...',
        "class A:\n    ...",
        "async def f():\n    raise NotImplementedError",
        'def f():\n    raise NotImplementedError("later")',
        "if x:\n    y()\nelse:\n    pass",
        "try:\n    y()\nexcept E:\n    pass",
        "for x in y:\n    ...",
        'def f(x):\n    """Train."""\n    print("training")\n    print(x)',
        '@app.command()\ndef train():\n    typer.echo("done")',
        'def f():\n    done("trained")',
        'def train():\n    """Train."""',
    ],
)
def test_a_hollow_body_is_found(source: str) -> None:
    assert len(list(hollow(ast.parse(source)))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "class A(Protocol):\n    def f(self) -> int: ...",
        "class A:\n    @abstractmethod\n    def f(self) -> int: ...",
        'class Problem(Exception):\n    """Its name says it."""',
        'def silent(_line: str) -> None:\n    """Receive what is said."""',
        "def f(x):\n    y = 2 * x\n    print(y)",
    ],
)
def test_a_body_that_is_short_for_a_reason_is_let_through(source: str) -> None:
    assert list(hollow(ast.parse(source))) == []
