"""The application: settings in, an ASGI app out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from flight_delay import __doc__ as summary
from flight_delay.service import problems
from flight_delay.service.metrics import Metrics
from flight_delay.service.middleware import Bounds, Measure
from flight_delay.service.model_store import ModelStore
from flight_delay.service.routes import health_router, prediction_router
from flight_delay.service.security import refuse_unsafe
from flight_delay.settings import Settings

API_VERSION = "1"


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the service; it starts without a model and takes the champion when one appears.

    Raises:
        UnsafeSettingsError: in production without API keys.
    """
    settings = settings or Settings()
    refuse_unsafe(settings)
    metrics = Metrics()
    store = ModelStore(settings.models, metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await store.refresh()
        follower = asyncio.create_task(store.follow(settings.poll_seconds))
        yield
        follower.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await follower

    # FastAPIOffline serves the scripts of /docs itself: the page loads nothing from elsewhere.
    app = FastAPIOffline(
        title=__name__.split(".")[0].replace("_", " "),
        description=summary,
        version=API_VERSION,
        lifespan=lifespan,
        redirect_slashes=False,  # it would answer before the key is checked, and trust Host
        redoc_url=None,  # its script takes a logo from another host
    )
    app.state.metrics = metrics
    app.state.store = store
    app.include_router(prediction_router(settings))  # the first, since routes are tried in order
    app.include_router(health_router())
    problems.install(app)
    app.add_middleware(
        Bounds, max_body_bytes=settings.max_body_bytes, request_seconds=settings.request_seconds
    )
    app.add_middleware(Measure, metrics=metrics)
    return app
