"""The pages of SearchParameters, OperationDefinitions, CapabilityStatements, GraphDefinitions and NamingSystems.

Source: FHIR R4, SearchParameter; OperationDefinition; CapabilityStatement; GraphDefinition; NamingSystem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fhir_gateway.guide.contents import Contents, Resource, canonical
from fhir_gateway.guide.facts import facts, title_of
from fhir_gateway.guide.markup import Child, Html, between, code, element, joined, row, table
from fhir_gateway.guide.page import Page, Section, link
from fhir_gateway.guide.said import Language, language_of, paragraphs, told
from fhir_gateway.guide.words import colon, word

_MOST_EXAMPLES: Final = 12  # of those in which an identifier system is written


def parameter_page(contents: Contents, parameter: Resource, language: Language) -> Page:
    """Return the page of a SearchParameter."""
    more: list[tuple[str, Child]] = [
        (word("code", language), code(str(parameter.get("code", "")))),
        (word("type", language), str(parameter.get("type", ""))),
        (word("resource", language), between(", ", (_type(contents, str(each)) for each in parameter.get("base", ())))),
        (word("expression", language), code(str(parameter.get("expression", "–")))),
    ]
    if "target" in parameter:
        more.append(
            (word("target", language), between(", ", (_type(contents, str(each)) for each in parameter["target"])))
        )
    return _page(parameter, "parameter", language, more, ())


def operation_page(contents: Contents, operation: Resource, language: Language) -> Page:
    """Return the page of an OperationDefinition: where it is called, what goes in and comes out."""
    own = language_of(operation)
    name = f"${operation.get('code', '')}"
    types = [str(each) for each in operation.get("resource", ())]
    places = [f"/{name}"] if operation.get("system") is True else []
    places += [f"/{each}/{name}" for each in types if operation.get("type") is True]
    places += [f"/{each}/[id]/{name}" for each in types if operation.get("instance") is True]
    more = [(word("called_at", language), between(", ", map(code, places)))]
    sections = []
    for use in ("in", "out"):
        rows = list(_parameters(contents, operation.get("parameter", ()), use, language, own, ""))
        heads = [word(each, language) for each in ("name", "cardinality", "type", "documentation")]
        content = table(word(use, language), heads, rows) if rows else element("p", word("none", language))
        sections.append(Section(use, word(use, language), content))
    return _page(operation, "operation", language, more, sections)


def statement_page(contents: Contents, statement: Resource, language: Language) -> Page:
    """Return the page of a CapabilityStatement: what a role may do with each resource type."""
    own = language_of(statement)
    rows = [
        row(
            code(str(each.get("type", ""))),
            between(", ", (_structure(contents, str(url)) for url in each.get("supportedProfile", ()))),
            between(", ", (code(str(one.get("code", ""))) for one in each.get("interaction", ()))),
            between(", ", (code(str(one.get("name", ""))) for one in each.get("searchParam", ()))),
            joined(
                between(element("br"), _limits(each, language, own)),
                element("br") if each.get("operation") else None,
                between(", ", (_operation(contents, one) for one in each.get("operation", ()))),
            ),
        )
        for rest in statement.get("rest", ())
        for each in rest.get("resource", ())
    ]
    of_all = [
        element("li", _operation(contents, one))
        for rest in statement.get("rest", ())
        for one in rest.get("operation", ())
    ]
    heads = [word(each, language) for each in ("resource", "supported", "interactions", "search", "documentation")]
    content = table(word("statement", language), heads, rows) if rows else element("p", word("none", language))
    sections = [Section("resources", word("resources", language), content)]
    if of_all:
        sections.append(Section("operations", word("operations", language), element("ul", of_all)))
    return _page(statement, "statement", language, (), sections)


def graph_page(contents: Contents, graph: Resource, language: Language) -> Page:
    """Return the page of a GraphDefinition: what is gathered, from where."""
    start = str(graph.get("start", ""))
    tree = element("ul", element("li", _type(contents, start), _links(contents, graph.get("link", ()), language)))
    return _page(graph, "graph", language, (), [Section("links", word("contents_of", language), tree)])


def naming_page(contents: Contents, naming: Resource, language: Language) -> Page:
    """Return the page of a NamingSystem: what the numbers are, who gives them, how the system is written."""
    own = language_of(naming)
    more: list[tuple[str, Child]] = [(word("kind", language), code(str(naming.get("kind", ""))))]
    for name in ("responsible", "usage"):
        # Who gives the numbers may be a name, and then of no language, as a publisher's.
        found = told(naming, name, language, own if name == "usage" or f"_{name}" in naming else None)
        if found is not None:
            more.append((word(name, language), found))
    rows = [
        row(
            code(str(each.get("value", ""))),
            str(each.get("type", "")),
            word("yes" if each.get("preferred") is True else "no", language),
        )
        for each in naming.get("uniqueId", ())
    ]
    heads = [word(name, language) for name in ("identifier", "type", "preferred_one")]
    used = [
        element("li", link(str(contents.page_of("StructureDefinition", str(each["url"]))), title_of(each, language)[0]))
        for each in contents.of("StructureDefinition")
        if canonical(naming) in _named(each.get("snapshot", {}))
    ]
    sections = [
        Section("identifiers", word("identifiers", language), table(word("identifiers", language), heads, rows))
    ]
    written = f'"{canonical(naming)}"'
    shown = [element("li", link(page, code(each.name))) for page, each in contents.examples.items()
             if each.wrong is None and written in each.text]  # fmt: skip
    for name, items in (("named_by", used), ("examples", shown[:_MOST_EXAMPLES])):
        if items:
            sections.append(Section(name, word(name, language), element("ul", items, class_="columns")))
    return _page(naming, "naming", language, more, sections)


def _named(node: Any) -> Iterator[str]:
    """Yield all texts of a definition: a system may be fixed, in a pattern, or in a rule."""
    if isinstance(node, Mapping):
        for name, each in node.items():
            if name == "expression" and isinstance(each, str):
                yield from each.split("'")
            else:
                yield from _named(each)
    elif isinstance(node, (list, tuple)):
        for each in node:
            yield from _named(each)
    elif isinstance(node, str):
        yield node


def _limits(resource: Mapping[str, Any], language: Language, own: str | None) -> Iterator[Html]:
    """Yield what is said of a resource type, and then of those interactions that go less far."""
    for_all = told(resource, "documentation", language, own)
    if for_all is not None:
        yield for_all
    for each in resource.get("interaction", ()):
        limit = told(each, "documentation", language, own)
        if limit is not None:
            yield joined(code(str(each.get("code", ""))), colon(language), limit)


def _page(
    resource: Resource,
    kind: str,
    language: Language,
    more: Sequence[tuple[str, Child]],
    sections: Sequence[Section],
) -> Page:
    title, plain = title_of(resource, language)
    lead = joined(paragraphs(resource, "description", language, language_of(resource)), facts(resource, language, more))
    return Page(title, plain, word(kind, language), lead, tuple(sections))


def _parameters(
    contents: Contents,
    parameters: Sequence[Mapping[str, Any]],
    use: str,
    language: Language,
    own: str | None,
    above: str,
) -> Iterator[Html]:
    for each in parameters:
        if each.get("use", use) == use:
            name = f"{above}{each.get('name', '')}"
            profiles = (_structure(contents, str(url)) for url in each.get("targetProfile", ()))
            yield row(
                code(name),
                f"{each.get('min', '')}..{each.get('max', '')}",
                joined(code(str(each.get("type", "–"))), " ", between(", ", profiles)),
                told(each, "documentation", language, own),
            )
            yield from _parameters(contents, each.get("part", ()), use, language, own, f"{name}.")


def _links(contents: Contents, links: Sequence[Mapping[str, Any]], language: Language) -> Html | None:
    items = [
        element(
            "li",
            _type(contents, str(target.get("type", ""))),
            " – ",
            _way(each, target, language),
            _links(contents, target.get("link", ()), language),
        )
        for each in links
        for target in each.get("target", ())
    ]
    return element("ul", items) if items else None


def _way(each: Mapping[str, Any], target: Mapping[str, Any], language: Language) -> Html:
    if "path" in each:
        return joined(word("references_to", language), " ", code(str(each["path"])))
    return joined(word("found_by", language), " ", code(str(target.get("params", ""))))


def _type(contents: Contents, type: str) -> Html:
    profiles = [str(each["url"]) for each in contents.profiles_of(type)]
    if not profiles:
        return code(type)
    return joined(code(type), " (", between(", ", (_structure(contents, url) for url in profiles)), ")")


def _structure(contents: Contents, url: str) -> Html:
    page = contents.page_of("StructureDefinition", url)
    return code(url) if page is None else link(page, code(url.partition("|")[0].rpartition("/")[2]))


def _operation(contents: Contents, operation: Mapping[str, Any]) -> Html:
    page = contents.page_of("OperationDefinition", str(operation.get("definition", "")))
    name = code(f"${operation.get('name', '')}")
    return name if page is None else link(page, name)
