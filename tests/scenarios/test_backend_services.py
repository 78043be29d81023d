"""SMART Backend Services from end to end: a laboratory's system logs in with its key and pulls its orders.

Source: SMART App Launch 2.2.0, "Backend Services"; RFC 6750; the documentation of authlib and of fhirclient.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from fhirclient.client import FHIRClient
from fhirclient.models.servicerequest import ServiceRequest
from fhirclient.server import FHIRUnauthorizedException
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from fhir_gateway.client import Gateway, Refused
from tests import forked
from tests.postgres import free_port
from tests.scenarios.plain_trio import PLATFORM, example
from tests.served import Served, serve

HOSPITAL = "https://finess.esante.gouv.fr|990000015"
ELSEWHERE = "https://finess.esante.gouv.fr|990000049"
# The private keys stay with the laboratories; the gateway is given the public halves.
KEYS = {"ES384": ECKey.generate_key("P-384"), "RS384": RSAKey.generate_key(2048)}
SCOPE = "system/ServiceRequest.rs system/Patient.r system/Task.rus"


def registration(name: str, role: str, organisation: str, algorithm: str) -> str:
    jwks = json.dumps({"keys": [KEYS[algorithm].as_dict(private=False)]})
    scope = "system/*.cruds"
    return f"[{name}]\nrole = '{role}'\norganisation = '{organisation}'\nscope = '{scope}'\njwks = '{jwks}'\n"


@pytest.fixture(scope="module")
def secured(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway with the built-in issuer that holds the trio, prescribed by the hospital for the platform."""
    folder = tmp_path_factory.mktemp("issuer")
    clients = folder / "clients.toml"
    clients.write_text(
        registration("labo-ES384", "plateforme", PLATFORM, "ES384")
        + registration("labo-RS384", "plateforme", PLATFORM, "RS384")
        + registration("other-labo", "plateforme", ELSEWHERE, "ES384")
        + registration("record", "prescripteur", HOSPITAL, "ES384")
        + registration("directory", "administrateur", HOSPITAL, "RS384")
    )
    arguments = ("--builtin-issuer", "--clients", str(clients), "--data-folder", str(folder))
    with serve(database, *arguments) as served:
        Gateway(served.base, token=login(served, "directory", "RS384", "system/*.cruds")).transaction(
            example("organisations")
        )
        Gateway(served.base, token=login(served, "record", "ES384", "system/*.cruds")).transaction(example("trio"))
        yield served


def session(served: Served, client: str, algorithm: str, scope: str = SCOPE, **claims: Any) -> OAuth2Session:
    """A client of authlib, set up by what the gateway's SMART configuration tells."""
    told = requests.get(f"{served.base}/.well-known/smart-configuration", timeout=30).json()
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]
    assert algorithm in told["token_endpoint_auth_signing_alg_values_supported"]
    made = OAuth2Session(
        client, KEYS[algorithm], token_endpoint_auth_method="private_key_jwt", scope=scope,
        token_endpoint=told["token_endpoint"],
    )  # fmt: skip
    said = {"exp": int(time.time()) + 240, **claims}
    made.register_client_auth_method(PrivateKeyJWT(told["token_endpoint"], claims=said, alg=algorithm))
    return made


def login(served: Served, client: str, algorithm: str, scope: str = SCOPE) -> str:
    token = session(served, client, algorithm, scope).fetch_token()
    assert token["scope"] == scope
    return str(token["access_token"])


def assertion(served: Served, client: str, algorithm: str) -> str:
    now = int(time.time())
    claims = {"iss": client, "sub": client, "aud": f"{served.base}/auth/token", "exp": now + 240, "jti": str(now)}
    return jwt.encode({"alg": algorithm}, claims, KEYS[algorithm], algorithms=[algorithm])


