"""A real PostgreSQL of the tests' own, on a socket in a temporary folder."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from .machine import require

USER = "postgres"
START_SECONDS = 60
HOW_TO_GET = "apt-get install postgresql"


@dataclass(frozen=True)
class Cluster:
    """A cluster whose server can be stopped and started."""

    folder: Path
    programs: Path

    @property
    def url(self) -> str:
        """Return the address of its first database, as `APP_LOG_URL` takes it."""
        return self.url_of(USER)

    def url_of(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "server.log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop the server as a crash would: sessions are broken off, nothing is tidied."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def new_database(self, name: str) -> str:
        """Make an empty database and return its address."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url_of(name)

    @contextlib.contextmanager
    def locked(self, table: str, database: str = USER) -> Iterator[None]:
        """Keep everybody else from a table until the block ends, as `ALTER TABLE` does."""
        with psycopg.connect(self.url_of(database)) as connection:
            connection.execute(f'LOCK TABLE "{table}"')
            yield

    def make(self) -> None:
        """Make the files of the cluster."""
        self._run("initdb", "--no-sync", "--auth=trust", f"--username={USER}", "--encoding=UTF8")

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        other = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
        subprocess.run(
            [*other, str(self.programs / program), "-D", str(self.folder / "data"), *arguments],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=START_SECONDS,
        )


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Give a running cluster until the block ends."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    programs = require("initdb", HOW_TO_GET, *debian).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a short path: that of a socket is limited
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        made = Cluster(folder, programs)
        made.make()
        made.start()
        try:
            yield made
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):  # a test had stopped it
                made.stop()
    finally:
        shutil.rmtree(folder)
