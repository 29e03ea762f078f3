"""`.env`: the passwords and the name of the stack, made once, and whatever a person sets beside."""

import hashlib
import os
import re
import secrets
import tomllib
from pathlib import Path

from flight_delay.service.security import new_key

ENV_FILE = ".env"
PASSWORDS = ("POSTGRES_PASSWORD", "MLFLOW_PASSWORD", "PREDICTIONS_PASSWORD", "GRAFANA_PASSWORD")
KEY = "APP_API_KEY"
KEYS = "APP_API_KEYS"
NAME = "COMPOSE_PROJECT_NAME"
MADE = frozenset({*PASSWORDS, KEY, KEYS, NAME})
NAME_DIGITS = 8
LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>\w+)\s*=\s*"""
    r"""(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<plain>.*?))\s*(?:(?<=\s)\#.*)?"""
)
"""A line as Compose reads it, but for references to other variables."""
PASSWORD_BYTES = 24
OWNER_ONLY = 0o600


def complete(path: Path) -> bool:
    """Add what the file lacks of passwords, key and name; tell whether anything was lacking.

    Only the owner can read the file, from the moment it is there.
    """
    known = read(path)
    fresh = {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in PASSWORDS if name not in known}
    if KEYS not in known:
        fresh[KEY], fresh[KEYS] = new_key()
    if NAME not in known:
        fresh[NAME] = own_name(path.parent)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    between = "\n" if text and not text.endswith("\n") else ""
    lines = "".join(f"{name}={value}\n" for name, value in fresh.items())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        path.chmod(OWNER_ONLY)
        file.write(between + lines if lines else "")
    return bool(fresh)


def read(path: Path) -> dict[str, str]:
    """Return what the file sets; nothing when it is absent."""
    if not path.is_file():
        return {}
    found = [LINE.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines()]
    given = {one["name"]: one["single"] or one["double"] or one["plain"] for one in found if one}
    return {name: value for name, value in given.items() if value}


def forget(path: Path) -> None:
    """Remove what `complete` writes, and the file when nothing else is in it."""
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    found = [(line, LINE.fullmatch(line.rstrip("\n"))) for line in lines]
    left = "".join(line for line, one in found if not (one and one["name"] in MADE))
    if left.strip():
        path.write_text(left, encoding="utf-8")
    else:
        path.unlink()


def own_name(home: Path) -> str:
    """Return a name that no other folder's stack has, and this one's again if `.env` is lost."""
    project = tomllib.loads((home / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    digest = hashlib.sha256(str(home).encode()).hexdigest()
    return f"{project['name']}-{digest[:NAME_DIGITS]}"
