"""The schema: what the migrations make is what the code expects, from the first schema on.

Source: fhir_gateway/store/README.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from fhir_gateway.store import open_store, upgrade
from fhir_gateway.store.contract import Put
from fhir_gateway.store.schema import metadata
from tests.store.conftest import TYPES
from tests.store.drafts import draft

MIGRATIONS = Path(upgrade.__file__).with_name("migrations")


def revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        database: str = request.getfixturevalue("postgres_database")
        return database
    return f"sqlite:///{tmp_path}/store.sqlite"


def engine_url(url: str) -> str:
    return url if url.startswith("sqlite") else upgrade.sqlalchemy_url(url)


def test_the_newest_migration_is_the_one_the_code_asks_for() -> None:
    assert revisions()[-1] == upgrade.HEAD


def test_a_new_database_has_the_tables_the_code_declares(url: str) -> None:
    open_store(url, TYPES).close()
    engine = create_engine(engine_url(url))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


@pytest.mark.parametrize("revision", revisions())
def test_a_database_of_any_earlier_schema_is_upgraded_with_its_data(url: str, revision: str) -> None:
    upgrade._upgrade(engine_url(url), revision)
    engine = create_engine(engine_url(url))
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO resource (rid, rtype, fhir_id, rk, vid, last_updated, deleted, idx_hash, body)"
                " VALUES (1, 3, 'old', :rk, 1, 5, 0, 0, :body)"
            ),
            {"rk": upgraded_key(), "body": b'{"resourceType":"Patient","id":"old"}'},
        )
    engine.dispose()

    store = open_store(url, TYPES)
    store.write(lambda tx: tx.stage([Put(draft("Patient", "new"))]))
    with store.read() as tx:
        old, new = tx.current("Patient", "old"), tx.current("Patient", "new")
    store.close()
    assert old is not None
    assert new is not None
    assert old.last_updated < new.last_updated


def upgraded_key() -> int:
    from fhir_gateway.store.index.hashing import rk_of

    return rk_of("Patient", "old")


def test_a_second_process_is_refused_the_same_file(tmp_path: Path) -> None:
    from fhir_gateway.store.file_lock import FileHeld

    url = f"sqlite:///{tmp_path}/store.sqlite"
    first = open_store(url, TYPES)
    with pytest.raises(FileHeld, match=r"store\.sqlite is held"):
        open_store(url, TYPES)
    first.close()
    open_store(url, TYPES).close()


def test_only_sqlite_and_postgresql_urls_are_taken() -> None:
    with pytest.raises(ValueError, match="sqlite:/// or postgresql://"):
        open_store("mysql://localhost/x", TYPES)
