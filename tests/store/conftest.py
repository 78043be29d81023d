"""A store of its own for each test, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_gateway.store import open_store
from fhir_gateway.store.contract import Store

TYPES = ["Group", "Observation", "Patient"]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database")
    opened = open_store(url, TYPES)
    yield opened
    opened.close()
