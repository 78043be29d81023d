"""The types of an element: what a profile may narrow them to.

Source: FHIR R4, ElementDefinition.type, "type.code", "type.targetProfile"; Profiling FHIR, "Limitations of Use".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from fhir_gateway.conformance.lookup import split

DEFINITION = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM = "http://hl7.org/fhirpath/System."
FHIR_TYPE = DEFINITION + "structuredefinition-fhir-type"
# The profile that a type names is about its own type, and the element that has the type follows one of its elements.
PROFILE_ELEMENT = DEFINITION + "elementdefinition-profile-element"

Type = Mapping[str, Any]  # an ElementDefinition.type
# R4's own snapshots give System.String where a string, id or uri stands: Element.id, Extension.url.
_AS_STRING = frozenset(("string", "id", "uri"))


class Structures(Protocol):
    """What gives StructureDefinitions by canonical url."""

    def structure(self, url: str) -> Mapping[str, Any] | None: ...


def code_of(type: Type) -> str:
    """Return the FHIR type that a type stands for: of FHIRPath's System types, the one that an extension names."""
    code: str = type.get("code", "")
    if not is_system(type):
        return code
    for extension in type.get("extension", ()):
        if extension.get("url") == FHIR_TYPE:
            return str(extension.get("valueUrl", extension.get("valueUri", "")))
    return code.removeprefix(SYSTEM).lower()


def is_system(type: Type) -> bool:
    """Tell whether a type is one of FHIRPath's own, as the value of a primitive is."""
    return str(type.get("code", "")).startswith(SYSTEM)


def codes_of(types: Iterable[Type]) -> list[str]:
    """Return the FHIR types of several types, each once."""
    return list(dict.fromkeys(code_of(type) for type in types))


def type_url(code: str) -> str:
    """Return the canonical url of a type's definition: a logical model's type is one already."""
    return code if ":" in code else DEFINITION + code


def allows(base: Iterable[Type], code: str, structures: Structures) -> bool:
    """Tell whether a type may stand where `base` are the types: one of them, or of a kind that is abstract there."""
    for type in base:
        own = code_of(type)
        if own == code or (is_system(type) and code in _AS_STRING):
            return True
        definition = structures.structure(type_url(own))
        if definition is None or not (definition.get("abstract") or definition.get("kind") == "logical"):
            continue
        if any(each.get("url") == definition.get("url") for each in lineage(type_url(code), structures)):
            return True
    return False


def profiles_of(type: Type) -> list[str]:
    """Return the profiles that a type has as a whole: not those of which it only follows one element."""
    parts = type.get("_profile", ())
    return [
        profile
        for index, profile in enumerate(type.get("profile", ()))
        if index >= len(parts) or not any(each.get("url") == PROFILE_ELEMENT for each in _extensions(parts[index]))
    ]


def _extensions(part: Mapping[str, Any] | None) -> Iterable[Mapping[str, Any]]:
    return () if part is None else part.get("extension", ())


def is_kind(type: str, code: str, structures: Structures) -> bool:
    """Tell whether a type is another, or derived from it, as Patient is a Resource."""
    return any(each.get("type") == code for each in lineage(type_url(type), structures))


def lineage(url: str, structures: Structures) -> Iterator[Mapping[str, Any]]:
    """Yield the StructureDefinition of a url and those it is derived from, as far as they are known."""
    seen: set[str] = set()
    next: str | None = url
    while next is not None and next not in seen:
        seen.add(next)
        structure = structures.structure(next)
        if structure is None:
            return
        yield structure
        next = structure.get("baseDefinition")


def targets_of(types: Iterable[Type], code: str) -> list[str]:
    """Return what the types of a code may refer to; none: anything."""
    targets: list[str] = []
    for type in types:
        if code_of(type) == code:
            if "targetProfile" not in type:
                return []
            targets += type["targetProfile"]
    return targets


def allows_target(targets: Iterable[str], profile: str, structures: Structures) -> bool | None:
    """Tell whether a profile is one of `targets` or derived from one; None where the profile is not known."""
    wanted = {split(target)[0] for target in targets}
    if DEFINITION + "Resource" in wanted or split(profile)[0] in wanted:
        return True
    known = False
    for structure in lineage(profile, structures):
        known = True
        if structure.get("url") in wanted:
            return True
    return False if known else None
