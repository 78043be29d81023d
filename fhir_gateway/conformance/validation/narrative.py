"""What a narrative may hold: elements, attributes, their nesting, links, images, languages.

Source: FHIR R4, Narrative; txt-1, txt-2; HTML 4.0 for the content of each element. Which of it is an error follows
HL7's validator.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fhir_gateway.conformance.validation import narrative_complaints as complaints
from fhir_gateway.conformance.validation.links import url_fault
from fhir_gateway.conformance.validation.tidy import is_tidy
from fhir_gateway.fhir import xhtml
from fhir_gateway.fhir.fhirpath.narrative import says_something
from fhir_gateway.fhir.outcome import Complaint
from fhir_gateway.fhir.xhtml import Tag

Said = tuple[Complaint, dict[str, object]]  # a complaint and its values; the place is that of the narrative

MAX_SAID: Final = 50  # of one narrative: more tell its author nothing
_BLOCKS: Final = frozenset({"div", "pre", "table", "ul", "ol"})
_IN_NO_PARAGRAPH: Final = frozenset({"div", "blockquote", "table", "ol", "ul", "p"})
_PHRASES_NAMES = """
    a abbr acronym b bdo big cite code dfn em i kbd q samp small strong sub sup tt var
"""
_PHRASES: Final = frozenset(_PHRASES_NAMES.split())
_TEXT_NAMES = """
    address caption dd dt h1 h2 h3 h4 h5 h6 p pre span
