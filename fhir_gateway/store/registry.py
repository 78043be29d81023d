"""What the database remembers for all workers: numbers of search parameters, and the key that signs page tokens."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from fhir_gateway.store.contract import Locks, Store, Write
from fhir_gateway.store.writer import Writer

_PAGE_KEY = "page-key"


def parameter_ids(store: Store, parameters: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], int]:
    """Return the number of each search parameter (type, code), numbering those the database has not met.

    `parameters`: (resource type, code, url). A number once given is never given again.
    """
    wanted = {(type, code): url for type, code, url in parameters}
    known = _known(store)
    if wanted.keys() <= known.keys():
        return known
    return store.write(lambda tx: _number(tx, wanted), Locks(criteria=frozenset({"search_parameter"})))


def _known(store: Store) -> dict[tuple[str, str], int]:
    with store.read() as tx:
        return {(type, code): pid for type, code, pid in tx.rows("SELECT type, code, pid FROM search_parameter")}


def _number(tx: Write, wanted: dict[tuple[str, str], str]) -> dict[tuple[str, str], int]:
    known = {(type, code): pid for type, code, pid in tx.rows("SELECT type, code, pid FROM search_parameter")}
    first = max(known.values(), default=0) + 1
    new = {key: pid for pid, key in enumerate(sorted(wanted.keys() - known.keys()), first)}
    rows = [(pid, type, code, wanted[type, code]) for (type, code), pid in new.items()]
    assert isinstance(tx, Writer)
    if rows:
        tx.insert("search_parameter", ("pid", "type", "code", "url"), rows)
    return known | new


def page_key(store: Store) -> bytes:
    """Return the secret that signs page tokens, made once for a database."""

    def find(tx: Write) -> bytes:
        found = tx.rows("SELECT value FROM gateway_setting WHERE name = ?", (_PAGE_KEY,))
        if found:
            return bytes(found[0][0])
        key = secrets.token_bytes(32)
        assert isinstance(tx, Writer)
        tx.insert("gateway_setting", ("name", "value"), [(_PAGE_KEY, key)])
        return key

    with store.read() as tx:
        found = tx.rows("SELECT value FROM gateway_setting WHERE name = ?", (_PAGE_KEY,))
    return bytes(found[0][0]) if found else store.write(find, Locks(criteria=frozenset({_PAGE_KEY})))
