"""Versions and how to find them, on SQLite and PostgreSQL. Read `contract.py` first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fhir_gateway.store.contract import Store
from fhir_gateway.store.resource_types import ResourceTypes


def open_store(
    url: str,
    resource_types: Sequence[str],
    *,
    synchronous: Literal["FULL", "NORMAL"] = "FULL",
    connections: int = 8,
) -> Store:
    """Return the store at `url`, its schema brought up to date.

    url: `sqlite:///file` (`sqlite:////absolute/file`) or `postgresql://user@host/database`.
    resource_types: the names of all resource types in alphabetical order.
    Raises: ValueError for another kind of url; FileHeld when another process has the SQLite file.
    """
    types = ResourceTypes(resource_types)
    if url.startswith("sqlite:///"):
        from fhir_gateway.store.sqlite import SqliteStore
        from fhir_gateway.store.upgrade import upgrade_sqlite

        path = Path(url.removeprefix("sqlite:///"))
        upgrade_sqlite(path)
        return SqliteStore(path, types, synchronous)
    if url.startswith(("postgresql://", "postgres://")):
        from fhir_gateway.store.postgres import PostgresStore
        from fhir_gateway.store.upgrade import upgrade_postgres

        upgrade_postgres(url)
        return PostgresStore(url, types, connections)
    raise ValueError("a database url begins with sqlite:/// or postgresql://")
