"""The types of FHIR as flat tables: what the JSON and XML representations and the structure check need to know.

The tables are compiled from the StructureDefinitions by `conformance`; this room only says their shape.

Source: FHIR R4, StructureDefinition, ElementDefinition; JSON and XML representation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Resource = Mapping[str, Any]
Kind = Literal["primitive", "complex", "backbone", "resource"]


@dataclass(frozen=True, slots=True)
class Element:
    """One property an object of a type may have, under its JSON name.

    A choice `value[x]` gives one Element a type (`valueQuantity`, `valueString` …) that share `definition`.
    """

    name: str  # the JSON and XML name: "birthDate", "valueQuantity"
    definition: str  # the name in the StructureDefinition: "birthDate", "value[x]"
    type: str  # key into Types: "date", "Quantity", "Patient.contact", "Resource", "xhtml"
    primitive: bool  # a JSON string, number or boolean, with `_name` beside it (xhtml: no `_name`)
    many: bool  # a JSON array
    order: int  # position in the definition, which is the order of XML
    attribute: bool = False  # written as an XML attribute (Element.id, Extension.url)
    targets: tuple[str, ...] = ()  # resource types a Reference or canonical may point to; empty: any
    min: int = 0


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its elements under their JSON names (`fhir_comments` never; `resourceType` is no element)."""

    name: str  # "Patient", "Patient.contact", "HumanName", "date"
    kind: Kind
    elements: Mapping[str, Element]


@dataclass(frozen=True, slots=True)
class Types:
    """All types of one FHIR version by name; `resources` are the concrete resource types, in alphabetical order."""

    version: str  # "4.0.1"
    types: Mapping[str, Type]
    resources: tuple[str, ...]
