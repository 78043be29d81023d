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
from sqlalchemy import create_engine, inspect, text

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
        context = MigrationContext.configure(connection, opts={"include_name": _declared})
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def _declared(name: str | None, kind: str, parents: object) -> bool:
    # The index of words is another kind of table on each engine, which no declaration has in common.
    return kind != "table" or name is None or not name.startswith("full_text")


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
        for table, values in OLD_ROWS.items():
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)
    engine.dispose()

    store = open_store(url, TYPES)
    store.write(lambda tx: tx.stage([Put(draft("Patient", "new"))]))
    with store.read() as tx:
        old, new = tx.current("Patient", "old"), tx.current("Patient", "new")
        for table, values in OLD_ROWS.items():
            assert tx.rows(f"SELECT {', '.join(values)} FROM {table}") == [tuple(values.values())]
    store.close()
    assert old is not None
    assert new is not None
    assert old.last_updated < new.last_updated


OLD_ROWS: dict[str, dict[str, int | float | str]] = {
    "i_token": {"pid": 1, "h": 10, "rid": 1},
    "i_ref": {"trk": 77, "pid": 2, "rid": 1},
    "i_date": {"pid": 3, "lo": 1, "hi": 9, "long": 1, "rid": 1},
    "i_num": {"pid": 4, "lo": 1.5, "hi": 2.5, "rid": 1},
    "i_qty": {"pid": 5, "u": 0, "lo": 1.5, "hi": 2.5, "rid": 1},
    "i_str": {"pid": 6, "v": "\u00e9t\u00e9", "x": 9, "rid": 1},
    "i_comp": {"pid": 7, "h": 1, "lo": 0.5, "hi": 0.5, "h2": 2, "rid": 1},
}


def test_tables_have_the_keys_and_indexes_the_code_declares(url: str) -> None:
    open_store(url, TYPES).close()
    engine = create_engine(engine_url(url))
    inspector = inspect(engine)
    for table in metadata.sorted_tables:
        key = [column.name for column in table.primary_key.columns]
        assert inspector.get_pk_constraint(table.name)["constrained_columns"] == key, table.name
        there = {index["name"]: index["column_names"] for index in inspector.get_indexes(table.name)}
        assert there == {index.name: [column.name for column in index.columns] for index in table.indexes}, table.name
    engine.dispose()


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


def test_a_database_that_a_later_gateway_upgraded_is_refused_with_what_to_do(url: str) -> None:
    engine = create_engine(engine_url(url))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
    engine.dispose()
    with pytest.raises(
        upgrade.SchemaTooNew, match=rf"schema 9999, .* knows {upgrade.HEAD}: .* Start that version, or restore"
    ):
        open_store(url, TYPES)
