"""HTML that is made of elements, never of pasted text: whatever is not markup already is escaped.

Definitions may come from strangers' packages, so no page is put together in any other way.

Source: WHATWG, HTML, "Serializing HTML fragments"; SVG 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

_VOID: Final = frozenset({"br", "hr", "link", "meta", "wbr"})


class Html(str):
    """Text that is markup, and safe to stand in a page as it is. Only `element`, `joined` and own files make it."""

    __slots__ = ()


Child = str | None  # Html stands as it is, other text is escaped, None is nothing


def element(name: str, /, *children: Child | Iterable[Child], **attributes: str | int | float | None) -> Html:
    """Return an element. Attributes that are None are left out; "class_" is "class", "stroke_width" "stroke-width"."""
    opening = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{opening}>")
    return Html(f"<{name}{opening}>{joined(*children)}</{name}>")


def joined(*children: Child | Iterable[Child]) -> Html:
    """Return pieces one after the other."""
    return Html("".join(_pieces(children)))


def between(separator: Child, children: Iterable[Child]) -> Html:
    """Return pieces with something between them."""
    pieces: list[Child] = []
    for child in children:
        pieces += [separator, child] if pieces else [child]
    return joined(pieces)


def _pieces(children: Iterable[Child | Iterable[Child]]) -> Iterable[str]:
    for child in children:
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            yield escape(child)
        elif child is not None:
            yield from _pieces(child)


def code(text: str) -> Html:
    """Return a name of FHIR, which may break anywhere."""
    return element("code", text)


def table(caption: Child, heads: Iterable[Child], rows: Iterable[Html], class_: str | None = None) -> Html:
    """Return a table that says what it is and what its columns are."""
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", (element("th", each, scope="col") for each in heads))),
        element("tbody", rows),
        class_=class_,
    )
    # Where a screen is narrow, or a word endless, the table scrolls and not the page.
    return element("div", whole, class_="wide")


def row(*cells: Child | Iterable[Child], class_: str | None = None, id: str | None = None) -> Html:
    """Return a row whose first cell is its head."""
    first, *others = cells
    return element(
        "tr", element("th", first, scope="row"), (element("td", each) for each in others), class_=class_, id=id
    )
