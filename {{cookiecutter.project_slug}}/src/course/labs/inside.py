"""What a lab does inside the learner's project: run by that project's own Python, never imported.

The course edition of the project has holes in its package, so the labs leave it alone and let the
finished project do its own work. Standard input is a JSON list of steps, each with the name of a
function below under `do`; standard output is the list of what they return.
"""

# ruff: noqa: PLC0415 - some modules take seconds to import, and most steps do without
import json
import shutil
import sys
import uuid
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from flight_delay.bundle import (
    MANIFEST_FILE,
    MODEL_FILE,
    Manifest,
    canonical_json,
    load,
)
from flight_delay.champion import champion_version, crown, read_champion
from flight_delay.contract import DAY, TARGET, field_names
from flight_delay.encoding import encode_rows
from flight_delay.files import write_atomically
from flight_delay.journal import to_stderr
from flight_delay.prediction_log import (
    Entry,
    PredictionLog,
    events,
    open_log,
    outcomes,
    predictions,
)
from flight_delay.settings import Settings

CHAMPION_FILE = "champion.json"
HIGHER = 1.01
"""Than the champion's is the threshold of its copy, which makes it another version."""
FEW_DAYS = date(2013, 2, 20)
"""A model that is meant to be bad need not learn for long."""
AWAY, BACK = "+3650 days", "-3650 days"
"""What the learner's own log holds of the days before is out of the way for a while."""
ONE_DAY = timedelta(days=1)
Request = dict[str, Any]


def flights(settings: Settings, asked: Request) -> Request:
    """Write real flights of some days as JSON lines, with what the champion says of each."""
    rows = _flights(settings, date.fromisoformat(asked["first"]), asked["days"])
    said = _said(settings, rows)
    features = rows.select(field_names()).to_dicts()
    lines = [
        json.dumps({"features": row, "late": late, "said": probability})
        for row, late, probability in zip(features, rows[TARGET], said, strict=True)
    ]
    Path(asked["out"]).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"rows": len(lines)}


def mark(settings: Settings, _: Request) -> Request:
    """Return how far the log goes, who is champion and which bundles there are, to come back to."""
    with closing(open_log(settings)) as log, log.engine.connect() as connection:
        ends = {
            table.name: connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
            for table in (predictions, events)
        }
    path = settings.models / CHAMPION_FILE
    return {
        "log": ends,
        "champion": champion_version(settings.models),
        "file": path.read_text(),
        "bundles": sorted(_bundles(settings)),
    }


def lived(settings: Settings, asked: Request) -> Request:
    """Let the log hold days of traffic before today, as if the service had answered it.

    One flight in `every` is taken. The outcomes of the first days are recorded; those of later days
    that should be complete by now are returned. The champion is made to have been crowned before
    the first of these days. Whatever else the log holds of days before today is moved away.
    """
    today, days = datetime.now(UTC).date(), asked["days"]
    start = date.fromisoformat(asked["first"])
    rows = _flights(settings, start, days).gather_every(asked["every"])
    said = _said(settings, rows).tolist()
    champion = load(settings.models / champion_version(settings.models))
    moved = today - timedelta(days=days) - start
    entries: list[Entry] = []
    known: dict[str, bool] = {}
    late_known: dict[str, bool] = {}
    recorded_before = today - timedelta(days=asked["without_outcome"])
    for row, probability in zip(rows.iter_rows(named=True), said, strict=True):
        day = row[DAY] + moved
        name = uuid.uuid4().hex
        noon = datetime.combine(day, time(12), UTC)
        features = {field: row[field] for field in field_names()}
        decided = champion.decide(probability)
        entries.append(Entry(name, noon, champion.version, probability, decided, features))
        if day < today - timedelta(days=settings.label_delay_days):
            (known if day < recorded_before else late_known)[name] = row[TARGET]
    with closing(open_log(settings)) as log:
        _move(log, AWAY, f"day < '{today}'")
        log.record(entries)
        log.record_outcomes(known, datetime.now(UTC))
    _crowned_earlier(settings, timedelta(days=days + 1))
    return {"rows": len(entries), "outcomes": late_known}


def monitor(settings: Settings, _: Request) -> Request:
    """Let the monitor run once, as its schedule would."""
    from flight_delay.monitoring.run import run_monitor

    return {"decision": run_monitor(settings, to_stderr, page=False)["decision"]["action"]}


def bad_champion(settings: Settings, _: Request) -> Request:
    """Promote a model that learned the opposite of the truth, by force."""
    from flight_delay.replay.bad_challenger import force_bad_challenger

    quickly = settings.model_copy(update={"fit_from": FEW_DAYS})
    return {"version": force_bad_challenger(quickly, to_stderr)}


