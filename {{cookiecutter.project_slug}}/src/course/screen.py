"""How the course speaks: prose is wrapped, and code, paths and what tests said are not."""

import textwrap
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

WIDEST = 88
"""No line of prose is longer, however wide the terminal."""

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def line(text: str = "", style: str = "") -> None:
    """Print one line as it is."""
    console.print(Text(text, style))


def lines(texts: Iterable[str]) -> None:
    """Print lines as they are."""
    for text in texts:
        line(text)


def prose(text: str, style: str = "") -> None:
    """Print paragraphs, wrapped; one with an indented line is code and is left as it is."""
    width = min(console.width, WIDEST)
    for number, paragraph in enumerate(text.strip("\n").split("\n\n")):
        if number:
            line()
        is_code = any(part.startswith("    ") for part in paragraph.splitlines())
        line(paragraph if is_code else _wrapped(paragraph, width), style)


def _wrapped(paragraph: str, width: int) -> str:
    words = " ".join(paragraph.split())
    return textwrap.fill(words, width, break_long_words=False, break_on_hyphens=False)


def wrong_use(message: str) -> None:
    """Print a line about what was asked and cannot be done."""
    errors.print(Text(f"course: {message}", "red"))
