"""The gateway put together: what the settings say reaches the acts, and the whole opens and closes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_gateway.app import base_url, check, gauges, limits_of, open_gateway, search_limits_of
from fhir_gateway.conformance.fhir_package import PackageError
from fhir_gateway.fhir.outcome import Unavailable
from fhir_gateway.interactions.gateway import Limits
from fhir_gateway.interactions.interaction import Actor, Interaction
from fhir_gateway.interactions.perform import perform
from fhir_gateway.settings import Settings
from fhir_gateway.store.search.registry import Limits as SearchLimits

NAMED = """{"resourceType": "StructureDefinition", "url": "https://example.org/fhir/StructureDefinition/named",
    "name": "Named", "status": "active", "kind": "resource", "abstract": false, "type": "Patient",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "derivation": "constraint",
    "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}]}}"""


def test_every_limit_of_the_settings_reaches_the_acts():
    settings = Settings(
        max_entries=11,
        max_deletes=12,
        search_timeout=13,
        integrity_on_write=False,
        integrity_on_delete=False,
        default_page=14,
        max_page=15,
        max_included=16,
    )
    assert limits_of(settings) == Limits(11, 12, 13, False, False)
    assert search_limits_of(settings) == SearchLimits(default_count=14, max_count=15, max_included=16)


def test_the_default_limits_of_the_settings_are_those_of_the_acts():
    assert limits_of(Settings()) == Limits()
    assert search_limits_of(Settings()) == SearchLimits()


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        (Settings(), "http://127.0.0.1:8080/fhir"),
        (Settings(host="::1", port=81, base_path="/r4"), "http://[::1]:81/r4"),
        (Settings(public_url="https://fhir.example.org/r4"), "https://fhir.example.org/r4"),
    ],
    ids=["default", "IPv6", "public"],
)
def test_references_under_the_base_are_to_this_server(settings: Settings, base: str):
    assert base_url(settings) == base


def test_what_the_settings_say_of_validation_reaches_the_acts(tmp_path: Path):
    chosen = {"validation": "base", "unknown_profiles": "refuse", "unknown_extensions": "refuse"}
    gateway = open_gateway(Settings(data_folder=tmp_path, cache=tmp_path, **chosen))
    gateway.store.close()
    validation = gateway.validation
    assert (validation.strictness, validation.unknown_profiles, validation.unknown_extensions) == tuple(chosen.values())
    usual = open_gateway(Settings(data_folder=tmp_path, cache=tmp_path))
    usual.store.close()
    assert usual.validation.strictness == "profiles"


def test_the_profiles_of_a_package_are_known(tmp_path: Path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "package.json").write_text('{"name": "example.named", "version": "1.0.0"}')
    (package / "StructureDefinition-named.json").write_text(NAMED)
    gateway = open_gateway(Settings(data_folder=tmp_path, cache=tmp_path, packages=[str(package)]))
    gateway.store.close()
    assert gateway.validation.validator.knows("https://example.org/fhir/StructureDefinition/named")


def test_a_package_that_is_not_there_keeps_the_gateway_from_opening(tmp_path: Path):
    with pytest.raises(PackageError):
        open_gateway(Settings(data_folder=tmp_path, cache=tmp_path, packages="none.such", package_folder=tmp_path))


def test_a_gateway_opens_on_the_default_file_for_its_owner_only_and_closes(tmp_path: Path):
    settings = Settings(data_folder=tmp_path / "data", cache=tmp_path / "cache")
    gateway = open_gateway(settings)
    try:
        check(gateway)
        assert gauges(gateway)["store_up"][1] == 1
        answer = perform(gateway, Interaction("capabilities", base="http://localhost/fhir"), Actor())
        assert b'"resourceType":"CapabilityStatement"' in (answer.body or b"")
    finally:
        gateway.store.close()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / "fhir-gateway.sqlite").is_file()
    with pytest.raises(Unavailable):
        check(gateway)
    assert gauges(gateway)["store_up"][1] == 0
