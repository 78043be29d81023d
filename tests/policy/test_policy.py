"""The policy that ships: it says what its file says, it keeps the facts of the pathway, and it is complete.

Source: `politique.yaml`, read a second time by `second_reader.py`; the sources that the file names for each role.
"""

from __future__ import annotations

from collections import Counter

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.interactions.operations.table import OPERATIONS as PRESENT
from fhir_gateway.policy.actor import ROLES
from fhir_gateway.policy.policy import SHIPPED, Right, changed, load, shipped
from fhir_gateway.policy.policy_compiler import INTERACTIONS, OPERATIONS, SEEING
from fhir_gateway.policy.policy_table import table
from fhir_gateway.store.index.access import DIRECTORY
from tests.policy.second_reader import SecondReader

R4 = definitions()
READER = SecondReader(R4.types.resources)
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
HOSPITAL = ("prescripteur", "conseiller-genetique", "assistant-prescription", "flux-hospitalier")
ADDRESSED = (
    "coordonnateur-rcp", "membre-rcp", "biologiste-lbm", "pathologiste-referent", "plateforme", "collecteur",
)  # fmt: skip


def right(role: str, code: str, type: str) -> Right:
    found = shipped().right(role, code, type)
    assert found is not None
    return found


@pytest.mark.parametrize("role", ROLES)
def test_every_right_to_an_interaction_is_the_one_that_the_file_says(role: str) -> None:
    policy = shipped()
    for code in INTERACTIONS:
        for type in R4.types.resources:
            found, said = policy.right(role, code, type), READER.allowed(role, code, type)
            compared = None if found is None else (found.scope, found.fields, found.before, found.after)
            wanted = None if said is None else (said.scope, said.elements, said.before, said.after)
            assert compared == wanted, (role, code, type)
        types = policy.types(role, code)
        assert (set(R4.types.resources) if types is None else types) == {
            type for type in R4.types.resources if READER.allowed(role, code, type)
        }


@pytest.mark.parametrize("role", ROLES)
def test_every_right_to_an_operation_is_the_one_that_the_file_says(role: str) -> None:
    for name in OPERATIONS:
        for type in (None, "Patient", "ServiceRequest", "ValueSet", "Basic"):
            found = shipped().right(role, "operation", type, name.removeprefix("$"))
            said = READER.allowed_operation(role, name, type)
            assert (found and found.scope) == (said and said.scope), (role, name, type)


def test_there_are_the_thirteen_roles_each_with_its_words_in_two_languages() -> None:
    assert tuple(shipped().words) == ROLES
    assert len(ROLES) == 13
    for words in shipped().words.values():
        assert words.label.keys() == words.reason.keys() == {"fr", "en"}
        assert words.reason["fr"] != words.reason["en"]
        assert words.source


def test_every_type_is_in_one_family_or_is_nobodys_but_the_administrators() -> None:
    groups = shipped().groups["types"]
    families = [name for name in groups if name not in ("définitions", "dossier", "compte-rendu")]
    times = Counter(type for family in families for type in groups[family])
    assert [type for type, number in times.items() if number > 1] == []
    for type in set(R4.types.resources) - times.keys():
        assert [role for role in ROLES if shipped().right(role, "read", type)] == ["administrateur"]


def test_statuses_named_in_the_file_are_codes_of_their_types() -> None:
    load(SHIPPED, R4)  # a file laid over is checked with them


def test_every_operation_there_is_has_a_name_in_the_policy_and_somebody_who_may_use_it() -> None:
    assert {f"${name}" for name in PRESENT} - set(OPERATIONS) == set()
    for name in OPERATIONS:
        assert any(shipped().right(role, "operation", "Patient", name.removeprefix("$")) for role in ROLES), name


@pytest.mark.parametrize("role", ROLES)
def test_every_role_reads_the_directory_and_the_definitions_and_uses_terminology(role: str) -> None:
    for type in (
        "Organization",
        "Practitioner",
        "PractitionerRole",
        "ValueSet",
        "StructureDefinition",
        "Questionnaire",
    ):
        assert all(right(role, code, type).scope == "tout" for code in SEEING)
    assert all(shipped().right(role, "operation", "ValueSet", each) for each in ("expand", "validate-code", "lookup"))


@pytest.mark.parametrize("role", HOSPITAL)
def test_a_hospital_role_reads_the_dossiers_of_its_organisation(role: str) -> None:
    assert {right(role, "read", type).scope for type in shipped().groups["types"]["dossier"]} == {"organisation"}


