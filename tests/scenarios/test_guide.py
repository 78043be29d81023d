"""The guide in a real browser: its pages fit a screen 1280 px wide, in both languages, and ask nobody for anything.

Source: fhir_gateway/guide/README.md; issue of the genomic dossier, "/guide".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests

from fhir_gateway.guide.guide import Guide, contents
from fhir_gateway.guide.said import LANGUAGES
from tests.browser import Browser
from tests.floors import drawn
from tests.served import Served, serve

pytestmark = pytest.mark.xdist_group("guide")
# What is wider than its place: the page, or a table within it.
TOO_WIDE = """[document.documentElement, ...document.querySelectorAll('.wide')]
  .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent.slice(0, 60))"""
LINKS = """[...new Set([...document.querySelectorAll('a[href]')]
  .map((each) => new URL(each.getAttribute('href'), document.baseURI).href.split('#')[0]))]"""
GREY = "getComputedStyle(document.querySelector('h1 small')).color"
STYLED = "rgb(77, 93, 108)"  # as style.css has it


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway of its own, on one engine: the guide asks no database."""
    with serve(f"sqlite:///{tmp_path_factory.mktemp('guide')}/gateway.sqlite") as served:
        yield served


def looked_at() -> list[str]:
    """Return the pages to look at: all but examples and invariants, of which those with the longest texts.

    `make test` draws one in ten of all.
    """
    guide = Guide(contents())
    if "FHIR_GATEWAY_SUITES" not in os.environ:
        return drawn(list(guide.names), 0.1)
    plain = [*guide.contents.proofs, *guide.contents.examples]
    longest = sorted(plain, key=lambda name: len(str(guide.page(name, "fr"))))[-5:]
    names = [*(name for name in guide.names if name not in set(plain)), *longest]
    assert len(names) > 200
    return names


def test_no_page_is_wider_than_a_screen_of_1280_px(browser: Browser) -> None:
    guide = Guide(contents())
    wide: dict[str, Any] = {}
    with browser.page() as opened:
        opened.open("about:blank")
        frame = opened.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        names = looked_at()
        for language, name in product(LANGUAGES, names):
            opened.send("Page.setDocumentContent", frameId=frame, html=guide.page(name, language))
            found = opened.evaluate(f"[innerWidth, document.documentElement.lang, {GREY}, {TOO_WIDE}]")
            if found != [1280, language, STYLED, []]:
                wide[f"{language}/{name}"] = found
        asked, complaints = opened.urls, opened.complaints
    assert wide == {}
    assert complaints == []
    assert asked == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_served_it_shows_its_style_and_has_no_broken_link(served: Served, browser: Browser, language: str) -> None:
    with browser.page() as opened:
        opened.open(f"{served.root}/guide?lang={language}")
        assert opened.evaluate("document.documentElement.lang") == language
        assert opened.evaluate("location.pathname") == f"/guide/{language}/index.html"
        assert opened.evaluate(GREY) == STYLED
        links: list[str] = opened.evaluate(LINKS)
        assert opened.evaluate(TOO_WIDE) == []
        asked, complaints = opened.urls, opened.complaints
    assert complaints == []
    assert [url for url in asked if not url.startswith((served.root, "data:"))] == []
    assert len(links) > 200
    with requests.Session() as session:
        statuses = {link: session.get(link, timeout=30).status_code for link in links}
    assert statuses == dict.fromkeys(links, 200)


def test_the_other_language_is_one_link_away(served: Served, browser: Browser) -> None:
    with browser.page() as opened:
        opened.open(f"{served.root}/guide/fr/StructureDefinition-pfmg-patient.html")
        there: str = opened.evaluate("document.querySelector('header a[hreflang=en]').href")
        opened.open(there)
        assert opened.evaluate("document.documentElement.lang") == "en"
        assert opened.evaluate("document.querySelector('h1').firstChild.textContent") == "Person of a dossier"


def test_printed_it_has_no_ways_about_and_loses_nothing(browser: Browser) -> None:
    text = Guide(contents()).page("StructureDefinition-pfmg-task", "fr")
    with browser.page() as opened:
        opened.open("about:blank")
        frame = opened.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        opened.send("Page.setDocumentContent", frameId=frame, html=text)
        rows = opened.evaluate("document.querySelectorAll('tr').length")
        opened.send("Emulation.setEmulatedMedia", media="print")
        shown = "[...document.querySelectorAll('{0}')].filter((each) => each.getClientRects().length).length"
        assert opened.evaluate(shown.format("tr")) == rows > 100
        assert opened.evaluate(shown.format("nav")) == 0


def test_a_written_page_opens_without_a_server(browser: Browser, written_guide: tuple[Path, int]) -> None:
    folder, _ = written_guide
    with browser.page() as opened:
        opened.open((folder / "index.html").as_uri())
        opened.open(opened.evaluate("document.querySelector('a[hreflang=en]').href"))
        opened.open(opened.evaluate("document.querySelector('a[href=\"StructureDefinition-pfmg-task.html\"]').href"))
        told = opened.evaluate(f"[document.title, document.documentElement.lang, {GREY}]")
        asked, complaints = opened.urls, opened.complaints
    assert told == ["Step of a dossier · Guide to the profiles", "en", STYLED]
    assert complaints == []
    assert [url for url in asked if not url.startswith((folder.as_uri(), "data:"))] == []
