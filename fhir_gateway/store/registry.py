"""What the database remembers for all workers: numbers and states of search parameters, the key that signs page tokens.

The generation is raised by whatever changes what resources are indexed or searched by; who has an older one reads all
this again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from fhir_gateway.store.contract import Locks, Read, Store, Write
from fhir_gateway.store.index.indexer import INDEX_FORMAT
from fhir_gateway.store.writer import Writer

_PAGE_KEY = "page-key"
_INDEX_FORMAT = "index-format"
_OFFERED = "offered-parameters"

Parameter = tuple[str, str]  # resource type and code

# Held by whoever changes search parameters or begins a job, so that one at a time does.
PARAMETERS_LOCK = "search_parameter"


@dataclass(frozen=True, slots=True)
class Numbered:
    """What the database knows of search parameters: the number of each, and the job that some still wait for."""

    generation: int
    pids: Mapping[Parameter, int]
    jobs: Mapping[Parameter, int]


def numbered(view: Read) -> Numbered:
    """Return the search parameters that the database has met."""
    rows = view.rows("SELECT type, code, pid, job FROM search_parameter")
    return Numbered(
        generation_of(view),
        {(type, code): pid for type, code, pid, _ in rows},
        {(type, code): job for type, code, _, job in rows if job},
    )


def generation_of(view: Read) -> int:
    """Return the generation as this view sees it."""
    generation: int = view.rows("SELECT generation FROM index_generation")[0][0]
    return generation


def raise_generation(tx: Write) -> None:
    """Tell all workers, at the commit, to read the search parameters again."""
    tx.rows("UPDATE index_generation SET generation = generation + 1 RETURNING generation")


def number_parameters(tx: Write, parameters: Mapping[Parameter, str], job: int = 0) -> None:
    """Number the parameters (with their urls) that have none, and let all of them wait for a job, or (0) for none."""
    known = _number(tx, dict(parameters))
    for type, code in parameters:
        tx.rows(
            "UPDATE search_parameter SET job = ?, url = ? WHERE pid = ? RETURNING pid",
            (job, parameters[type, code], known[type, code]),
        )


def release_parameters(tx: Write, job: int) -> None:
    """Let the parameters that wait for a job be searched by."""
    tx.rows("UPDATE search_parameter SET job = 0 WHERE job = ? RETURNING pid", (job,))


def index_format(view: Read) -> int:
    """Return the format of the index rows in this database; 0 when it is older than formats are."""
    return int(_setting(view, _INDEX_FORMAT) or 0)


def set_index_format(tx: Write, format: int = INDEX_FORMAT) -> None:
    """Note that all index rows are of a format."""
    _set(tx, _INDEX_FORMAT, str(format).encode())


def offered_parameters(view: Read) -> dict[str, str]:
    """Return what resources here are indexed by that no SearchParameter here says: "Type:code" and its fingerprint."""
    found: dict[str, str] = msgspec.json.decode(_setting(view, _OFFERED) or b"{}")
    return found


def set_offered_parameters(tx: Write, fingerprints: Mapping[str, str]) -> None:
    """Note by what resources here are indexed that no SearchParameter here says."""
    _set(tx, _OFFERED, msgspec.json.encode(fingerprints))


def _setting(view: Read, name: str) -> bytes | None:
    found = view.rows("SELECT value FROM gateway_setting WHERE name = ?", (name,))
    return bytes(found[0][0]) if found else None


def _set(tx: Write, name: str, value: bytes) -> None:
    if not tx.rows("UPDATE gateway_setting SET value = ? WHERE name = ? RETURNING name", (value, name)):
        assert isinstance(tx, Writer)
        tx.insert("gateway_setting", ("name", "value"), [(name, value)])


def parameter_ids(store: Store, parameters: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], int]:
    """Return the number of each search parameter (type, code), numbering those the database has not met.

    `parameters`: (resource type, code, url). A number once given is never given again.
    """
    wanted = {(type, code): url for type, code, url in parameters}
    known = _known(store)
    if wanted.keys() <= known.keys():
        return known
    return store.write(lambda tx: _number(tx, wanted), Locks(criteria=frozenset({PARAMETERS_LOCK})))


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