"""
_TEXT: Final = _PHRASES | frozenset(_TEXT_NAMES.split())
_EMPTY: Final = frozenset({"area", "br", "hr", "img"})
CONTENT: Final[Mapping[str, frozenset[str]]] = {
    "table": frozenset(["caption", "col", "colgroup", "tbody", "tfoot", "thead", "tr"]),
    "thead": frozenset(["tr"]),
    "tbody": frozenset(["tr"]),
    "tfoot": frozenset(["tr"]),
    "tr": frozenset(["td", "th"]),
    "ul": frozenset(["li"]),
    "ol": frozenset(["li"]),
    "dl": frozenset(["dd", "dt"]),
    "map": frozenset(["area"]),
}
PARENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "tr": ("table", "thead", "tfoot", "tbody"),
    "tbody": ("table",),
    "thead": ("table",),
    "tfoot": ("table",),
    "caption": ("table",),
    "colgroup": ("table",),
    "col": ("colgroup", "table"),
    "th": ("tr", "thead", "tfoot"),
    "td": ("tr", "thead", "tfoot"),
    "li": ("ul", "ol"),
    "dd": ("dl",),
    "dt": ("dl",),
}
_ACTIVE: Final = frozenset({"javascript", "vbscript"})
_LITERAL: Final = frozenset({"urn", "cid"})
_USUAL: Final = frozenset({"http", "https", "tel", "mailto", "data"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def faults(div: str, resource: Mapping[str, Any], targets: Targets) -> list[Said]:
    """Return what is wrong with a narrative. `resource`: the one it belongs to, whose ids its links may name."""
    return [] if is_tidy(div) else _limited(_faults(div, resource, targets))


def _limited(said: Iterator[Said]) -> list[Said]:
    kept = []
    for one in said:
        kept.append(one)
        if len(kept) == MAX_SAID:
            break
    return kept


def _faults(div: str, resource: Mapping[str, Any], targets: Targets) -> Iterator[Said]:
    fragment = xhtml.read(div)
    top = fragment.root
    if top is None:
        yield complaints.UNREADABLE, {"reason": fragment.broken}
        yield complaints.TXT_1, {}
        yield complaints.TXT_2, {}
        return
    for entity in fragment.entities:
        yield complaints.ENTITY, {"entity": entity}
    if div.lstrip().startswith("<!DOCTYPE"):
        yield complaints.DOCTYPE, {}
    yield from _names(top)
    if not says_something(top):
        yield complaints.TXT_2, {}
    yield from _structure(top)
    yield from _links(top, resource, targets)
    yield from _identifiers(top)
    yield from _mixed_languages(top)


def _names(top: Tag) -> Iterator[Said]:
    """Namespaces, elements and attributes. The attributes of the outermost element count for txt-1 only."""
    found = top.attributes.get("xmlns")
    if found != xhtml.NAMESPACE:
        yield complaints.NAMESPACE, {"found": "null" if found is None else found, "wanted": xhtml.NAMESPACE}
    if top.name != "div":
        yield complaints.NOT_A_DIV, {"name": top.name}
    said = list(_inner_names(top))
    alien = any(not xhtml.attribute_allowed("div", name) for name in top.attributes if name != "xml:space")
    if alien or any(complaint in (complaints.ELEMENT, complaints.ATTRIBUTE) for complaint, _ in said):
        yield complaints.TXT_1, {}
    yield from said


def _inner_names(top: Tag) -> Iterator[Said]:
    for tag in top.walk():
        if tag is top:
            continue
        namespace = tag.attributes.get("xmlns")
        if namespace not in (None, xhtml.NAMESPACE):
            yield complaints.NAMESPACE, {"found": namespace, "wanted": xhtml.NAMESPACE}
        if tag.name not in xhtml.ELEMENTS:
            yield complaints.ELEMENT, {"name": tag.name}
        for name in tag.attributes:
            if name == "xml:space":
                yield complaints.XML_SPACE, {}
            elif not xhtml.attribute_allowed(tag.name, name):
                yield complaints.ATTRIBUTE, {"name": name, "element": tag.name}


# --- nesting


def _structure(top: Tag) -> Iterator[Said]:
    inside = _names_inside(top)
    pending: list[tuple[Tag, str, bool]] = [(top, "div", False)]
    while pending:
        tag, place, in_paragraph = pending.pop()
        if tag is not top:
            yield from _nesting(tag, place, in_paragraph, inside[id(tag)])
            in_paragraph = in_paragraph or tag.name == "p"
        pending += [(child, f"{place}/{child.name}", in_paragraph) for child in reversed(tag.children)]


def _names_inside(top: Tag) -> dict[int, set[str]]:
    """The names of the elements below each element, by its id(): sets of few names, shared by no two elements."""
    inside: dict[int, set[str]] = {}
    for tag in reversed(list(top.walk())):
        names: set[str] = set()
        for child in tag.children:
            names.add(child.name)
            names |= inside[id(child)]
        inside[id(tag)] = names
    return inside


def _nesting(tag: Tag, place: str, in_paragraph: bool, inside: set[str]) -> Iterator[Said]:
    name = tag.name
    if in_paragraph and name in _IN_NO_PARAGRAPH:
        yield complaints.IN_PARAGRAPH, {"name": name}
    if name in _TEXT and not _BLOCKS.isdisjoint(inside):
        yield complaints.BLOCK_IN_TEXT, {"name": name, "place": place, "found": ",".join(_below(tag, _BLOCKS))}
    if name in _PHRASES and name in inside:
        again = ",".join(_below(tag, frozenset([name])))
        yield complaints.NESTED, {"name": name, "place": place, "found": again}
    if name in _EMPTY and (tag.children or tag.text):
        yield complaints.NO_CHILDREN, {"name": name}
    parents = PARENTS.get(name)
    parent = tag.parent.name if tag.parent is not None else ""
    if parents is not None and parent not in parents:
        yield complaints.OUT_OF_PLACE, {"name": name, "wanted": "|".join(parents), "found": parent, "place": place}
    content = CONTENT.get(name)
    if content is not None:
        alien = ["@text"] if tag.text.strip() else []
        alien += [child.name for child in tag.children if child.name not in content]
        if alien:
            yield complaints.CHILDREN, {"name": name, "place": place, "found": ",".join(alien)}


def _below(tag: Tag, names: frozenset[str]) -> Iterator[str]:
    """Yield the places of elements of these names below one, as far as a complaint shows them."""
    pending = [(child, f"{tag.name}/{child.name}") for child in reversed(tag.children)]
    shown = 0
    while pending and shown < 5:
        below, place = pending.pop()
        if below.name in names:
            shown += 1
            yield place
        pending += [(child, f"{place}/{child.name}") for child in reversed(below.children)]


# --- links


def _links(top: Tag, resource: Mapping[str, Any], targets: Targets) -> Iterator[Said]:
    for tag, name in _linking(top):
        url = tag.attributes[name]
        fault = url_fault(url)
        if fault is not None:
            yield complaints.URL, {"url": url, "reason": fault}
        if tag.name == "a":
            yield from _hyperlink(tag, url, resource, targets)
        elif url.startswith("#") and not targets.count(resource, url[1:]):
            yield complaints.IMAGE_UNRESOLVED, {"url": url, "place": _place(tag)}


def _linking(top: Tag) -> Iterator[tuple[Tag, str]]:
    for tag in top.walk():
        if tag.name == "a" and "href" in tag.attributes:
            yield tag, "href"
        elif tag.name == "img" and "src" in tag.attributes:
            yield tag, "src"


def _hyperlink(tag: Tag, url: str, resource: Mapping[str, Any], targets: Targets) -> Iterator[Said]:
    values: dict[str, object] = {"url": url, "place": _place(tag), "text": " ".join(tag.all_text().split())}
    scheme = _SCHEME.match(url)
    if not url:
        yield complaints.LINK_EMPTY, values
    elif url.startswith("#") and url != "#":
        count = targets.count(resource, url[1:])
        if count == 0:
            yield complaints.LINK_UNRESOLVED, values
        elif count > 1:
            yield complaints.LINK_AMBIGUOUS, {**values, "count": count}
    elif scheme is not None:
        values["scheme"] = scheme[1]
        if scheme[1] in _ACTIVE:
            yield complaints.LINK_ACTIVE, values
        elif scheme[1] in _LITERAL:
            yield complaints.LINK_LITERAL, values
        elif scheme[1] not in _USUAL:
            yield complaints.LINK_UNUSUAL, values


def _place(tag: Tag) -> str:
    steps = []
    current: Tag | None = tag
    while current is not None:
        steps.append(current.name)
        current = current.parent
    return "/".join(reversed(steps))


class Targets:
    """What links inside a resource may lead to: the ids of its elements, ids and anchors of its narratives.

    `root`: the outermost resource. Each resource is looked through once.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._known: dict[int, Counter[str]] = {}

    def count(self, resource: Mapping[str, Any], fragment: str) -> int:
        """Return how many places have an id; in the whole Bundle where the resource itself has none."""
        count = self._of(resource)[fragment]
        if count == 0 and self._root is not resource and self._root.get("resourceType") == "Bundle":
            count = self._of(self._root)[fragment]
        return count

    def _of(self, resource: Mapping[str, Any]) -> Counter[str]:
        known = self._known.get(id(resource))
        if known is None:
            known = self._known[id(resource)] = Counter(_identified(resource))
        return known


