"""ConceptMaps as tables of rules: which code of FHIR a code of the source becomes.

Source: FHIR R4, ConceptMap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

_NO_MATCH = ("unmatched", "disjoint")


class Code(NamedTuple):
    """A code of a system ("" where the map names none)."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class CodeMap:
    """A table. `fixed`: what codes become that are not in it (group.unmapped)."""

    name: str
    codes: Mapping[str, Code]
    fixed: Code | None = None

    def of(self, code: str) -> Code | None:
        """Return what a code becomes; None where the map does not say."""
        return self.codes.get(code, self.fixed)


class CodeMaps:
    """The maps that are known, by url, the end of it, or name."""

    def __init__(self, resources: Iterable[Mapping[str, Any]]) -> None:
        self._resources: dict[str, Mapping[str, Any]] = {}
        for each in resources:
            url = str(each.get("url", ""))
            for key in (url, url.rpartition("/")[2], str(each.get("name", ""))):
                self._resources.setdefault(key, each)
        self._made: dict[str, CodeMap] = {}
        maps = {id(each): each for each in self._resources.values()}.values()
        texts = sorted(repr((each.get("url"), each.get("group"))) for each in maps)
        self.digest = blake2b("".join(texts).encode(), digest_size=16).digest()  # changes with any of them

    def named(self, name: str) -> CodeMap | None:
        """Return a map; None where none is known of that name."""
        found = self._made.get(name)
        if found is None and name in self._resources:
            found = self._made[name] = _table(name, self._resources[name])
        return found


def _table(name: str, resource: Mapping[str, Any]) -> CodeMap:
    codes: dict[str, Code] = {}
    fixed = None
    for group in resource.get("group", ()):
        system = str(group.get("target", ""))
        for element in group.get("element", ()):
            for target in element.get("target", ()):
                if target.get("equivalence") not in _NO_MATCH and "code" in target:
                    codes.setdefault(element.get("code", ""), Code(system, target["code"], target.get("display", "")))
        unmapped = group.get("unmapped", {})
        if unmapped.get("mode") == "fixed" and fixed is None:
            fixed = Code(system, unmapped["code"], unmapped.get("display", ""))
    return CodeMap(name, codes, fixed)
