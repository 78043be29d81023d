"""Bringing a database to the schema this version of the gateway needs.

alembic and SQLAlchemy are imported only when there is something to do: an up-to-date database starts at once.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import psycopg

HEAD = "0011"
_NUMBER = "SELECT version_num FROM alembic_version"
_UPGRADE_LOCK = 7_299
log = logging.getLogger(__name__)


class SchemaTooNew(Exception):
    """A later version of the gateway has written the database."""


def upgrade_sqlite(path: Path) -> None:
    """Create or upgrade the SQLite file at `path`. Raises: SchemaTooNew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    try:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        current = connection.execute(_NUMBER).fetchone() if known else None
    finally:
        connection.close()
    if current != (HEAD,):
        _refuse_newer(current[0] if current else None)
        log.info("database schema %s -> %s", current[0] if current else "none", HEAD)
        _upgrade(f"sqlite:///{path}")


def upgrade_postgres(url: str) -> None:
    """Create or upgrade the schema in a PostgreSQL database; several processes may try at once.

    Raises: SchemaTooNew.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        if _postgres_number(connection) == HEAD:
            return
        connection.execute("SELECT pg_advisory_lock(%s)", (_UPGRADE_LOCK,))
        if (number := _postgres_number(connection)) != HEAD:
            _refuse_newer(number)
            log.info("database schema %s -> %s", number or "none", HEAD)
            _upgrade(sqlalchemy_url(url))


def _refuse_newer(number: object) -> None:
    if number is not None and str(number) > HEAD:
        raise SchemaTooNew(
            f"the database has schema {number}, this version of the gateway knows {HEAD}: a later version has upgraded "
            "it. Start that version, or restore the backup made before the upgrade"
        )


def _postgres_number(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    known = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if known is None or known[0] is None:
        return None
    row = connection.execute(_NUMBER).fetchone()
    return row[0] if row else None


def sqlalchemy_url(url: str) -> str:
    """Return a libpq URL as SQLAlchemy wants it, with psycopg 3 as the driver."""
    return "postgresql+psycopg://" + url.partition("://")[2]


def _upgrade(url: str, to: str = "head") -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, to)
    finally:
        engine.dispose()
