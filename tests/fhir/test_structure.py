"""The structure check finds all that is wrong with the shape of a resource, and where it holds links.

Source: FHIR R4, JSON Representation of Resources; Datatypes; Resource, "Contained Resources" (dom-2, dom-4, dom-5);
RESTful API, transaction.
"""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_gateway.fhir import json
from fhir_gateway.fhir.structure import check, links, path_of
from fhir_gateway.fhir.types import Types
from fhir_gateway.fhir.xml import to_xml
from tests.fhir.strategies import resources

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'
UUID = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
EXTENSION = {"url": "http://example.org/x", "valueCode": "a"}
TWIN = {"extension": [EXTENSION]}
OBSERVATION = {"resourceType": "Observation", "valueString": "x"}


def complaints(resource: Any, types: Types, expected_type: str | None = None) -> list[tuple[str, str | None]]:
    issues = check(json.decode(json.encode(resource)), types, expected_type).issues
    assert all(issue.text("en") and issue.text("fr") for issue in issues)
    return [(issue.complaint.detail, issue.expression) for issue in issues]


def patient(**properties: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **properties}


@pytest.mark.parametrize(
    "resource",
    [
        patient(),
        patient(active=False, birthDate="2024-02-29", multipleBirthInteger=0, name=[{"given": ["a", "b"]}]),
        patient(birthDate="2024", _birthDate=TWIN),
        patient(_birthDate={"id": "x"}),
        patient(id="1", _id=TWIN, _implicitRules=TWIN),
        patient(name=[{"given": ["a", None], "_given": [None, TWIN]}]),
        patient(name=[{"given": [None], "_given": [TWIN]}, {"_given": [TWIN, TWIN]}]),
        patient(text={"status": "generated", "div": DIV.format("x")}),
        patient(contained=[{"resourceType": "Organization", "id": "o", "meta": {"profile": ["http://x"]}}]),
        {"resourceType": "Observation", "valueString": "x", "_valueString": TWIN},
        {"resourceType": "Parameters", "parameter": [{"name": "a", "resource": patient()}]},
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient()}]},
        {"resourceType": "ExampleScenario", "instance": [{"resourceId": "a", "resourceType": "Patient"}]},
    ],
)
def test_a_sound_resource_has_no_issue(types: Types, resource: dict[str, Any]):
    assert complaints(resource, types) == []


