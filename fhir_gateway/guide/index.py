"""The first page: what there is, how it hangs together, what is certain.

Source: FHIR R4, ImplementationGuide.
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_gateway.guide.certainty import certainty_of
from fhir_gateway.guide.contents import Contents, Resource, canonical
from fhir_gateway.guide.examples import listed
from fhir_gateway.guide.facts import facts, title_of
from fhir_gateway.guide.hanging import map_of, references_table
from fhir_gateway.guide.markup import Child, Html, code, element, joined, row, table
from fhir_gateway.guide.page import Page, Section, link
from fhir_gateway.guide.said import Language, language_of, marked, paragraphs, said
from fhir_gateway.guide.words import word

STATES, RULES = "states", "rules"


def index_page(contents: Contents, language: Language) -> Page:
    """Return the first page."""

    def say(name: str) -> str:
        return word(name, language)

    own = {kind: list(contents.of(kind)) for kind in _KINDS}
    sets = {True: list[Resource](), False: list[Resource]()}
    for name, each in contents.pages.items():
        if each["resourceType"] == "ValueSet":
            sets[contents.is_own(name)].append(each)
    more = joined(
        element("li", link(STATES, say("states"))),
        element("li", link(RULES, say("rules"))),
    )
    sections = [
        Section("pathway", f"{say('states')}, {say('rules').lower()}", element("ul", more)),
        Section("profiles", say("profiles"), _listed(contents, contents.structures(), "profiles", language)),
        Section("map", say("map"), joined(element("p", say("map_note"), class_="note"), map_of(contents, language))),
        Section("extensions", say("extensions"), _listed(contents, contents.extensions(), "extensions", language)),
        *(
            Section(anchor, say(title), _listed(contents, own[kind], title, language))
            for kind, (anchor, title) in _KINDS.items()
        ),
        Section("value-sets", say("value_sets"), _listed(contents, sets[True], "value_sets", language)),
        Section("invariants", say("invariants"), _invariants(contents, language)),
        Section("examples", say("examples"), listed(contents.examples.items(), language)),
        Section("certainty", say("certainty"), certainty_of(contents, language)),
        Section("references", say("references"), references_table(contents, language)),
        Section("foreign", say("foreign_sets"), _names(contents, sets[False], language)),
    ]
    guide = _guide(contents)
    if guide is None:
        title: tuple[Child, str] = (say("guide"), say("guide"))
        lead = None
    else:
        title = title_of(guide, language)
        lead = joined(paragraphs(guide, "description", language, language_of(guide)), facts(guide, language))
    kind = f"{say('package')} {contents.package.identity}"
    return Page(title[0], title[1], kind, joined(lead), tuple(sections))


_KINDS = {
    "OperationDefinition": ("operations", "operations"),
    "SearchParameter": ("parameters", "parameters"),
    "CapabilityStatement": ("statements", "statements"),
    "GraphDefinition": ("graphs", "graphs"),
    "CodeSystem": ("code-systems", "code_systems"),
    "NamingSystem": ("namings", "namings"),
}


def _guide(contents: Contents) -> Resource | None:
    found = contents.package.of_kind("ImplementationGuide")
    return contents.package.read(found[0]) if found else None


def _listed(contents: Contents, resources: Iterable[Resource], caption: str, language: Language) -> Html:
    rows = [
        row(_linked(contents, each, language), code(str(each.get("id", ""))), _first_sentence(each, language))
        for each in resources
    ]
    if not rows:
        return element("p", word("none", language))
    heads = [word(name, language) for name in ("name", "code", "meaning")]
    return table(word(caption, language), heads, rows, class_="names")


def _names(contents: Contents, resources: Iterable[Resource], language: Language) -> Html:
    items = [element("li", _linked(contents, each, language)) for each in resources]
    return element("ul", items, class_="columns") if items else element("p", word("none", language))


def _linked(contents: Contents, resource: Resource, language: Language) -> Html:
    name = contents.page_of(str(resource["resourceType"]), canonical(resource))
    title = title_of(resource, language)[0]
    return title if name is None else link(name, title)


def _first_sentence(resource: Resource, language: Language) -> Child:
    found = said(resource, "description", language, language_of(resource))
    return None if found is None else marked(found[0].partition("\n")[0], found[1])


def _invariants(contents: Contents, language: Language) -> Html:
    rows = []
    for name, each in contents.proofs.items():
        found = said(each.constraint, "human", language, language_of(each.structure))
        text = None if found is None else marked(*found)
        rows.append(row(link(name, code(each.key)), _linked(contents, each.structure, language), text))
    if not rows:
        return element("p", word("none", language))
    heads = [word(name, language) for name in ("key", "profile", "rule")]
    return table(word("invariants", language), heads, rows, class_="keys")
