"""SMART Backend Services at the built-in issuer: a client proves who it is by an assertion, once.

Source: SMART App Launch 2.2.0, "Backend Services"; RFC 7523.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.policy.builtin_issuer import BuiltinIssuer, kept_key
from fhir_gateway.policy.clients import ASSERTION_TYPE, BadClients, Refused, clients_of
from fhir_gateway.policy.jose import Malformed, SigningKey
from fhir_gateway.policy.scopes import read

NOW = 1_800_000_000
CLIENT, STRANGER, ISSUERS = SigningKey.new(), SigningKey.new(), SigningKey.new()
URL = "https://gateway.example.org/auth"


def no_fetch(url: str) -> bytes:
    raise OSError(url)


def registered(folder: Path, **changes: Any) -> Path:
    table = {
        "role": "plateforme",
        "organisation": "https://finess.esante.gouv.fr|690043534",
        "scope": "system/ServiceRequest.rs system/DiagnosticReport.cruds",
        "jwks": json.dumps({"keys": [CLIENT.public()]}),
        **changes,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items() if value is not None]
    path = folder / "clients.toml"
    path.write_text("[labo]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def issuer(tmp_path: Path) -> BuiltinIssuer:
    clients = clients_of(registered(tmp_path), no_fetch)
    return BuiltinIssuer(URL, "https://gateway.example.org/fhir", ISSUERS, clients, now=lambda: NOW)


def form(key: SigningKey = CLIENT, scope: str = "system/ServiceRequest.rs", **claims: Any) -> dict[str, str]:
    said = {"iss": "labo", "sub": "labo", "aud": f"{URL}/token", "exp": NOW + 200, "jti": "1", **claims}
    return {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": key.signed({name: value for name, value in said.items() if value is not None}),
    }


def test_a_registered_client_gets_a_token_for_what_it_asked(issuer: BuiltinIssuer) -> None:
    answer = issuer.answer(form())
    assert answer["token_type"] == "bearer"
    assert answer["scope"] == "system/ServiceRequest.rs"
    assert 0 < answer["expires_in"] <= 300


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (form(STRANGER), "invalid_client"),
        (form(iss="x", sub="x"), "invalid_client"),
        (form(sub="another"), "invalid_client"),
        (form(aud="https://elsewhere.example.org/token"), "invalid_client"),
        (form(exp=NOW - 31), "invalid_client"),
        (form(exp=NOW + 331), "invalid_client"),
        (form(exp=None), "invalid_client"),
        (form(jti=None), "invalid_client"),
        (form(jti="x" * 201), "invalid_client"),
        ({**form(), "client_assertion": "garbage"}, "invalid_client"),
        ({**form(), "client_assertion_type": "jwt"}, "invalid_request"),
        ({**form(), "grant_type": "password"}, "unsupported_grant_type"),
        (form(scope="system/ServiceRequest.cruds"), "invalid_scope"),
        (form(scope="system/*.rs"), "invalid_scope"),
        (form(scope="user/ServiceRequest.rs"), "invalid_scope"),
        (form(scope=""), "invalid_scope"),
    ],
)
def test_what_proves_nothing_or_asks_too_much_is_refused(
    issuer: BuiltinIssuer, sent: dict[str, str], error: str
) -> None:
    with pytest.raises(Refused) as refused:
        issuer.answer(sent)
    assert refused.value.error == error


def test_an_assertion_is_good_for_one_token(issuer: BuiltinIssuer) -> None:
    issuer.answer(form(jti="a"))
    with pytest.raises(Refused, match="used before"):
        issuer.answer(form(jti="a"))
    issuer.answer(form(jti="b"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"role": "roi"}, "role is none of"),
        ({"scope": "user/*.rs"}, "scope user/"),
        ({"jwks": None}, "either jwks or jwks_url"),
        ({"jwks": None, "jwks_url": "http://labo.example.org/jwks"}, "https"),
        ({"jwks": '{"keys": []}'}, "no public key"),
        ({"jwks": '{"keys": 1}'}, "no JSON Web Key Set"),
        ({"secret": "x"}, "means nothing"),
        ({"organisation": "690043534"}, "is no identifier"),
        ({"organisation": 690043534}, "is no identifier"),
    ],
)
def test_a_file_of_clients_says_what_is_wrong_with_it(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadClients, match=reason):
        clients_of(registered(tmp_path, **changes), no_fetch)


def test_the_key_of_the_issuer_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "key.pem"
    made = kept_key(path)
    assert kept_key(path).kid == made.kid
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("nonsense")
    with pytest.raises(Malformed):
        kept_key(path)


def test_scopes_of_both_versions_mean_the_same() -> None:
    one, two = read("system/Patient.read system/Patient.write"), read("system/Patient.cruds")
    assert one.may == two.may
    assert read("user/*.*").may == read("user/*.cruds").may
    assert read("patient/Observation.rs?category=x").unknown == ("patient/Observation.rs?category=x",)
    assert read("system/Patient.sr").unknown == ("system/Patient.sr",)
    assert read("launch/patient openid fhirUser").others == ("launch/patient", "openid", "fhirUser")