@pytest.mark.parametrize(
    ("resource", "detail", "expression"),
    [
        ([], "not-a-resource", None),
        ("x", "not-a-resource", None),
        (None, "not-a-resource", None),
        ({}, "resource-type-missing", None),
        ({"id": "1"}, "resource-type-missing", None),
        ({"resourceType": "Patience"}, "resource-type-unknown", None),
        ({"resourceType": "DomainResource"}, "resource-type-unknown", None),
        ({"resourceType": "HumanName"}, "resource-type-unknown", None),
        ({"resourceType": 1}, "resource-type-unknown", None),
        ({"resourceType": ["Patient"]}, "resource-type-unknown", None),
        (patient(nme=[]), "unknown-property", "Patient"),
        (patient(_nme={"id": "x"}), "unknown-property", "Patient"),
        (patient(fhir_comments=["x"]), "unknown-property", "Patient"),
        (patient(name=[{"resourceType": "HumanName", "family": "x"}]), "unknown-property", "Patient.name[0]"),
        (patient(**{"value[x]": "x"}), "unknown-property", "Patient"),
        (patient(_name=[{"id": "x"}]), "primitive-extension-misplaced", "Patient.name"),
        (patient(name=[{"id": "a", "_id": {"id": "b"}}]), "primitive-extension-misplaced", "Patient.name[0].id"),
        (patient(text={"div": DIV, "_div": {"id": "b"}}), "primitive-extension-misplaced", "Patient.text.div"),
        (patient(name={"family": "x"}), "array-expected", "Patient.name"),
        (patient(name=[{"given": "x"}]), "array-expected", "Patient.name[0].given"),
        (patient(birthDate=["2024"]), "array-unexpected", "Patient.birthDate"),
        (patient(maritalStatus=[{"text": "x"}]), "array-unexpected", "Patient.maritalStatus"),
        (patient(name=[[{"family": "x"}]]), "object-expected", "Patient.name[0]"),
        (patient(name=["x"]), "object-expected", "Patient.name[0]"),
        (patient(maritalStatus="x"), "object-expected", "Patient.maritalStatus"),
        (patient(_birthDate="x"), "object-expected", "Patient.birthDate"),
        (patient(name=[{"given": ["a"], "_given": ["x"]}]), "object-expected", "Patient.name[0].given[0]"),
        (patient(birthDate=2024), "string-expected", "Patient.birthDate"),
        (patient(birthDate={"a": 1}), "string-expected", "Patient.birthDate"),
        (patient(multipleBirthInteger="1"), "number-expected", "Patient.multipleBirth"),
        (patient(multipleBirthInteger=True), "number-expected", "Patient.multipleBirth"),
        (patient(active="true"), "boolean-expected", "Patient.active"),
        (patient(active=1), "boolean-expected", "Patient.active"),
        (patient(name=[]), "empty-array", "Patient.name"),
        (patient(name=[{"given": []}]), "empty-array", "Patient.name[0].given"),
        (patient(name=[{}]), "empty-object", "Patient.name[0]"),
        (patient(maritalStatus={}), "empty-object", "Patient.maritalStatus"),
        (patient(birthDate="2024", _birthDate={}), "empty-object", "Patient.birthDate"),
        (patient(name=[{"family": ""}]), "empty-string", "Patient.name[0].family"),
        (patient(birthDate=None), "null-not-allowed", "Patient.birthDate"),
        (patient(name=None), "null-not-allowed", "Patient.name"),
        (patient(name=[None]), "object-expected", "Patient.name[0]"),
        (patient(name=[{"given": ["a", None]}]), "null-not-allowed", "Patient.name[0].given[1]"),
        (patient(name=[{"given": ["a", None], "_given": [TWIN, None]}]), "null-on-both-sides",
         "Patient.name[0].given[1]"),
        (patient(name=[{"_given": [TWIN, None]}]), "null-on-both-sides", "Patient.name[0].given[1]"),
        (patient(name=[{"given": ["a", "b"], "_given": [TWIN]}]), "primitive-arrays-differ", "Patient.name[0].given"),
        (OBSERVATION | {"valueInteger": 1}, "choice-repeated", "Observation.value"),
        (OBSERVATION | {"_valueTime": TWIN}, "choice-repeated", "Observation.value"),
        (OBSERVATION | {"_valueCode": TWIN}, "unknown-property", "Observation"),
        (patient(multipleBirthBoolean=True, multipleBirthInteger=2), "choice-repeated", "Patient.multipleBirth"),
        (patient(birthDate="2023-02-30"), "invalid-date", "Patient.birthDate"),
        (patient(deceasedDateTime="2023-02-30T00:00:00Z"), "invalid-date-time", "Patient.deceased"),
        (patient(meta={"lastUpdated": "2023-01-01"}), "invalid-instant", "Patient.meta.lastUpdated"),
        (patient(id="a b"), "invalid-id", "Patient.id"),
        (patient(gender=" male"), "invalid-code", "Patient.gender"),
        (patient(identifier=[{"system": "a b"}]), "invalid-uri", "Patient.identifier[0].system"),
        (patient(meta={"profile": ["http://x", "a b"]}), "invalid-canonical", "Patient.meta.profile[1]"),
        (patient(photo=[{"data": "x"}]), "invalid-base64-binary", "Patient.photo[0].data"),
        (patient(photo=[{"size": -1}]), "invalid-unsigned-int", "Patient.photo[0].size"),
        (patient(telecom=[{"rank": 0}]), "invalid-positive-int", "Patient.telecom[0].rank"),
        (patient(multipleBirthInteger=2**31), "invalid-integer", "Patient.multipleBirth"),
        (patient(extension=[{"url": "http://x", "valueDecimal": json.decode(b"1e400")}]), "invalid-decimal",
         "Patient.extension[0].value"),
        (patient(multipleBirthInteger=json.decode(b"1.0")), "invalid-integer", "Patient.multipleBirth"),
        (patient(name=[{"family": "a\u0000b"}]), "control-character", "Patient.name[0].family"),
        (patient(text={"div": "<div>\u0007</div>"}), "control-character", "Patient.text.div"),
        (patient(name=[{"family": "x" * 1_048_577}]), "string-too-long", "Patient.name[0].family"),
        (patient(contained=[{"resourceType": "Patient", "contained": [patient()]}]), "contained-nested",
         "Patient.contained[0].contained"),
        (patient(contained=[patient(meta={"versionId": "1"})]), "contained-versioned",
         "Patient.contained[0].meta.versionId"),
        (patient(contained=[patient(meta={"security": [{"code": "R"}]})]), "contained-security-label",
         "Patient.contained[0].meta.security"),
        (patient(contained=[{"id": "1"}]), "resource-type-missing", "Patient.contained[0]"),
        (patient(contained=[{"resourceType": "Foo"}]), "resource-type-unknown", "Patient.contained[0]"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_where_it_is(types: Types, resource: Any, detail: str, expression: str | None):
    assert complaints(resource, types) == [(detail, expression)]


def test_another_type_than_expected_is_refused_and_checked_all_the_same(types: Types):
    assert complaints(patient(nme=1), types, "Observation") == [
        ("resource-type-unexpected", "Patient"),
        ("unknown-property", "Patient"),
    ]


def test_all_that_is_wrong_is_told_at_once_also_below_what_is_wrong(types: Types):
    resource = patient(
        foo=1,
        birthDate=["2023-02-30"],
        name={"family": "", "period": {"start": "x"}},
        contact=[{"name": {"family": 1}}, {"telecom": [{"rank": "1"}, {}]}],
    )
    assert complaints(resource, types) == [
        ("unknown-property", "Patient"),
        ("array-unexpected", "Patient.birthDate"),
        ("invalid-date", "Patient.birthDate"),
        ("array-expected", "Patient.name"),
        ("empty-string", "Patient.name[0].family"),
        ("invalid-date-time", "Patient.name[0].period.start"),
        ("string-expected", "Patient.contact[0].name.family"),
        ("number-expected", "Patient.contact[1].telecom[0].rank"),
        ("empty-object", "Patient.contact[1].telecom[1]"),
    ]


def test_the_days_after_the_28th_are_those_of_the_calendar(types: Types):
    for day, found in [("2024-01-31", []), ("2024-04-30", []), ("2024-04-31", ["invalid-date"])]:
        assert [detail for detail, _ in complaints(patient(birthDate=day), types)] == found


def test_nesting_has_an_end(types: Types):
    def nested(levels: int) -> dict[str, Any]:
        extension: dict[str, Any] = dict(EXTENSION)
        for _ in range(levels - 1):
            extension = {"url": "http://x", "extension": [extension]}
        return patient(extension=[extension])

    assert complaints(nested(99), types) == []
    assert [detail for detail, _ in complaints(nested(100), types)] == ["too-deep"]


def test_properties_are_counted(types: Types):
    resource = patient(active=True, name=[{"given": ["a", None], "_given": [None, {"id": "x"}]}])
    assert check(resource, types).keys == 6


def test_many_threads_may_be_the_first_to_use_the_tables(types: Types):
    resource = patient(name=[{"given": ["a"]}], contained=[OBSERVATION], extension=[EXTENSION])
    for _ in range(5):
        fresh = Types(types.version, dict(types.types), types.resources)
        barrier = Barrier(8)

        def first_check(fresh: Types = fresh, barrier: Barrier = barrier) -> list[Any]:
            barrier.wait()
            return check(resource, fresh).issues + ([] if to_xml(resource, fresh) else [None])

        with ThreadPoolExecutor(8) as threads:
            found = [future.result() for future in [threads.submit(first_check) for _ in range(8)]]
        assert found == [[]] * 8


def links_of(resource: Any, types: Types, of: dict[str, Any] | None = None) -> list[tuple[str, Any, str]]:
    found = check(resource, types).links[id(resource if of is None else of)]
    return [(link.kind, link.container[link.key], path_of(link.path)) for link in found]  # type: ignore[call-overload]


def test_references_urns_and_linking_narrative_are_links(types: Types):
    resource = patient(
        implicitRules=UUID,
        meta={"profile": [UUID], "source": "http://x"},
        text={"status": "generated", "div": DIV.format(f'<a href="{UUID}"/>')},
        managingOrganization={"reference": "Organization/1", "type": "Organization"},
        generalPractitioner=[{"reference": "#c"}, {"identifier": {"system": "urn:oid:1.2", "value": UUID}}],
        extension=[{"url": UUID, "valueUuid": UUID}, {"url": "http://x", "valueCanonical": UUID}],
    )
    assert links_of(resource, types) == [
        ("uri", UUID, "Patient.implicitRules"),
        ("narrative", DIV.format(f'<a href="{UUID}"/>'), "Patient.text.div"),
        ("reference", "Organization/1", "Patient.managingOrganization.reference"),
        ("reference", "#c", "Patient.generalPractitioner[0].reference"),
        ("uri", "urn:oid:1.2", "Patient.generalPractitioner[1].identifier.system"),
        ("uri", UUID, "Patient.extension[0].value"),
    ]


def test_a_list_of_uris_is_a_container_of_links(types: Types):
    resource = {"resourceType": "CarePlan", "instantiatesUri": ["http://x", UUID]}
    [link] = check(resource, types).links[id(resource)]
    assert link.container is resource["instantiatesUri"]
    assert (link.key, path_of(link.path)) == (1, "CarePlan.instantiatesUri[1]")


def test_links_of_contained_resources_belong_to_their_container_and_of_entries_to_themselves(types: Types):
    inner = patient(
        contained=[{"resourceType": "Patient", "managingOrganization": {"reference": "Organization/1"}}],
        link=[{"other": {"reference": "Patient/2"}}],
    )
    bundle = {"resourceType": "Bundle", "entry": [{"fullUrl": UUID, "resource": inner}, {"resource": patient()}]}
    found = check(bundle, types).links
    assert set(found) == {id(bundle), id(inner), id(bundle["entry"][1]["resource"])}
    assert links_of(bundle, types) == [("uri", UUID, "Bundle.entry[0].fullUrl")]
    assert links_of(bundle, types, inner) == [
        ("reference", "Organization/1", "Bundle.entry[0].resource.contained[0].managingOrganization.reference"),
        ("reference", "Patient/2", "Bundle.entry[0].resource.link[0].other.reference"),
    ]


def test_the_second_walk_finds_every_uri_whatever_it_begins_with(types: Types):
    resource = patient(identifier=[{"system": "http://x/a"}], meta={"profile": ["http://p"], "source": UUID})
    assert [path_of(link.path) for link in links(resource, types)] == [
        "Patient.identifier[0].system",
        "Patient.meta.source",
    ]
    assert [path_of(link.path) for link in links(resource, types, every_uri=False)] == ["Patient.meta.source"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_generated_resources_are_sound_and_their_properties_counted(types: Types, data: st.DataObject):
    resource = data.draw(resources(types))
    findings = check(resource, types)
    assert [(issue.expression, issue.text()) for issue in findings.issues] == []
    assert findings.keys == count(resource)


def count(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(count, value.values()))
    return sum(map(count, value)) if isinstance(value, list) else 0


SCRAPS = st.sampled_from([None, True, 0, -1, "", "x", "2024", [], {}, [None], [{}], [[]], {"a": 1}, ["x"], 10**40]).map(
    copy.deepcopy
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_mutation_gives_issues_or_a_sound_resource_never_an_exception(types: Types, data: st.DataObject):
    resource = copy.deepcopy(data.draw(resources(types)))
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = resource
        for _ in range(data.draw(st.integers(0, 4))):
            below = [
                one for one in (place.values() if isinstance(place, dict) else place) if isinstance(one, dict | list)
            ]
            if below:
                place = data.draw(st.sampled_from(below))
        if isinstance(place, list):
            place[:] = [*place, data.draw(SCRAPS)]
        else:
            place[data.draw(st.sampled_from([*place, "x", "_id", "id", "resourceType"]))] = data.draw(SCRAPS)
    for issue in check(resource, types).issues:
        assert issue.text("en") != issue.text("fr")
