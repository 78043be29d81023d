"""The page of a profile or an extension.

Source: FHIR R4, StructureDefinition; Profiling FHIR.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fhir_gateway.guide.contents import Contents, Resource
from fhir_gateway.guide.elements import Tree
from fhir_gateway.guide.examples import listed
from fhir_gateway.guide.facts import facts, title_of
from fhir_gateway.guide.markup import Child, Html, between, code, element, joined, row, table
from fhir_gateway.guide.page import Page, Section, link
from fhir_gateway.guide.said import Language, language_of, paragraphs, told
from fhir_gateway.guide.words import colon, word


def structure_page(contents: Contents, structure: Resource, language: Language) -> Page:
    """Return the page of a StructureDefinition: tree, bindings, invariants, search parameters, examples."""
    tree = Tree(contents, structure, language)
    is_extension = structure.get("type") == "Extension"
    url = str(structure.get("url", ""))

    def say(name: str) -> str:
        return word(name, language)

    more: list[tuple[str, Child]] = [
        (say("type"), code(str(structure.get("type", "")))),
        (say("base"), tree.structure(str(structure.get("baseDefinition", "")))),
    ]
    if is_extension:
        places = (code(str(each.get("expression", ""))) for each in structure.get("context", ()))
        more.append((say("context"), between(", ", places)))
    sections = [
        Section(
            "differential", say("differential"), joined(element("p", say("legend"), class_="note"), tree.differential())
        ),
        Section("bindings", say("bindings"), joined(tree.bindings(own=True), tree.bindings(own=False))),
        Section("invariants", say("invariants"), joined(tree.invariants(own=True), tree.invariants(own=False))),
    ]
    if not is_extension:
        sections.append(Section("search", say("parameters"), _parameters(contents, structure, language)))
    sections += [
        Section("examples", say("examples"), _examples(contents, url, language)),
        Section("snapshot", say("snapshot"), tree.snapshot()),
    ]
    lead = joined(
        paragraphs(structure, "description", language, language_of(structure)), facts(structure, language, more)
    )
    title, plain = title_of(structure, language)
    return Page(title, plain, say("extension" if is_extension else "profile"), lead, tuple(sections))


def _parameters(contents: Contents, structure: Resource, language: Language) -> Html:
    """Return how resources of the type are found: as the roles expect it, and by the package's own parameters."""
    type = str(structure.get("type", ""))
    found: dict[str, str] = {}
    for statement in contents.of("CapabilityStatement"):
        for each in _searched(statement, type):
            found.setdefault(str(each.get("name", "")), str(each.get("type", "")))
    own = {str(each.get("code")): each for each in contents.of("SearchParameter") if type in each.get("base", ())}
    found |= {name: str(each.get("type", "")) for name, each in own.items()}
    if not found:
        return element("p", word("none", language))
    heads = [word(name, language) for name in ("name", "type", "description")]
    rows = (row(*_parameter(contents, name, type, own.get(name), language)) for name, type in found.items())
    return table(word("parameters", language), heads, rows)


def _parameter(
    contents: Contents, name: str, type: str, own: Resource | None, language: Language
) -> tuple[Child | Iterable[Child], ...]:
    if own is None:
        return code(name), type, "FHIR R4"
    page = contents.page_of("SearchParameter", str(own.get("url", "")))
    head = code(name) if page is None else link(page, code(name))
    return head, type, told(own, "description", language, language_of(own))


def _searched(statement: Resource, type: str) -> Iterator[dict[str, Any]]:
    for rest in statement.get("rest", ()):
        for each in rest.get("resource", ()):
            if each.get("type") == type:
                yield from each.get("searchParam", ())


def _examples(contents: Contents, url: str, language: Language) -> Html:
    proofs = [link(name, code(each.key)) for name, each in contents.proofs.items() if each.structure.get("url") == url]
    return joined(
        listed(contents.examples_of(url), language),
        element("p", word("invariants", language), colon(language), between(", ", proofs)) if proofs else None,
    )