def ids(served: Served, token: str, query: str) -> set[str]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{served.base}/{query}", headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return {entry["resource"]["id"] for entry in answer.json().get("entry", [])}


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_authlib_logs_in_and_pulls_the_orders_addressed_to_its_platform(secured: Served, algorithm: str) -> None:
    with session(secured, f"labo-{algorithm}", algorithm) as labo:
        labo.fetch_token()
        found = labo.get(f"{secured.base}/ServiceRequest?status=active&_include=ServiceRequest:subject").json()
        types = [entry["resource"]["resourceType"] for entry in found["entry"]]
        assert (types.count("ServiceRequest"), types.count("Patient")) == (3, 3)
        first = found["entry"][0]["resource"]["id"]
        assert labo.get(f"{secured.base}/ServiceRequest/{first}").json()["id"] == first


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_fhirclient_logs_in_by_what_the_capability_statement_tells(secured: Served, algorithm: str) -> None:
    name = f"labo-{algorithm}"
    settings = {
        "app_id": name,
        "api_base": secured.base,
        "scope": SCOPE,
        "jwt_token": assertion(secured, name, algorithm),
    }
    client = FHIRClient(settings=settings)
    client.wants_patient = False
    assert not client.ready
    client.prepare()
    client.server.authorize()
    assert client.ready
    orders = list(ServiceRequest.where({"status": "active"}).perform_resources_iter(client.server))
    assert len(orders) == 3
    assert ServiceRequest.read(orders[0].id, client.server).id == orders[0].id


def test_fhirclient_without_a_token_is_told_that_it_needs_one(secured: Served) -> None:
    client = FHIRClient(settings={"app_id": "nobody", "api_base": secured.base})
    client.prepare()
    with pytest.raises(FHIRUnauthorizedException):
        list(ServiceRequest.where({}).perform_resources_iter(client.server))


def test_another_platform_finds_none_of_them(secured: Served) -> None:
    mine, theirs = login(secured, "labo-ES384", "ES384"), login(secured, "other-labo", "ES384")
    orders = ids(secured, mine, "ServiceRequest")
    assert len(orders) == 3
    assert ids(secured, theirs, "ServiceRequest") == set()
    answers = [
        requests.get(f"{secured.base}/ServiceRequest/{id}", headers={"Authorization": f"Bearer {theirs}"}, timeout=30)
        for id in (next(iter(orders)), "never-was-there")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]


