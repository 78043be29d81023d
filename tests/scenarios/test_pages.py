"""The pages for people in a real browser: they work without a network, fit a screen, and lead somewhere.

Source: fhir_gateway/rest/README.md, "pages".
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.browser import Browser
from tests.served import Served

pytestmark = pytest.mark.xdist_group("guide")
LINKS = "[...document.querySelectorAll('a[href]')].map((each) => each.href)"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_fits_the_screen_asks_nobody_else_and_has_no_broken_link(
    served: Served, browser: Browser, path: str
) -> None:
    origin = served.base.rsplit("/", 1)[0]
    with browser.page() as opened:
        opened.open(origin + path)
        links: Any = opened.evaluate(LINKS)
        overflow = opened.evaluate(OVERFLOW)
        asked, complaints = opened.urls, opened.complaints
    assert overflow == 0
    assert complaints == []
    assert [url for url in asked if not url.startswith((origin, "data:"))] == []
    assert links
    assert {link: requests.get(link, timeout=30).status_code for link in links} == dict.fromkeys(links, 200)


def test_an_operation_is_tried_from_the_page(served: Served, browser: Browser) -> None:
    origin = served.base.rsplit("/", 1)[0]
    with browser.page() as opened:
        opened.open(f"{origin}/docs")
        told = opened.evaluate(
            """(async () => {
              const operation = [...document.querySelectorAll("details")].find((each) =>
                each.dataset.method === "get" && each.dataset.url.endsWith("/metadata"));
              operation.open = true;
              await new Promise((done) => setTimeout(done, 100));
              operation.querySelector("form button").click();
              const shown = operation.querySelector("pre");
              for (let turn = 0; turn < 100 && !shown.textContent; turn++)
                await new Promise((done) => setTimeout(done, 100));
              return shown.textContent;
            })()"""
        )
    assert told.startswith("200 ")
    assert '"resourceType": "CapabilityStatement"' in told
