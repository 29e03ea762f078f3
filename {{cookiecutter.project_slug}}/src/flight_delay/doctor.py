"""What this machine and this project lack, each with the fix."""

import os
import shutil
import socket
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from flight_delay.bundle import load
from flight_delay.champion import read_champion
from flight_delay.data import TABLE_FILE
from flight_delay.errors import ProjectError
from flight_delay.settings import Settings

NEEDED_GIGABYTES = 2
OLDEST_PYTHON = (3, 11)
TRAINING = ("polars", "pandera", "scikit-learn", "skl2onnx", "mlflow")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: good, worth a note, or bad, which fails the command."""

    name: str
    level: Literal["good", "note", "bad"]
    said: str


def examine(settings: Settings) -> list[Finding]:
    """Look at Python, packages, disk, port, data and champion."""
    return [
        _python(),
        _packages(),
        _disk(settings),
        _threads(),
        _port(settings),
        _data(settings),
        _champion(settings),
    ]


def _python() -> Finding:
    good = sys.version_info[:2] >= OLDEST_PYTHON
    said = f"{sys.version.split()[0]}" + ("" if good else ": 3.11 or newer is needed")
    return Finding("Python", "good" if good else "bad", said)


def _packages() -> Finding:
    absent = [name for name in TRAINING if not _installed(name)]
    said = f"missing {', '.join(absent)}: run `uv sync`" if absent else "training and serving"
    return Finding("packages", "bad" if absent else "good", said)


def _disk(settings: Settings) -> Finding:
    home = settings.home
    folder = next(folder for folder in (home, *home.parents) if folder.is_dir())
    free = shutil.disk_usage(folder).free / 1e9
    good = free >= NEEDED_GIGABYTES
    said = f"{free:.0f} GB free" + ("" if good else f": make room for {NEEDED_GIGABYTES} GB")
    return Finding("disk", "good" if good else "bad", said)


def _threads() -> Finding:
    threads = os.environ["OMP_NUM_THREADS"]
    return Finding("threads", "good", f"OMP_NUM_THREADS={threads}")


def _port(settings: Settings) -> Finding:
    try:
        socket.create_connection((settings.host, settings.port), timeout=1).close()
        taken = True
    except OSError:
        taken = False
    said = f"{settings.port} is " + ("in use: choose another with --port" if taken else "free")
    return Finding("port", "note" if taken else "good", said)


def _data(settings: Settings) -> Finding:
    good = (settings.data / TABLE_FILE).is_file()
    said = "the table is there" if good else "no table yet: run the command `data`"
    return Finding("data", "good" if good else "note", said)


def _champion(settings: Settings) -> Finding:
    try:
        champion = read_champion(settings.models)
        if champion is None:
            said = "none yet: run the commands `train` and `promote`"
            return Finding("champion", "note", said)
        load(settings.models / champion.version)
    except ProjectError as error:
        return Finding("champion", "bad", str(error))
    return Finding("champion", "good", f"{champion.version}, hashes and golden rows verified")


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
