"""`.env`: the passwords of the stack, made once, and whatever a person sets beside them."""

import os
import secrets
from pathlib import Path

from flight_delay.service.security import new_key

ENV_FILE = ".env"
PASSWORDS = ("POSTGRES_PASSWORD", "MLFLOW_PASSWORD", "PREDICTIONS_PASSWORD", "GRAFANA_PASSWORD")
KEY = "APP_API_KEY"
KEYS = "APP_API_KEYS"
PASSWORD_BYTES = 24
OWNER_ONLY = 0o600


def complete(path: Path) -> bool:
    """Add every password that the file lacks, and the service's key; tell whether any was lacking.

    Only the owner can read the file, from the moment it is there.
    """
    known = read(path)
    fresh = {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in PASSWORDS if name not in known}
    if KEYS not in known:
        fresh[KEY], fresh[KEYS] = new_key()
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
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    given = {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
    return {name: value for name, value in given.items() if value}
