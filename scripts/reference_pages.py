"""Write the pages that are made of facts: a page for each figure, the map, the abbreviations.

    python scripts/reference_pages.py

Figures come from benchmarks/results.json, the map from lessons/course.toml, and the abbreviations,
which every page of the site explains where they are pointed at, from lessons/glossary.md.
"""

import json
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course_map import MAP, course_map
from lesson_pages import LESSONS, TEMPLATE

BENCHMARKS = TEMPLATE / "benchmarks"
FIGURES = LESSONS / "figures"
GLOSSARY = LESSONS / "glossary.md"
ABBREVIATIONS = LESSONS / "abbreviations.md"
TERM = re.compile(r"^### (?P<term>[^\n]+)\n\n(?P<first>.+?\.)\s", re.MULTILINE | re.DOTALL)
VOWELS = "aeiou"
WIDTH = 100
PROJECT_OF_DEMO = "build/flight-delay"
WHOLE_CLONE = {"generate", "demo"}
"""Parts that make a project of their own."""


def main() -> None:
    """Write all of them; pages of figures that are no more go."""
    pages = reference_pages()
    for old in FIGURES.glob("*.md"):
        if old not in pages:
            old.unlink()
    FIGURES.mkdir(exist_ok=True)
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")


def reference_pages() -> dict[Path, str]:
    """Return the text of every page that is made here."""
    results = json.loads((BENCHMARKS / "results.json").read_text(encoding="utf-8"))
    claims = tomllib.loads((BENCHMARKS / "claims.toml").read_text(encoding="utf-8"))
    pages = {page_of(one["name"]): figure_page(one, claims, results) for one in results["figures"]}
    return pages | {
        FIGURES / "peers.md": peers_page(results),
        FIGURES / "index.md": index_page(claims, results),
        MAP: course_map(),
        ABBREVIATIONS: abbreviations(GLOSSARY.read_text(encoding="utf-8")),
    }


def page_of(name: str) -> Path:
    """Return the page of a figure."""
    return FIGURES / f"{name.replace('_', '-')}.md"


def figure_page(figure: dict[str, Any], claims: dict[str, Any], results: dict[str, Any]) -> str:
    """Return the page of a figure: the claim, the value, the command, and what it leaves open."""
    claim = claims[figure["name"]]
    return f"""# {claim["title"]}

{filled(claim["claim"])}

| measured | {measured(figure)} |
|---|---|
| target | {target(figure)}, {verdict(figure)} |
| what | {figure["what"]} |
| how | {figure["how"]} |

## The command

{command(claim["part"])}

## What it does not show

{filled(claim["limits"])}

## The machine

{machine(results)}

[The lesson about it](../{claim["lesson"]}.md) · [All figures](index.md)
"""


def peers_page(results: dict[str, Any]) -> str:
    """Return the page of the servers side by side."""
    rows = "\n".join(
        f"| {one['name']} | {one['cpu_microseconds']:,.0f} µs | {one['ratio']:.1f} "
        f"| {one['resident_mb']:.0f} MB | {one['cold_start_seconds']:.1f} s |"
        for one in results["peers"]
    )
    return f"""# Servers side by side

The same flights go to three servers of the same model, one row a request. Each first had to give
scikit-learn's answers. What counts is the processor time of the server for a request.

| server | CPU a request | ratio | memory | ready in |
|---|--:|--:|--:|--:|
{rows}

## The command

{command("peers")}

## What it does not show

Most of the difference is the runtime of the model, ONNX instead of scikit-learn behind pandas. In
bulk, where the cost of a request counts for little, the servers come closer together. Read the
ratio as a size and not as a number: it moves with whatever else the machine does.

## The machine

{machine(results)}

[All figures](index.md)
"""


def index_page(claims: dict[str, Any], results: dict[str, Any]) -> str:
    """Return the list of all figures."""
    rows = "\n".join(
        f"| [{claims[one['name']]['title']}]({page_of(one['name']).name}) | {measured(one)} "
        f"| {target(one)} | {verdict(one)} |"
        for one in results["figures"]
    )
    missed = sum(not one["reached"] for one in results["figures"])
    said = {0: "All targets were reached.", 1: "One target was not reached: the table says which."}
    return f"""# Figures

Every figure that this project claims, each with a page that says how it came about, by which
command, and what it does not show. All are from one run of `make bench` on one machine.
{said.get(missed, f"Not reached were {missed} targets: the table says which.")}

| figure | measured | target | verdict |
|---|--:|--:|---|
{rows}

Beside other ways to serve the same model: [Servers side by side](peers.md).

{machine(results)}
"""


def measured(figure: dict[str, Any]) -> str:
    """Return a value as it is written: whole numbers whole, others with three digits."""
    value = figure["value"]
    text = f"{value:,.0f}" if value == int(value) else f"{value:#.3g}".rstrip(".")
    return with_unit(text, figure["unit"])


def target(figure: dict[str, Any]) -> str:
    """Return the target of a figure."""
    return with_unit(f"{figure['sense']} {figure['target']:,g}", figure["unit"])


def with_unit(text: str, unit: str) -> str:
    """Return a number with its unit, which no line end separates from it."""
    return f"{text}\N{NO-BREAK SPACE}{unit}" if unit else text


def verdict(figure: dict[str, Any]) -> str:
    """Say whether the target was reached."""
    return "reached" if figure["reached"] else "**not reached**"


def command(part: str) -> str:
    """Return the command that measures it, as a block."""
    project = "" if part in WHOLE_CLONE else f" --project {PROJECT_OF_DEMO}"
    before = "" if part in WHOLE_CLONE else "After `make demo`, in"
    return f"""{before or "In"} the folder of Slipway:

```bash title="not run here: it takes minutes, on a quiet machine"
uv run python benchmarks/figures.py --only {part}{project}
```

`make bench` measures all figures, and is what wrote the value above."""


def filled(text: str) -> str:
    """Return a paragraph in lines of the width that prose has here."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def machine(results: dict[str, Any]) -> str:
    """Return when and on what it was measured."""
    return filled(
        f"Measured on {results['date']} at commit `{results['commit']}`, on {results['cores']} "
        f"cores ({results['system']}) with Python {results['python']}, at a load of "
        f"{results['load_at_start']} before the start. MB are 2^20 bytes."
    )


def abbreviations(glossary: str) -> str:
    """Return an abbreviation for every form of every term, with the term's first sentence."""
    found = {
        form: " ".join(term["first"].replace("`", "").split())
        for term in TERM.finditer(glossary)
        for form in forms(term["term"])
    }
    return "\n".join(f"*[{form}]: {text}" for form, text in found.items()) + "\n"


def forms(term: str) -> Iterator[str]:
    """Yield a term as it is written at the start of a sentence and in one, and of several."""
    inside = term if term[1:2].isupper() else term[0].lower() + term[1:]
    for form in dict.fromkeys((term, inside)):
        yield form
        if form.endswith("rows"):
            yield form.removesuffix("s")
        elif form.endswith("y") and form[-2] not in VOWELS:
            yield f"{form[:-1]}ies"
        else:
            yield f"{form}{'es' if form.endswith('s') else 's'}"


if __name__ == "__main__":
    main()