def _identified(resource: Mapping[str, Any]) -> Iterator[str]:
    pending: list[Any] = [resource]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value
        elif isinstance(value, Mapping):
            if isinstance(value.get("id"), str):
                yield value["id"]
            pending += [below for below in value.values() if isinstance(below, (dict, list))]
            div = value.get("div")
            if isinstance(div, str) and ("id=" in div or "name=" in div):
                yield from _identified_in(div)


def _identified_in(div: str) -> Iterator[str]:
    top = xhtml.read(div).root
    for tag in top.walk() if top is not None else ():
        names = {tag.attributes.get("id"), tag.attributes.get("name") if tag.name == "a" else None}
        yield from (name for name in names if name is not None)


def _identifiers(top: Tag) -> Iterator[Said]:
    counts: Counter[str] = Counter()
    for tag in top.walk():
        if tag is not top:
            names = {tag.attributes.get("id"), tag.attributes.get("name") if tag.name == "a" else None}
            counts.update(name for name in names if name is not None)
    repeated = [f"{name} ({count}x)" for name, count in sorted(counts.items()) if count > 1]
    if repeated:
        yield complaints.DUPLICATE_IDS, {"ids": ", ".join(repeated)}


# --- languages


def _sections(top: Tag) -> list[str]:
    """The languages of the sections of a narrative, each once."""
    found = (tag.attributes["xml:lang"] for tag in top.children if tag.name == "div" and "xml:lang" in tag.attributes)
    return sorted(set(found))


