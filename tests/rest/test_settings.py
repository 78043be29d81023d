"""Settings: where they come from, what they allow, and that their page says the truth."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fhir_gateway import settings as module
from fhir_gateway.settings import FILE_VARIABLE, PREFIX, Settings, documentation, unknown_variables

ISSUER = {"url": "https://issuer.example.org", "token_endpoint": "https://issuer.example.org/token"}
PAGE = Path(module.__file__).with_name("SETTINGS.md")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no file but the test's own."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    Path("fhir-gateway.toml").write_text('port = 1\nthreads = 1\nhost = "127.0.0.2"\nallowed_hosts = ["a", "b"]\n')
    monkeypatch.setenv("FHIR_GATEWAY_PORT", "2")
    monkeypatch.setenv("FHIR_GATEWAY_THREADS", "2")
    settings = Settings(port=3)
    assert (settings.port, settings.threads, settings.host) == (3, 2, "127.0.0.2")
    assert settings.allowed_hosts == ["a", "b"]
    monkeypatch.setenv("FHIR_GATEWAY_ALLOWED_HOSTS", "c, d")
    assert Settings().allowed_hosts == ["c", "d"]


def test_another_file_is_named_by_a_variable_and_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "mine.toml"))
    with pytest.raises(FileNotFoundError, match=r"mine\.toml"):
        Settings()
    (tmp_path / "mine.toml").write_text("port = 9")
    assert Settings().port == 9


def test_a_setting_that_does_not_exist_is_refused_in_the_file_and_told_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("FHIR_GATEWAY_PROT", "9")
    monkeypatch.setenv("FHIR_GATEWAY_PORT", "9")
    assert unknown_variables() == ["FHIR_GATEWAY_PROT"]
    Path("fhir-gateway.toml").write_text("prot = 9")
    with pytest.raises(ValidationError, match="prot"):
        Settings()


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "::", "fhir.example.org", ""])
def test_an_address_others_can_reach_needs_an_issuer_or_insecure(host: str):
    with pytest.raises(ValidationError, match="no issuer of tokens is configured") as refusal:
        Settings(host=host)
    (problem,) = refusal.value.errors()
    assert "aucun émetteur de jetons" in problem["ctx"]["fr"]
    assert Settings(host=host, insecure=True).host == host
    assert Settings(host=host, builtin_issuer=True).host == host
    assert Settings(host=host, issuers=[ISSUER]).host == host


def test_issuers_are_tables_in_the_file_and_json_in_the_environment(monkeypatch: pytest.MonkeyPatch):
    Path("fhir-gateway.toml").write_text(
        """
