"""The frame of every page: head, language switch, way back, style. No script, and nothing from elsewhere.

Source: W3C, Content Security Policy Level 3; WCAG 2.2, "Bypass Blocks", "Language of Page".
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from fhir_gateway.guide.markup import Child, Html, element, joined
from fhir_gateway.guide.said import Language
from fhir_gateway.guide.words import word

INDEX = "index"
SUFFIX = ".html"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page with a heading; `id`: where links lead."""

    id: str
    title: str
    content: Html


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows. `kind`: what sort of thing it is about, told beside the title."""

    title: Child
    plain_title: str
    kind: str
    lead: Html
    sections: tuple[Section, ...]


@cache
def style() -> str:
    return Path(__file__).with_name("style.css").read_text("utf-8")


@cache
def policy() -> str:
    """Return the Content-Security-Policy of the pages: their own style, and nothing else."""
    return f"{_policy()}; frame-ancestors 'none'"


def _policy() -> str:
    digest = b64encode(sha256(style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def link(name: str, *text: Child | Iterable[Child], anchor: str = "") -> Html:
    """Return a link to a page of the same language; the same served and as files."""
    return element("a", *text, href=f"{name}{SUFFIX}{anchor}")


def framed(page: Page, name: str, language: Language, home: str | None) -> str:
    """Return a whole page. `home`: where the way back to the server leads; None: there is none (as files)."""
    other: Language = "en" if language == "fr" else "fr"
    there = f"../{other}/{name}{SUFFIX}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy()),
        element("title", f"{page.plain_title} · {word('guide', language)}"),
        element("link", rel="alternate", hreflang=other, href=there),
        element("style", Html(style())),
    )
    ways = element(
        "nav",
        None if home is None else element("a", word("start", language), href=home),
        None if name == INDEX else link(INDEX, word("contents", language)),
        element("a", word("other", language), href=there, hreflang=other, lang=other),
        aria_label=word("ways", language),
    )
    header = element(
        "header",
        element("a", word("skip", language), href="#main", class_="skip"),
        ways,
        element("h1", page.title, element("small", page.kind)),
    )
    toc = element(
        "nav",
        element("ul", (element("li", element("a", each.title, href=f"#{each.id}")) for each in page.sections)),
        class_="toc",
        aria_label=word("on_this_page", language),
    )
    sections = (
        element("section", element("h2", each.title, id=f"{each.id}-title"), each.content, id=each.id,
                aria_labelledby=f"{each.id}-title")
        for each in page.sections
    )  # fmt: skip
    main = element("main", page.lead, toc if len(page.sections) > 1 else None, sections, id="main")
    footer = element("footer", element("p", word("made", language)))
    return "<!doctype html>\n" + element("html", head, element("body", joined(header, main, footer)), lang=language)


def doors() -> str:
    """Return the page that stands before those of both languages, for a folder of files."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy()),
        element("title", "Guide"),
        element("style", Html(style())),
    )
    links = (
        element("p", element("a", word("guide", each), href=f"{each}/{INDEX}{SUFFIX}", hreflang=each), lang=each)
        for each in ("fr", "en")
    )
    body = element("body", element("main", element("h1", "Guide"), links))
    return "<!doctype html>\n" + element("html", head, body, lang="fr")
