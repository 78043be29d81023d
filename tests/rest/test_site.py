"""What is served beside FHIR: pages that need no network, the OpenAPI document, health, metrics."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fhir_gateway.exchange.hl7v2.current import Refused
from fhir_gateway.fhir.outcome import Complaint, Unavailable
from fhir_gateway.rest.metrics import Metrics
from fhir_gateway.rest.site import Site
from fhir_gateway.settings import Settings
from fhir_gateway.transform.complaints import ELEMENT_UNKNOWN
from tests.rest.house import HOST, Reply, ask, representations

LOST = Complaint("lost", "transient", "Lost.", "Perdue.")


@asynccontextmanager
async def nothing(_: Any) -> AsyncIterator[None]:
    yield


@pytest.fixture
def site() -> Site:
    site = Site(Settings(), Metrics(), nothing)
    site.resource_types = tuple(sorted(representations().resources))
    site.check = lambda: None
    return site


def get(site: Site, path: str, method: str = "GET", **headers: str) -> Reply:
    fields = [HOST, *((name.replace("_", "-"), value) for name, value in headers.items())]
    return asyncio.run(ask(site.app, method, path, fields, [b""]))


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_pages_need_nothing_from_elsewhere(site: Site, path: str):
    reply = get(site, path)
    page = reply.body.decode()
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert re.findall(r'(?:src|href)="(?!/)[^"]*"', page) == []
    assert "@import" not in page
    assert "default-src 'none'" in reply.headers["content-security-policy"]


def test_the_first_page_is_in_both_languages_and_links_what_there_is(site: Site):
    page = get(site, "/").body.decode()
    assert 'lang="fr"' in page
    assert 'lang="en"' in page
    for link in ("/docs", "/fhir/metadata", "/openapi.json", "/health/ready", "/metrics"):
        assert f'href="{link}"' in page
    assert "curl -i -X POST http://localhost:8080/fhir/Patient" in page


def test_the_first_page_does_not_repeat_a_foreign_host(site: Site):
    fields = [("Host", "evil.example<script>")]
    reply = asyncio.run(ask(site.app, "GET", "/", fields, [b""]))
    assert (reply.status, reply.details) == (400, ["host-not-served"])


def test_the_documentation_shows_every_operation_and_allows_its_own_script_only(site: Site):
    reply = get(site, "/docs")
    page = reply.body.decode()
    document = get(site, "/openapi.json").json
    assert page.count("<details ") == sum(len(methods) for methods in document["paths"].values())
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in reply.headers["content-security-policy"]


def test_the_openapi_document_holds_fhir_and_the_probes(site: Site):
    reply = get(site, "/openapi.json")
    document = reply.json
    assert reply.headers["content-type"] == "application/json"
    assert document["openapi"].startswith("3.1")
    assert {"/fhir", "/fhir/{type}", "/fhir/{type}/{id}", "/health/live", "/health/ready", "/metrics"} <= document[
        "paths"
    ].keys()
    assert "Patient" in document["components"]["schemas"]["Type"]["enum"]


def test_live_answers_whatever_the_database_does(site: Site):
    site.check = None
    assert get(site, "/health/live").json == {"status": "up"}
    assert get(site, "/health/ready").status == 503


def test_ready_answers_503_while_the_database_is_lost(site: Site):
    assert get(site, "/health/ready").status == 200

    def lost() -> None:
        raise Unavailable(LOST.at())

    site.check = lost
    reply = get(site, "/health/ready")
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")


def test_ready_tells_which_mappings_are_not_in_force_and_why(site: Site):
    assert get(site, "/health/ready").json == {"status": "ready"}
    values = {"type": "Patient", "element": "sex", "path": "sex"}
    issues = tuple(ELEMENT_UNKNOWN.at(None, place=f"own/segments/PID.yaml:{at}", **values) for at in range(30))
    site.refused = lambda: Refused(issues, 1_700_000_000.0)
    told = get(site, "/health/ready", accept_language="fr")
    assert told.status == 200
    about = told.json["mappings"]
    assert (told.json["status"], about["status"], about["count"]) == ("ready", "refused", 30)
    assert about["since"].startswith("2023-11-14T22:13:20")
    assert len(about["problems"]) == 20
    assert about["problems"][0].startswith("own/segments/PID.yaml:0 : Patient n'a pas d'élément sex")


def test_metrics_are_prometheus_text(site: Site):
    reply = get(site, "/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"# TYPE fhir_gateway_requests_total counter" in reply.body


def test_where_nothing_is_the_outcome_tells_the_base(site: Site):
    reply = get(site, "/Patient/1", accept_language="fr")
    assert (reply.status, reply.details) == (404, ["outside-base"])
    assert "/fhir" in reply.text
    assert reply.text.startswith("Rien")


def test_a_page_takes_no_other_method(site: Site):
    reply = get(site, "/docs", "POST")
    assert (reply.status, reply.details, reply.headers["allow"]) == (405, ["method-not-allowed"], "GET")
