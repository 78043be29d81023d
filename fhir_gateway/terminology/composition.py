"""How a value set is composed: its resource, read once into parts that expansion and validation walk.

Source: FHIR R4, ValueSet, "Composition Rules"; ValueSet.compose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_gateway.terminology.edition import standards_status
from fhir_gateway.terminology.standing import Standing
from fhir_gateway.terminology.system import Filter

_SUPPLEMENT = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"
_PARAMETERS = (
    "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter",
    "http://hl7.org/fhir/tools/StructureDefinition/valueset-expansion-parameter",
    "http://hl7.org/fhir/tools/StructureDefinion/valueset-expansion-parameter",
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A code that stands in a part by itself, with what is said of it there."""

    code: str
    display: str | None = None
    designations: tuple[Mapping[str, Any], ...] = ()
    extensions: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One include or exclude. `place`: its expression. `listed` None: all codes that pass `filters`."""

    place: str
    system: str | None
    version: str | None
    listed: Mapping[str, Listed] | None
    filters: tuple[Filter, ...]
    sets: tuple[str, ...]
    is_valueless: tuple[bool, ...] = ()  # of each filter, whether it lacks a value

    @property
    def is_whole(self) -> bool:
        """Whether it takes a whole system."""
        return self.system is not None and self.listed is None and not self.filters


@dataclass(slots=True, eq=False)
class Composition:
    """One ValueSet resource. `contained`: the value sets it brings along, by their ids and urls."""

    resource: Mapping[str, Any]
    url: str = field(init=False)
    version: str | None = field(init=False)
    canonical: str = field(init=False)
    language: str | None = field(init=False)
    standing: Standing = field(init=False)
    includes: tuple[Part, ...] = field(init=False)
    excludes: tuple[Part, ...] = field(init=False)
    is_composed: bool = field(init=False)
    is_active_only: bool = field(init=False)
    is_locked: bool = field(init=False)
    supplements: tuple[str, ...] = field(init=False)
    parameters: tuple[tuple[str, Any], ...] = field(init=False)
    contained: Mapping[str, Composition] = field(init=False)
    expansion: Mapping[str, Any] | None = field(init=False)

    def __post_init__(self) -> None:
        resource = self.resource
        self.url = resource.get("url", "")
        self.version = resource.get("version")
        url = self.url or "(unidentified)"
        self.canonical = f"{url}|{self.version}" if self.version else url
        status, experimental = resource.get("status"), resource.get("experimental") is True
        self.standing = Standing("ValueSet", self.canonical, status, standards_status(resource), experimental)
        self.language = resource.get("language")
        compose = resource.get("compose")
        self.is_composed = isinstance(compose, dict)
        compose = compose if isinstance(compose, dict) else {}
        self.includes = _parts(compose, "include")
        self.excludes = _parts(compose, "exclude")
        self.is_active_only = compose.get("inactive") is False
        self.is_locked = "lockedDate" in compose
        self.supplements = tuple(
            str(each.get("valueCanonical") or each.get("valueUri") or each.get("valueString"))
            for each in _dicts(resource.get("extension"))
            if each.get("url") == _SUPPLEMENT
        )
        self.parameters = tuple(_parameters(compose))
        expansion = resource.get("expansion")
        self.expansion = expansion if isinstance(expansion, dict) else None
        contained: dict[str, Composition] = {}
        for each in _dicts(resource.get("contained")):
            if each.get("resourceType") == "ValueSet":
                made = Composition(each)
                contained[f"#{each.get('id')}"] = made
                if made.url:
                    contained[made.url] = contained[made.canonical] = made
        for one in contained.values():
            one.contained = contained  # what is contained may refer to what is contained beside it
        self.contained = contained


def _parts(compose: Mapping[str, Any], name: str) -> tuple[Part, ...]:
    return tuple(
        _part(f"ValueSet.compose.{name}[{index}]", each) for index, each in enumerate(_dicts(compose.get(name)))
    )


def _part(place: str, part: Mapping[str, Any]) -> Part:
    listed = _dicts(part.get("concept"))
    filters = _dicts(part.get("filter"))
    return Part(
        place,
        part.get("system"),
        part.get("version"),
        {each["code"]: _listed(each) for each in listed if "code" in each} if listed else None,
        tuple(
            Filter(str(each.get("property", "")), str(each.get("op", "")), str(each.get("value", "")))
            for each in filters
        ),
        tuple(each for each in part.get("valueSet", ()) if isinstance(each, str)),
        tuple(not each.get("value") for each in filters),
    )


def _listed(concept: Mapping[str, Any]) -> Listed:
    return Listed(
        concept["code"], concept.get("display"), _dicts(concept.get("designation")), _dicts(concept.get("extension"))
    )


def _parameters(compose: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    found = []
    for each in _dicts(compose.get("extension")):
        if each.get("url") not in _PARAMETERS:
            continue
        parts = {part.get("url"): _value(part) for part in _dicts(each.get("extension"))}
        if isinstance(parts.get("name"), str) and parts.get("value") is not None:
            found.append((parts["name"], parts["value"]))
    return found


def _value(element: Mapping[str, Any]) -> Any:
    return next((each for key, each in element.items() if key.startswith("value")), None)


def _dicts(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list | tuple) else ()
