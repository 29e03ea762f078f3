"""What the last words of a container mean, where that is known: what is wrong, and the ways out."""

import re
from collections.abc import Iterable

UPGRADE = """docker compose run --rm mlflow sh -c 'mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI"'"""
ANEW = "or start anew with `down --all`, which removes the data"

KNOWN = {
    r'password authentication failed for user "(\w+)"': (
        "PostgreSQL refuses the password of the user {0}: its data was made with another than .env "
        f"has. Put the .env of then back, {ANEW}"
    ),
    r"initialized by PostgreSQL version (\S+), which is not compatible with this version (\S+)": (
        "the data was made by PostgreSQL {0}, and this is {1}. Go on with that one, by "
        f"POSTGRES_IMAGE=postgres:{{0}} in .env, and move the data with pg_dump, {ANEW}"
    ),
    r"in (\d+)\+, these Docker images are configured to store database data": (
        "the image of PostgreSQL {0} and later keeps data elsewhere than compose.yaml mounts it. "
        "Go on with an image before {0}, by POSTGRES_IMAGE in .env, or mount an empty volume at "
        "/var/lib/postgresql in compose.yaml and move the data with pg_dump"
    ),
    r"(?:Detected out-of-date database schema|Can't locate revision identified by)": (
        "the registry was made by another version of MLflow. If by an older one, upgrade it, after "
        f"a backup, with `{UPGRADE}`; if by a newer one, go back to it in pyproject.toml; {ANEW}"
    ),
    r"(?i)no space left on device": (
        "the disk is full: make room, for example with `docker system prune`"
    ),
}
"""What was said, as a regular expression, and what it means."""


def explained(words: Iterable[str]) -> str | None:
    """Return what the words of a container mean, the first that is known."""
    text = "\n".join(words)
    for pattern, meaning in KNOWN.items():
        if found := re.search(pattern, text):
            return meaning.format(*found.groups())
    return None
