"""The guide as it is served: its language is the one asked for, its policy allows its own style and nothing else.

Source: RFC 9110, "Proactive Negotiation"; W3C, Content Security Policy Level 3.
"""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from fhir_gateway.fhir.outcome import Language
from fhir_gateway.guide.said import LANGUAGES
from fhir_gateway.rest.metrics import Metrics
from fhir_gateway.rest.site import Site
from fhir_gateway.settings import Settings
from tests.rest.test_site import get, nothing

PATIENT = "StructureDefinition-pfmg-patient.html"


@pytest.fixture(scope="module")
def site() -> Site:
    return Site(Settings(language="fr"), Metrics(), nothing)


@pytest.mark.parametrize("path", ["/guide", "/guide/"])
@pytest.mark.parametrize(
    ("wanted", "language"), [("fr-FR,en;q=0.5", "fr"), ("en-GB", "en"), ("de", "fr"), ("en;q=0.2, fr;q=0.1", "en")]
)
def test_the_guide_opens_in_the_language_of_who_asks(site: Site, path: str, wanted: str, language: str):
    reply = get(site, path, accept_language=wanted)
    assert (reply.status, reply.headers["location"]) == (307, f"/guide/{language}/index.html")
    assert reply.headers["vary"] == "Accept-Language"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_parameter_lang_counts_more_than_the_header(site: Site, language: Language):
    other = "en" if language == "fr" else "fr"
    reply = get(site, f"/guide?lang={language}", accept_language=other)
    assert reply.headers["location"] == f"/guide/{language}/index.html"
    assert get(site, f"/guide/{language}/{PATIENT}?lang={language}").status == 200
    reply = get(site, f"/guide/{language}/{PATIENT}?lang={other}-XX")
    assert (reply.status, reply.headers["location"]) == (307, f"/guide/{other}/{PATIENT}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_allows_its_own_style_and_leads_back(site: Site, language: Language):
    reply = get(site, f"/guide/{language}/{PATIENT}")
    page = reply.body.decode()
    assert (reply.status, reply.headers["content-language"]) == (200, language)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert reply.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert '<a href="/">' in page
    assert f'<html lang="{language}">' in page


@pytest.mark.parametrize(
    "path", ["/guide/de/index.html", "/guide/fr/nothing.html", "/guide/fr/index", "/guide/fr/.html"]
)
def test_where_no_page_is_the_answer_is_404(site: Site, path: str):
    reply = get(site, path)
    assert (reply.status, reply.details) == (404, ["outside-base"])


def test_the_first_page_of_the_gateway_leads_to_the_guide(site: Site):
    assert 'href="/guide"' in get(site, "/").body.decode()