@pytest.mark.parametrize("role", ADDRESSED)
def test_who_is_addressed_reads_what_is_addressed_to_him(role: str) -> None:
    assert {right(role, "read", type).scope for type in shipped().groups["types"]["dossier"]} == {"adressé"}


@pytest.mark.parametrize("role", ["assistant-prescription", "flux-hospitalier"])
def test_who_does_not_sign_leaves_drafts_behind_and_touches_nothing_else(role: str) -> None:
    draft, active = {"status": "draft"}, {"status": "active"}
    assert right(role, "create", "ServiceRequest").refused(None, draft) == ()
    assert right(role, "create", "ServiceRequest").refused(None, active) == ("status",)
    for code in ("update", "patch"):
        assert right(role, code, "ServiceRequest").refused(draft, {**draft, "priority": "urgent"}) == ()
        assert right(role, code, "ServiceRequest").refused(draft, active) == ("status",)
        assert right(role, code, "ServiceRequest").refused(active, draft) == ("status",)
    assert shipped().right(role, "operation", "ServiceRequest", "submit") is None


def test_drafts_may_be_taken_away_by_the_hospital_and_nothing_else_by_anybody_but_the_administrator() -> None:
    for role in set(ROLES) - {"administrateur"}:
        for type in shipped().types(role, "delete") or ():
            assert role in HOSPITAL
            assert right(role, "delete", type).scope == "organisation"
            assert right(role, "delete", type).refused({"status": "active"}, None) == ("status",)
            assert right(role, "delete", type).refused({"status": "draft"}, None) == ()


@pytest.mark.parametrize("role", ["coordonnateur-rcp", "membre-rcp", "biologiste-lbm", "pathologiste-referent"])
def test_the_board_and_the_laboratory_do_not_touch_the_request(role: str) -> None:
    written = ("create", "update", "patch", "delete")
    assert [code for code in written if shipped().right(role, code, "ServiceRequest")] == []
    decides = shipped().right(role, "operation", "Task", "decision") is not None
    assert decides == (role == "coordonnateur-rcp")


def test_a_platform_may_revoke_a_request_and_change_nothing_else_of_it() -> None:
    active = {"status": "active", "intent": "order", "_status": {"id": "a"}}
    for code in ("update", "patch"):
        may = right("plateforme", code, "ServiceRequest")
        assert may.scope == "adressé"
        assert may.refused(active, {**active, "status": "revoked"}) == ()
        assert may.refused(active, {**active, "status": "completed"}) == ("status",)
        assert may.refused(active, {**active, "status": "revoked", "priority": "stat", "note": []}) == (
            "note",
            "priority",
        )
    assert shipped().right("plateforme", "create", "ServiceRequest") is None


def test_a_platform_writes_its_own_number_of_an_order_in_whatever_state_and_no_other_number() -> None:
    placer = {"type": {"coding": [{"system": V2_0203, "code": "PLAC"}]}, "system": "urn:hospital", "value": "1"}
    own = {"type": {"coding": [{"system": V2_0203, "code": "FILL"}]}, "system": "urn:platform", "value": "2"}
    may = right("plateforme", "update", "ServiceRequest")
    for status in ("active", "on-hold", "completed", "revoked"):
        asked = {"status": status, "identifier": [placer]}
        assert may.refused(asked, {**asked, "identifier": [placer, own]}) == ()
        assert may.refused({**asked, "identifier": [placer, own]}, asked) == ()
        for wrong in ([own], [], [{**placer, "value": "3"}], [placer, placer], [{**placer, "type": own["type"]}]):
            assert may.refused(asked, {**asked, "identifier": wrong}) == ("identifier",)
        untyped = {name: value for name, value in own.items() if name != "type"}
        assert may.refused(asked, {**asked, "identifier": [placer, untyped]}) == ("identifier",)


def test_who_is_charged_with_a_task_tells_how_it_goes_and_leaves_what_was_asked() -> None:
    may = right("plateforme", "update", "Task")
    asked = {"status": "requested", "focus": {"reference": "ServiceRequest/a"}, "meta": {"versionId": "1"}}
    accepted = {**asked, "status": "accepted", "businessStatus": {"text": "reçu"}, "meta": {"versionId": "2"}}
    assert may.refused(asked, accepted) == ()
    assert may.refused(asked, {**accepted, "focus": {"reference": "ServiceRequest/b"}}) == ("focus",)
    assert may.refused(asked, {**accepted, "meta": {"tag": [{"code": "x"}]}}) == ("meta",)
    assert may.refused(asked, {**accepted, "_description": {"id": "x"}}) == ("description",)


