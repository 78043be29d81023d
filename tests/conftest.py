"""What the tests of every room may ask for: a PostgreSQL, an engine, a running gateway."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from fhir_gateway.guide.guide import written
from tests.browser import Browser, running
from tests.issued import Issued, issued
from tests.postgres import Cluster, Database, shared_cluster
from tests.served import Served, serve

Engine = Literal["sqlite", "postgresql"]
SCRATCH = "FHIR_GATEWAY_TEST_SCRATCH"  # the folder all workers of one run share
# Files in memory, which no disk keeps waiting: what a killed process has written is there as well as on a disk.
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 3 * 1024**3  # a whole run leaves a quarter of it


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        scratch = Path(tempfile.mkdtemp(prefix="fhir-gateway-tests-"))
        scratch.chmod(0o755)
        os.environ[SCRATCH] = str(scratch)
        if config.option.basetemp is None and (folder := _in_memory()) is not None:
            config.option.basetemp = folder
            config.add_cleanup(partial(shutil.rmtree, folder))


def _in_memory() -> str | None:
    """Return a new folder in memory; None where there is no room for all that a run leaves."""
    if not MEMORY.is_dir() or os.environ.get("FHIR_GATEWAY_SUITES") == "full":
        return None
    for left in MEMORY.glob("fhir-gateway-tests-[0-9]*-*"):
        if not Path("/proc", left.name.split("-")[3]).exists():  # its run was killed
            shutil.rmtree(left)
    if shutil.disk_usage(MEMORY).free < MEMORY_BYTES:
        return None
    return tempfile.mkdtemp(prefix=f"fhir-gateway-tests-{os.getpid()}-", dir=MEMORY)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and (scratch := os.environ.pop(SCRATCH, None)):
        cluster = Cluster(Path(scratch, "cluster"))
        if cluster.running:
            cluster.stop()
        shutil.rmtree(scratch)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share a gateway or a database on one worker, engine by engine: it is made once for them."""
    for item in items:
        shared = "database" in getattr(item, "fixturenames", ())
        if shared and next(item.iter_markers("xdist_group"), None) is None:
            parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
            item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}-{parameters.get('engine', '')}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the scores of the suites, which pytest would keep to itself when they pass."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    scores = [(report.nodeid, text) for report in reports for name, text in report.user_properties if name == "score"]
    if scores:
        terminalreporter.section("scores")
    for nodeid, text in sorted(scores):
        _, _, parameters = nodeid.partition("[")
        terminalreporter.write_line(f"{text}{' on ' + parameters.rstrip(']') if parameters else ''}")


@pytest.fixture(scope="session")
def postgres() -> Database:
    """A running PostgreSQL: `postgres.create()` returns the DSN of a fresh database."""
    if dsn := os.environ.get("FHIR_GATEWAY_TEST_POSTGRES"):
        return Database(dsn)
    return shared_cluster(Path(os.environ[SCRATCH]))


@pytest.fixture
def postgres_database(postgres: Database) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database, for one test."""
    dsn = postgres.create()
    yield dsn
    postgres.drop(dsn)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    engine: Engine = request.param
    return engine


@pytest.fixture(scope="module")
def database(engine: Engine, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a fresh database of the engine, for the tests of one module."""
    yield from _database(engine, request, tmp_path_factory)


@pytest.fixture
def clean_database(
    engine: Engine, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a fresh database of the engine, for one test."""
    yield from _database(engine, request, tmp_path_factory)


@pytest.fixture(scope="module")
def served(database: str) -> Iterator[Served]:
    """A gateway in a process of its own, shared by the tests of one module, on each engine."""
    with serve(database) as served:
        yield served


@pytest.fixture
def clean_served(clean_database: str) -> Iterator[Served]:
    """A gateway in a process of its own with a fresh database, for one test, on each engine."""
    with serve(clean_database) as served:
        yield served


# Tests of dossiers share one gateway for each engine, which starts once: each has dossiers of its own there.
_PATHWAYS = [pytest.param(each, marks=pytest.mark.xdist_group(f"pathway-{each}")) for each in ("sqlite", "postgresql")]


@pytest.fixture(scope="session", params=_PATHWAYS)
def pathway_engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn, for tests that share a gateway with all others that ask for it."""
    engine: Engine = request.param
    return engine


@pytest.fixture(scope="session")
def pathway_gateway(
    pathway_engine: Engine, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Issued]:
    """A gateway with the built-in issuer, which knows the structures and professionals of the examples."""
    for database in _database(pathway_engine, request, tmp_path_factory):
        with issued(database, tmp_path_factory.mktemp("issuer")) as gateway:
            yield gateway


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real browser, one for all tests of pages; each opens pages of its own."""
    with running(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="session")
def written_guide(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder into which the guide was written as files, and how many it is said to be."""
    folder = tmp_path_factory.mktemp("guide")
    return folder, written(folder)


def _database(
    engine: Engine, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('gateway')}/gateway.sqlite"
        return
    postgres: Database = request.getfixturevalue("postgres")
    url = postgres.create()
    yield url
    postgres.drop(url)
