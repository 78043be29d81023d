"""Which hosts the gateway answers to, and the base URL it gives out.

Source: RFC 9110, 7.2, 7.4; FHIR R4, RESTful API, "Service Base URL".
"""

from __future__ import annotations

import pytest

from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.rest.hosts import Hosts
from fhir_gateway.settings import Settings

SERVER = ("127.0.0.1", 8080)


def base(settings: Settings, host: str | None, **headers: str) -> str:
    fields = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    if host is not None:
        fields[b"host"] = host.encode("latin-1")
    return Hosts(settings).base_of(fields, "http", SERVER)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:9000", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "a.localhost"]
)
def test_on_loopback_the_names_of_loopback_are_answered(host: str):
    assert base(Settings(), host) == f"http://{host}/fhir"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "a b", "", "localhost:x", "localhost/x", "é"],
)
def test_on_loopback_another_name_is_refused(host: str):
    with pytest.raises(InvalidRequest) as refusal:
        base(Settings(), host)
    assert refusal.value.issues[0].complaint.detail == "host-not-served"


def test_a_request_without_host_is_told_the_address_it_reached():
    assert base(Settings(), None) == "http://127.0.0.1:8080/fhir"


def test_hosts_that_are_named_are_answered():
    settings = Settings(allowed_hosts=["fhir.example.org"])
    assert base(settings, "FHIR.example.org") == "http://FHIR.example.org/fhir"
    assert base(Settings(allowed_hosts=["*"]), "any.example") == "http://any.example/fhir"
    with pytest.raises(InvalidRequest):
        base(settings, "other.example")


def test_the_public_url_is_given_out_and_its_host_answered():
    settings = Settings(public_url="https://fhir.example.org/r4/")
    assert base(settings, "fhir.example.org") == base(settings, "localhost") == "https://fhir.example.org/r4"


def test_away_from_loopback_any_well_formed_host_is_answered():
    settings = Settings(host="0.0.0.0", insecure=True)
    assert base(settings, "fhir.example.org:81") == "http://fhir.example.org:81/fhir"
    with pytest.raises(InvalidRequest):
        base(settings, "a b")


def test_forwarded_headers_count_only_when_the_proxy_is_trusted():
    sent = {"x_forwarded_host": "fhir.example.org", "x_forwarded_proto": "https"}
    assert base(Settings(), "localhost", **sent) == "http://localhost/fhir"
    assert base(Settings(trust_forwarded=True), "localhost", **sent) == "https://fhir.example.org/fhir"
    odd = {"x_forwarded_host": "a/b", "x_forwarded_proto": "gopher"}
    assert base(Settings(trust_forwarded=True), "localhost", **odd) == "http://localhost/fhir"


def test_the_hosts_remembered_are_bounded():
    hosts = Hosts(Settings(allowed_hosts=["*"]))
    for number in range(1000):
        hosts.base_of({b"host": b"h%d" % number}, "http", SERVER)
    assert len(hosts.known) <= 256
