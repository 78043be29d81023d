"""What XHTML a narrative may hold.

Source: FHIR R4, Narrative: "The contents of the html element are an XHTML fragment containing only the basic html
formatting elements … chapters 7-11 (except section 4 of chapter 9) and 15 of the HTML 4.0 standard, <a> elements
(either name or href), images and internally contained stylesheets. The XHTML content SHALL NOT contain a head, a body,
external stylesheet references, scripts, forms, base/link/xlink, frames, iframes, objects or event related attributes".
"""

from __future__ import annotations

from html.parser import HTMLParser

_ELEMENTS = """
    a abbr acronym address area b bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt em
    font h1 h2 h3 h4 h5 h6 hr i img ins kbd li map ol p pre q s samp small span strike strong sub sup style table tbody
    td tfoot th thead tr tt u ul var
"""
_ATTRIBUTES = """
    abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite
    class color colspan compact coords dir face frame headers height href hreflang hspace id lang longdesc name noshade
    nowrap rel rev rowspan rules scope shape size span src start style summary tabindex title type usemap valign value
    vlink vspace width xml:base xml:lang xml:space xmlns
"""
ELEMENTS = frozenset(_ELEMENTS.split())
ATTRIBUTES = frozenset(_ATTRIBUTES.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.content = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS:
            self.faults.append(tag)
        if tag == "img":
            self.content = True
        self.faults += [
            f"{tag}@{name}" for name, _ in attrs if name not in ATTRIBUTES and not name.startswith("xmlns:")
        ]

    def handle_data(self, data: str) -> None:
        self.content = self.content or bool(data.strip())


def html_faults(div: str) -> list[str]:
    """Return the elements and attributes ("a@onclick") of a narrative that are not allowed; "" when it says nothing."""
    reader = _Reader()
    reader.feed(div)
    reader.close()
    if not div.lstrip().startswith("<div") or not reader.content:
        reader.faults.append("")
    return reader.faults