[[issuers]]
url = "https://psc.example.org/realm"
token_endpoint = "https://psc.example.org/realm/token"
algorithms = ["RS256"]
scopes = "user/*.rs"
[issuers.people.99900000017]
role = "prescripteur"
organisation = "https://finess.esante.gouv.fr|990000015"
"""
    )
    (issuer,) = Settings().issuers
    assert (issuer.url, issuer.algorithms, issuer.scopes) == ("https://psc.example.org/realm", ("RS256",), "user/*.rs")
    assert issuer.people["99900000017"].role == "prescripteur"
    monkeypatch.setenv("FHIR_GATEWAY_ISSUERS", json.dumps([ISSUER]))
    assert [issuer.url for issuer in Settings().issuers] == ["https://issuer.example.org"]
    assert Settings(issuers=json.dumps([ISSUER, {**ISSUER, "url": "http://127.0.0.1:9/a"}])).issuers[1].audience is None
    monkeypatch.setenv("FHIR_GATEWAY_ISSUERS", "")
    assert Settings().issuers == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"url": "http://issuer.example.org"}, "url"),
        ({"token_endpoint": "ftp://issuer.example.org"}, "token_endpoint"),
        ({"token_endpoint": None}, "token_endpoint"),
        ({"jwks": "http://issuer.example.org/jwks"}, "issuers"),
        ({"algorithms": ["HS256"]}, "algorithms"),
        ({"algorithms": ["none"]}, "algorithms"),
        ({"algorithms": []}, "algorithms"),
        ({"roles": {"medecin": "roi"}}, "roles"),
        ({"people": {"12": {"role": "prescripteur"}}}, "people"),
        ({"people": {"99900000017": {"role": "anonyme"}}}, "people"),
        ({"people": {"99900000017": {"role": "prescripteur", "organisation": "|990000015"}}}, "people"),
        ({"people": {"99900000017": {"role": "prescripteur", "organisation": "990000015"}}}, "people"),
        ({"organisation_system": "a|b"}, "organisation_system"),
        ({"scopes": "patient/*.rs"}, "scopes"),
        ({"audience": ""}, "audience"),
        ({"secret": "x"}, "secret"),
    ],
    ids=str,
)
def test_an_issuer_that_is_wrong_is_refused_at_its_place(changes: dict[str, Any], place: str):
    with pytest.raises(ValidationError) as refusal:
        Settings(issuers=[{**ISSUER, **changes}])
    assert any(place in map(str, problem["loc"]) for problem in refusal.value.errors())


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"issuers": "garbage"}, "no JSON"),
        (
            {"issuers": [{**{"token_endpoint": "https://a.example.org"}, "url": "https://a.example.org"}] * 2},
            "same url",
        ),
        ({"builtin_issuer": True, "port": 0}, "known beforehand"),
        ({"clients": "clients.toml"}, "builtin_issuer"),
        (
            {"clients": "c.toml", "builtin_issuer": True, "workers": 2, "database": "postgresql://a@b/c"},
            "cannot tell each other",
        ),
    ],
    ids=str,
)
def test_what_leaves_it_unclear_who_asks_is_refused(values: dict[str, Any], reason: str):
    with pytest.raises(ValidationError, match=reason):
        Settings(**values)


def test_tokens_are_meant_for_the_address_that_clients_use():
    settings = Settings(builtin_issuer=True, port=9000)
    assert (settings.base_url, settings.builtin_issuer_url) == (
        "http://127.0.0.1:9000/fhir",
        "http://127.0.0.1:9000/fhir/auth",
    )
    assert Settings(public_url="https://fhir.example.org/r4/").base_url == "https://fhir.example.org/r4"
    assert Settings(host="::1").base_url == "http://[::1]:8080/fhir"


def test_requests_are_recorded_where_it_is_known_who_asks():
    assert not Settings().traces
    assert Settings(builtin_issuer=True).traces
    assert Settings(trace=True).traces
    assert not Settings(builtin_issuer=True, trace=False).traces


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_nothing(host: str):
    assert Settings(host=host).is_loopback


def test_several_workers_need_postgresql():
    with pytest.raises(ValidationError, match="PostgreSQL"):
        Settings(workers=2)
    assert Settings(workers=2, database="postgresql://a@b/c").workers == 2


@pytest.mark.parametrize(
    "values",
    [
        {"port": 65536},
        {"port": "http"},
        {"workers": 0},
        {"max_body_bytes": 10},
        {"request_timeout": 0},
        {"log_requests": 1.1},
        {"database": "mysql://a/b"},
        {"public_url": "fhir.example.org"},
        {"public_url": "https://fhir.example.org/fhir?x=1"},
        {"base_path": "fhir"},
        {"base_path": "/"},
        {"base_path": "/docs"},
        {"synchronous": "OFF"},
        {"language": "de"},
        {"default_page": 2000},
    ],
    ids=str,
)
def test_a_value_out_of_bounds_is_refused(values: dict[str, Any]):
    with pytest.raises(ValidationError):
        Settings(**values)


def test_all_that_does_not_fit_together_is_told_at_once():
    with pytest.raises(ValidationError) as refusal:
        Settings(host="0.0.0.0", workers=2, default_page=2000)
    text = str(refusal.value)
    assert "insecure" in text
    assert "PostgreSQL" in text
    assert "default_page" in text


def test_the_default_database_is_a_file_in_the_data_folder(tmp_path: Path):
    settings = Settings(data_folder=tmp_path)
    assert settings.is_sqlite
    assert settings.database_url == f"sqlite:///{tmp_path}/fhir-gateway.sqlite"
    assert Settings(database="postgresql://a@b/c").database_url == "postgresql://a@b/c"


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_every_setting_is_described():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_page_of_settings_is_what_the_settings_say():
    assert PAGE.read_text("utf-8") == documentation(), "write it anew with `fhir-gateway settings`"


def test_the_page_names_every_setting_with_its_default_and_no_other():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE))
    assert rows.keys() == Settings.model_fields.keys()
    settings = Settings()
    for name, default in rows.items():
        value = getattr(settings, name)
        if default not in ("", "the user's folder for data"):
            assert default == f"`{str(value).lower() if isinstance(value, bool) else value}`", name


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"mllp_port": 2575}, "mllp_port needs partners"),
        ({"mllp_port": 2575, "partners": "p.toml", "mllp_host": "0.0.0.0"}, "without TLS"),
        ({"mllp_port": 2575, "partners": "p.toml", "mllp_certificate": "c.pem"}, "go together"),
    ],
)
def test_messages_are_taken_in_safely_or_not_at_all(values: dict[str, Any], reason: str):
    with pytest.raises(ValidationError, match=reason):
        Settings(**values)


def test_mllp_for_others_is_tls_or_said_to_be_plain():
    others: dict[str, Any] = {"mllp_port": 2575, "partners": "p.toml", "mllp_host": "0.0.0.0"}
    assert Settings(**others, mllp_plain=True).mllp_plain
    assert Settings(**others, mllp_certificate="c.pem", mllp_authority="a.pem").mllp_port == 2575
    assert Settings(mllp_port=2575, partners="p.toml").mllp_host == "127.0.0.1"
