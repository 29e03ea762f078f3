"""The champion of a registry, taken over: asked for at every poll, fetched, verified, crowned here.

What was taken is a bundle in the folder of models and a `champion.json` like any other, so that a
service that starts while the registry is away answers from what it had. Whatever goes wrong, the
bundle that answers goes on; each new reason is said in one line.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from flight_delay.bundle import load, load_if_intact
from flight_delay.champion import crown
from flight_delay.errors import ProjectError, first_line
from flight_delay.files import unfinished_folder
from flight_delay.registry_client import (
    TAKEN,
    Registered,
    RegistryClient,
    RemoteRegistryError,
)
from flight_delay.service.metrics import Metrics
from flight_delay.service.model_store import ModelStore
from flight_delay.settings import Settings

log = structlog.get_logger()

LONGEST_PAUSE = 60.0
"""Seconds, at most, until a champion that could not be taken is tried again."""


@dataclass(frozen=True, slots=True)
class Untaken:
    """A champion that was refused, or could not be fetched or stored, and why."""

    version: str
    reason: str


class Follower:
    """Keeps a store at the champion of a registry."""

    def __init__(
        self, client: RegistryClient, store: ModelStore, metrics: Metrics, settings: Settings
    ) -> None:
        """Follow from the first `refresh` on."""
        self._client = client
        self._store = store
        self._metrics = metrics
        self._models = settings.models
        self._poll_seconds = settings.poll_seconds
        self._said = ""
        self._untaken: Untaken | None = None
        self._pause = 0.0
        self._again = 0.0

    async def refresh(self) -> None:
        """Ask once, and take what is new; the store stays as it is while nobody knows better."""
        answering = self._store.bundle.version if self._store.bundle else None
        try:
            # All of it in a thread: a slow registry, disk or model holds up no request.
            untaken = await asyncio.to_thread(self._follow, answering)
        except RemoteRegistryError as error:
            self._metrics.registry_failures.inc()
            self._say(str(error))
            if self._store.bundle is None:
                await self._store.refresh(absent=str(error))
            return
        self._say("")
        if untaken is None:
            await self._store.refresh()
        else:
            await self._store.refuse(untaken.version, untaken.reason)

    def _follow(self, answering: str | None) -> Untaken | None:
        """Make the registry's champion that of this machine, or return why it is not."""
        wanted = self._client.champion()
        before = self._untaken if self._untaken and self._untaken.version == wanted.bundle else None
        if before and time.monotonic() < self._again:
            return before
        try:
            if wanted.bundle != answering:
                self._fetch(wanted)
            crown(self._models, wanted.bundle, TAKEN)
        except Exception as error:  # noqa: BLE001 - whatever chokes on a model ends no service
            # Longer and longer: what does not pass its checks is not downloaded at every poll.
            self._pause = min(2 * self._pause, LONGEST_PAUSE) if before else self._poll_seconds
            self._again = time.monotonic() + self._pause
            self._untaken = Untaken(wanted.bundle, _explained(wanted.bundle, error))
        else:
            self._untaken = None
        return self._untaken

    def _fetch(self, wanted: Registered) -> None:
        """Download and verify a bundle, unless it is here already, as after a rollback."""
        folder = self._models / wanted.bundle
        if load_if_intact(folder):
            return
        with unfinished_folder(folder) as unfinished:
            self._client.download(wanted, unfinished)
            load(unfinished)

    def _say(self, reason: str) -> None:
        if reason and reason != self._said:
            log.error("registry", result="failing", reason=reason)
        elif self._said and not reason:
            log.info("registry", result="working again", address=self._client.address)
        self._said = reason


@contextmanager
def champion_source(
    settings: Settings, store: ModelStore, metrics: Metrics, enough: Callable[[], bool]
) -> Iterator[Callable[[], Awaitable[None]]]:
    """Give the step that keeps a store up to date, by `champion.json` alone or by a registry.

    Args:
        settings: of the service.
        store: kept up to date.
        metrics: of the service.
        enough: tells that the service is to stop, so that no download is waited for.
    """
    if not (settings.follow_registry and settings.tracking_uri):
        yield store.refresh
        return
    with RegistryClient(settings.tracking_uri, enough) as client:
        yield Follower(client, store, metrics, settings).refresh


def _explained(version: str, error: Exception) -> str:
    """Return an error in one line; those of this project are one already."""
    if isinstance(error, ProjectError):
        return str(error)
    return f"bundle {version} cannot be taken: {first_line(error)}"
