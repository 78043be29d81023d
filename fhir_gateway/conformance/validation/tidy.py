"""The quick look at a narrative: most have nothing wrong, and this tells so without building a tree.

Its yes is sure; its no only means that `narrative.py` has to look closely.

Source: FHIR R4, Narrative.
"""

from __future__ import annotations

import re
from typing import Final

from fhir_gateway.conformance.validation.links import is_plain
from fhir_gateway.fhir import xhtml

_HEAD = re.compile(
    r'<div(?: (?:xml:)?lang="[\w-]*")*+ xmlns="http://www\.w3\.org/1999/xhtml"(?: (?:xml:)?lang="[\w-]*")*+>'
)
_MAX_KNOWN: Final = 8192
_MAX_TAG: Final = 200  # characters of a tag that is remembered
_TEXTLESS: Final = frozenset(["dl", "map", "ol", "table", "tbody", "tfoot", "thead", "tr", "ul"])
# Elements that hold text: no blocks inside them.
_TEXT_NAMES = """
    a abbr acronym address b bdo big caption cite code dd dfn dt em h1 h2 h3 h4 h5 h6 i kbd p pre q samp small
    span strong sub sup tt var
"""
_TEXT: Final = frozenset(_TEXT_NAMES.split())
_BLOCKS: Final = frozenset(["blockquote", "div", "ol", "p", "pre", "table", "ul"])
_VOID: Final = frozenset({"area", "br", "col", "hr", "img"})
_PLACES: Final = {
    **dict.fromkeys(("td", "th"), frozenset(["tr"])),
    "tr": frozenset(["table", "tbody", "tfoot", "thead"]),
    **dict.fromkeys(("caption", "colgroup", "tbody", "tfoot", "thead"), frozenset(["table"])),
    "col": frozenset(["colgroup", "table"]),
    "li": frozenset(["ol", "ul"]),
    **dict.fromkeys(("dd", "dt"), frozenset(["dl"])),
    "area": frozenset(["map"]),
}
_REFERENCE = re.compile(r"&(?:amp|lt|gt|quot|apos|#[0-9]{1,6}|#[xX][0-9A-Fa-f]{1,5});")

_OPEN, _CLOSE, _EMPTY, _IMAGE = range(4)
Known = tuple[int, str, tuple[str, ...]]  # what kind of tag, of which element, the names it gives
_known: dict[str, Known | None] = {}


class _Place(dict[str, "_Place | None"]):
    """Where a reader of a narrative is: the elements that are open, outermost first.

    As a dict it has where each tag leads from here, None where that has to be looked at closely; filled as tags are
    met. `takes_text`: whether text may stand here.
    """

    __slots__ = ("open", "outer", "takes_text")

    def __init__(self, open: tuple[str, ...], outer: _Place | None) -> None:
        self.open = open
        self.outer = outer
        self.takes_text = bool(open) and open[-1] not in _TEXTLESS

    def after(self, known: Known) -> _Place | None:
        """Return where a tag leads."""
        kind, name, _ = known
        if not self.open:
            return None
        parent = self.open[-1]
        if kind == _CLOSE:
            return self.outer if parent == name else None
        places = _PLACES.get(name)
        if (places is not None and parent not in places) or (parent in _TEXTLESS and places is None):
            return None
        if not _TEXT.isdisjoint(self.open) and (name in _BLOCKS or name in self.open):
            return None
        if kind != _OPEN:
            return self
        return _Place((*self.open, name), self) if len(self.open) < xhtml.MAX_DEPTH else None


_END: Final = _Place((), None)
_START: Final = _Place(("div",), _END)
_places_known = 0


def is_tidy(div: str) -> bool:
    """Return whether a narrative certainly has nothing wrong, nothing to resolve and no language of its own."""
    if _HEAD.match(div) is None or not div.endswith("</div>"):
        return False
    if "&" in div and div.count("&") != len(_REFERENCE.findall(div)):
        return False
    names: set[str] = set()
    place = _START
    pieces = div.split("<")
    text = pieces[1].partition(">")[2]
    says = bool(text) and not text.isspace()
    for piece in pieces[2:]:
        tag, _, text = piece.partition(">")
        following = place[tag] if tag in place else _followed(place, tag, names)
        if following is None:
            return False
        place = following
        if text and not text.isspace():
            if not place.takes_text:
                return False
            says = True
        elif tag[:3] == "img":
            says = True
    return says and place is _END


def _followed(place: _Place, tag: str, names: set[str]) -> _Place | None:
    """Return where a tag leads that was not met here before; it must not give a name that others have."""
    global _places_known
    known = _known[tag] if tag in _known else _learned(tag)
    following = None if known is None else place.after(known)
    if known is not None:
        for each in known[2]:
            if each in names:
                return None
            names.add(each)
        if known[2]:
            return following
    if _places_known < _MAX_KNOWN and len(tag) <= _MAX_TAG:
        _places_known += 1
        place[tag] = following
    return following


def _learned(tag: str) -> Known | None:
    """What a tag is ("td colspan='2'", "/td", "br/"), None when it has to be looked at closely; remembered."""
    known = _read(tag)
    # What has a name is hardly met again.
    if len(_known) < _MAX_KNOWN and len(tag) <= _MAX_TAG and (known is None or not known[2]):
        _known[tag] = known
    return known


_ANCHOR = re.compile(r'a name="([^"&]+)"')


def _read(tag: str) -> Known | None:
    anchor = _ANCHOR.fullmatch(tag)
    if anchor is not None:
        return _OPEN, "a", (anchor[1],)
    match = xhtml.TOKEN.fullmatch(f"<{tag}>")
    if match is None:
        return None
    _, closes, name, attributes, ends = match.groups()
    if closes is not None:
        return (_CLOSE, closes, ()) if closes in xhtml.ELEMENTS and closes not in _VOID else None
    if name is None or name not in xhtml.ELEMENTS:
        return None
    names: set[str] = set()
    for attribute in xhtml.ATTRIBUTE.finditer(attributes):
        value = next((each for each in attribute.groups()[1:] if each is not None), None)
        if value is not None and "&" not in value and (attribute[1] == "id" or (attribute[1], name) == ("name", "a")):
            names.add(value)
        elif value is None or not _is_tidy_attribute(name, attribute[1], value):
            return None
    if ends:
        return (_IMAGE if name == "img" else _EMPTY, name, tuple(names))
    return None if name in _VOID else (_OPEN, name, tuple(names))


def _is_tidy_attribute(element: str, name: str, value: str) -> bool:
    if name in ("id", "name", "xml:lang") or name.startswith("xmlns"):
        return False  # to be compared with others
    if (element == "a" and name == "href") or (element == "img" and name == "src"):
        return is_plain(value)
    return xhtml.attribute_allowed(element, name)
