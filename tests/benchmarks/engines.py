"""The two engines, durable as they are shipped, and fresh databases on them.

PostgreSQL is the embedded one with its defaults, or the server that FHIR_GATEWAY_TEST_POSTGRES names.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol
from uuid import uuid4

import psycopg

from tests.benchmarks.processes import family_cpu_seconds
from tests.postgres import Cluster, Database, free_port
from tests.served import Served, serve

EngineName = Literal["sqlite", "postgresql"]
ENGINES: tuple[EngineName, ...] = ("sqlite", "postgresql")
BUILD = Path(__file__).resolve().parents[2] / "build"
CACHE = "FHIR_GATEWAY_CACHE"
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


class Engine(Protocol):
    """Where databases are made."""

    name: EngineName
    postmaster: int | None  # the process whose children the database's own processes are

    def create(self, name: str | None = None) -> str:
        """Return the URL of an empty database; one that had this name is dropped."""

    def url(self, name: str) -> str:
        """Return the URL of a database that was made under a name."""

    def exists(self, name: str) -> bool: ...

    def drop(self, url: str) -> None: ...

    def cpu_seconds(self) -> float:
        """Return the CPU time of processes that belong to the database itself."""

    def settle(self, url: str) -> None:
        """Do to a database that was just filled what its server would do by itself in the next minutes."""

    def version(self) -> str: ...


class Sqlite:
    """Files below a folder."""

    name: EngineName = "sqlite"
    postmaster: int | None = None  # SQLite works in its caller's process

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, name: str | None = None) -> str:
        url = self.url(name or f"t_{uuid4().hex}")
        self.drop(url)
        return url

    def url(self, name: str) -> str:
        return f"sqlite:///{self._folder / name}.sqlite"

    def exists(self, name: str) -> bool:
        return Path(self.url(name).removeprefix("sqlite:///")).exists()

    def drop(self, url: str) -> None:
        path = Path(url.removeprefix("sqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()

    def cpu_seconds(self) -> float:
        return 0.0

    def settle(self, url: str) -> None:
        """Nothing: SQLite does nothing by itself."""

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"


class Postgres:
    """Databases of one server; the processes of one that is not ours are not counted."""

    name: EngineName = "postgresql"

    def __init__(self, database: Database, postmaster: int | None) -> None:
        self._database = database
        self.postmaster = postmaster
        with self._connect() as connection:
            for setting in DURABLE:
                if (value := _one(connection, f"show {setting}")) != "on":
                    raise RuntimeError(f"PostgreSQL has {setting}={value}: what is not durable is not measured here")

    def create(self, name: str | None = None) -> str:
        if name is None:
            return self._database.create()
        self.drop(self.url(name))
        with self._connect() as connection:
            connection.execute(f'create database "{name}"'.encode())
        return self.url(name)

    def url(self, name: str) -> str:
        return self._database.dsn.rpartition("/")[0] + f"/{name}"

    def exists(self, name: str) -> bool:
        with self._connect() as connection:
            return bool(connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone())

    def drop(self, url: str) -> None:
        name = url.rpartition("/")[2]
        with self._connect() as connection:
            connection.execute(f'drop database if exists "{name}" with (force)'.encode())

    def cpu_seconds(self) -> float:
        return 0.0 if self.postmaster is None else family_cpu_seconds(self.postmaster)

    def settle(self, url: str) -> None:
        """What autovacuum does some time after an import; when exactly would be left to chance."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("vacuum (analyze)")

    def version(self) -> str:
        with self._connect() as connection:
            return f"PostgreSQL {_one(connection, 'show server_version')}"

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self._database.dsn, autocommit=True)


def _one(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> object:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


@contextmanager
def opened(names: Sequence[EngineName], folder: Path, keep: bool = False) -> Iterator[list[Engine]]:
    """Give the engines asked for, with databases below `folder`; PostgreSQL runs until the end of the block.

    `keep`: its databases are there again at the next call.
    """
    folder.mkdir(parents=True, exist_ok=True)
    engines: list[Engine] = [Sqlite(folder)] if "sqlite" in names else []
    if "postgresql" not in names:
        yield engines
        return
    if dsn := os.environ.get("FHIR_GATEWAY_TEST_POSTGRES"):
        yield [*engines, Postgres(Database(dsn), None)]
        return
    cluster = Cluster(_enterable(folder) / "cluster")
    _start(cluster)
    try:
        postmaster = int((cluster.data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        yield [*engines, Postgres(cluster.database, postmaster)]
    finally:
        cluster.stop("fast")
        if not keep:
            shutil.rmtree(cluster.folder)


def _start(cluster: Cluster) -> None:
    if not cluster.data.exists():
        cluster.initialise(settings="")
    else:
        # The port of the last time may be somebody else's now; of several lines the last one holds.
        port = free_port()
        cluster.port_file.write_text(str(port), encoding="ascii")
        with (cluster.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(f"port={port}\n")
    cluster.start()


def _enterable(folder: Path) -> Path:
    """Return the folder itself, or one elsewhere when the user PostgreSQL runs as may not enter it."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents)):
        return folder
    elsewhere = Path(tempfile.gettempdir(), f"fhir-gateway-{folder.name}")
    elsewhere.mkdir(mode=0o755, exist_ok=True)
    return elsewhere


@contextmanager
def serving(url: str) -> Iterator[Served]:
    """Give a gateway with the settings it is shipped with, on the database at `url`, as a process of its own."""
    with serve(url, environment={CACHE: os.environ[CACHE]}, fork=False) as served:
        yield served


@contextmanager
def scratch() -> Iterator[Path]:
    """Give an empty folder below `build`, on the disk of the checkout: memory would make durability free of charge.

    What gateways would write elsewhere (compiled definitions, logs) they write there.
    """
    BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=BUILD))
    folder.chmod(0o755)
    os.environ[CACHE] = str(folder / "cache")
    os.environ["FHIR_GATEWAY_TEST_SCRATCH"] = str(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
