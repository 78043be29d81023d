"""StructureDefinitions compiled to flat tables: which properties each type has, under their JSON names.

Source: FHIR R4, StructureDefinition; ElementDefinition; JSON representation, "Choice of data types"; FHIRPath,
"Types" (a System type stands for the FHIR primitive that structuredefinition-fhir-type names).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from fhir_gateway.fhir.types import Element, Type, Types

DEFINITION = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM = "http://hl7.org/fhirpath/System."
FHIR_TYPE = DEFINITION + "structuredefinition-fhir-type"

# A type as plain data: kind, and the fields of each of its elements in the order of `Element`.
PlainElement = tuple[str, str, str, bool, bool, int, bool, tuple[str, ...], int]
PlainType = tuple[str, tuple[PlainElement, ...]]
# JSON names of the elements of a type: those of its summary, and those that modify the meaning of the rest.
Marks = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


class _Extension(msgspec.Struct):
    url: str
    valueUrl: str | None = None


class _TypeReference(msgspec.Struct):
    code: str
    targetProfile: tuple[str, ...] = ()
    extension: tuple[_Extension, ...] = ()


class _Binding(msgspec.Struct):
    strength: str
    valueSet: str | None = None


class _ElementDefinition(msgspec.Struct):
    path: str
    min: int = 0
    max: str = "*"
    type: tuple[_TypeReference, ...] = ()
    representation: tuple[str, ...] = ()
    contentReference: str | None = None
    binding: _Binding | None = None
    isSummary: bool = False
    isModifier: bool = False


class _Snapshot(msgspec.Struct):
    element: list[_ElementDefinition]


class TypeDefinition(msgspec.Struct):
    """As much of a StructureDefinition as the tables need: the rest is not even decoded."""

    type: str
    kind: str
    abstract: bool
    snapshot: _Snapshot
    baseDefinition: str | None = None


_decode = msgspec.json.Decoder(TypeDefinition).decode


def read(lines: Iterable[bytes]) -> list[TypeDefinition]:
    """Return the definitions of real types among StructureDefinitions: logical models are left out."""
    definitions = [_decode(line) for line in lines]
    return [definition for definition in definitions if definition.kind != "logical"]


class PlainTypes(msgspec.Struct):
    """The tables as plain data, fit to be kept on disk.

    `bindings` gives the value set of each required binding by type and JSON name; `bases` the type that each type
    specializes; `marks` the elements of each type with isSummary, and those with isModifier.
    """

    types: dict[str, PlainType]
    resources: tuple[str, ...]
    bases: dict[str, str]
    bindings: dict[tuple[str, str], str]
    marks: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]


def compile_types(definitions: Iterable[TypeDefinition]) -> PlainTypes:
    """Return the tables of all types, the inline ones of backbone elements under their path included."""
    definitions = sorted(definitions, key=lambda definition: definition.type)
    primitives = frozenset(d.type for d in definitions if d.kind == "primitive-type")
    tables = PlainTypes({}, (), {}, {}, {})
    for definition in definitions:
        _TypeCompiler(definition, primitives, tables).compile()
        if definition.baseDefinition is not None:
            tables.bases[definition.type] = definition.baseDefinition.removeprefix(DEFINITION)
    tables.resources = tuple(d.type for d in definitions if d.kind == "resource" and not d.abstract)
    return tables


class _TypeCompiler:
    """Compiles the snapshot of one definition into `tables`."""

    def __init__(self, definition: TypeDefinition, primitives: frozenset[str], tables: PlainTypes) -> None:
        self.definition = definition
        self.primitives = primitives
        self.tables = tables
        self.elements = [element for element in definition.snapshot.element if element.max != "0"]
        self.parents = {element.path.rpartition(".")[0] for element in self.elements}
        self.is_primitive = definition.kind == "primitive-type"

    def compile(self) -> None:
        own = self.definition.type
        below: dict[str, list[PlainElement]] = {path: [] for path in self.parents if path}
        below.setdefault(own, [])
        summary: dict[str, list[str]] = {path: [] for path in below}
        modifiers: dict[str, list[str]] = {path: [] for path in below}
        for order, element in enumerate(self.elements):
            parent = element.path.rpartition(".")[0]
            if not parent or (self.is_primitive and element.path == f"{own}.value"):
                continue  # The value of a primitive is the JSON value itself, never a property.
            properties = list(self.properties(parent, element, order))
            below[parent].extend(properties)
            names = [name for name, *_ in properties]
            summary[parent] += names if element.isSummary else ()
            modifiers[parent] += names if element.isModifier else ()
        kinds = {"primitive-type": "primitive", "complex-type": "complex", "resource": "resource"}
        for path, elements in below.items():
            kind = kinds[self.definition.kind] if path == own else "backbone"
            self.tables.types[path] = (kind, tuple(elements))
            self.tables.marks[path] = (tuple(summary[path]), tuple(modifiers[path]))

    def properties(self, parent: str, element: _ElementDefinition, order: int) -> Iterable[PlainElement]:
        """Yield the JSON properties of one element: one, or one for each type of a choice."""
        definition = element.path.rpartition(".")[2]
        many = element.max != "1"
        attribute = "xmlAttr" in element.representation
        stem = definition.removesuffix("[x]")
        for type, targets in self.types(element):
            name = definition if stem == definition else stem + type[0].upper() + type[1:]
            primitive = type in self.primitives
            if element.binding is not None and element.binding.strength == "required" and element.binding.valueSet:
                self.tables.bindings[parent, name] = element.binding.valueSet.partition("|")[0]
            yield (name, definition, type, primitive, many, order, attribute, targets, element.min)

    def types(self, element: _ElementDefinition) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Yield the types an element may have, each with the resource types it may point to."""
        if element.contentReference is not None:
            yield element.contentReference.partition("#")[2], ()
            return
        if element.path in self.parents:
            yield element.path, ()
            return
        for reference in element.type:
            targets = tuple(target.removeprefix(DEFINITION) for target in reference.targetProfile)
            yield self.code(element, reference), () if "Resource" in targets else targets

    def code(self, element: _ElementDefinition, reference: _TypeReference) -> str:
        if not reference.code.startswith(SYSTEM):
            return reference.code
        # R4's own snapshots call Resource.id a string; "Resource.id: id" is what the pages and the schemas say.
        if self.definition.kind == "resource" and element.path == f"{self.definition.type}.id":
            return "id"
        named = (extension.valueUrl for extension in reference.extension if extension.url == FHIR_TYPE)
        return next((name for name in named if name), "string")


def types_from(plain: Mapping[str, PlainType], resources: tuple[str, ...], version: str) -> Types:
    """Return the tables as the other rooms use them, built from plain data. Equal elements are one object."""
    shared: dict[PlainElement, Element] = {}

    def elements(fields: Iterable[PlainElement]) -> dict[str, Element]:
        found = {}
        for each in fields:
            element = shared.get(each)
            if element is None:
                element = shared[each] = Element(*each)
            found[element.name] = element
        return found

    kinds: dict[str, Any] = {name: kind for name, (kind, _) in plain.items()}
    types = {name: Type(name, kinds[name], elements(fields)) for name, (_, fields) in plain.items()}
    return Types(version, types, resources)
