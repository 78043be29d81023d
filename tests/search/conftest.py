"""One filled gateway an engine, for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Engine
from tests.search.filled import Filled, filled

ENGINES: tuple[Engine, ...] = ("sqlite", "postgresql")


def each_engine() -> list[Any]:
    """Return the engines as parameters; what is asked of one is asked by one worker, which fills it once."""
    return [pytest.param(engine, marks=pytest.mark.xdist_group(f"search-{engine}")) for engine in ENGINES]


@pytest.fixture(scope="session")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A filled gateway on the engine that the test is parametrized with (indirectly)."""
    folder = tmp_path_factory.mktemp("search")
    postgres = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    database = f"sqlite:///{folder}/gateway.sqlite" if postgres is None else postgres.create()
    made = filled(request.param, database, folder)
    yield made
    made.desk.gateway.store.close()
    if postgres is not None:
        postgres.drop(database)
