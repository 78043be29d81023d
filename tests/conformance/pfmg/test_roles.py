"""What the CapabilityStatement of a role offers is what the policy permits, for the types of a dossier.

Source: fhir_gateway/policy/politique.yaml; FHIR R4, CapabilityStatement (requirements).
"""

from __future__ import annotations

import pytest

from fhir_gateway.policy.policy import shipped
from tests.conformance.pfmg.definitions import PFMG, Resource

STATEMENTS = {
    each["id"].removeprefix("pfmg-role-"): each for each in map(PFMG.read, PFMG.of_kind("CapabilityStatement"))
}
ROLES = {
    "prescripteur", "conseiller-genetique", "assistant-prescription", "coordonnateur-rcp", "membre-rcp",
    "biologiste-lbm", "pathologiste-referent", "plateforme", "flux-hospitalier", "collecteur", "integrateur",
    "auditeur", "administrateur",
}  # fmt: skip
TYPES = (
    "Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "Organization", "ServiceRequest", "Consent",
    "Specimen", "FamilyMemberHistory", "Observation", "Task", "DocumentReference", "DiagnosticReport", "Procedure",
    "Provenance", "AuditEvent",
)  # fmt: skip
INTERACTIONS = (
    "read", "vread", "history-instance", "history-type", "search-type", "create", "update", "patch", "delete",
)  # fmt: skip


def offered(statement: Resource) -> dict[str, set[str]]:
    """Return the interactions that a statement offers, by resource type."""
    return {
        each["type"]: {interaction["code"] for interaction in each["interaction"]}
        for each in statement["rest"][0]["resource"]
        if "interaction" in each
    }


def test_every_role_has_its_statement():
    assert set(STATEMENTS) == ROLES
    assert {each["kind"] for each in STATEMENTS.values()} == {"requirements"}


def test_only_who_runs_the_gateway_may_delete_a_report():
    may = {role for role, each in STATEMENTS.items() if "delete" in offered(each).get("DiagnosticReport", ())}
    assert may == {"administrateur"}


def test_an_integrator_reads_nobodys_dossier():
    assert set(offered(STATEMENTS["integrateur"])) <= {"Practitioner", "PractitionerRole", "Organization"}
    operations = [each["name"] for each in STATEMENTS["integrateur"]["rest"][0]["operation"]]
    assert operations == ["validate"]


def test_every_operation_and_parameter_that_a_role_is_offered_is_defined():
    known = {entry.url for entry in PFMG.entries}
    named = {
        each["definition"]
        for statement in STATEMENTS.values()
        for resource in statement["rest"][0]["resource"]
        for each in (*resource.get("operation", ()), *resource.get("searchParam", ()))
        if "definition" in each and not each["definition"].startswith("http://hl7.org/")
    }
    profiles = {
        profile
        for statement in STATEMENTS.values()
        for resource in statement["rest"][0]["resource"]
        for profile in resource.get("supportedProfile", ())
    }
    assert named
    assert profiles
    assert named | profiles <= known


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_is_offered_what_the_policy_permits(role: str):
    found = offered(STATEMENTS[role])
    right = shipped().right
    permitted = {type: {code for code in INTERACTIONS if right(role, code, type) is not None} for type in TYPES}
    assert found == {type: codes for type, codes in permitted.items() if codes}
