"""The terminology at hand: what is stored over what is installed, shipped, defined by R4 and loaded.

CodeSystems, ValueSets and ConceptMaps that are stored take effect with the next question, in every process: each
question compares a figure of the rows of these types with the one the layers were made by. Only what changed is read.

Source: FHIR R4, Terminology Service; "Conformance Module".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_gateway.fhir.json import decode
from fhir_gateway.store.contract import Read
from fhir_gateway.terminology.at_hand import library_of
from fhir_gateway.terminology.catalog import Catalog, Kind, Resource
from fhir_gateway.terminology.head import Head, head

if TYPE_CHECKING:
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.store.contract import Store
    from fhir_gateway.terminology.library import Library
    from fhir_gateway.terminology.system import Systems

KINDS: tuple[Kind, ...] = ("CodeSystem", "ValueSet", "ConceptMap")
_SUMMED = 1_000_003  # what instants are taken modulo of, so that their sum stays small
_SECONDS = 1.0  # between looks at what others wrote

_FIGURES = (
    "SELECT rtype, count(*), max(last_updated), sum(last_updated % ?) FROM resource"
    " WHERE rtype IN (?, ?, ?) GROUP BY rtype ORDER BY rtype"
)

Stamp = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A stored resource: where it lies, and what it is found by."""

    kind: Kind
    id: str
    vid: int
    head: Head


class Stored:
    """The layer of what is stored over REST, at one moment. A resource is read when it is asked for."""

    extends = False

    def __init__(self, store: Store, rows: Mapping[int, _Row]) -> None:
        self.rows = rows
        self._store = store
        self._by_url: dict[tuple[str, str], list[_Row]] = {}
        # The one written last comes first: of two with the same url and version it counts.
        for _, row in sorted(rows.items(), reverse=True):
            if row.head.url:
                self._by_url.setdefault((row.kind, row.head.url), []).append(row)

    def all(self, kind: Kind, url: str) -> Sequence[Resource]:
        return [each for row in self._by_url.get((kind, url), ()) if (each := self._read(row)) is not None]

    def every(self, kind: Kind) -> Iterator[Resource]:
        for row in self.rows.values():
            if row.kind == kind and (found := self._read(row)) is not None:
                yield found

    def heads(self) -> Iterator[Resource]:
        for row in self.rows.values():
            if row.kind == "CodeSystem" and row.head.url:
                yield msgspec.to_builtins(row.head)

    def _read(self, row: _Row) -> Resource | None:
        version = self._store.current(row.kind, row.id)
        # Written again meanwhile: the next question sees a new layer.
        return None if version is None or version.deleted else decode(version.body)


class Terminology:
    """The layers of the moment, made anew when something they are made of changes; threads share it."""

    def __init__(
        self, make: Callable[[], Catalog], systems: Callable[[Store], Systems | None] = lambda _: None
    ) -> None:
        self._make = make
        self._make_systems = systems
        self._lock = threading.Lock()
        self._below: Catalog | None = None
        self._systems: Systems | None = None
        self._stamp: Stamp | None = None
        self._catalog: Catalog | None = None
        self._generation = -1
        self._rows: dict[int, _Row] = {}
        self._library: tuple[Catalog, Library] | None = None
        self._looked = float("-inf")

    def changed(self) -> None:
        """Look at the store anew with the next question, whoever asks: a resource of these types was written here."""
        self._looked = float("-inf")

    def library(self, gateway: Gateway) -> Library:
        """Return what validation asks: what this process wrote is in it at once, what others did within a second."""
        now = time.monotonic()
        if self._library is None or now - self._looked >= _SECONDS:
            self._looked = now
            with gateway.everything.store.read(feed=False) as view:
                catalog = self.catalog(gateway, view)
            if self._library is None or self._library[0] is not catalog:
                self._library = (catalog, library_of(catalog))
        return self._library[1]

    def catalog(self, gateway: Gateway, view: Read) -> Catalog:
        """Return the layers as they stand in a view of the store."""
        stamp = _stamp(gateway, view)
        with self._lock:
            generation = self._loaded_generation(gateway)
            if self._catalog is None or stamp != self._stamp or generation != self._generation:
                if self._below is None or generation != self._generation:
                    from fhir_gateway.conformance.terminology_layers import with_systems

                    self._below = with_systems(self._make(), self._systems)
                self._rows = _rows(gateway, view, self._rows)
                self._catalog = Catalog(Stored(gateway.everything.store, self._rows), self._below)
                self._stamp, self._generation = stamp, generation
            return self._catalog

    def _loaded_generation(self, gateway: Gateway) -> int:
        if self._systems is None:
            self._systems = self._make_systems(gateway.everything.store)
        return 0 if self._systems is None else self._systems.generation()


def _rtypes(gateway: Gateway) -> dict[int, Kind]:
    return {gateway.registry.rtypes[kind]: kind for kind in KINDS}


def _stamp(gateway: Gateway, view: Read) -> Stamp:
    """Return figures that are others once a resource of these types is written, deleted or purged."""
    rows = view.rows(_FIGURES, (_SUMMED, *_rtypes(gateway)))
    return tuple(tuple(map(int, row)) for row in rows)


def _rows(gateway: Gateway, view: Read, before: Mapping[int, _Row]) -> dict[int, _Row]:
    """Return what is stored now; of what was known before in the same version nothing is read."""
    kinds = _rtypes(gateway)
    found: dict[int, _Row] = {}
    for rid, rtype, id, vid in view.rows(
        "SELECT rid, rtype, fhir_id, vid FROM resource WHERE rtype IN (?, ?, ?) AND deleted = 0", tuple(kinds)
    ):
        known = before.get(rid)
        if known is not None and known.vid == vid:
            found[rid] = known
            continue
        for (body,) in view.rows("SELECT body FROM resource WHERE rid = ?", (rid,)):
            found[rid] = _Row(kinds[rtype], id, vid, head(bytes(body)))
    return found
