"""The pages of value sets and code systems: each code with its French and English names.

Source: FHIR R4, ValueSet; CodeSystem; ValueSet, "Value Set Expansion".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.guide.contents import Contents, Resource, bound
from fhir_gateway.guide.facts import facts, title_of
from fhir_gateway.guide.markup import Child, Html, between, code, element, joined, row, table
from fhir_gateway.guide.page import Page, Section, link
from fhir_gateway.guide.said import Language, language_of, paragraphs, said, told
from fhir_gateway.guide.words import colon, word
from fhir_gateway.terminology.designations import Designation, of_display, of_elements, preferred
from fhir_gateway.terminology.expansion import expand
from fhir_gateway.terminology.expansion_page import Entry
from fhir_gateway.terminology.languages import languages
from fhir_gateway.terminology.wishes import Wishes

MOST: Final = 1_000  # codes of one page
# How a property is named that says of another one how certain it is, or where it comes from.
_ABOUT: Final = ("-certainty", "-certitude", "-source")


def value_set_page(contents: Contents, value_set: Resource, language: Language) -> Page:
    """Return the page of a value set: what it is made of, its codes, what binds to it."""
    url = str(value_set.get("url", ""))
    users = [each for each in contents.of("StructureDefinition") if url in (_url(one) for one in bound(each))]
    links = (
        link(str(contents.page_of("StructureDefinition", str(each["url"]))), title_of(each, language)[0])
        for each in users
    )
    used = element("ul", (element("li", each) for each in links), class_="columns") if users else None
    sections = (
        Section("codes", word("codes", language), _expanded(contents, url, language)),
        Section("composition", word("composition", language), _composed(contents, value_set, language)),
        Section("used", word("used_by", language), used or element("p", word("none", language))),
    )
    title, plain = title_of(value_set, language)
    lead = joined(paragraphs(value_set, "description", language, language_of(value_set)), facts(value_set, language))
    return Page(title, plain, word("value_set", language), lead, sections)


def code_system_page(contents: Contents, system: Resource, language: Language) -> Page:
    """Return the page of a code system: its codes with definitions and properties."""
    own = language_of(system)
    concepts = system.get("concept", ())
    columns = _Columns(_has(concepts, "definition"), _has(concepts, "property"))
    base = _displays(contents, system)
    rows = list(_concepts(concepts, columns, language, own, 0, base))
    heads = [word(name, language) for name in ("code", "french", "english")]
    heads += [word("definition", language)] if columns.definitions else []
    heads += [word("properties", language)] if columns.properties else []
    codes = (
        table(word("codes", language), heads, rows, class_="codes") if rows else element("p", word("none", language))
    )
    declared = [
        row(code(str(each.get("code", ""))), each.get("type"), told(each, "description", language, own))
        for each in system.get("property", ())
    ]
    sections = [Section("codes", word("codes", language), codes)]
    if declared:
        heads = [word(name, language) for name in ("code", "type", "description")]
        content = table(word("properties", language), heads, declared)
        sections.append(Section("properties", word("properties", language), content))
    title, plain = title_of(system, language)
    lead = joined(paragraphs(system, "description", language, own), facts(system, language))
    return Page(title, plain, word("code_system", language), lead, tuple(sections))


# --- value sets


def _expanded(contents: Contents, url: str, language: Language) -> Html:
    composition = contents.catalog.value_set(url)
    if composition is None:
        return element("p", word("absent_set", language))
    try:
        expansion = expand(contents.catalog, composition, Wishes(offset=0, count=MOST, exclude_nested=True))
    except FhirError as refusal:
        # What holds a system that was not loaded, or is described by a grammar, cannot be listed: say which it is.
        reasons = (issue.text(language) for issue in refusal.issues)
        return element("p", word("not_listed", language), colon(language), between(" ", reasons))
    rows = [_entry(contents, each, language) for each in expansion.page]
    heads = [word(name, language) for name in ("code", "french", "english", "system")]
    note = word("listed_of", language).format(shown=len(rows), total=expansion.total)
    return joined(
        element("p", note, " ", element("span", word("codes_note", language), class_="note")),
        table(word("codes", language), heads, rows, class_="codes"),
    )


def _entry(contents: Contents, entry: Entry, language: Language) -> Html:
    named = _named(entry)
    url = entry.edition.url
    page = contents.page_of("CodeSystem", url)
    return row(
        code(entry.code), *_names(named), code(url) if page is None else link(page, code(url.rpartition("/")[2]))
    )


def _named(entry: Entry) -> Sequence[Designation]:
    """Return what a code is called, by the value set first."""
    named = list(entry.edition.designations(entry.concept))
    if entry.listed is None:
        return named
    own: list[Designation] = []
    if entry.listed.display is not None:
        own.append(of_display(entry.listed.display, entry.within.language if entry.within is not None else None))
    return [*own, *of_elements(entry.listed.designations), *named]


def _names(named: Sequence[Designation]) -> tuple[Child, Child]:
    """Return what a code is called in French and in English, where it is."""
    stated = [each for each in named if each.language is not None]
    french = preferred(stated, languages("fr")) if stated else None
    english = preferred(stated, languages("en")) if stated else None
    if english is None:
        english = next((each for each in named if each.language is None), None)
        return _name(french, "fr"), None if english is None else english.value
    return _name(french, "fr"), _name(english, "en")


def _name(named: Designation | None, tag: Language) -> Child:
    return None if named is None else element("span", named.value, lang=tag)


def _composed(contents: Contents, value_set: Resource, language: Language) -> Html:
    compose = value_set.get("compose", {})
    rows = [
        row(word(name, language), _part(contents, part, language))
        for name in ("include", "exclude")
        for part in compose.get(name, ())
    ]
    heads = (word("composition", language), word("meaning", language))
    return table(word("composition", language), heads, rows) if rows else element("p", word("none", language))


def _part(contents: Contents, part: Mapping[str, Any], language: Language) -> Html:
    pieces: list[Child] = []
    if "system" in part:
        url = str(part["system"])
        page = contents.page_of("CodeSystem", url)
        pieces.append(code(url) if page is None else link(page, code(url)))
    for each in part.get("valueSet", ()):
        page = contents.page_of("ValueSet", str(each))
        pieces.append(code(str(each)) if page is None else link(page, code(str(each))))
    for each in part.get("filter", ()):
        pieces.append(code(f"{each.get('property')} {each.get('op')} {each.get('value')}"))
    if "concept" in part:
        pieces.append(between(", ", (code(str(each.get("code", ""))) for each in part["concept"])))
    elif "filter" not in part and "system" in part:
        pieces.append(word("whole", language))
    return between(" · ", pieces)


# --- code systems


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns a code system needs."""

    definitions: bool
    properties: bool


