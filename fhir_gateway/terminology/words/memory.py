"""The concepts of a code system in memory, found by words.

Source: FHIR R4, ValueSet, "$expand", "filter".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from fhir_gateway.terminology.system import Found
from fhir_gateway.terminology.words.folding import words
from fhir_gateway.terminology.words.index import MemoryIndex
from fhir_gateway.terminology.words.search import search


class Called(Protocol):
    """What is found: a concept with its code and what it is called."""

    code: str
    display: str | None
    designations: Sequence[Mapping[str, Any]]


class ConceptIndex:
    """Concepts by their words; made once, safe for any number of threads."""

    def __init__(self, concepts: Iterable[Called], language: str | None, inactive: Callable[[Any], bool]) -> None:
        """Take all concepts of a system. `language`: of their displays; `inactive`: tells which ones come last."""
        self._codes: list[str] = []
        self._index = MemoryIndex(self._names(concepts, language or "", inactive))

    def _names(
        self, concepts: Iterable[Called], language: str, inactive: Callable[[Any], bool]
    ) -> Iterator[tuple[int, str, str, bool, bool]]:
        for number, concept in enumerate(concepts):
            self._codes.append(concept.code)
            idle = inactive(concept)
            yield number, concept.code, "", False, idle
            if concept.display is not None:
                yield number, concept.display, language, True, idle
            for each in concept.designations:
                text = each.get("value")
                if isinstance(text, str) and words(text):
                    yield number, text, str(each.get("language", language)), False, idle

    def search(self, text: str, language: str | None, limit: int) -> list[Found]:
        """Return up to `limit` concepts called by these words, or by their code, best first."""
        return [Found(self._codes[hit.concept], hit.rank) for hit in search([self._index], text, language, limit)]
