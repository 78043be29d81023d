"""What tells a client where tokens are had, and the token endpoint of the built-in issuer.

Source: SMART App Launch 2.2.0, "Conformance", "Backend Services"; RFC 6749, sections 3.2, 5.1, 5.2; RFC 9728.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from fhir_gateway.policy.builtin_issuer import BuiltinIssuer
from fhir_gateway.policy.clients import ASSERTION_TYPE, Client
from fhir_gateway.policy.jose import Keys, SigningKey, key_set
from fhir_gateway.policy.scopes import read
from fhir_gateway.rest.metrics import Metrics
from fhir_gateway.rest.oauth import Oauth, metadata_url
from fhir_gateway.rest.site import Site
from fhir_gateway.settings import Settings
from fhir_gateway.trusted_issuers import TrustedIssuer
from tests.rest.house import HOST, House, Reply, ask

BASE = "http://127.0.0.1:8080/fhir"
TOKEN = "/fhir/auth/token"
FORM = "application/x-www-form-urlencoded"
CLIENT, ISSUERS = SigningKey.new(), SigningKey.new()
PSC = TrustedIssuer(
    url="https://psc.example.org/realm",
    token_endpoint="https://psc.example.org/realm/token",
    authorization_endpoint="https://wallet.example.org/auth",
)
SYSTEMS = TrustedIssuer(url="https://issuer.example.org", token_endpoint="https://issuer.example.org/token")


@asynccontextmanager
async def nothing(_: Any) -> Any:
    yield


def opened(**chosen: Any) -> Site:
    settings = Settings(**chosen)
    site = Site(settings, Metrics(), nothing)
    builtin = None
    if settings.builtin_issuer:
        keys = Keys.of(key_set([CLIENT]))
        known = Client("labo", "plateforme", None, read("system/*.rs"), None, keys)
        builtin = BuiltinIssuer(settings.builtin_issuer_url, settings.base_url, ISSUERS, {"labo": known})
    site.oauth = Oauth(settings, builtin)
    return site


def get(site: Site, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Reply:
    fields = [HOST, *((name.replace("_", "-"), value) for name, value in headers.items())]
    return asyncio.run(ask(site.app, method, path, fields, [body]))


def form(**changes: str | None) -> dict[str, str]:
    claims = {"iss": "labo", "sub": "labo", "aud": f"{BASE}/auth/token", "exp": int(time.time()) + 200}
    asked = {
        "grant_type": "client_credentials",
        "scope": "system/Patient.rs",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": CLIENT.signed({**claims, "jti": str(time.monotonic_ns())}),
        **changes,
    }
    return {name: value for name, value in asked.items() if value is not None}


def post(site: Site, sent: Mapping[str, str] | bytes, content_type: str = FORM) -> Reply:
    body = sent if isinstance(sent, bytes) else urlencode(sent).encode()
    return get(site, TOKEN, "POST", body, content_type=content_type)


@pytest.fixture
def site() -> Site:
    return opened(builtin_issuer=True)


def test_the_smart_configuration_of_the_built_in_issuer_tells_what_there_is(site: Site) -> None:
    reply = get(site, "/fhir/.well-known/smart-configuration")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json == {
        "jwks_uri": f"{BASE}/auth/jwks",
        "token_endpoint": f"{BASE}/auth/token",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES384", "RS384"],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": ["system/*.cruds"],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
        "code_challenge_methods_supported": [],
    }


def test_the_smart_configuration_of_other_issuers_names_the_first_of_them() -> None:
    told = get(opened(issuers=[PSC, SYSTEMS]), "/fhir/.well-known/smart-configuration").json
    assert told["authorization_endpoint"] == "https://wallet.example.org/auth"
    assert told["token_endpoint"] == "https://psc.example.org/realm/token"
    assert told["grant_types_supported"] == ["authorization_code"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    told = get(opened(issuers=[SYSTEMS]), "/fhir/.well-known/smart-configuration").json
    assert "authorization_endpoint" not in told
    assert told["grant_types_supported"] == ["client_credentials"]


def test_the_metadata_of_the_resource_names_every_issuer() -> None:
    site = opened(builtin_issuer=True, issuers=[PSC, SYSTEMS])
    reply = get(site, "/.well-known/oauth-protected-resource/fhir")
    assert reply.json == {
        "resource": BASE,
        "authorization_servers": [f"{BASE}/auth", "https://psc.example.org/realm", "https://issuer.example.org"],
        "bearer_methods_supported": ["header"],
    }
    assert metadata_url("https://fhir.example.org/a/fhir") == (
        "https://fhir.example.org/.well-known/oauth-protected-resource/a/fhir"
    )


def test_the_capability_statement_gets_the_same_endpoints() -> None:
    psc = Oauth(Settings(issuers=[PSC]), None).security()
    (uris,) = psc["extension"]
    assert uris["url"] == "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
    assert uris["extension"] == [
        {"url": "authorize", "valueUri": "https://wallet.example.org/auth"},
        {"url": "token", "valueUri": "https://psc.example.org/realm/token"},
    ]
    assert psc["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


def test_the_keys_are_public_ones_only(site: Site) -> None:
    (key,) = get(site, "/fhir/auth/jwks").json["keys"]
    assert key == ISSUERS.public()
    assert "d" not in key


def test_without_an_issuer_there_is_nothing_about_tokens() -> None:
    site = Site(Settings(), Metrics(), nothing)
    assert site.beside_fhir == frozenset()
    for path in ("/.well-known/oauth-protected-resource/fhir", "/fhir/.well-known/smart-configuration", TOKEN):
        assert get(site, path).status == 404
    assert House().ask("GET", "/fhir/.well-known/smart-configuration").status == 404


def test_another_issuer_than_the_built_in_one_has_no_token_endpoint_here() -> None:
    assert post(opened(issuers=[PSC]), form()).status == 404


def test_while_the_gateway_starts_nothing_is_told() -> None:
    site = Site(Settings(builtin_issuer=True), Metrics(), nothing)
    reply = get(site, "/fhir/.well-known/smart-configuration")
    assert (reply.status, reply.details) == (503, ["not-open"])


def test_a_client_gets_a_token_that_is_never_kept(site: Site) -> None:
    reply = post(site, form())
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert (reply.headers["cache-control"], reply.headers["pragma"]) == ("no-store", "no-cache")
    assert reply.json.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert reply.json["token_type"] == "bearer"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"client_assertion": "garbage"}, "invalid_client"),
        ({"client_assertion": None}, "invalid_client"),
        ({"client_assertion_type": None}, "invalid_request"),
        ({"scope": "system/*.cruds"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
    ids=str,
)
def test_a_refusal_is_told_as_rfc_6749_has_it(site: Site, changes: dict[str, str | None], error: str) -> None:
    reply = post(site, form(**changes))
    assert (reply.status, reply.json["error"]) == (400, error)
    assert reply.json["error_description"]
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps({"grant_type": "client_credentials"}).encode(), "application/json"),
        (b"grant_type=client_credentials&grant_type=client_credentials", FORM),
        (b"x=" + b"y" * 70_000, FORM),
        (b"&".join(b"a%d=1" % number for number in range(30)), FORM),
        (b"grant_type=%ff", FORM),
        (b"\xff", FORM),
    ],
    ids=["json", "twice", "too long", "too many", "no UTF-8 escaped", "no UTF-8"],
)
def test_a_body_that_is_no_form_is_an_invalid_request(site: Site, body: bytes, content_type: str) -> None:
    reply = post(site, body, content_type)
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")


def test_an_empty_body_and_another_method_are_refused(site: Site) -> None:
    assert post(site, b"").json["error"] == "unsupported_grant_type"
    reply = get(site, TOKEN)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


def test_neither_tokens_nor_assertions_are_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    sent = form()
    with caplog.at_level(logging.DEBUG):
        granted = post(site, sent).json["access_token"]
        assert post(site, sent).json["error"] == "invalid_client"  # used before
    told = " ".join(f"{record.getMessage()} {vars(record).get('fields')}" for record in caplog.records)
    assert "invalid_client" in told
    assert granted not in told
    assert sent["client_assertion"] not in told


def test_the_openapi_document_and_the_pages_say_that_a_token_is_needed(site: Site) -> None:
    document = get(site, "/openapi.json").json
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    read_ = document["paths"]["/fhir/{type}/{id}"]["get"]
    assert read_["security"] == [{"bearer": []}]
    assert "WWW-Authenticate" in read_["responses"]["401"]["headers"]
    assert "security" not in document["paths"]["/fhir/metadata"]["get"]
    assert 'id="token"' in get(site, "/docs").body.decode()
    landing = get(site, "/").body.decode()
    assert "/fhir/.well-known/smart-configuration" in landing
    assert "/fhir/Patient?_count=5" not in landing
    assert "Authorization: Bearer" in landing
    open_ = Site(Settings(), Metrics(), nothing)
    assert "securitySchemes" not in get(open_, "/openapi.json").json["components"]
    assert 'id="token"' not in get(open_, "/docs").body.decode()