def _has(concepts: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(name in each or _has(each.get("concept", ()), name) for each in concepts)


def _displays(contents: Contents, system: Resource) -> dict[str, Designation]:
    """Return what the system that a supplement adds to calls its codes; nothing where it is no supplement."""
    base = contents.known("CodeSystem", _url(str(system["supplements"]))) if "supplements" in system else None
    if base is None:
        return {}
    found: dict[str, Designation] = {}
    queue = list(base.get("concept", ()))
    for each in queue:
        if isinstance(each.get("display"), str):
            found[str(each.get("code", ""))] = of_display(each["display"], language_of(base))
        queue += each.get("concept", ())
    return found


def _concepts(
    concepts: Sequence[Mapping[str, Any]],
    columns: _Columns,
    language: Language,
    own: str | None,
    depth: int,
    base: Mapping[str, Designation],
) -> Iterator[Html]:
    for concept in concepts:
        named = list(of_elements(concept.get("designation", ())))
        if isinstance(concept.get("display"), str):
            named.insert(0, of_display(concept["display"], own))
        if (of_base := base.get(str(concept.get("code", "")))) is not None:
            named.append(of_base)
        head = code(str(concept.get("code", "")))
        yield row(
            element("div", head, class_=f"d{min(depth, 7)}") if depth else head,
            *_names(named),
            *((told(concept, "definition", language, own),) if columns.definitions else ()),
            *((_properties(concept.get("property", ()), language, own),) if columns.properties else ()),
        )
        yield from _concepts(concept.get("concept", ()), columns, language, own, depth + 1, base)


def _properties(properties: Sequence[Mapping[str, Any]], language: Language, own: str | None) -> Html:
    """Return the properties of a code: each with what is said of it (how certain, from where) in brackets."""
    named: dict[str, list[str]] = {}
    for each in properties:
        named.setdefault(str(each.get("code", "")), []).append(_value(each, language, own))
    about = {
        name: next((name.removesuffix(end) for end in _ABOUT if name.endswith(end) and name != end), None)
        for name in named
    }
    lines = [
        joined(
            code(name),
            " = ",
            ", ".join(values),
            _remarks([(other, named[other]) for other, of in about.items() if of == name]),
        )
        for name, values in named.items()
        if about[name] is None
    ]
    # How certain it is that something is not known, too.
    lines += [
        joined(code(name), " = ", ", ".join(values))
        for name, values in named.items()
        if about[name] is not None and about[name] not in named
    ]
    return between(element("br"), lines)


def _remarks(named: Sequence[tuple[str, Sequence[str]]]) -> Child:
    """Return how certain something is, in bold, and where it comes from."""
    remarks = [
        element("span", ", ".join(values), class_="own" if name.endswith(_ABOUT[:2]) else "note")
        for name, values in named
    ]
    return joined(" (", between("; ", remarks), ")") if remarks else None


def _value(property: Mapping[str, Any], language: Language, own: str | None) -> str:
    value = next((each for name, each in property.items() if name.startswith("value")), None)
    if "_valueString" in property and (found := said(property, "valueString", language, own)) is not None:
        return found[0]
    if isinstance(value, Mapping) and "code" in value:
        return str(value["code"])
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _url(canonical: str) -> str:
    return canonical.partition("|")[0]