def damaged_champion(settings: Settings, _: Request) -> Request:
    """Crown a copy of the champion, of a version of its own, whose model did not arrive whole."""
    champion = settings.models / champion_version(settings.models)
    content = json.loads((champion / MANIFEST_FILE).read_bytes())
    content.pop("version")
    content["threshold"] = round(content["threshold"] * HIGHER, 6)
    version = Manifest.model_validate(content).version
    bundle = settings.models / version
    shutil.rmtree(bundle, ignore_errors=True)
    shutil.copytree(champion, bundle)
    (bundle / MANIFEST_FILE).write_bytes(canonical_json(content | {"version": version}))
    model = bundle / MODEL_FILE
    model.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    crown(settings.models, version, "the gates agree")
    return {"version": version}


def restore(settings: Settings, asked: Request) -> Request:
    """Bring back champion, log and bundles of a mark; what was made or answered since is gone."""
    _roll_back_to(settings, asked["champion"])
    write_atomically(settings.models / CHAMPION_FILE, asked["file"].encode())
    if since := _bundles(settings) - set(asked["bundles"]):
        _forget(settings, since)
    ids = sa.select(predictions.c.request_id).where(predictions.c.id > asked["log"]["predictions"])
    with closing(open_log(settings)) as log:
        with log.engine.begin() as connection:
            connection.execute(sa.delete(outcomes).where(outcomes.c.request_id.in_(ids)))
            for table in (predictions, events):
                connection.execute(sa.delete(table).where(table.c.id > asked["log"][table.name]))
        _move(log, BACK, f"day > '{datetime.now(UTC).date() + 365 * ONE_DAY}'")
    return {"champion": champion_version(settings.models)}


def _move(log: PredictionLog, by: str, where: str) -> None:
    """Move days of the log to where no monitor looks, or back."""
    with log.engine.begin() as connection:
        moved = f"UPDATE predictions SET day = date(day, '{by}') WHERE {where}"  # noqa: S608 - ours
        connection.execute(sa.text(moved))


def _bundles(settings: Settings) -> set[str]:
    return {path.parent.name for path in settings.models.glob(f"*/{MANIFEST_FILE}")}


def _forget(settings: Settings, bundles: set[str]) -> None:
    """Remove bundles, and their versions and runs from the registry, as if they had never been.

    The newest version that names a bundle is the challenger, as it was before them; others may have
    been registered by hand.
    """
    from flight_delay.registry_client import BUNDLE_TAG
    from flight_delay.tracking import NAME, answering, client
    from flight_delay.versions import CHALLENGER, entries_of

    registry = client(settings)
    with answering(settings):
        entries = [entry for entry in entries_of(registry) if BUNDLE_TAG in entry.tags]
        gone = [entry for entry in entries if entry.tags[BUNDLE_TAG] in bundles]
        for entry in gone:
            registry.delete_model_version(NAME, entry.version)
            registry.delete_run(str(entry.run_id))
        if gone and (kept := [entry for entry in entries if entry not in gone]):
            registry.set_registered_model_alias(NAME, CHALLENGER, kept[0].version)
    for bundle in bundles:
        shutil.rmtree(settings.models / bundle)


def _roll_back_to(settings: Settings, version: str) -> None:
    """Roll back until a version is the champion again, so that the registry knows too."""
    champion = read_champion(settings.models)
    if champion is None or champion.version == version:
        return
    from flight_delay.registry import rollback

    while champion.version != version and version in champion.line:
        champion = rollback(settings, "the lab is over")


def _flights(settings: Settings, first: date, days: int) -> pl.DataFrame:
    from flight_delay.data import load_table

    table = load_table(settings)
    span = pl.col(DAY).is_between(first, first + days * ONE_DAY, closed="left")
    return table.filter(span, pl.col(TARGET).is_not_null())


def _said(settings: Settings, rows: pl.DataFrame) -> Any:  # noqa: ANN401 - an array
    champion = load(settings.models / champion_version(settings.models))
    return champion.probabilities(encode_rows(rows.select(field_names()).to_dicts()))


def _crowned_earlier(settings: Settings, by: timedelta) -> None:
    champion = read_champion(settings.models)
    if champion is not None:
        changes = [one.model_copy(update={"at": one.at - by}) for one in champion.changes]
        earlier = champion.model_copy(update={"changes": changes})
        text = earlier.model_dump_json(indent=2)
        write_atomically(settings.models / CHAMPION_FILE, f"{text}\n".encode())


DOES = {
    each.__name__: each
    for each in (flights, mark, lived, monitor, bad_champion, damaged_champion, restore)
}

if __name__ == "__main__":
    project = Settings()
    done = [DOES[step.pop("do")](project, step) for step in json.load(sys.stdin)]
    json.dump(done, sys.stdout)
