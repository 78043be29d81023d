"""A code system whose codes follow a grammar, or a list that the standard does not ship, as a `System`.

Source: UCUM; BCP 47; BCP 13; FHIR R4, "Using Codes", "Special Code Systems".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_gateway.terminology.code_system import Concept
from fhir_gateway.terminology.countries import countries_system
from fhir_gateway.terminology.grammars import GRAMMARS, ISO_3166, passes
from fhir_gateway.terminology.system import Filter, Found, System, Unsupported


class Algorithmic:
    """What can be told of such a system: whether a code is one of its codes. It cannot be enumerated."""

    version: str | None = None
    content = "complete"
    complete = True
    case_sensitive = True
    language: str | None = None
    status: str | None = None
    value_set: str | None = None

    def __init__(self, url: str) -> None:
        self.url = self.title = self.canonical = url
        self._is_code = GRAMMARS[url]

    def count(self) -> int:
        raise Unsupported(self.url)

    def concept(self, code: str) -> Concept | None:
        return Concept(code, None, None) if self._is_code(code) else None

    def codes(self) -> Iterator[str]:
        raise Unsupported(self.url)

    roots = codes

    def descendants(self, code: str) -> Iterator[str]:
        return iter(())

    def ancestors(self, code: str) -> Iterator[str]:
        return iter(())

    def subsumes(self, above: str, below: str) -> bool | None:
        return True if above == below else None

    def matching(self, filters: Sequence[Filter]) -> Iterator[str]:
        """Yield the codes that pass, where the filters name them. Raises: Unsupported."""
        for each in filters:
            if each.property in ("code", "concept") and each.op in ("=", "in"):
                named = [code.strip() for code in each.value.split(",")]
                return iter([code for code in named if self.concept(code) is not None and self.holds(code, filters)])
        raise Unsupported(self.url)

    def holds(self, code: str, filters: Sequence[Filter]) -> bool:
        answers = [passes(self.url, code, each.property, each.op, each.value) for each in filters]
        if None in answers:
            raise Unsupported(self.url)
        return self._is_code(code) and all(answers)

    def search(self, text: str, language: str | None, limit: int) -> Sequence[Found]:
        return (Found(text),) if self._is_code(text) else ()

    def properties(self) -> Sequence[Mapping[str, Any]]:
        return ()


def algorithmic(url: str) -> System:
    """Return the system of a url in `GRAMMARS`; countries have names, and can be enumerated."""
    return countries_system() if url == ISO_3166 else Algorithmic(url)
