"""What stays true when the process is killed, the disk is full, or the database is gone.

Source: FHIR R4, RESTful API, "Status codes" (503); SQLite, "Atomic Commit"; PostgreSQL, "Write-Ahead Logging".
"""

from __future__ import annotations

import os
import resource as limits
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests

from fhir_gateway.client import Gateway, Refused, Unreachable
from tests.conftest import Engine
from tests.postgres import UNPRIVILEGED, Cluster, Database
from tests.served import Served, serve, start

SYSTEM = "https://example.org/catastrophes"
MEBIBYTE = 1024 * 1024
RECOVERY_SECONDS = 30


def patient(value: str, size: int = 0) -> dict[str, Any]:
    resource = {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value}]}
    # Random, so that no compression makes it small.
    return {**resource, "name": [{"text": os.urandom(size // 2).hex()}]} if size else resource


def test_what_was_acknowledged_survives_sigkill_under_load(engine: Engine, clean_database: str) -> None:
    workers = ("--workers", "2") if engine == "postgresql" else ()
    killed = start(clean_database, *workers)
    acknowledged: list[tuple[str, str]] = []
    bundles: list[str] = []

    def load(_: int) -> None:
        gateway = killed.gateway()
        while True:
            try:
                family = uuid4().hex
                bundles.append(family)
                entries = [
                    {
                        "resource": {**patient(uuid4().hex), "name": [{"family": family}]},
                        "request": {"method": "POST", "url": "Patient"},
                    }
                    for _ in range(10)
                ]
                for entry in gateway.transaction(entries)["entry"]:
                    _, id, _, version = entry["response"]["location"].rsplit("/", 3)
                    acknowledged.append((id, version))
                created = gateway.create(patient(uuid4().hex))
                acknowledged.append((created["id"], "1"))
                updated = gateway.update({**created, "active": True})
                acknowledged.append((updated["id"], "2"))
            except Unreachable:
                return

    with ThreadPoolExecutor(4) as pool:
        loading = [pool.submit(load, number) for number in range(4)]
        deadline = time.monotonic() + 60
        time.sleep(1)
        while len(acknowledged) <= 20 and time.monotonic() < deadline:
            time.sleep(0.1)
        killed.kill()
        for one in loading:
            one.result(60)

    with serve(clean_database, *workers) as again:
        gateway = again.gateway()
        assert len(acknowledged) > 20
        for id, version in acknowledged:
            gateway.read("Patient", id, version=version)
        sizes = [len(list(gateway.search("Patient", {"family": family}))) for family in bundles]
        assert set(sizes) <= {0, 10}
        assert gateway.create(patient(uuid4().hex))["meta"]["versionId"] == "1"
        assert again.stop() == 0
    if engine == "sqlite":
        with closing(sqlite3.connect(clean_database.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_sigterm_answers_what_was_begun_and_ends_with_zero(clean_served: Served) -> None:
    gateway = clean_served.gateway()
    gateway.create(patient(uuid4().hex))
    assert clean_served.stop() == 0
    with pytest.raises(Unreachable):
        gateway.capabilities()


def test_a_full_disk_gives_503_and_recovers(engine: Engine, request: pytest.FixtureRequest) -> None:
    with small_disk(12 * MEBIBYTE) as disk:
        if engine == "sqlite":
            database = f"sqlite:///{disk}/gateway.sqlite"
            with serve(database) as served:
                fill_up_and_recover(served, disk)
            return
        postgres: Database = request.getfixturevalue("postgres")
        space = f"small_{uuid4().hex}"
        shutil.chown(disk, UNPRIVILEGED)
        with psycopg.connect(postgres.dsn, autocommit=True) as connection:
            connection.execute(f"create tablespace {space} location '{disk}'".encode())
        database = postgres.create(space)
        try:
            with serve(database) as served:
                fill_up_and_recover(served, disk)
        finally:
            postgres.drop(database)
            with psycopg.connect(postgres.dsn, autocommit=True) as connection:
                connection.execute(f"drop tablespace {space}".encode())


def fill_up_and_recover(served: Served, disk: Path) -> None:
    gateway = served.gateway()
    kept = gateway.create(patient(uuid4().hex))
    ballast = disk / "ballast"
    room = shutil.disk_usage(disk).free
    with ballast.open("wb") as file:  # a tenth of what is free stays free
        file.write(bytes(room - room // 10))
    acknowledged = write_until_refused(gateway)
    assert gateway.read("Patient", kept["id"]) == kept, "reads go on"
    ballast.unlink()
    created = eventually(lambda: gateway.create(patient(uuid4().hex)))
    for id in [*acknowledged, created["id"]]:
        assert gateway.read("Patient", id)["id"] == id


@pytest.mark.parametrize("engine", ["sqlite"], scope="module")
def test_a_file_that_may_not_grow_gives_503_and_recovers(engine: Engine, clean_database: str) -> None:
    """The same promise where no disk can be mounted: the process may write no file beyond some size."""
    with serve(clean_database) as served:
        gateway = served.gateway()
        kept = gateway.create(patient(uuid4().hex))
        now = Path(clean_database.removeprefix("sqlite:///")).stat().st_size
        hard = limits.prlimit(served.process.pid, limits.RLIMIT_FSIZE)[1]
        limits.prlimit(served.process.pid, limits.RLIMIT_FSIZE, (now + MEBIBYTE, hard))
        acknowledged = write_until_refused(gateway)
        assert gateway.read("Patient", kept["id"]) == kept, "reads go on"
        limits.prlimit(served.process.pid, limits.RLIMIT_FSIZE, (hard, hard))
        created = eventually(lambda: gateway.create(patient(uuid4().hex)))
        for id in [*acknowledged, created["id"]]:
            assert gateway.read("Patient", id)["id"] == id


def write_until_refused(gateway: Gateway) -> list[str]:
    """Create resources until the gateway says 503; return the ids of those it acknowledged."""
    acknowledged: list[str] = []
    for _ in range(200):
        try:
            acknowledged.append(gateway.create(patient(uuid4().hex, size=100_000))["id"])
        except Refused as refusal:
            if refusal.status != 503 or refusal.outcome is None:
                raise
            return acknowledged
    raise AssertionError("200 resources of 100 kB found room on a disk of 12 MiB")


def test_a_lost_database_gives_503_and_recovers(cluster: Cluster) -> None:
    with serve(cluster.database.create()) as served:
        gateway = served.gateway()
        kept = gateway.create(patient(uuid4().hex))
        cluster.stop("immediate")
        for act in (
            lambda: gateway.create(patient(uuid4().hex)),
            lambda: gateway.read("Patient", kept["id"]),
            lambda: list(gateway.search("Patient")),
        ):
            with pytest.raises(Refused) as refusal:
                act()
            assert refusal.value.status == 503
            assert refusal.value.outcome is not None
        assert requests.get(f"{served.root}/health/ready", timeout=30).status_code == 503
        assert requests.get(f"{served.root}/health/live", timeout=30).status_code == 200
        cluster.start()
        assert eventually(lambda: gateway.read("Patient", kept["id"])) == kept
        assert requests.get(f"{served.root}/health/ready", timeout=30).status_code == 200
        eventually(lambda: gateway.create(patient(uuid4().hex)))


def test_a_database_that_goes_away_under_load_loses_nothing_acknowledged(cluster: Cluster) -> None:
    with serve(cluster.database.create()) as served:
        acknowledged: list[str] = []
        over = threading.Event()

        def load(_: int) -> None:
            gateway = served.gateway()
            while not over.is_set():
                try:
                    acknowledged.append(gateway.create(patient(uuid4().hex))["id"])
                except Refused as refusal:
                    if refusal.status != 503:
                        raise
                    time.sleep(0.05)

        with ThreadPoolExecutor(4) as pool:
            loading = [pool.submit(load, number) for number in range(4)]
            deadline = time.monotonic() + RECOVERY_SECONDS
            while not acknowledged and time.monotonic() < deadline:
                time.sleep(0.1)
            cluster.stop("immediate")
            before = len(acknowledged)
            cluster.start()
            eventually(lambda: served.gateway().create(patient(uuid4().hex)))
            time.sleep(0.5)
            over.set()
            for one in loading:
                one.result(60)
        assert 0 < before < len(acknowledged)
        for id in acknowledged:
            served.gateway().read("Patient", id)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of its own, durable as PostgreSQL is, to be stopped and started by the test."""
    if os.environ.get("FHIR_GATEWAY_TEST_POSTGRES"):
        pytest.skip("the PostgreSQL of FHIR_GATEWAY_TEST_POSTGRES is not the tests' to stop")
    with tempfile.TemporaryDirectory(prefix="fhir-gateway-cluster-") as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder) / "cluster")
        cluster.initialise(settings="")
        cluster.start()
        yield cluster
        if cluster.running:
            cluster.stop()


@contextmanager
def small_disk(size: int) -> Iterator[Path]:
    """A file system of its own with `size` bytes; skips by name where none can be mounted."""
    with tempfile.TemporaryDirectory(prefix="fhir-gateway-disk-") as folder:
        Path(folder).chmod(0o755)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("a small disk cannot be mounted here")
        try:
            disk = Path(folder) / "disk"
            disk.mkdir()
            yield disk
        finally:
            subprocess.run(["umount", "-l", folder], check=True, capture_output=True)


def eventually(act: Any) -> Any:
    """Return what `act` returns once it is no longer refused with 503."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            return act()
        except Refused as refusal:
            if refusal.status != 503 or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
