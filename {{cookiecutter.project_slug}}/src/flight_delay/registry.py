"""Versions, champion and challenger, promote, roll back.

`models/champion.json` is the truth (see `champion.py`); the aliases in MLflow follow it, and
every command here mends an alias that a crash left behind.
"""

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flight_delay.bundle import Bundle, BundleError, load
from flight_delay.champion import (
    Champion,
    ChampionError,
    crown,
    read_champion,
    step_back,
    take_over,
)
from flight_delay.clock import now
from flight_delay.crown_tag import (
    crowned,
    give_alias,
    readable,
    reconcile,
    require_the_latest,
)
from flight_delay.errors import ProjectError
from flight_delay.gates import Gate
from flight_delay.journal import Say, note, to_stderr
from flight_delay.judging import gates_of
from flight_delay.lock import locked
from flight_delay.probation import next_stage
from flight_delay.registry_client import BUNDLE_TAG, CHAMPION, TAKEN
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
    CHALLENGER,
    RegistryError,
    bundle_of,
    entries_of,
    find_entry,
    record_verdict,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gates said of a challenger, or of the champion, if that is what was asked.

    `champion` is the new state if it was promoted, `trial` the stage that it entered instead;
    `was_champion` says that it was that before, and a refusal leaves it that.
    """

    version: str
    gates: list[Gate]
    was_champion: bool = False
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
        RegistryError: when there is no such version, or this machine lacks the champion.
        BundleError: when its bundle is damaged.
        TrackingError: when MLflow does not answer.
    """
    registry = client(settings)
    with locked(settings), answering(settings):
        reconcile(settings, registry)
        if force is None:
            require_the_latest(settings, registry)
        entry = find_entry(registry, version)
        name = bundle_of(entry)
        challenger = fetch_bundle(settings, str(entry.run_id), name)
        gates = gates_of(settings, challenger)
        verdict = Verdict(name, gates, was_champion=name == _present(settings))
        passed = all(gate.passed for gate in gates)
        reason = "; ".join(verdict.reasons)
        if force is not None:
            reason = f"forced, {force}; the gates said: {reason}"
        result = "passed" if passed else "forced" if force else "refused"
        if result != "refused" or not verdict.was_champion:
            record_verdict(registry, entry, result, reason)
        if result == "refused":
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
        RegistryError: when the registry has no such version, and the trial is over; or when this
            machine lacks the champion.
        BundleError: when it passed and its bundle is damaged; the trial is over.
        TrackingError: when MLflow does not answer; the trial goes on.
    """
    registry = client(settings)
    with locked(settings), answering(settings):
        reconcile(settings, registry)
        require_the_latest(settings, registry)
        try:
            entry = find_entry(registry, trial.version)
            if passed:
                load(settings.models / trial.version)
        except (RegistryError, BundleError) as error:
            # Who can never be crowned would keep every other challenger out.
            end_trial(settings.models)
            note(settings, "trial", _of_trial(trial, "refused", str(error)), say)
            raise
        record_verdict(registry, entry, "passed" if passed else "refused", reason)
        champion = _crown(settings, trial.version, reason, say) if passed else None
        end_trial(settings.models)
    result = "promoted" if passed else "refused"
    note(settings, "trial", _of_trial(trial, result, reason), say)
    return champion


def rollback(
    settings: Settings, reason: str, say: Say = to_stderr, *, judged: str | None = None
) -> Champion:
    """Give the crown back to the previous champion, after verifying that its bundle still loads.

    It does not need MLflow, whose alias follows when it can.

    Args:
        settings: of the project.
        reason: is kept.
        say: hears what could not be recorded.
        judged: the champion that is to go; by default the present one, whichever it is.

    Raises:
        ChampionError: when there is none, or when the present champion is not the one judged.
        RegistryError: when MLflow answers, and another machine has crowned since.
        BundleError: when its bundle is damaged; the present champion stays.
    """
    with locked(settings):
        with contextlib.suppress(TrackingError), answering(settings):
            require_the_latest(settings, client(settings))
        current = read_champion(settings.models)
        if judged and current and current.version != judged:
            message = (
                f"{judged} was to go back, and {current.version} is the champion by now: nothing "
                f"was changed"
            )
            raise ChampionError(message)
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

    The champion before it comes along if it can still be loaded, so that a new machine can roll
    back too.

    Raises:
        RegistryError: when the registry has no champion.
        BundleError: when its bundle is damaged, or made for another contract.
        TrackingError: when MLflow does not answer, or lacks the bundle.
    """
    registry = client(settings)
    with locked(settings), answering(settings):
        entries = entries_of(registry)
        entry = next((one for one in entries if CHAMPION in one.aliases), None)
        if entry is None:
            message = "the registry has no champion: run the commands `train` and `promote`"
            raise RegistryError(message)
        name = bundle_of(entry)
        runs = {one.tags.get(BUNDLE_TAG): str(one.run_id) for one in reversed(entries)}
        fetch_bundle(settings, runs[name], name)
        theirs = crowned(entry)
        if theirs is None:  # by an earlier version of this code, soon after it was registered
            moment = datetime.fromtimestamp(entry.creation_timestamp / 1000, UTC)
            return crown(settings.models, name, TAKEN, moment)
        line = [before for before in theirs.line if before in runs]
        before = line[-2:-1]
        try:
            for version in before:
                fetch_bundle(settings, runs[version], version)
        except ProjectError:
            line = line[-1:]
        return take_over(settings.models, theirs.model_copy(update={"line": line}))


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
    """Commit to a champion; what follows it is mended by the next command if it fails.

    Raises:
        TrackingError: when a server was not told, whose other readers wait for it.
    """
    previous = _present(settings)
    champion = crown(settings.models, version, reason, now(settings.clock_file))
    end_trial(settings.models)
    followed = _follow(settings, say)
    if previous != version:
        event = {"version": version, "previous": previous, "reason": reason}
        note(settings, "promote", event, say)
    if not followed and settings.tracking_uri:
        message = (
            f"{version} is the champion of this machine alone: run the command `status` on it once "
            f"MLflow answers"
        )
        raise TrackingError(message)
    return champion


def _follow(settings: Settings, say: Say) -> bool:
    """Move the alias after the champion; tell whether MLflow answered."""
    champion = readable(settings)
    try:
        with answering(settings):
            registry = client(settings)
            if champion:
                give_alias(registry, entries_of(registry), champion)
    except TrackingError as error:
        say(f"the alias in MLflow follows the champion with the next command: {error}")
        return False
    return True


def _first_stage(settings: Settings, version: str) -> Trial | None:
    """Return the trial that a challenger has to pass, if one is set and there is a champion."""
    if _present(settings) in {None, version}:
        return None
    return next_stage(version, None, now(settings.clock_file).date(), settings)


def _present(settings: Settings) -> str | None:
    champion = readable(settings)
    return champion.version if champion else None


def _of_trial(trial: Trial, result: str, reason: str) -> dict[str, str]:
    return {"version": trial.version, "stage": trial.stage, "result": result, "reason": reason}
