"""The bundle that answers now and the one on trial, and how both are kept up to date."""

import asyncio
from pathlib import Path

import structlog

from flight_delay.bundle import Bundle, BundleError, load
from flight_delay.champion import ChampionError, read_champion
from flight_delay.service.challenger import Challenger
from flight_delay.service.metrics import Metrics
from flight_delay.trial import Trial, TrialError, read_trial

log = structlog.get_logger()

NO_CHAMPION = "no champion yet: run the commands `train` and `promote`"


class ModelStore:
    """Holds one verified bundle; a new one replaces it whole, or not at all."""

    def __init__(self, models: Path, metrics: Metrics) -> None:
        """Start without a bundle."""
        self._models = models
        self._metrics = metrics
        self._rejected: str | None = None
        self.trial = TrialStore(models, metrics)
        self.bundle: Bundle | None = None
        self.reason = "no bundle was loaded yet"
        """Why there is no bundle, or why the newest champion was not taken."""

    @property
    def doubted(self) -> str | None:
        """The version that answers though it is not the champion, if so."""
        return self.bundle.version if self.bundle and self.reason else None

    async def refresh(self, absent: str = NO_CHAMPION) -> None:
        """Take the champion if it is another one and passes its checks; else keep what is there.

        `absent` is what there is to say when no champion was promoted yet.
        """
        await self._refresh_champion(absent)
        await self.trial.refresh(self.bundle)

    async def refuse(self, version: str, reason: str) -> None:
        """Keep what is there, since a newer champion could not be taken."""
        self._reject(version, reason)
        await self.trial.refresh(self.bundle)

    async def _refresh_champion(self, absent: str) -> None:
        try:
            champion = read_champion(self._models)
        except (ChampionError, OSError) as error:
            self._reject("unreadable", str(error))
            return
        if champion is None:
            self._explain(absent)
            return
        if self.bundle is not None and champion.version == self.bundle.version:
            self._settle()
            return
        bundle = await _load(self._models / champion.version)
        if isinstance(bundle, Bundle):
            self._accept(bundle)
        else:
            self._reject(champion.version, bundle)

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


class TrialStore:
    """Holds the challenger of the trial that is on, verified as strictly as a champion."""

    def __init__(self, models: Path, metrics: Metrics) -> None:
        """Start without a trial."""
        self._models = models
        self._metrics = metrics
        self._rejected: str | None = None
        self.challenger: Challenger | None = None
        self.reason = ""
        """Why the newest trial was not begun, if so."""

    async def refresh(self, champion: Bundle | None) -> None:
        """Begin, change or end the trial as the file says; a bad challenger ends it too."""
        try:
            trial = read_trial(self._models)
        except TrialError as error:
            self._reject("unreadable", str(error))
            return
        if trial is None or champion is None or trial.version == champion.version:
            self._replace(None)
            self._settle()
            return
        current = self.challenger
        if current is not None and current.trial == trial:
            return
        if current is not None and current.bundle.version == trial.version:  # its next stage
            self._begin(trial, current.bundle)
            return
        bundle = await _load(self._models / trial.version)
        if isinstance(bundle, Bundle):
            self._begin(trial, bundle)
        else:
            self._reject(trial.version, bundle)

    def _begin(self, trial: Trial, bundle: Bundle) -> None:
        self._settle()
        self._replace(Challenger(trial, bundle, self._metrics))

    def _settle(self) -> None:
        self._rejected = None
        self.reason = ""

    def _reject(self, version: str, reason: str) -> None:
        self._replace(None)
        self.reason = reason
        if version == self._rejected:
            return
        self._rejected = version
        self._metrics.trial_rejected.inc()
        log.error("model_trial", result="rejected", version=version, reason=reason)

    def _replace(self, challenger: Challenger | None) -> None:
        previous, self.challenger = self.challenger, challenger
        self._metrics.trial.clear()
        if challenger is not None:
            trial = challenger.trial
            self._metrics.trial.labels(trial.version, trial.stage).set(1)
            log.info("model_trial", result=trial.stage, version=trial.version, share=trial.share)
        elif previous is not None:
            log.info("model_trial", result="over", version=previous.trial.version)


async def _load(path: Path) -> Bundle | str:
    """Return a verified bundle, or why it cannot be had."""
    try:
        # Hashing and the golden rows take a while: other requests are answered meanwhile.
        return await asyncio.to_thread(load, path)
    except BundleError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a runtime that chokes on a model must not end the service
        return f"bundle {path.name} does not load: {error}"
