"""Take the listings of the lessons out of the code, so that no page can show what is not so.

A page names a file and a symbol: `--8<-- "src/flight_delay/bundle.py/load"`. `make docs` runs this
first; it writes that symbol's source to the same path below build/listings, where the Markdown
extension `pymdownx.snippets` looks. A whole file, without a symbol, is taken as it is.
"""

import ast
import re
import shutil
import sys
import textwrap
from pathlib import Path

from lesson_pages import LESSONS, PROJECT, TEMPLATE, Block, LessonError, read_blocks

LISTINGS = TEMPLATE / "build" / "listings"
INCLUDED = re.compile(r'\s*--8<-- "(?P<file>[^"]+?\.py)/(?P<symbol>[\w.]+)"\s*')
WHOLE = re.compile(r'\s*--8<-- "(?P<file>[^"]+)"\s*')


def write_listings(pages: list[Path], project: Path, to: Path) -> int:
    """Write every symbol that the pages include, and return how many there are.

    Raises:
        LessonError: naming page and line, for a symbol or a file that does not exist.
    """
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    written = 0
    for block in (block for page in pages for block in read_blocks(page)):
        if found := INCLUDED.fullmatch(block.text):
            path = to / found["file"] / found["symbol"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(listed(block, project) + "\n", encoding="utf-8")
            written += 1
    return written


def listed(block: Block, project: Path) -> str:
    """Return what a listing includes from a project.

    Raises:
        LessonError: when it includes nothing, or not what its title says.
    """
    symbol, whole = INCLUDED.fullmatch(block.text), WHOLE.fullmatch(block.text)
    if symbol is None and whole is None:
        message = "a listing of Python is one line that includes the code: see scripts/listings.py"
        raise block.error(message, ("block", block.text))
    name = symbol["file"] if symbol else whole["file"] if whole else ""
    title = f"{name}: {symbol['symbol']}" if symbol else name
    if block.title != title:
        message = f"the title says {block.title!r} and the block includes {title!r}"
        raise block.error(message)
    if not (project / name).is_file():
        message = f"there is no file {name}"
        raise block.error(message)
    source = (project / name).read_text(encoding="utf-8")
    found = symbol_source(source, symbol["symbol"]) if symbol else source.rstrip("\n")
    if found is None:
        message = f"there is no {block.title}"
        raise block.error(message)
    return found


def symbol_source(source: str, symbol: str) -> str | None:
    """Return the source of `function`, `Class.method` or `CONSTANT`, without indentation."""
    nodes: list[ast.stmt] = ast.parse(source).body
    found: ast.stmt | None = None
    for name in symbol.split("."):
        found = next((node for node in nodes if name in names(node)), None)
        nodes = found.body if isinstance(found, ast.ClassDef) else []
    if found is None:
        return None
    decorators = getattr(found, "decorator_list", [])
    start = min([found.lineno, *(decorator.lineno for decorator in decorators)])
    return textwrap.dedent("\n".join(source.splitlines()[start - 1 : found.end_lineno]))


def names(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Assign():
            return {target.id for target in node.targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name() as target):
            return {target.id}
    return set()


def main() -> None:
    """Write the listings of all pages; exit code 1 with page and line for one that is missing."""
    try:
        written = write_listings(sorted(LESSONS.rglob("*.md")), PROJECT, LISTINGS)
    except LessonError as error:
        sys.exit(str(error))
    print(f"{written} listings in {LISTINGS.relative_to(TEMPLATE)}")


if __name__ == "__main__":
    main()
