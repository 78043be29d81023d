"""What is told of each code on the page of an expansion: display, designations, properties, status.

Source: FHIR R4, ValueSet.expansion.contains; FHIR R5, ValueSet.expansion.property; HL7 extensions of concepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_gateway.terminology.code_system import Concept
from fhir_gateway.terminology.designations import Designation, of_display, of_elements, preferred
from fhir_gateway.terminology.edition import PROPERTIES, STANDARDS_STATUS, Edition
from fhir_gateway.terminology.expansion_page import Entry
from fhir_gateway.terminology.wishes import Wishes

_SD = "http://hl7.org/fhir/StructureDefinition/"
# Extensions that become properties: of the value set first, which counts more.
_AS_PROPERTY = (
    ("label", "label", "valueString", (f"{_SD}valueset-label", f"{_SD}codesystem-label")),
    ("order", "order", "valueDecimal", (f"{_SD}valueset-conceptOrder", f"{_SD}codesystem-conceptOrder")),
    ("weight", "itemWeight", "valueDecimal", (f"{_SD}itemWeight",)),
)
_OF_SYSTEM = frozenset(
    _SD + name for name in ("coding-sctdescid", "rendering-style", "rendering-xhtml", "codesystem-alternate")
)
_OF_SET = _OF_SYSTEM | {
    f"{_SD}valueset-supplement",
    f"{_SD}valueset-deprecated",
    f"{_SD}valueset-concept-definition",
    STANDARDS_STATUS,
}
_LANGUAGE = "urn:ietf:bcp:47"


@dataclass(frozen=True, slots=True)
class Described:
    """One code as it is told."""

    system: str
    code: str
    version: str | None
    display: str | None
    abstract: bool
    inactive: bool
    designations: Sequence[Designation]
    properties: Sequence[Mapping[str, Any]]
    extensions: Sequence[Mapping[str, Any]]


class Describing:
    """Describes the codes of one expansion; `declared`: the properties told so far, with their uris."""

    def __init__(self, wishes: Wishes, with_versions: bool) -> None:
        self._wishes = wishes
        self._with_versions = with_versions
        self.declared: dict[str, str | None] = {}
        self.supplements: dict[str, None] = {}

    def of(self, entry: Entry) -> Described:
        edition, concept = entry.edition, entry.concept
        extensions = edition.extensions(concept)
        of_set = entry.listed.extensions if entry.listed is not None else ()
        named = self._named(entry, concept)
        chosen = preferred(named, self._wishes.wanted)
        others: list[Designation] = []
        if self._wishes.include_designations:
            others = [each for each in named if each is not chosen and self._is_wanted(each)]
        for each in (*others, *((chosen,) if chosen is not None else ())):
            if each.source is not None:
                self.supplements[each.source] = None
        return Described(
            edition.url,
            entry.code,
            edition.version if self._with_versions else None,
            None if chosen is None else chosen.value,
            edition.is_abstract(concept),
            edition.is_inactive(concept),
            others,
            self._properties(edition, concept, extensions, of_set),
            [
                *(each for each in extensions if each.get("url") in _OF_SYSTEM),
                *(each for each in of_set if each.get("url") in _OF_SET),
            ],
        )

    def _named(self, entry: Entry, concept: Concept) -> list[Designation]:
        named = entry.edition.designations(concept)
        if entry.listed is not None:
            language = entry.within.language if entry.within is not None else None
            if entry.listed.display is not None:
                stated = of_display(entry.listed.display, language)
                # What the value set itself calls a code comes before what its system does, in the same language.
                at = next(
                    (n for n, each in enumerate(named) if each.is_base and language in (None, each.language)), None
                )
                if at is None:
                    named.append(stated)
                else:
                    named[at] = of_display(entry.listed.display, named[at].language)
            named += of_elements(entry.listed.designations)
        return named

    def _is_wanted(self, each: Designation) -> bool:
        if not self._wishes.designations:
            return True
        use = each.use or {}
        tokens = {f"{use.get('system')}|{use.get('code')}", f"{_LANGUAGE}|{each.language}"}
        return any(wanted in tokens for wanted in self._wishes.designations)

    # --- properties

    def _properties(
        self,
        edition: Edition,
        concept: Concept,
        extensions: Iterable[Mapping[str, Any]],
        of_set: Sequence[Mapping[str, Any]],
    ) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        status = edition.status_of(concept)
        if status is None and edition.is_deprecated(concept):
            status = "deprecated"
        if status is not None and status.lower() != "active":
            found.append(self._declared("status", PROPERTIES + "status", valueCode=status))
        there = [*of_set, *extensions]
        for code, name, key, urls in _AS_PROPERTY:
            value = next((_value(each) for url in urls for each in there if each.get("url") == url), None)
            if value is not None:
                found.append(self._declared(code, PROPERTIES + name, **{key: value}))
        for wanted in self._wishes.properties:
            found += self._of_concept(edition, concept, wanted)
        return found

    def _of_concept(self, edition: Edition, concept: Concept, wanted: str) -> list[Mapping[str, Any]]:
        if wanted == "definition":
            if concept.definition is None:
                return []
            return [self._declared(wanted, PROPERTIES + wanted, valueString=concept.definition)]
        if wanted in ("parent", "child") and not edition.declares(wanted):
            codes = concept.parents if wanted == "parent" else concept.children
            return [self._declared(wanted, PROPERTIES + wanted, valueCode=code) for code in codes]
        return [
            self._declared(each["code"], edition.uri_of(each["code"]), **_only_value(each))
            for each in edition.properties(concept)
            if wanted in ("*", each.get("code"), edition.uri_of(str(each.get("code"))))
        ]

    def _declared(self, code: str, uri: str | None, **value: Any) -> Mapping[str, Any]:
        if self.declared.get(code) is None:
            self.declared[code] = uri
        return {"code": code, **value}


def _value(extension: Mapping[str, Any]) -> Any:
    return next((each for key, each in extension.items() if key.startswith("value")), None)


def _only_value(property: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in property.items() if key.startswith("value")}
