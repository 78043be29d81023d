"""Resources chosen by those that refer to them.

Source: FHIR R4, Search, "Reverse Chaining", "Chained parameters", "List".
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.store.search import plan
from fhir_gateway.store.search.registry import Limits
from tests.store.search.library import Library, refusals


def to(reference: str) -> dict[str, str]:
    return {"reference": reference}


def _observation(id: str, patient: str, code: str, status: str = "final", **properties: object) -> dict[str, Any]:
    coding = {"coding": [{"system": "http://loinc.org", "code": code}]}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": status,
        "code": coding,
        "subject": to(f"Patient/{patient}"),
        **properties,
    }


@pytest.fixture(scope="module", autouse=True)
def _filled(library: Library) -> None:
    library.put(
        {"resourceType": "Organization", "id": "chu", "name": "CHU"},
        {"resourceType": "Organization", "id": "bare"},
        {"resourceType": "Practitioner", "id": "doctor", "name": [{"family": "Martin"}]},
        {"resourceType": "Practitioner", "id": "nurse", "name": [{"family": "Durand"}]},
        {"resourceType": "Patient", "id": "a", "gender": "female", "managingOrganization": to("Organization/chu")},
        {"resourceType": "Patient", "id": "b", "gender": "male", "managingOrganization": to("Organization/chu")},
        {"resourceType": "Patient", "id": "c", "gender": "female"},
        {"resourceType": "Patient", "id": "d"},
        {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": [{"entity": to("Patient/a")}]},
        _observation("o1", "a", "1234-5", performer=[to("Practitioner/doctor")]),
        _observation("o2", "a", "9-9", "preliminary"),
        _observation("o3", "b", "9-9", performer=[to("Practitioner/nurse")]),
        _observation("o4", "b", "9-9", "amended"),
        {**_observation("o5", "x", "1234-5"), "subject": to("Group/g")},
        _observation("late", "c", "gone"),
        {
            "resourceType": "AuditEvent",
            "id": "seen",
            "agent": [{"who": to("Practitioner/doctor"), "altId": "MyUserId"}],
            "entity": [{"what": to("Observation/o3")}],
        },
        {"resourceType": "List", "id": "42", "entry": [{"item": to("Patient/b")}, {"item": to("Observation/o1")}]},
        {"resourceType": "List", "id": "43", "entry": [{"item": to("Patient/c")}, {"item": to("Patient/404")}]},
        {"resourceType": "List", "id": "deleted", "entry": [{"item": to("Patient/a")}]},
    )
    library.delete("Observation", "late")
    library.delete("List", "deleted")


CASES = [
    ("Patient", "_has:Observation:patient:code=1234-5", {"a"}),
    ("Patient", "_has:Observation:subject:code=1234-5", {"a"}),
    ("Patient", "_has:Observation:patient:code=http://loinc.org|9-9", {"a", "b"}),
    ("Patient", "_has:Observation:patient:code=none", set()),
    # What referred was deleted.
    ("Patient", "_has:Observation:patient:code=gone", set()),
    # Alternatives: "or".
    ("Patient", "_has:Observation:patient:code=1234-5,none", {"a"}),
    # Repeated: "and", each by an Observation of its own.
    ("Patient", "_has:Observation:patient:code=1234-5&_has:Observation:patient:status=preliminary", {"a"}),
    ("Patient", "_has:Observation:patient:status=final&_has:Observation:patient:status=amended", {"b"}),
    ("Patient", "_has:Observation:patient:code=9-9&gender=male", {"b"}),
    ("Patient", "_has:Observation:patient:code=9-9&gender:not=male", {"a"}),
    # With modifiers, which say something of the resource that refers.
    ("Patient", "_has:Observation:patient:code:not=9-9", {"a"}),
    ("Patient", "_has:Observation:patient:performer:missing=true", {"a", "b"}),
    ("Patient", "_has:Observation:patient:code:missing=false", {"a", "b"}),
    ("Patient", "_has:Observation:patient:code:missing=true", set()),
    ("Patient", "_has:Observation:patient:_id=o3", {"b"}),
    ("Patient", "_has:Observation:patient:_lastUpdated=gt2000", {"a", "b"}),
    # Nested.
    ("Patient", "_has:Observation:patient:_has:AuditEvent:entity:altid=MyUserId", {"b"}),
    ("Patient", "_has:Observation:patient:_has:AuditEvent:entity:altid=Other", set()),
    ("Patient", "_has:Observation:patient:_has:AuditEvent:entity:_id=seen&gender=male", {"b"}),
    # Chained inside, and at the end of a chain.
    ("Patient", "_has:Observation:patient:performer.name=martin", {"a"}),
    ("Patient", "_has:Observation:patient:performer:Practitioner.name=durand", {"b"}),
    ("Patient", "_has:Observation:patient:_has:AuditEvent:entity:agent:Practitioner.name=martin", {"b"}),
    ("Observation", "patient._has:Group:member:_id=g", {"o1", "o2"}),
    ("Observation", "subject:Patient._has:Observation:subject:performer.name=durand", {"o3", "o4"}),
    ("Observation", "subject._has:Group:member:_id=g", {"o1", "o2"}),
    ("Organization", "_has:Patient:organization:_has:Observation:subject:code=1234-5", {"chu"}),
    ("Organization", "_has:Patient:organization:gender=female", {"chu"}),
    # Several types searched: those that can be referred to.
    (None, "_has:Observation:subject:code=1234-5", {"a", "g"}),
    (None, "_has:Observation:subject:code=1234-5&_type=Group,Patient", {"a", "g"}),
    (None, "_has:Observation:subject:code=1234-5&_type=Group", {"g"}),
    # Members of lists.
    ("Patient", "_list=42", {"b"}),
    ("Patient", "_list=42,43", {"b", "c"}),
    ("Patient", "_list=42,43&gender=female", {"c"}),
    ("Patient", "_list=43&_list=42", set()),
    ("Patient", "_list=44", set()),
    ("Patient", "_list=deleted", set()),
    ("Observation", "subject._list=42", {"o3", "o4"}),
    ("Organization", "_has:Patient:organization:_list=42", {"chu"}),
    (None, "_list=42", {"b", "o1"}),
    (None, "_list=42&_type=Observation", {"o1"}),
]


@pytest.mark.parametrize(("type", "query", "found"), CASES)
@pytest.mark.parametrize("few", [0, 1000])
def test_what_referring_resources_choose(
    library: Library, monkeypatch: pytest.MonkeyPatch, type: str | None, query: str, found: set[str], few: int
) -> None:
    monkeypatch.setattr(plan, "FEW", few)
    assert library.ids(type, query) == sorted(found, key=library.ids(None, "").index)
    assert library.page(type, f"{query}&_count=1&_total=accurate").total == len(found)


@pytest.mark.parametrize(
    ("query", "issues"),
    [
        ("_has=1", ["search-has-malformed"]),
        ("_has:Observation:patient=1", ["search-has-malformed"]),
        ("_has:Observation::code=1", ["search-has-malformed"]),
        ("_has:Observation:patient:=1", ["search-has-malformed"]),
        ("_has:Robot:patient:code=1", ["search-type-unknown"]),
        ("_has:Observation:code:code=1", ["search-has-reference"]),
        ("_has:Observation:device:code=1", ["search-has-reference"]),  # refers to no Patient
        ("_has:Observation:nothing:nowhere=1", ["search-has-reference", "search-has-parameter"]),
        ("_has:Observation:patient:nowhere=1&_has:Robot:x:y=1", ["search-has-parameter", "search-type-unknown"]),
        ("_has:Observation:patient:code:exact=1", ["search-modifier-unsupported"]),
        ("_has:Observation:patient:date=soon", ["search-date-malformed"]),
        ("_has:Observation:patient:code=", ["search-value-empty"]),
        ("_has:Observation:patient:code=a,", ["search-value-empty"]),
        ("_has:Observation:patient:status.name=a", ["search-chain-impossible"]),
        ("_has:Observation:patient:_has:Robot:entity:_id=1", ["search-type-unknown"]),
        ("_list=$current-problems", ["search-list-functional"]),
        ("_list=4 2", ["search-id-malformed"]),
        ("_list:missing=true", ["search-parameter-unknown"]),
    ],
)
def test_a_reverse_chain_that_is_not_possible_is_refused(query: str, issues: list[str]) -> None:
    assert refusals("Patient", query) == issues


def test_reverse_chains_are_as_long_as_chains_may_be() -> None:
    twice = "_has:Observation:patient:_has:AuditEvent:entity:altid=1"
    assert refusals("Patient", twice, Limits(max_chain=2)) == []
    assert refusals("Patient", twice, Limits(max_chain=1)) == ["search-chain-too-long"]


# As many references as one criterion may follow, in every mixture. SQLite's parser holds a hundred symbols at once.
LONGEST = [
    ("Observation", "has-member.has-member.has-member.has-member.code=9-9"),
    ("Observation", "has-member.has-member.has-member.has-member.code:not=9-9"),
    ("Observation", "has-member.has-member.has-member.has-member.code:missing=true"),
    ("Observation", "has-member.has-member.has-member.has-member.code-value-quantity=9-9$gt5"),
    ("Observation", "has-member.has-member.has-member._id=o1"),
    ("Observation", "encounter.subject:Patient.organization.partof.name=x"),
    (
        "Observation",
        "subject:Patient._has:Observation:subject:performer:Practitioner._has:Observation:performer:code=none",
    ),
    ("Observation", "patient.general-practitioner:Practitioner._has:PractitionerRole:practitioner:organization.name=x"),
    (
        "Patient",
        "_has:Observation:subject:_has:Observation:has-member:_has:Observation:has-member:"
        "_has:Observation:has-member:code=9-9",
    ),
    (
        "Patient",
        "_has:Observation:subject:_has:Observation:has-member:_has:Observation:has-member:"
        "_has:Observation:has-member:code:not=9-9",
    ),
    ("Patient", "_has:Observation:subject:_has:Observation:has-member:_has:Observation:has-member:_id=o1"),
    ("Patient", "_has:Observation:subject:_has:Observation:has-member:_list=42"),
    ("Questionnaire", "_has:QuestionnaireResponse:questionnaire:questionnaire.title=x"),
    ("Library", "depends-on:Library.depends-on:Library.title=x"),
    ("CarePlan", "instantiates-canonical:Questionnaire._has:QuestionnaireResponse:questionnaire:status=completed"),
]


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize(("type", "query"), LONGEST)
def test_the_longest_chains_can_be_asked_in_every_way(
    library: Library, monkeypatch: pytest.MonkeyPatch, type: str, query: str, few: int
) -> None:
    monkeypatch.setattr(plan, "FEW", few)
    # The criterion tests what _id leads to, counts, gathers, and goes with an order.
    for further in ("", "&_id=o1,a,chu", "&_total=accurate", "&_sort=-_id", "&_lastUpdated=gt2000"):
        found = library.ids(type, f"{query}{further}")
        assert found == []


@pytest.mark.parametrize(
    ("type", "query"),
    [
        ("Observation", "has-member.has-member.has-member.has-member.has-member.code=9-9"),
        ("Observation", "has-member.has-member.has-member.has-member._id=o1"),
        # A canonical takes two look-ups.
        ("Library", "depends-on:Library.depends-on:Library.depends-on:Library.title=x"),
    ],
)
def test_longer_chains_are_refused(type: str, query: str) -> None:
    assert refusals(type, query) == ["search-chain-too-long"]
