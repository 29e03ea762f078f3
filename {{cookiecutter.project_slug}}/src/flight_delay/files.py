"""Files and folders that appear whole or not at all, whatever is killed in between."""

import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader sees the old content or the new, never half of one."""
    with unfinished_file(path) as unfinished, unfinished.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: object) -> None:
    """Replace a JSON file in one step."""
    write_atomically(path, f"{json.dumps(value, indent=2)}\n".encode())


@contextmanager
def unfinished_file(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; it takes the place of `path` when the block is done.

    Nothing is left behind when the block raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def unfinished_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the place of `path` when the block is done.

    It has the same name already, in a hidden folder beside `path`. Nothing is left behind when the
    block raises, and what was at `path` stays until then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=path.parent) as beside:
        unfinished = Path(beside) / path.name
        unfinished.mkdir()
        yield unfinished
        if path.exists():
            path.rename(Path(beside) / "replaced")
        unfinished.rename(path)
