"""From settings to whom the gateway believes.

Source: fhir_gateway/SETTINGS.md, "Issuers"; the Pro Santé Connect guide, "SubjectNameID".
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from fhir_gateway.fhir.outcome import Unauthenticated, Unavailable
from fhir_gateway.policy.clients import BadClients
from fhir_gateway.policy.jose import SigningKey, key_set
from fhir_gateway.policy.scopes import read
from fhir_gateway.settings import Settings
from fhir_gateway.trust import NoTrust, Trust, builtin_issuer, trust_of

KEY = SigningKey.new()
ISSUER = {"url": "https://psc.example.org/realm", "token_endpoint": "https://psc.example.org/realm/token"}
BASE = "http://127.0.0.1:8080/fhir"


def trusting(folder: Path, **changes: Any) -> Trust:
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps(key_set([KEY])))
    trust = trust_of(Settings(data_folder=folder, issuers=[{**ISSUER, "jwks": str(jwks), **changes}]))
    assert trust is not None
    return trust


def token(**claims: Any) -> str:
    said = {"iss": ISSUER["url"], "aud": BASE, "sub": "f:1:2", "exp": time.time() + 100, "pfmg_role": "prescripteur"}
    return KEY.signed({name: value for name, value in {**said, **claims}.items() if value is not None})


def test_without_issuers_nobody_is_trusted_and_nobody_asked() -> None:
    assert trust_of(Settings()) is None


def test_the_tokens_of_the_built_in_issuer_are_believed_without_asking_it(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path / "data", builtin_issuer=True)
    made = builtin_issuer(settings).token("a", "plateforme", None, read("system/*.rs"))
    trust = trust_of(settings)
    assert trust is not None
    assert trust.verifier.actor(made).role == "plateforme"
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
    other = Settings(data_folder=tmp_path / "other", builtin_issuer=True)
    with pytest.raises(Unauthenticated):
        trust.verifier.actor(builtin_issuer(other).token("a", "plateforme", None, read("system/*.rs")))


def test_keys_may_lie_in_a_file(tmp_path: Path) -> None:
    actor = trusting(tmp_path).verifier.actor(token(scope="user/Patient.rs"))
    assert actor.role == "prescripteur"
    assert actor.scopes.allow("Patient", "r")


def test_people_of_pro_sante_connect_are_known_by_their_number(tmp_path: Path) -> None:
    people = {"99900000017": {"role": "biologiste-lbm", "organisation": "https://finess.esante.gouv.fr|990000023"}}
    trust = trusting(tmp_path, people=people, scopes="user/*.cruds", audience="the-client")
    said = token(aud="the-client", pfmg_role=None, SubjectNameID="899900000017", scope="openid scope_all")
    actor = trust.verifier.actor(said)
    assert (actor.role, actor.kind, actor.rpps) == ("biologiste-lbm", "person", "99900000017")
    assert actor.organisation == "https://finess.esante.gouv.fr|990000023"
    assert actor.scopes.allow("Patient", "u")


def test_the_scopes_of_a_setting_widen_no_token_that_has_scopes(tmp_path: Path) -> None:
    trust = trusting(tmp_path, scopes="user/*.cruds")
    assert not trust.verifier.actor(token(scope="openid user/Patient.rs")).scopes.allow("Patient", "u")
    for_a_patient = trust.verifier.actor(token(scope="patient/*.cruds"))
    assert not for_a_patient.scopes.allow("Patient", "r")
    assert not trusting(tmp_path).verifier.actor(token(scope="openid")).scopes.allow("Patient", "r")


def test_roles_may_have_other_names_at_an_issuer(tmp_path: Path) -> None:
    trust = trusting(tmp_path, role="groups", roles={"lab-staff": "plateforme"})
    assert trust.verifier.actor(token(groups=["x", "lab-staff"])).role == "plateforme"


def test_keys_that_cannot_be_fetched_are_told_as_such() -> None:
    trust = trust_of(Settings(issuers=[{**ISSUER, "url": "http://127.0.0.1:1/issuer"}]))
    assert trust is not None
    with pytest.raises(Unavailable):
        trust.verifier.actor(token(iss="http://127.0.0.1:1/issuer"))


@pytest.mark.parametrize("content", [None, "{}", '{"keys": []}', "[]", "garbage"])
def test_a_file_without_keys_keeps_the_gateway_from_starting(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(NoTrust, match=r"bad\.json holds no JSON Web Key Set"):
        trusting(tmp_path, jwks=str(path))


def test_a_key_or_clients_that_cannot_be_used_keep_the_gateway_from_starting(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path, builtin_issuer=True, clients=tmp_path / "clients.toml")
    with pytest.raises(BadClients, match=r"clients\.toml"):
        trust_of(settings)
    settings.issuer_key_file.write_text("garbage")
    with pytest.raises(NoTrust, match=r"issuer-key\.pem holds no private key"):
        trust_of(settings)
    with pytest.raises(NoTrust, match="key"):
        trust_of(Settings(builtin_issuer=True, issuer_key=tmp_path))
