"""A person who works on the machine of a test, or of a learner whose lessons are run."""

import os
from typing import Any

PERSON: dict[str, Any] = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
}
"""Their variables: they have told git who they are, and nothing else."""