def _mixed_languages(top: Tag) -> Iterator[Said]:
    languages = _sections(top)
    outside = top.text.strip() or any(
        says_something(tag) for tag in top.children if tag.name != "div" or "xml:lang" not in tag.attributes
    )
    if languages and outside:
        yield complaints.MIXED_LANGUAGES, {"languages": ", ".join(languages)}


def language_faults(resource: Mapping[str, Any]) -> Iterator[Said]:
    """Yield what is wrong between the language of a resource and that of its narrative: said of the resource."""
    language, text = resource.get("language"), resource.get("text")
    div = text.get("div") if isinstance(text, dict) else None
    if not isinstance(language, str) or not isinstance(div, str):
        return
    top = xhtml.read(div).root
    if top is None:
        return
    attributes = top.attributes
    if "lang" not in attributes and "xml:lang" not in attributes and _sections(top):
        attributes = next(tag.attributes for tag in top.children if "xml:lang" in tag.attributes)
    found, found_xml = attributes.get("lang"), attributes.get("xml:lang")
    if found is None or found_xml is None:
        missing = [name for name, value in (("lang", found), ("xml:lang", found_xml)) if value is None]
        yield complaints.LANGUAGE_MISSING, {"missing": " / ".join(missing)}
    if found is not None and found != language:
        yield complaints.LANGUAGE_DIFFERENT, {"language": language, "attribute": "lang", "found": found}
    if found_xml is not None and found_xml not in (language, found):
        yield complaints.LANGUAGE_DIFFERENT, {"language": language, "attribute": "xml:lang", "found": found_xml}


# --- what a profile demands

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/narrative-"
LANGUAGE_CONTROL: Final = f"{_EXTENSION}language-control"
SOURCE_CONTROL: Final = f"{_EXTENSION}source-control"
_SOURCES: Final = frozenset({"generated", "boilerplate", "original"})


def is_controlled(definition: Mapping[str, Any]) -> bool:
    """Return whether an ElementDefinition says what narratives have to hold."""
    return any(each.get("url") in (LANGUAGE_CONTROL, SOURCE_CONTROL) for each in definition.get("extension", ()))


def control_faults(narrative: Mapping[str, Any], definition: Mapping[str, Any], language: str | None) -> Iterator[Said]:
    """Yield what a Narrative lacks of what a profile demands of languages and sources; `language`: the resource's."""
    div = narrative.get("div")
    top = xhtml.read(div).root if isinstance(div, str) else None
    if top is None:
        return
    for extension in definition.get("extension", ()):
        url = extension.get("url")
        code = extension.get("valueCode") or extension.get("valueString") or ""
        if url == SOURCE_CONTROL and code in complaints.SOURCE_MISSING:
            for tag in top.children:
                if says_something(tag) and not _SOURCES & set(tag.attributes.get("class", "").split()):
                    yield complaints.SOURCE_MISSING[code], {"text": tag.all_text().strip()[:30]}
        elif url == LANGUAGE_CONTROL:
            yield from _language_control(_sections(top), code, language)


def _language_control(languages: Iterable[str], code: str, language: str | None) -> Iterator[Said]:
    found = list(languages)
    listed = ", ".join(found)
    if code == "_no":
        if found:
            yield complaints.LANGUAGES_PROHIBITED, {"languages": listed}
    elif code == "_yes":
        if not found:
            yield complaints.LANGUAGES_REQUIRED, {}
    else:
        wanted = language if code == "_resource" else code
        if not found or wanted is None:
            yield complaints.LANGUAGE_SECTIONS_ABSENT, {"language": wanted}
        elif wanted not in found:
            yield complaints.LANGUAGE_SECTION_MISSING, {"language": wanted, "languages": listed}
