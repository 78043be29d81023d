"""How the profiles hang together: which refers to which, by which element; as a picture and as a table.

Source: FHIR R4, References between resources; ElementDefinition.type.targetProfile, mustSupport.
"""

from __future__ import annotations

from dataclasses import dataclass

from fhir_gateway.guide.contents import Contents, Resource
from fhir_gateway.guide.facts import title_of
from fhir_gateway.guide.markup import Html, between, code, joined, row, table
from fhir_gateway.guide.page import SUFFIX, link
from fhir_gateway.guide.picture import Box, picture
from fhir_gateway.guide.said import Language
from fhir_gateway.guide.words import word

_CORE = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True, slots=True)
class Reference:
    """One profile refers to resources of some types, by an element."""

    structure: Resource
    path: str
    types: tuple[str, ...]


def references(contents: Contents) -> list[Reference]:
    """Return what the profiles refer to by elements that must be supported, where a profile is of that type."""
    found: list[Reference] = []
    for structure in contents.structures():
        for element in structure.get("snapshot", {}).get("element", ()):
            if element.get("mustSupport") is True:
                types = _types(contents, element)
                if types:
                    found.append(Reference(structure, str(element.get("id", element.get("path"))), types))
    return found


def _types(contents: Contents, element: Resource) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for type in element.get("type", ()):
        for url in type.get("targetProfile", ()):
            known = contents.known("StructureDefinition", str(url))
            name = str(known["type"]) if known is not None and "type" in known else str(url).removeprefix(_CORE)
            if contents.profiles_of(name):
                found[name] = None
    return tuple(found)


def map_of(contents: Contents, language: Language) -> Html:
    """Return the picture: a box for each resource type that has profiles, with links to them."""
    structures: dict[str, list[Resource]] = {}
    for each in contents.structures():
        structures.setdefault(str(each.get("type", "")), []).append(each)
    arrows = [
        (str(each.structure["type"]), type)
        for each in references(contents)
        for type in each.types
        if type != each.structure.get("type")
    ]
    boxes = {type: _box(contents, type, members) for type, members in sorted(structures.items())}
    return picture(boxes, arrows, word("map", language), "picture")


def _box(contents: Contents, type: str, members: list[Resource]) -> Box:
    names = [contents.page_of("StructureDefinition", str(each.get("url", ""))) for each in members]
    links = (None, *(None if name is None else f"{name}{SUFFIX}" for name in names))
    return Box((type, *(str(each.get("id", "")) for each in members)), links)


def references_table(contents: Contents, language: Language) -> Html:
    """Return the same as a table: profile, element, what it refers to."""
    heads = [word(name, language) for name in ("profile", "by_element", "target")]
    rows = (
        row(
            _linked(contents, each.structure, language),
            code(each.path),
            between(", ", (_of_type(contents, type) for type in each.types)),
        )
        for each in references(contents)
    )
    return table(word("references", language), heads, rows)


def _of_type(contents: Contents, type: str) -> Html:
    links = []
    for each in contents.profiles_of(type):
        name = contents.page_of("StructureDefinition", str(each["url"]))
        links.append(code(str(each["url"])) if name is None else link(name, code(str(each.get("id", "")))))
    return joined(code(type), " (", between(", ", links), ")")


def _linked(contents: Contents, structure: Resource, language: Language) -> Html:
    name = contents.page_of("StructureDefinition", str(structure.get("url", "")))
    title = title_of(structure, language)[0]
    return title if name is None else link(name, title)
