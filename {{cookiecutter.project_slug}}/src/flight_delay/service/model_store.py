"""The bundle that answers now, and the task that keeps it the champion."""

import asyncio
from pathlib import Path

import structlog

from flight_delay.bundle import Bundle, BundleError, load
from flight_delay.champion import ChampionError, read_champion
from flight_delay.service.metrics import Metrics

log = structlog.get_logger()


class ModelStore:
    """Holds one verified bundle; a new one replaces it whole, or not at all."""

    def __init__(self, models: Path, metrics: Metrics) -> None:
        """Start without a bundle."""
        self._models = models
        self._metrics = metrics
        self._rejected: str | None = None
        self.bundle: Bundle | None = None
        self.reason = "no bundle was loaded yet"
        """Why there is no bundle, or why the newest champion was not taken."""

    @property
    def doubted(self) -> str | None:
        """The version that answers though it is not the champion, if so."""
        return self.bundle.version if self.bundle and self.reason else None

    async def refresh(self) -> None:
        """Take the champion if it is another one and passes its checks; else keep what is there."""
        try:
            champion = read_champion(self._models)
        except (ChampionError, OSError) as error:
            self._reject("unreadable", str(error))
            return
        if champion is None:
            self._explain("no champion yet: run the commands `train` and `promote`")
            return
        if self.bundle is not None and champion.version == self.bundle.version:
            self._settle()
            return
        try:
            # Hashing and the golden rows take a while: other requests are answered meanwhile.
            bundle = await asyncio.to_thread(load, self._models / champion.version)
        except BundleError as error:
            self._reject(champion.version, str(error))
            return
        except Exception as error:  # noqa: BLE001 - a runtime that chokes on a model must not end the service
            self._reject(champion.version, f"bundle {champion.version} does not load: {error}")
            return
        self._accept(bundle)

    async def follow(self, poll_seconds: float) -> None:
        """Refresh for ever, every `poll_seconds`."""
        while True:
            await asyncio.sleep(poll_seconds)
            await self.refresh()

    def _accept(self, bundle: Bundle) -> None:
        previous = self.bundle.version if self.bundle else None
        self.bundle = bundle
        self._settle()
        self._metrics.model.clear()
        self._metrics.model.labels(bundle.version, bundle.manifest.threshold).set(1)
        self._metrics.swaps.labels("accepted").inc()
        log.info("model_swap", result="accepted", version=bundle.version, previous=previous)

    def _settle(self) -> None:
        self._rejected = None
        self._explain("")

    def _explain(self, reason: str) -> None:
        self.reason = reason
        self._metrics.mismatch.set(bool(reason))

    def _reject(self, version: str, reason: str) -> None:
        self._explain(reason)
        if version == self._rejected:  # said once, not at every poll
            return
        self._rejected = version
        self._metrics.swaps.labels("rejected").inc()
        log.error("model_swap", result="rejected", version=version, reason=reason)
