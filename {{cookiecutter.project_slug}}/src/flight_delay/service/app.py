"""The application: settings in, an ASGI app out."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from flight_delay import __doc__ as summary
from flight_delay.clock import now
from flight_delay.prediction_log import unopened_log
from flight_delay.service import problems
from flight_delay.service.answering import Answering
from flight_delay.service.dashboard import Dashboard, dashboard_router
from flight_delay.service.feedback import feedback_router
from flight_delay.service.follower import champion_source
from flight_delay.service.history import SECONDS
from flight_delay.service.metrics import Metrics
from flight_delay.service.middleware import Bounds, Measure
from flight_delay.service.model_store import ModelStore
from flight_delay.service.observed import Observed
from flight_delay.service.outcome_writer import OutcomeWriter
from flight_delay.service.recorder import Recorder
from flight_delay.service.routes import health_router, prediction_router
from flight_delay.service.security import refuse_unsafe
from flight_delay.settings import Settings

log = structlog.get_logger()

API_VERSION = "1"


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the service; it starts without a model and takes the champion when one appears.

    Raises:
        UnsafeSettingsError: in production without API keys.
        LogError: when `APP_LOG_URL` cannot be read; a log that is out of reach stops nothing.
        ClockError: when the file of the clock cannot be read.
    """
    settings = settings or Settings()
    refuse_unsafe(settings)
    clock = functools.partial(now, settings.clock_file)
    clock()  # a clock that cannot be read is refused now, not at every request
    metrics = Metrics()
    store = ModelStore(settings.models, metrics)
    prediction_log = unopened_log(settings)
    recorder = Recorder(prediction_log, metrics, settings, clock)
    observed = Observed(prediction_log)
    dashboard = Dashboard(settings, metrics, store, prediction_log)
    metrics.registry.register(observed)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await store.refresh()
        recorder.start()
        stopping = asyncio.Event()
        with champion_source(settings, store, metrics, stopping.is_set) as follow:
            async with asyncio.TaskGroup() as tasks:
                for step in (follow, observed.refresh):
                    tasks.create_task(_every(settings.poll_seconds, step, stopping))
                tasks.create_task(_every(SECONDS, dashboard.remember, stopping))
                yield
                stopping.set()
        await asyncio.to_thread(recorder.stop)
        prediction_log.close()

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
    app.state.answering = Answering(recorder, metrics, clock)
    app.state.outcomes = OutcomeWriter(prediction_log, recorder, metrics, clock)
    app.include_router(prediction_router(settings))  # the first, since routes are tried in order
    app.include_router(feedback_router(settings))
    app.include_router(health_router())
    app.include_router(dashboard_router(dashboard))
    problems.install(app)
    app.add_middleware(
        Bounds, max_body_bytes=settings.max_body_bytes, request_seconds=settings.request_seconds
    )
    app.add_middleware(Measure, metrics=metrics)
    return app


async def _every(
    seconds: float, step: Callable[[], Awaitable[None]], stopping: asyncio.Event
) -> None:
    """Do a step every so many seconds until it is time to stop; the last one may finish."""
    while not stopping.is_set():
        try:
            await step()
        except Exception:
            log.exception("step_failed", step=step.__qualname__)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stopping.wait()
