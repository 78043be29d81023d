"""A code system made ready for questions: its concepts by code, their place in the hierarchy, properties, displays.

Source: FHIR R4, CodeSystem; "Code System Supplements"; Terminology Module, "Concept Properties".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from fhir_gateway.terminology.filters import Test, tests
from fhir_gateway.terminology.iso_codes import country_codes
from fhir_gateway.terminology.system import Filter, Found
from fhir_gateway.terminology.words.memory import ConceptIndex

_PROPERTIES = "http://hl7.org/fhir/concept-properties#"
_STANDARDS_STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
# HL7 v2, table 0203: "NNxxx", national person identifier, "where the xxx is the ISO table 3166 3-character code".
_V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
_INACTIVE = frozenset({"inactive", "retired", "withdrawn"})


@dataclass(slots=True)
class Concept:
    """One code. `parents`, `children`: by nesting or by a property; a code may stand below several."""

    code: str
    display: str | None
    definition: str | None
    designations: Sequence[Mapping[str, Any]] = ()
    properties: Sequence[Mapping[str, Any]] = ()
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    extensions: Sequence[Mapping[str, Any]] = ()


class CodeSystem:
    """The concepts of one CodeSystem resource, read once.

    `content`: complete, fragment, example, not-present or supplement; of an incomplete system only what is there is
    known.
    """

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self.url: str = resource.get("url", "")
        self.version: str | None = resource.get("version")
        self.title: str = resource.get("title") or resource.get("name") or self.url
        # Whatever it calls itself, what says that it supplements another is no system of its own.
        self.content: str = "supplement" if "supplements" in resource else resource.get("content", "complete")
        self.case_sensitive = bool(resource.get("caseSensitive", True))
        self.language: str | None = resource.get("language")
        self.status: str | None = resource.get("status")
        self.name: str = resource.get("name") or self.title
        self.experimental: bool = resource.get("experimental") is True
        self.standards_status: str | None = next(
            (
                each.get("valueCode")
                for each in _dicts(resource.get("extension"))
                if each.get("url") == _STANDARDS_STATUS
            ),
            None,
        )
        self.version_needed: bool = resource.get("versionNeeded") is True
        self.supplements: str | None = resource.get("supplements")
        self.value_set: str | None = resource.get("valueSet")
        self.concepts: dict[str, Concept] = {}
        self._tests: dict[tuple[Filter, ...], list[Test]] = {}
        self._uris: dict[str, str] = {
            each.get("code", ""): each["uri"] for each in _dicts(resource.get("property")) if "uri" in each
        }
        self._filters = tuple(_dicts(resource.get("filter")))
        self._declared = tuple(_dicts(resource.get("property")))
        self._read(resource.get("concept"))
        self._link()

    @property
    def complete(self) -> bool:
        return self.content == "complete"

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url

    def _read(self, concepts: Any) -> None:
        pending: list[tuple[Mapping[str, Any], str | None]] = [(each, None) for each in reversed(_dicts(concepts))]
        while pending:
            each, above = pending.pop()
            code = each.get("code")
            if not isinstance(code, str):
                continue
            concept = self.concepts.get(code)
            if concept is None:
                concept = self.concepts[code] = Concept(
                    code, each.get("display"), each.get("definition"), _dicts(each.get("designation")),
                    _dicts(each.get("property")), extensions=_dicts(each.get("extension")),
                )  # fmt: skip
            if above is not None and above not in concept.parents:
                concept.parents.append(above)
            pending += [(below, code) for below in reversed(_dicts(each.get("concept")))]

    def _link(self) -> None:
        for concept in self.concepts.values():
            for each in concept.properties:
                name = each.get("code")
                if self._is(name, "parent"):
                    self._add_parent(concept, self.value_of(each))
                elif self._is(name, "child"):
                    below = self.concepts.get(str(self.value_of(each)))
                    if below is not None:
                        self._add_parent(below, concept.code)
        for concept in self.concepts.values():
            for parent in concept.parents:
                if parent in self.concepts:
                    self.concepts[parent].children.append(concept.code)

    @staticmethod
    def _add_parent(concept: Concept, parent: Any) -> None:
        if isinstance(parent, str) and parent not in concept.parents:
            concept.parents.append(parent)

    def _is(self, code: Any, name: str) -> bool:
        """Tell whether a property is one of FHIR's own: by its uri, or by its code where it has no uri."""
        uri = self._uris.get(code)
        return code == name if uri is None else uri == _PROPERTIES + name

    @staticmethod
    def value_of(property: Mapping[str, Any]) -> Any:
        """Return the value of a concept's property, a Coding as its code."""
        value = next((each for key, each in property.items() if key.startswith("value")), None)
        return value.get("code") if isinstance(value, dict) else value

    def with_supplement(self, supplement: CodeSystem) -> CodeSystem:
        """Return the same system with the designations and properties that a supplement has for its concepts."""
        other = copy(self)
        other.concepts = {code: self._supplemented(concept, supplement) for code, concept in self.concepts.items()}
        other._tests = {}
        for name in ("_folded", "_index"):
            other.__dict__.pop(name, None)
        return other

    @staticmethod
    def _supplemented(concept: Concept, supplement: CodeSystem) -> Concept:
        more = supplement.concepts.get(concept.code)
        if more is None:
            return concept
        added = list(more.designations)
        if more.display is not None:
            language = {"language": supplement.language} if supplement.language else {}
            added.append({"value": more.display, **language})
        designations = (*concept.designations, *added)
        return replace(concept, designations=designations, properties=(*concept.properties, *more.properties))

    @cached_property
    def _folded(self) -> dict[str, Concept]:
        return {code.casefold(): concept for code, concept in self.concepts.items()}

    def concept(self, code: str) -> Concept | None:
        """Return the concept of a code, whatever its case where the system does not mind it."""
        found = self.concepts.get(code)
        if found is None and not self.case_sensitive:
            found = self._folded.get(code.casefold())
        if (
            found is None
            and self.url == _V2_0203
            and code[:2] == "NN"
            and len(code) == 5
            and code[2:] in country_codes()
        ):
            return self.concepts.get("NNxxx")
        return found

    # --- hierarchy

    def descendants(self, code: str) -> Iterator[str]:
        """Yield the codes below a code, each once."""
        start = self.concept(code)
        return iter(()) if start is None else self._reached(start.children, up=False)

    def ancestors(self, code: str) -> Iterator[str]:
        """Yield the codes above a code, each once."""
        start = self.concept(code)
        return iter(()) if start is None else self._reached(start.parents, up=True)

    def _reached(self, start: Iterable[str], up: bool) -> Iterator[str]:
        seen: set[str] = set()
        pending = list(start)
        while pending:
            code = pending.pop()
            if code in seen:
                continue
            seen.add(code)
            yield code
            concept = self.concepts.get(code)
            if concept is not None:
                pending += concept.parents if up else concept.children

    def subsumes(self, above: str, below: str) -> bool | None:
        """Return whether a code is another or stands above it; None where one of them is not known."""
        one, other = self.concept(above), self.concept(below)
        if one is None or other is None:
            return None
        return one is other or one.code in self._reached(other.parents, up=True)

    def roots(self) -> Iterator[str]:
        """Yield the codes that stand below no other."""
        return (
            each.code for each in self.concepts.values() if not any(above in self.concepts for above in each.parents)
        )

    # --- as a `System`

    def count(self) -> int:
        return len(self.concepts)

    def codes(self) -> Iterator[str]:
        """Yield all codes, as they stand in the resource."""
        return iter(self.concepts)

    def properties(self) -> Sequence[Mapping[str, Any]]:
        return self._declared

    def _compiled(self, filters: Sequence[Filter]) -> list[Test]:
        key = tuple(filters)
        if key not in self._tests:
            self._tests[key] = tests(self, key)
        return self._tests[key]

    def matching(self, filters: Sequence[Filter]) -> Iterator[str]:
        """Yield the codes that pass all filters, as they stand in the resource. Raises: Unsupported."""
        made = self._compiled(filters)
        return (each.code for each in self.concepts.values() if all(test(self, each) for test in made))

    def holds(self, code: str, filters: Sequence[Filter]) -> bool:
        """Tell whether one code passes all filters. Raises: Unsupported."""
        concept = self.concept(code)
        return concept is not None and all(test(self, concept) for test in self._compiled(filters))

    @cached_property
    def _index(self) -> ConceptIndex:
        return ConceptIndex(self.concepts.values(), self.language, self.is_inactive)

    def search(self, text: str, language: str | None, limit: int) -> Sequence[Found]:
        """Return the concepts that are called by words that begin with those of a text, best first."""
        return self._index.search(text, language, limit)

    # --- properties

    def values(self, concept: Concept, name: str) -> list[Any]:
        """Return the values of a concept's property, by its code or its uri."""
        if name in ("parent", _PROPERTIES + "parent"):
            return list(concept.parents)
        if name in ("child", _PROPERTIES + "child"):
            return list(concept.children)
        return [
            self.value_of(each)
            for each in concept.properties
            if each.get("code") == name or self._uris.get(each.get("code", "")) == name
        ]

    def knows_property(self, name: str) -> bool:
        """Tell whether a property or filter of this name is declared, by code or uri."""
        return any(name in (each.get("code"), each.get("uri")) for each in (*self._declared, *self._filters))

    def property_of(self, name: str) -> Mapping[str, Any] | None:
        """Return the declaration of a property by its code or uri; None when there is none."""
        return next((each for each in self._declared if name in (each.get("code"), each.get("uri"))), None)

    def is_abstract(self, concept: Concept) -> bool:
        """Tell whether a code is there to group others, not to be chosen."""
        return self._has(concept, "notSelectable") or self._has(concept, "abstract")

    def is_inactive(self, concept: Concept) -> bool:
        """Tell whether a code should no longer be used."""
        if self._has(concept, "inactive"):
            return True
        return any(
            self._is(each.get("code"), "status") and self.value_of(each) in _INACTIVE for each in concept.properties
        )

    def _has(self, concept: Concept, name: str) -> bool:
        return any(
            self._is(each.get("code"), name) and self.value_of(each) in (True, "true") for each in concept.properties
        )

    # --- displays

    def languages(self, concept: Concept) -> list[str]:
        """Return the languages that a code has names in, each once."""
        named = [self.language] if concept.display is not None else []
        named += [each.get("language") for each in concept.designations]
        return list(dict.fromkeys(each for each in named if isinstance(each, str)))

    def displays(self, concept: Concept, language: str | None = None) -> list[str]:
        """Return what a code may be called: in one language where there is something in it, else in all, best first."""
        named: list[tuple[str | None, str]] = []
        if concept.display is not None:
            named.append((self.language, concept.display))
        named += [
            (each.get("language"), each["value"]) for each in concept.designations if isinstance(each.get("value"), str)
        ]
        if language is not None:
            own = [text for tag, text in named if tag is not None and speaks(tag, language)]
            if own:
                return list(dict.fromkeys(own))
        return list(dict.fromkeys(text for _, text in named))


def speaks(tag: str, language: str) -> bool:
    """Tell whether a language tag is of the language asked for, whatever its region."""
    return tag.partition("-")[0].casefold() == language.partition("-")[0].casefold()


def _dicts(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list | tuple) else ()
