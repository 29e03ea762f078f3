"""API keys: the service knows only their hashes, so a leaked setting opens nothing."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader

from flight_delay.errors import ProjectError
from flight_delay.service.problems import ProblemError, documented
from flight_delay.settings import Settings

KEY_BYTES = 32
HEADER = APIKeyHeader(name="X-API-Key", auto_error=False)
COMMON = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""What any route that takes a body may refuse with."""
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


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


def keyed_route(settings: Settings) -> type[APIRoute]:
    """Return the class of the routes that answer only to an accepted key.

    The key is checked before the body is read; a dependency would be asked only afterwards.
    """

    class KeyedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def checked(request: Request) -> Response:
                _check(settings.api_keys, request.headers.get(HEADER.model.name, ""))
                return await handle(request)

            return checked

    return KeyedRoute


def keyed_router(settings: Settings, tag: str, *refusals: HTTPStatus) -> APIRouter:
    """Return the router of a part of `/v1/*`, which needs a key when any is set.

    Args:
        settings: with the keys and the bounds.
        tag: heading on the OpenAPI page.
        refusals: statuses of problem documents beside those that every route there may answer.
    """
    return APIRouter(
        prefix="/v1",
        tags=[tag],
        route_class=keyed_route(settings) if settings.api_keys else APIRoute,
        dependencies=[Security(HEADER)] if settings.api_keys else [],  # for the OpenAPI page
        responses=documented(*COMMON, *refusals),
    )


def _check(accepted: tuple[str, ...], key: str) -> None:
    offered = hash_key(key)
    # Every hash is compared, in constant time, so that timing tells nothing.
    matches = [hmac.compare_digest(offered, one) for one in accepted]
    if not any(matches):
        detail = "send an accepted key in the header X-API-Key"
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": 'ApiKey header="X-API-Key"'}
        )
