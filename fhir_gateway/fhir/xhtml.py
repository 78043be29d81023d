"""XHTML as narratives have it: which elements and attributes are allowed, and a reader that says where it is broken.

Source: FHIR R4, Narrative: "The contents of the html element are an XHTML fragment containing only the basic html
formatting elements … chapters 7-11 (except section 4 of chapter 9) and 15 of the HTML 4.0 standard, <a> elements
(either name or href), images and internally contained stylesheets. The XHTML content SHALL NOT contain a head, a body,
external stylesheet references, scripts, forms, base/link/xlink, frames, iframes, objects or event related attributes".
The list itself is that of HL7's validator, which is narrower than those chapters (no <u>, <font>, <del>).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.entities import html5
from typing import Final

NAMESPACE: Final = "http://www.w3.org/1999/xhtml"

_ELEMENTS = """
    a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2
    h3 h4 h5 h6 hr i img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr
    tt ul var
"""
ELEMENTS: Final = frozenset(_ELEMENTS.split())
_ATTRIBUTES = """
    abbr accesskey align axis char charoff class colspan dir headers id lang rowspan scope span style tabindex
    title valign width xml:lang
"""
ATTRIBUTES: Final = frozenset(_ATTRIBUTES.split())
# Allowed on one element only.
OF_ELEMENT: Final = {
    "a": frozenset(["charset", "coords", "href", "hreflang", "name", "rel", "rev", "shape", "type"]),
    "area": frozenset(["alt", "coords", "href", "nohref", "shape"]),
    "blockquote": frozenset(["cite"]),
    "img": frozenset(["alt", "border", "height", "ismap", "longdesc", "src", "usemap"]),
    "map": frozenset(["name"]),
    "pre": frozenset(["space"]),
    "q": frozenset(["cite"]),
    "table": frozenset(["border", "cellpadding", "cellspacing", "frame", "rules", "summary"]),
    "td": frozenset(["nowrap"]),
}


def attribute_allowed(element: str, name: str) -> bool:
    """Return whether an element may have an attribute; declarations of namespaces always."""
    return name in ATTRIBUTES or name in OF_ELEMENT.get(element, ()) or name.startswith("xmlns")


@dataclass(slots=True)
class Tag:
    """An element: `text` is what stands directly in it, all pieces together."""

    name: str
    attributes: dict[str, str]
    parent: Tag | None = None
    children: list[Tag] = field(default_factory=list)
    text: str = ""

    def walk(self) -> Iterator[Tag]:
        """Yield this element and all below it, in the order of the text."""
        pending = [self]
        while pending:
            tag = pending.pop()
            yield tag
            pending += reversed(tag.children)

    def all_text(self) -> str:
        """Return the text in this element and in all below it (pieces of one element stand together)."""
        return "".join(tag.text for tag in self.walk())


@dataclass(slots=True)
class Fragment:
    """What was read: the outermost element, what broke the reading off, entities that XML does not know."""

    root: Tag | None
    broken: str | None = None
    entities: list[str] = field(default_factory=list)


_NAME = r"[A-Za-z][A-Za-z0-9_.:-]*"
ATTRIBUTE: Final = re.compile(rf"""\s*({_NAME})(?>\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
# Atomic groups: a tag that is never closed costs no more than its length.
TOKEN: Final = re.compile(
    rf"""<!--.*?-->|<!\[CDATA\[(.*?)\]\]>|<\?.*?>|<!DOCTYPE[^>]*>|</({_NAME})\s*+>"""
    rf"""|<({_NAME})((?>\s++{_NAME}(?>\s*+=\s*+(?>"[^"]*"|'[^']*'|[^\s"'>]+))?+)*+)\s*+(/?)>""",
    re.DOTALL,
)
ENTITY: Final = re.compile(r"&([^;&'\"><\s]*)(;?)")
MAX_DEPTH: Final = 100
OF_XML: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})


def read(text: str) -> Fragment:
    """Return the first element of a text, with all below it; `broken` says in words where it stops being XHTML.

    Nothing is raised. What stands after the first element is passed over.
    """
    reading = _Reading(text)
    return Fragment(None if reading.broken else reading.root, reading.broken, reading.entities)


class _Reading:
    __slots__ = ("broken", "entities", "root", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.root: Tag | None = None
        self.broken: str | None = None
        self.entities: list[str] = []
        self._read()

    def _read(self) -> None:
        text = self.text
        place, depth = 0, 0
        open_tag: Tag | None = None
        # Tried at each "<" once: a search would try what it passed over again and again.
        while (start := text.find("<", place)) >= 0:
            if not self._between(text[place:start], open_tag, place):
                return
            token = TOKEN.match(text, start)
            if token is None:
                self.broken = f"no tag can be read at character {start + 1}"
                return
            place = token.end()
            cdata, closes, opens, attributes, ends = token.groups()
            if cdata is not None and open_tag is not None:
                open_tag.text += cdata
            elif opens is not None:
                tag = Tag(_local(opens), self._attributes(attributes, place), open_tag)
                if open_tag is None:
                    self.root = tag
                else:
                    open_tag.children.append(tag)
                if not ends:
                    open_tag, depth = tag, depth + 1
                if depth > MAX_DEPTH:
                    self.broken = f"its elements nest deeper than {MAX_DEPTH} levels"
            elif closes is not None:
                if open_tag is None or _local(closes) != open_tag.name:
                    expected = "nothing" if open_tag is None else f"</{open_tag.name}>"
                    self.broken = f"found </{closes}> where {expected} is expected, at character {start + 1}"
                    return
                open_tag, depth = open_tag.parent, depth - 1
            else:
                continue
            if self.broken or (open_tag is None and self.root is not None):
                return
        if self.root is None:
            self._between(text[place:], None, place)
            self.broken = self.broken or "there is no element"
        elif open_tag is not None:
            self.broken = f"<{open_tag.name}> is not closed"

    def _between(self, piece: str, open_tag: Tag | None, place: int) -> bool:
        """Take the text between two tags; return whether reading goes on."""
        if open_tag is None:
            if piece.strip("\ufeff \t\r\n"):
                self.broken = f"it does not begin with a tag, at character {place + 1}"
            return self.broken is None
        open_tag.text += self._entities_of(piece, place)
        return self.broken is None

    def _attributes(self, source: str, place: int) -> dict[str, str]:
        found: dict[str, str] = {}
        if "=" not in source:
            return found
        for attribute in ATTRIBUTE.finditer(source):
            value = next((each for each in attribute.groups()[1:] if each is not None), "")
            found[attribute[1]] = self._entities_of(value, place)
        return found

    def _entities_of(self, piece: str, place: int) -> str:
        return piece if "&" not in piece else ENTITY.sub(lambda found: self._entity(found, place), piece)

    def _entity(self, found: re.Match[str], place: int) -> str:
        name, end = found[1], found[2]
        known = character_of(name) if end else None
        if known is None:
            self.broken = self.broken or f"'&{name}{end}' is no character reference, near character {place + 1}"
            return found[0]
        if name[:1] != "#" and name not in OF_XML:
            self.entities.append(f"&{name};")
        return known


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def character_of(name: str) -> str | None:
    """Return the character that a reference ("nbsp", "#160", "#xA0") stands for; None when it stands for none."""
    if name[:1] != "#":
        return html5.get(f"{name};")
    digits, base = (name[2:], 16) if name[1:2] in ("x", "X") else (name[1:], 10)
    try:
        return chr(int(digits, base))
    except (ValueError, OverflowError):
        return None
