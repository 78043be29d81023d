"""A code system as one request sees it: one version of it, with supplements laid over its concepts.

Source: FHIR R4, CodeSystem; "Code System Supplements"; Terminology Module, "Concept Properties", "Defined Concept
Properties" (inactive, notSelectable, status, deprecated).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fhir_gateway.terminology.code_system import CodeSystem, Concept
from fhir_gateway.terminology.designations import Designation, of_display, of_elements
from fhir_gateway.terminology.standing import Standing
from fhir_gateway.terminology.system import Found, System

PROPERTIES = "http://hl7.org/fhir/concept-properties#"
STANDARDS_STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"

_INACTIVE = frozenset({"inactive", "retired"})


class Edition:
    """One version of a code system; immutable, safe for any number of threads."""

    def __init__(self, system: System, supplements: Sequence[CodeSystem] = ()) -> None:
        self.system = system
        self.supplements = tuple(supplements)
        self.url = system.url
        self.version = system.version
        self.canonical = system.canonical
        self.content = system.content
        self.language = system.language
        self.complete = system.complete
        self.title = system.title
        self.name: str = getattr(system, "name", "") or system.title
        self.experimental: bool = getattr(system, "experimental", False)
        self.standards_status: str | None = getattr(system, "standards_status", None)
        self.status = system.status
        self.standing = Standing(
            "CodeSystem", system.canonical, system.status, self.standards_status, self.experimental
        )
        self.version_needed: bool = getattr(system, "version_needed", False)
        declared = [*system.properties(), *(each for one in supplements for each in one.properties())]
        self._uris: dict[str, str] = {
            each["code"]: each["uri"] for each in declared if "code" in each and "uri" in each
        }
        self._inactive: dict[str, bool] = {}
        # A system that is loaded says which supplements its concepts have already.
        applied: tuple[str, ...] = getattr(system, "supplements_applied", ())
        self.used_supplements: tuple[str, ...] = (*(each.canonical for each in supplements), *applied)

    def concept(self, code: str) -> Concept | None:
        found: Concept | None = self.system.concept(code)
        return found

    def search(self, text: str, language: str | None, limit: int) -> list[Found]:
        """Return the concepts that are called so, by the system or by what is laid over it, best first."""
        best: dict[str, Found] = {}
        found = list(self.system.search(text, language, limit))
        for each in self.supplements:
            found += (one for one in each.search(text, language, limit) if self.concept(one.code) is not None)
        for one in found:
            known = best.get(one.code)
            if known is None or one.rank < known.rank:
                best[one.code] = one
        return sorted(best.values(), key=lambda one: one.rank)[:limit]

    def is_property(self, code: object, name: str) -> bool:
        """Tell whether a property of a concept is one of FHIR's own: by its uri, or by its code where it has none."""
        uri = self._uris.get(code) if isinstance(code, str) else None
        return code == name if uri is None else uri == PROPERTIES + name

    def uri_of(self, code: str) -> str | None:
        """Return what a property means, by its uri; FHIR's own need not be declared."""
        return self._uris.get(code)

    def declares(self, name: str) -> bool:
        """Tell whether a property is declared, by code or uri."""
        return (
            name in self._uris
            or name in self._uris.values()
            or any(name == each.get("code") for each in self.system.properties())
        )

    # --- what is said of a concept

    def properties(self, concept: Concept) -> Iterator[Mapping[str, Any]]:
        """Yield the properties of a concept, then those that supplements add."""
        yield from concept.properties
        for each in self._added(concept):
            yield from each.properties

    def extensions(self, concept: Concept) -> list[Mapping[str, Any]]:
        """Return the extensions of a concept, then those that supplements add."""
        return [*concept.extensions, *(one for each in self._added(concept) for one in each.extensions)]

    def _added(self, concept: Concept) -> Iterator[Concept]:
        for supplement in self.supplements:
            found = supplement.concepts.get(concept.code)
            if found is not None:
                yield found

    def designations(self, concept: Concept) -> list[Designation]:
        """Return all that a concept may be called, its display first."""
        found: list[Designation] = []
        if concept.display is not None:
            found.append(of_display(concept.display, self.language))
        found += of_elements(concept.designations)
        for supplement in self.supplements:
            added = supplement.concepts.get(concept.code)
            if added is not None:
                if added.display is not None:
                    found.append(of_display(added.display, supplement.language, supplement.canonical))
                found += of_elements(added.designations, supplement.canonical)
        return found

    def is_abstract(self, concept: Concept) -> bool:
        """Tell whether a code is there to group others, not to be chosen."""
        if not concept.properties:
            return False
        return self._is_true(concept, "notSelectable") or self._is_true(concept, "abstract")

    def is_inactive(self, concept: Concept) -> bool:
        """Tell whether a code should no longer be used."""
        if not concept.properties and not concept.extensions:
            return False
        known = self._inactive.get(concept.code)
        if known is None:
            known = self._inactive[concept.code] = (
                self._is_true(concept, "inactive")
                or self._value(concept, "status") in _INACTIVE
                or _standards_status(concept.extensions) == "withdrawn"
            )
        return known

    def is_deprecated(self, concept: Concept) -> bool:
        return self._is_true(concept, "deprecated") or self._value(concept, "status") == "deprecated"

    def status_of(self, concept: Concept) -> str | None:
        """Return the status of a concept, by whichever of the ways it is said; None when nothing is."""
        if not concept.properties and not concept.extensions:
            return None
        stated = self._value(concept, "status")
        if stated is not None:
            return str(stated)
        if self._is_true(concept, "deprecated"):
            return "deprecated"
        date = self._value(concept, "deprecationDate")
        if isinstance(date, str) and date < datetime.now(UTC).date().isoformat():
            return "deprecated"
        for name in ("inactive", "retired"):
            if self._is_true(concept, name):
                return name
        return _standards_status(concept.extensions)

    def _value(self, concept: Concept, name: str) -> Any:
        for each in concept.properties:
            if self.is_property(each.get("code"), name):
                return CodeSystem.value_of(each)
        return None

    def _is_true(self, concept: Concept, name: str) -> bool:
        return any(
            self.is_property(each.get("code"), name) and CodeSystem.value_of(each) in (True, "true")
            for each in concept.properties
        )


def _standards_status(extensions: Sequence[Mapping[str, Any]]) -> str | None:
    for each in extensions:
        if each.get("url") == STANDARDS_STATUS:
            return each.get("valueCode") or each.get("valueString")
    return None


def standards_status(resource: Mapping[str, Any]) -> str | None:
    """Return the standards status of a resource, which an extension tells."""
    return _standards_status([each for each in resource.get("extension", ()) if isinstance(each, dict)])
