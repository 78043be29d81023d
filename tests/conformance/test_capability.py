"""The CapabilityStatement is valid R4 and says what the rooms say, neither more nor less.

Source: FHIR R4, CapabilityStatement.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from fhir_gateway.conformance.capability import OfferedOperation, Supported, capability_statement
from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir import structure

DEFINITIONS = definitions()
SUPPORTED = Supported(
    types=frozenset(DEFINITIONS.types.resources),
    formats=("application/fhir+json", "application/fhir+xml"),
    patch_formats=("application/json-patch+json",),
    interactions=(
        "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
    ),
    system_interactions=("transaction", "batch", "search-system", "history-system"),
    versioning="versioned",
    read_history=True,
    update_create=True,
    conditional_create=True,
    conditional_read="full-support",
    conditional_update=True,
    conditional_delete="multiple",
    reference_policy=("literal", "local", "enforced"),
    search_types=frozenset(("token", "reference", "string", "date")),
    refused_parameters=frozenset(("_profile",)),
    include=True,
    reverse_include=True,
)  # fmt: skip


def statement(supported: Supported = SUPPORTED, **more: Any) -> dict[str, Any]:
    return capability_statement(
        DEFINITIONS,
        supported,
        base="http://127.0.0.1:8080/fhir",
        software_version="0.1.0",
        date="2026-11-21T00:00:00Z",
        **more,
    )


def of_type(said: dict[str, Any], type: str) -> dict[str, Any]:
    (found,) = (resource for resource in said["rest"][0]["resource"] if resource["type"] == type)
    return found


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return statement()


def test_it_parses_as_a_capability_statement(said: dict[str, Any]):
    parsed = CapabilityStatement.model_validate(said)
    assert parsed.kind == "instance"
    assert parsed.fhirVersion == "4.0.1"
    assert len(parsed.rest[0].resource) == 146


def test_it_passes_the_structure_check_of_the_gateway_itself(said: dict[str, Any]):
    assert structure.check(said, DEFINITIONS.types).issues == []


def test_it_names_software_implementation_formats_and_date(said: dict[str, Any]):
    rest = said.pop("rest")
    assert said.pop("implementation")["url"] == "http://127.0.0.1:8080/fhir"
    assert said == {
        "resourceType": "CapabilityStatement",
        "language": "en",
        "status": "active",
        "date": "2026-11-21T00:00:00Z",
        "kind": "instance",
        "software": {"name": "fhir-gateway", "version": "0.1.0"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml"],
        "patchFormat": ["application/json-patch+json"],
    }
    said["rest"] = rest


def test_types_stand_in_alphabetical_order_with_their_interactions(said: dict[str, Any]):
    types = [resource["type"] for resource in said["rest"][0]["resource"]]
    assert types == sorted(DEFINITIONS.types.resources)
    patient = of_type(said, "Patient")
    assert [each["code"] for each in patient["interaction"]] == list(SUPPORTED.interactions)
    assert patient["conditionalDelete"] == "multiple"
    assert [each["code"] for each in said["rest"][0]["interaction"]] == list(SUPPORTED.system_interactions)


def test_only_parameters_that_a_search_takes_are_named(said: dict[str, Any]):
    named = {each["name"]: each for each in of_type(said, "Observation")["searchParam"]}
    assert named["code"] == {
        "name": "code",
        "definition": "http://hl7.org/fhir/SearchParameter/clinical-code",
        "type": "token",
    }
    assert "value-quantity" not in named  # quantity is not among the types
    assert "code-value-quantity" not in named
    assert "_profile" not in named  # refused by its code
    assert "_content" not in named  # nothing to select
    assert set(named) == {
        code for code, each in DEFINITIONS.search_parameters.of("Observation").items() if SUPPORTED.takes(each)
    }


def test_a_parameter_without_an_expression_is_named_when_it_is_taken_by_its_code():
    said = statement(replace(SUPPORTED, special_parameters=frozenset(("_content",))))
    assert "_content" in {each["name"] for each in of_type(said, "Observation")["searchParam"]}


def test_parameters_of_all_types_are_named_for_searches_of_all_types(said: dict[str, Any]):
    assert {each["name"] for each in said["rest"][0]["searchParam"]} == {
        "_id", "_lastUpdated", "_security", "_tag",
    }  # fmt: skip


def test_includes_name_the_references_and_reverse_includes_those_that_may_refer_to_the_type(said: dict[str, Any]):
    request = of_type(said, "ServiceRequest")
    assert "ServiceRequest:subject" in request["searchInclude"]
    assert "ServiceRequest:instantiates-canonical" not in request["searchInclude"]  # no Reference
    assert "DiagnosticReport:based-on" in request["searchRevInclude"]
    assert "DiagnosticReport:based-on" not in of_type(said, "Organization")["searchRevInclude"]
    assert "searchInclude" not in of_type(said, "CodeSystem")


def test_without_includes_none_are_named():
    said = statement(replace(SUPPORTED, include=False, reverse_include=False))
    assert "searchInclude" not in of_type(said, "Patient")
    assert "searchRevInclude" not in of_type(said, "Patient")


def test_operations_are_named_where_they_can_be_asked_for():
    operations = (
        OfferedOperation("meta", "http://hl7.org/fhir/OperationDefinition/Resource-meta", True, SUPPORTED.types),
        OfferedOperation("everything", "urn:everything", False, frozenset(("Patient",))),
        OfferedOperation("reindex", "urn:reindex", True, frozenset()),
    )
    said = statement(replace(SUPPORTED, operations=operations))
    assert [each["name"] for each in said["rest"][0]["operation"]] == ["meta", "reindex"]
    assert [each["name"] for each in of_type(said, "Patient")["operation"]] == ["meta", "everything"]
    assert of_type(said, "Task")["operation"] == [
        {"name": "meta", "definition": "http://hl7.org/fhir/OperationDefinition/Resource-meta"}
    ]
    CapabilityStatement.model_validate(said)


def test_compartments_are_named_by_their_definitions(said: dict[str, Any]):
    urls = said["rest"][0]["compartment"]
    assert len(urls) == 5
    known = {each["url"] for each in DEFINITIONS.resources("CompartmentDefinition")}
    assert set(urls) <= known


def test_parameters_that_no_definition_defines_are_named_without_one():
    said = statement(replace(SUPPORTED, unnamed_parameters=(("_has", "string"),)))
    (has,) = (each for each in said["rest"][0]["searchParam"] if each["name"] == "_has")
    assert has == {"name": "_has", "type": "string"}


def test_the_parameters_of_the_moment_are_named():
    def of(type: str) -> Any:
        found = dict(DEFINITIONS.search_parameters.of(type))
        found["custom"] = replace(found["_id"], code="custom", url="urn:custom")
        return found

    said = statement(parameters_of=of)
    assert {"name": "custom", "definition": "urn:custom", "type": "token"} in of_type(said, "Task")["searchParam"]
    assert "custom" in {each["name"] for each in said["rest"][0]["searchParam"]}


def test_types_that_are_not_kept_are_neither_named_nor_referred_from():
    said = statement(replace(SUPPORTED, types=frozenset(("Patient", "Task"))))
    assert [resource["type"] for resource in said["rest"][0]["resource"]] == ["Patient", "Task"]
    referring = {each.partition(":")[0] for each in of_type(said, "Patient")["searchRevInclude"]}
    assert referring == {"Patient", "Task"}


def test_it_says_that_unknown_parameters_are_refused_in_both_languages(said: dict[str, Any]):
    for found in (said, statement(language="fr")):
        assert "400" in found["rest"][0]["documentation"]
        assert "Prefer: handling=lenient" in found["rest"][0]["documentation"]
    assert statement(language="fr")["language"] == "fr"


def test_security_is_said_when_there_is_some(said: dict[str, Any]):
    assert "security" not in said["rest"][0]
    secured = statement(security={"cors": False, "description": "SMART Backend Services"})
    assert secured["rest"][0]["security"] == {"cors": False, "description": "SMART Backend Services"}
    CapabilityStatement.model_validate(secured)
