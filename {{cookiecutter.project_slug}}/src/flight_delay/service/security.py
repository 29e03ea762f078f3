"""API keys: the service knows only their hashes, so a leaked setting opens nothing."""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Security
from fastapi.security import APIKeyHeader

from flight_delay.errors import ProjectError
from flight_delay.service.problems import ProblemError
from flight_delay.settings import Settings

KEY_BYTES = 32
HEADER = APIKeyHeader(name="X-API-Key", auto_error=False)


class UnsafeSettingsError(ProjectError):
    """The settings would expose a production service to anybody."""


def new_key() -> tuple[str, str]:
    """Return a fresh key for the caller and its SHA-256 for `APP_API_KEYS`."""
    key = secrets.token_urlsafe(KEY_BYTES)
    return key, hash_key(key)


def hash_key(key: str) -> str:
    """Return the SHA-256 of a key. It is long and random, so a fast hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def refuse_unsafe(settings: Settings) -> None:
    """Refuse to start in production without keys.

    Raises:
        UnsafeSettingsError: saying how to make one.
    """
    if settings.env == "production" and not settings.api_keys:
        message = (
            "APP_ENV is production and APP_API_KEYS is empty: "
            "make a pair with the command `keys new` and set APP_API_KEYS to its hash"
        )
        raise UnsafeSettingsError(message)


def key_check(settings: Settings) -> Callable[..., Awaitable[None]]:
    """Return the dependency that lets a request pass only with an accepted key, if any are set."""

    async def check(key: Annotated[str | None, Security(HEADER)] = None) -> None:
        if not settings.api_keys:
            return
        offered = hash_key(key or "")
        # Every hash is compared, in constant time, so that timing tells nothing.
        matches = [hmac.compare_digest(offered, accepted) for accepted in settings.api_keys]
        if not any(matches):
            detail = "send an accepted key in the header X-API-Key"
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": 'ApiKey header="X-API-Key"'}
            )

    return check
