"""The code systems that are loaded, as the terminology asks for them.

What is loaded is looked up anew once a second at most; a system that was given out stays what it was.

Source: FHIR R4, CodeSystem; "Code System Supplements"; Terminology Module.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import msgspec

from fhir_gateway.store.contract import Store
from fhir_gateway.store.terminology.loaded import GENERATION, Loaded, generation
from fhir_gateway.store.terminology.system import LoadedSystem
from fhir_gateway.terminology.versions import chosen

SECONDS = 1.0  # between looks at what is loaded

_READY = (
    "SELECT system, url, version, supplements, concept_count, name_count, loaded, head FROM term_system"
    " WHERE state = 'ready' ORDER BY loaded, system"
)


class LoadedSystems:
    """Code systems in tables, with the supplements that are loaded for them; safe for any number of threads."""

    def __init__(self, store: Store, seconds: float = SECONDS) -> None:
        self._store = store
        self._seconds = seconds
        self._looked = float("-inf")
        self._generation = -1
        self._systems: dict[str, dict[str, LoadedSystem]] = {}  # by url and version
        self._found: dict[str, LoadedSystem | None] = {}
        self._renewing = threading.Lock()

    def generation(self) -> int:
        """Return a number that changes when something is loaded or removed. Raises: Unavailable."""
        if time.monotonic() - self._looked >= self._seconds:
            self._look()
        return self._generation

    def canonicals(self) -> Sequence[str]:
        """Return "url|version" of all that are loaded, supplements included."""
        self.generation()
        return [f"{url}|{version}" for url, versions in self._systems.items() for version in versions]

    def system(self, canonical: str) -> LoadedSystem | None:
        """Return a loaded code system by "url" (the newest version) or "url|version", which may leave parts open.

        A version of SNOMED CT may be an edition alone.
        """
        self.generation()
        found = self._found
        if canonical not in found:
            if len(found) > 4096:
                found.clear()
            found[canonical] = self._search(canonical)
        return found[canonical]

    def _search(self, canonical: str) -> LoadedSystem | None:
        url, bar, version = canonical.partition("|")
        versions = self._systems.get(url)
        if versions is None:
            return None
        meant = chosen(version if bar else None, versions)
        if not meant and bar:
            meant = [each for each in sorted(versions, reverse=True) if each.startswith(f"{version}/version/")]
        return versions[meant[0]] if meant and meant[0] is not None else None

    def _look(self) -> None:
        if not self._renewing.acquire(blocking=self._generation < 0):
            return  # another thread is at it
        try:
            with self._store.read(feed=False) as view:
                now = generation(view.rows(GENERATION))
                rows = view.rows(_READY) if now != self._generation else []
            if now != self._generation:
                self._systems = self._made([(Loaded(*row[:7]), msgspec.json.decode(bytes(row[7]))) for row in rows])
                self._found = {}
                self._generation = now
            self._looked = time.monotonic()
        finally:
            self._renewing.release()

    def _made(self, rows: list[tuple[Loaded, dict[str, object]]]) -> dict[str, dict[str, LoadedSystem]]:
        known = {each.system: each for versions in self._systems.values() for each in versions.values()}
        # Of a supplement the version that was loaded last is laid over.
        latest = {loaded.url: (loaded, head) for loaded, head in rows if loaded.supplements}
        made: dict[str, dict[str, LoadedSystem]] = {}
        for loaded, head in rows:
            over = [LoadedSystem(self._store, *each) for each in latest.values() if each[0].supplements == loaded.url]
            system = LoadedSystem(self._store, loaded, head, over)
            same = known.get(loaded.system)
            if same is not None and same.supplements_applied == system.supplements_applied:
                system = same  # with what it remembers
            made.setdefault(loaded.url, {})[loaded.version] = system
        return made
