"""Versions, champion and challenger, promote, roll back.

`models/champion.json` is the truth (see `champion.py`); the aliases in MLflow follow it, and
every command here mends an alias that a crash left behind.
"""

from dataclasses import dataclass, replace
from typing import Any

from mlflow.tracking import MlflowClient

from flight_delay.bundle import Bundle, load
from flight_delay.champion import (
    Champion,
    ChampionError,
    crown,
    read_champion,
    step_back,
)
from flight_delay.clock import now
from flight_delay.gates import Gate
from flight_delay.journal import Say, note, to_stderr
from flight_delay.judging import gates_of
from flight_delay.lock import locked
from flight_delay.probation import next_stage
from flight_delay.settings import Settings
from flight_delay.tracking import (
    NAME,
    Run,
    TrackingError,
    answering,
    client,
    fetch_bundle,
)
from flight_delay.trial import Trial, end_trial, write_trial
from flight_delay.versions import (
    BUNDLE_TAG,
    CHALLENGER,
    CHAMPION,
    RegistryError,
    bundle_of,
    entries_of,
    find_entry,
    record_verdict,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gates said of a challenger.

    `champion` is the new state if it was promoted, `trial` the stage that it entered instead.
    """

    version: str
    gates: list[Gate]
    champion: Champion | None = None
    trial: Trial | None = None

    @property
    def reasons(self) -> list[str]:
        """Why it was refused, or why it was promoted."""
        refused = [gate for gate in self.gates if not gate.passed]
        return [f"{gate.name}: {gate.reason}" for gate in refused or self.gates]


def register(settings: Settings, bundle: Bundle, run: Run) -> str:
    """Register a run's model and make it the challenger; return its number in the registry."""
    registry = client(settings)
    with locked(settings), answering(settings):
        reconcile(settings, registry)
        if not registry.search_registered_models(f"name = '{NAME}'"):
            registry.create_registered_model(NAME)
        version = registry.create_model_version(
            NAME,
            source=f"models:/{run.model_id}",
            run_id=run.run_id,
            tags={BUNDLE_TAG: bundle.version},
            model_id=run.model_id,
        )
        registry.set_registered_model_alias(NAME, CHALLENGER, version.version)
    return str(version.version)


def promote(
    settings: Settings,
    version: str | None = None,
    *,
    force: str | None = None,
    say: Say = to_stderr,
) -> Verdict:
    """Hold a version against the gates, and crown it, or begin its trial, if all agree.

    Args:
        settings: of the project.
        version: by default the challenger.
        force: a reason to crown it whatever the gates say, and without a trial.
        say: hears what could not be recorded.

    Raises:
        RegistryError: when there is no such version.
        BundleError: when its bundle is damaged.
        TrackingError: when MLflow does not answer.
    """
    registry = client(settings)
    with locked(settings), answering(settings):
        reconcile(settings, registry)
        entry = find_entry(registry, version)
        name = bundle_of(entry)
        challenger = fetch_bundle(settings, str(entry.run_id), name)
        gates = gates_of(settings, challenger)
        verdict = Verdict(name, gates)
        passed = all(gate.passed for gate in gates)
        reason = "; ".join(verdict.reasons)
        if force is not None:
            reason = f"forced, {force}; the gates said: {reason}"
        record_verdict(
            registry, entry, "passed" if passed else "forced" if force else "refused", reason
        )
        if not passed and force is None:
            return verdict
        if force is None and (trial := _first_stage(settings, name)):
            write_trial(settings.models, trial)
            note(settings, "trial", _of_trial(trial, "started", reason), say)
            return replace(verdict, trial=trial)
        return replace(verdict, champion=_crown(settings, name, reason, say))


def conclude(
    settings: Settings, trial: Trial, reason: str, *, passed: bool, say: Say
) -> Champion | None:
    """End a trial: crown who passed, or leave it a challenger, and record why.

    Raises:
        RegistryError: when the registry has no such version.
        BundleError: when its bundle is damaged; the trial goes on.
        TrackingError: when MLflow does not answer; the trial goes on.
    """
    registry = client(settings)
    with locked(settings), answering(settings):
        reconcile(settings, registry)
        entry = find_entry(registry, trial.version)
        load(settings.models / trial.version)
        record_verdict(registry, entry, "passed" if passed else "refused", reason)
        champion = _crown(settings, trial.version, reason, say) if passed else None
        end_trial(settings.models)
    result = "promoted" if passed else "refused"
    note(settings, "trial", _of_trial(trial, result, reason), say)
    return champion


def rollback(settings: Settings, reason: str, say: Say = to_stderr) -> Champion:
    """Give the crown back to the previous champion, after verifying that its bundle still loads.

    It does not need MLflow, whose alias follows when it can.

    Raises:
        ChampionError: when there is none.
        BundleError: when its bundle is damaged; the present champion stays.
    """
    with locked(settings):
        current = read_champion(settings.models)
        if current is not None and len(current.line) > 1:
            load(settings.models / current.line[-2])
        champion = step_back(settings.models, reason, now(settings.clock_file))
        end_trial(settings.models)
        _follow(settings, say)
    previous = current.version if current else None
    event = {"version": champion.version, "previous": previous, "reason": reason}
    note(settings, "rollback", event, say)
    return champion


def pull(settings: Settings) -> Champion:
    """Make the registry's champion that of this machine, which may have none as yet.

    Raises:
        RegistryError: when the registry has no champion.
        TrackingError: when MLflow does not answer, or lacks the bundle.
    """
    registry = client(settings)
    with locked(settings), answering(settings):
        entry = next((one for one in entries_of(registry) if CHAMPION in one.aliases), None)
        if entry is None:
            message = "the registry has no champion: run the commands `train` and `promote`"
            raise RegistryError(message)
        name = bundle_of(entry)
        fetch_bundle(settings, str(entry.run_id), name)
        return crown(settings.models, name, "it is the registry's champion")


def reconcile(settings: Settings, registry: MlflowClient) -> None:
    """Make the registry's champion alias say what champion.json says, if that can be read."""
    try:
        champion = read_champion(settings.models)
    except ChampionError:
        return
    if champion is None:
        return
    entries = entries_of(registry)
    holders = [entry for entry in entries if CHAMPION in entry.aliases]
    if any(entry.tags.get(BUNDLE_TAG) == champion.version for entry in holders):
        return
    for entry in entries:
        if entry.tags.get(BUNDLE_TAG) == champion.version:
            registry.set_registered_model_alias(NAME, CHAMPION, entry.version)
            return


def status(settings: Settings) -> dict[str, Any]:
    """Return the champion, its changes and every registered version, newest first."""
    registry = client(settings)
    with answering(settings):
        reconcile(settings, registry)
        entries = entries_of(registry)
    champion = read_champion(settings.models)
    return {
        "champion": champion.version if champion else None,
        "changes": [change.model_dump(mode="json") for change in champion.changes]
        if champion
        else [],
        "versions": [
            {
                "number": int(entry.version),
                "version": entry.tags.get(BUNDLE_TAG),
                "aliases": sorted(entry.aliases),
                "gates": entry.tags.get("gates", "not asked"),
                "run": entry.run_id,
            }
            for entry in entries
        ],
    }


def _crown(settings: Settings, version: str, reason: str, say: Say) -> Champion:
    """Commit to a champion; what follows it is mended by the next command if it fails."""
    previous = _present(settings)
    champion = crown(settings.models, version, reason, now(settings.clock_file))
    end_trial(settings.models)
    _follow(settings, say)
    if previous != version:
        event = {"version": version, "previous": previous, "reason": reason}
        note(settings, "promote", event, say)
    return champion


def _follow(settings: Settings, say: Say) -> None:
    try:
        with answering(settings):
            reconcile(settings, client(settings))
    except TrackingError as error:
        say(f"the alias in MLflow follows the champion with the next command: {error}")


def _first_stage(settings: Settings, version: str) -> Trial | None:
    """Return the trial that a challenger has to pass, if one is set and there is a champion."""
    if _present(settings) in {None, version}:
        return None
    return next_stage(version, None, now(settings.clock_file).date(), settings)


def _present(settings: Settings) -> str | None:
    try:
        champion = read_champion(settings.models)
    except ChampionError:
        return None
    return champion.version if champion else None


def _of_trial(trial: Trial, result: str, reason: str) -> dict[str, str]:
    return {"version": trial.version, "stage": trial.stage, "result": result, "reason": reason}