def test_results_are_changed_by_whoever_made_them_alone() -> None:
    for role in ("plateforme", "biologiste-lbm", "pathologiste-referent"):
        assert right(role, "update", "DiagnosticReport").scope == "organisation"
        assert right(role, "update", "Observation").scope == "organisation"
    for role in HOSPITAL:
        assert right(role, "update", "Observation").scope == "organisation"
        if role == "flux-hospitalier":  # results of the hospital's own laboratories come by its feed (ORU)
            assert right(role, "update", "DiagnosticReport").scope == "organisation"
        else:
            assert shipped().right(role, "update", "DiagnosticReport") is None


def test_an_entry_of_the_directory_is_made_by_many_and_changed_by_the_administrator_alone() -> None:
    for type in shipped().groups["types"]["annuaire"]:
        assert [role for role in ROLES if shipped().right(role, "update", type)] == ["administrateur"]
        assert {*HOSPITAL, "plateforme"} <= {role for role in ROLES if shipped().right(role, "create", type)}


def test_what_the_policy_opens_to_everybody_is_what_the_store_hides_from_nobody() -> None:
    assert READER.public == DIRECTORY


def test_an_integrator_validates_and_sees_nobodys_dossier() -> None:
    assert shipped().types("integrateur", "read") == frozenset(READER.public)
    assert [code for code in ("create", "update", "patch", "delete") if shipped().types("integrateur", code)] == []
    terminology = set(shipped().groups["opérations"]["terminologie"])
    may = {name for name in OPERATIONS if shipped().right("integrateur", "operation", None, name.removeprefix("$"))}
    assert may == {"$validate", *terminology}


def test_an_auditor_reads_traces_everywhere_and_no_health_data() -> None:
    assert shipped().types("auditeur", "read") == frozenset({*READER.public, "AuditEvent", "Provenance"})
    assert right("auditeur", "read", "AuditEvent").scope == "tout"
    assert not shipped().unnarrowed("auditeur")


def test_nothing_is_hidden_from_the_administrator_alone() -> None:
    assert [role for role in ROLES if shipped().unnarrowed(role)] == ["administrateur"]
    for name in ("purge", "reindex", "explain", "meta-add"):
        assert [role for role in ROLES if shipped().right(role, "operation", None, name)] == ["administrateur"]


def test_who_is_not_in_the_policy_has_no_right() -> None:
    assert shipped().right("anonyme", "read", "Patient") is None
    assert shipped().types("anonyme", "read") == frozenset()
    assert shipped().right("prescripteur", "search-system", "Patient") is None


def test_a_choice_may_be_changed_under_each_of_its_names() -> None:
    of = Right("tout", fields=frozenset({"value"}), json_names=frozenset({"valueString", "valueCode"}))
    assert of.refused({"valueString": "a"}, {"valueCode": "b"}) == ()
    assert of.refused({"valueString": "a"}, {"valueDate": "2026"}) == ("valueDate",)


def test_what_differs_is_told_by_element_but_for_what_the_server_gives() -> None:
    one = {"resourceType": "Patient", "id": "a", "meta": {"versionId": "1", "lastUpdated": "x"}, "active": True}
    assert changed(one, {**one, "id": "b", "meta": {"versionId": "2"}}) == set()
    assert changed(one, {name: value for name, value in one.items() if name != "meta"}) == set()
    assert changed(one, {**one, "active": False, "_birthDate": {"id": "b"}}) == {"active", "birthDate"}
    assert changed(one, {**one, "meta": {"profile": ["p"]}}) == {"meta"}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_table_tells_of_every_role_and_every_group(language: str) -> None:
    told = table(shipped(), language)  # type: ignore[arg-type]
    for role, words in shipped().words.items():
        assert f"## {words.label[language]} ({role})" in told
        assert words.reason[language] in told
    assert all(name in told for groups in shipped().groups.values() for name in groups)
    assert "tous-les-types" in told
    rows = [line.split("|") for line in told.splitlines() if line.startswith("| ")]
    assert [row[1].strip() for row in rows[1:]] == list(ROLES)
    cells = {row[1].strip(): dict(zip([each.strip() for each in rows[0]], row, strict=True)) for row in rows[1:]}
    assert cells["plateforme"]["prescription"].strip() == "RuS"
    assert cells["integrateur"]["identité"].strip() == "-"
    assert cells["administrateur"]["…"].strip() == "CRUDS"