def test_a_token_reaches_no_further_than_its_scope(secured: Served) -> None:
    token = login(secured, "labo-ES384", "ES384", "system/ServiceRequest.rs")
    assert len(ids(secured, token, "ServiceRequest")) == 3
    answer = requests.get(f"{secured.base}/Task", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert 'scope="system/Task.s"' in answer.headers["WWW-Authenticate"]


def test_more_than_was_registered_is_not_granted(secured: Served) -> None:
    with pytest.raises(OAuthError) as refused:
        session(secured, "labo-ES384", "ES384", "user/*.cruds").fetch_token()
    assert refused.value.error == "invalid_scope"


@pytest.mark.parametrize(
    ("client", "algorithm", "claims"),
    [
        ("other-labo", "RS384", {}),
        ("nobody", "ES384", {}),
        ("labo-ES384", "ES384", {"aud": "https://elsewhere.example.org/token"}),
        ("labo-ES384", "ES384", {"exp": 1}),
        ("labo-ES384", "ES384", {"exp": 4_000_000_000}),
    ],
    ids=str,
)
def test_who_does_not_prove_who_he_is_gets_no_token(
    secured: Served, client: str, algorithm: str, claims: dict[str, Any]
) -> None:
    with pytest.raises(OAuthError) as refused:
        session(secured, client, algorithm, **claims).fetch_token()
    assert refused.value.error == "invalid_client"


def test_an_assertion_that_was_overheard_is_worth_nothing(secured: Served) -> None:
    form = {
        "grant_type": "client_credentials",
        "scope": SCOPE,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(secured, "labo-ES384", "ES384"),
    }
    # The jti of `assertion` is the second it was made in, which another test may have used.
    form["client_assertion"] = jwt.encode(
        {"alg": "ES384"},
        {"iss": "labo-ES384", "sub": "labo-ES384", "aud": f"{secured.base}/auth/token",
         "exp": int(time.time()) + 200, "jti": "overheard"},
        KEYS["ES384"], algorithms=["ES384"],
    )  # fmt: skip
    first, second = (requests.post(f"{secured.base}/auth/token", data=form, timeout=30) for _ in range(2))
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "no-store"
    assert (second.status_code, second.json()["error"]) == (400, "invalid_client")


def test_the_log_of_the_gateway_holds_no_token(secured: Served) -> None:
    token = login(secured, "labo-ES384", "ES384")
    ids(secured, token, "ServiceRequest")
    requests.get(f"{secured.base}/Patient", headers={"Authorization": f"Bearer {token}x"}, timeout=30)
    assert token not in secured.log.read_text()
    assert token.rpartition(".")[2] not in secured.log.read_text()


def test_a_token_of_another_issuer_is_checked_with_the_keys_it_publishes(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256", {"kid": "1", "use": "sig"})
    asked: list[str] = []

    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            known = {
                "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/keys"},
                "/keys": {"keys": [key.as_dict(private=False)]},
            }
            body = json.dumps(known[self.path]).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Issuer)
    url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    issuers = json.dumps([{"url": url, "token_endpoint": f"{url}/token", "audience": "gateway"}])
    said = {"iss": url, "aud": "gateway", "sub": "f:1", "pfmg_role": "administrateur", "scope": "user/*.rs"}
    try:
        with serve(f"sqlite:///{tmp_path}/a.sqlite", environment={"FHIR_GATEWAY_ISSUERS": issuers}) as served:
            for change, status in (({}, 200), ({}, 200), ({"aud": "another"}, 401), ({"exp": 1}, 401)):
                claims = {**said, "exp": int(time.time()) + 100, **change}
                token = jwt.encode({"alg": "ES256", "kid": "1"}, claims, key, algorithms=["ES256"])
                answer = requests.get(
                    f"{served.base}/Patient", headers={"Authorization": f"Bearer {token}"}, timeout=30
                )
                assert answer.status_code == status, answer.text
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
    assert asked == ["/.well-known/openid-configuration", "/keys"]


def test_the_tokens_of_the_demonstration_tell_its_whole_story(tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "FHIR_GATEWAY_BUILTIN_ISSUER": "true",
        "FHIR_GATEWAY_DATA_FOLDER": str(tmp_path),
        "FHIR_GATEWAY_PORT": str(port),
        "LANG": "C",
    }

    def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return forked.run(*arguments, env=settings | environment)

    made = command("token", "--demo")
    assert made.returncode == 0, made.stderr
    tokens = tmp_path / "tokens"
    printed = [token for token in tokens.iterdir() if token.read_text().split()[-1] in made.stdout]
    assert {token.name for token in printed} == {
        token.name for token in tokens.iterdir() if not token.name[-1].isdigit()
    }
    with serve(f"sqlite:///{tmp_path}/a.sqlite", port=port, environment=settings) as served:
        story = command("demo", "--url", served.base, "--tokens", str(tokens))
        assert story.returncode == 0, story.stdout + story.stderr
        assert "Every step did what it says." in story.stdout
        without = command("demo", "--url", served.base, FHIR_GATEWAY_BUILTIN_ISSUER="false")
        assert without.returncode == 1
        assert "tokens are needed" in without.stderr
        hospital = (tokens / "prescripteur").read_text().split()[-1]
        elsewhere = command("token", "--role", "prescripteur", "--organisation", "990000056").stdout.strip()
        assert len(ids(served, hospital, "ServiceRequest")) == 3
        assert ids(served, elsewhere, "ServiceRequest") == set()
        with pytest.raises(Refused) as refused:
            Gateway(served.base, token=elsewhere).read("Patient", next(iter(ids(served, hospital, "Patient"))))
        assert refused.value.status == 404
