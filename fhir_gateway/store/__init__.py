"""Versions and how to find them, on SQLite and PostgreSQL. Read `contract.py` first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from fhir_gateway.store.contract import Store
from fhir_gateway.store.resource_types import ResourceTypes
from fhir_gateway.store.sharing import PatientParameters


def open_store(
    url: str,
    resource_types: Sequence[str],
    *,
    synchronous: Literal["FULL", "NORMAL"] = "FULL",
    connections: int = 8,
    patient_compartment: Mapping[str, Sequence[str]] | None = None,
) -> Store:
    """Return the store at `url`, its schema brought up to date.

    url: `sqlite:///file` (`sqlite:////absolute/file`) or `postgresql://user@host/database`.
    resource_types: the names of all resource types in alphabetical order. patient_compartment: by which search
    parameters (codes) resources of a type are about a patient; None: as R4's CompartmentDefinition says.
    Raises: ValueError for another kind of url; FileHeld when another process has the SQLite file;
    SchemaTooNew when a later version of the gateway has upgraded the database.
    """
    types = ResourceTypes(resource_types)
    patient_parameters = PatientParameters(patient_compartment)
    if url.startswith("sqlite:///"):
        from fhir_gateway.store.sqlite import SqliteStore
        from fhir_gateway.store.upgrade import upgrade_sqlite

        path = Path(url.removeprefix("sqlite:///"))
        upgrade_sqlite(path)
        return SqliteStore(path, types, synchronous, patient_parameters=patient_parameters)
    if url.startswith(("postgresql://", "postgres://")):
        from fhir_gateway.store.postgres import PostgresStore
        from fhir_gateway.store.upgrade import upgrade_postgres

        upgrade_postgres(url)
        return PostgresStore(url, types, connections, patient_parameters)
    raise ValueError("a database url begins with sqlite:/// or postgresql://")
