"""What codes mean to a search: the codes of a value set, and those above and below a code, by the terminology at hand.

Source: FHIR R4, Search, "Modifiers": "in", "not-in", "above", "below"; ValueSet, "$expand".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING

from fhir_gateway.fhir.json import decode

if TYPE_CHECKING:
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.terminology.catalog import Catalog
    from fhir_gateway.terminology.composition import Composition

_REFERENCE = re.compile(r"ValueSet/([A-Za-z0-9\-.]{1,64})")


class SearchedCodes:
    """The terminology as searches ask for it (`store.search.code_sets.CodeSets`); `gateway` is set once it is open."""

    gateway: Gateway | None = None

    def of_value_set(self, canonical: str, limit: int) -> Sequence[tuple[str, str]] | None:
        """See CodeSets. Inactive codes are among them: what was recorded with one is found by it."""
        from fhir_gateway.terminology.expansion import expand
        from fhir_gateway.terminology.wishes import Wishes

        with self._catalog() as catalog:
            composition = self._composition(catalog, canonical)
            if composition is None:
                return None
            expansion = expand(catalog, composition, Wishes(offset=0, count=limit + 1, exclude_nested=True))
            return [(entry.edition.url, entry.code) for entry in expansion.page]

    def below(self, system: str, code: str, limit: int) -> Sequence[str] | None:
        """See CodeSets."""
        with self._catalog() as catalog:
            edition = catalog.system(system)
            concept = None if edition is None else edition.concept(code)
            if edition is None or concept is None:
                return None
            return _some(concept.code, edition.system.descendants(concept.code), limit)

    def above(self, system: str, code: str, limit: int) -> Sequence[str] | None:
        """See CodeSets."""
        with self._catalog() as catalog:
            edition = catalog.system(system)
            concept = None if edition is None else edition.concept(code)
            if edition is None or concept is None:
                return None
            return _some(concept.code, edition.system.ancestors(concept.code), limit)

    @contextmanager
    def _catalog(self) -> Iterator[Catalog]:
        gateway = self.gateway
        assert gateway is not None
        with gateway.store.read(feed=False) as view:
            yield gateway.terminology.catalog(gateway, view)

    def _composition(self, catalog: Catalog, canonical: str) -> Composition | None:
        from fhir_gateway.terminology.composition import Composition

        gateway = self.gateway
        assert gateway is not None
        own = canonical.removeprefix(f"{gateway.registry.base}/") if gateway.registry.base else canonical
        reference = _REFERENCE.fullmatch(own)
        if reference is not None:
            stored = gateway.store.current("ValueSet", reference[1])
            return None if stored is None or stored.deleted else Composition(decode(stored.body))
        url, _, version = canonical.partition("|")
        return catalog.value_set(url, version or None)


def _some(code: str, others: Iterable[str], limit: int) -> list[str]:
    return list(dict.fromkeys(islice(chain((code,), others), limit + 1)))
