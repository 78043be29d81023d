"""What `_summary` and `_elements` leave of resources, read against the definitions and the official examples.

Source: FHIR R4, Search, "Summary", "Elements"; ElementDefinition, isSummary, isModifier, min.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.subset import CODE, SYSTEM, Asked, Subset, is_subset
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import InvalidRequest
from fhir_gateway.fhir.structure import check
from tests.clients.r4b import parse
from tests.fhir.examples import official_examples
from tests.fhir.test_official_examples import KNOWN_FAULTS

R4 = definitions()
TAG = {"system": SYSTEM, "code": CODE}
META = {"versionId": "3", "lastUpdated": "2026-11-21T10:00:00Z"}
TAGGED = {**META, "tag": [TAG]}


def cut(resource: dict[str, Any], subset: Subset, included: bool = False) -> dict[str, Any]:
    body = R4.subsets.cut(encode(resource), resource["resourceType"], subset, included=included)
    left: dict[str, Any] = decode(body)
    return left


def summary(resource: dict[str, Any]) -> dict[str, Any]:
    return cut(resource, Subset("true"))


def elements(resource: dict[str, Any], *names: str, included: bool = False) -> dict[str, Any]:
    return cut(resource, Subset(elements=names), included)


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "a",
    "meta": META,
    "language": "fr",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A</div>'},
    "contained": [{"resourceType": "Organization", "id": "o"}],
    "extension": [{"url": "http://example.org/e", "valueString": "e"}],
    "modifierExtension": [{"url": "http://example.org/m", "valueString": "m"}],
    "active": True,
    "name": [{"use": "old", "family": "Essai", "given": ["A"], "extension": [{"url": "http://example.org/n"}]}],
    "birthDate": "1990-01-02",
    "_birthDate": {"extension": [{"url": "http://example.org/t", "valueTime": "10:00:00"}]},
    "deceasedBoolean": False,
    "maritalStatus": {"text": "S"},
    "contact": [{"name": {"family": "B"}}],
}

# --- _summary


def test_a_summary_keeps_what_is_marked_and_what_modifies_and_nothing_else() -> None:
    assert summary(PATIENT) == {
        "resourceType": "Patient",
        "id": "a",
        "meta": TAGGED,
        # isModifier: whoever cannot read it must not read the rest.
        "modifierExtension": PATIENT["modifierExtension"],
        "active": True,
        # A datatype is kept whole, its extensions with it.
        "name": PATIENT["name"],
        "birthDate": "1990-01-02",
        "_birthDate": PATIENT["_birthDate"],
        "deceasedBoolean": False,
    }


def test_a_summary_keeps_mandatory_elements_that_are_not_marked() -> None:
    who = {"reference": "Practitioner/p"}
    provenance = {
        "resourceType": "Provenance", "id": "p", "meta": META, "target": [{"reference": "Patient/a"}],
        "recorded": "2026-01-01T00:00:00Z", "agent": [{"role": [{"text": "r"}], "who": who}],
    }  # fmt: skip
    # Provenance.agent is mandatory without the mark; inside it `who` has the mark and `role` has not.
    assert summary(provenance) == {
        "resourceType": "Provenance", "id": "p", "meta": TAGGED, "target": [{"reference": "Patient/a"}],
        "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": who}],
    }  # fmt: skip


def test_inside_a_kept_backbone_element_the_same_holds() -> None:
    component = {
        "id": "c1",
        "extension": [{"url": "http://example.org/e", "valueString": "e"}],
        "code": {"text": "systolic"},
        "valueQuantity": {"value": 120, "unit": "mmHg"},
        "interpretation": [{"text": "normal"}],
        "referenceRange": [{"text": "100-130"}],
    }
    observation = {
        "resourceType": "Observation", "id": "o", "meta": META, "status": "final", "code": {"text": "BP"},
        "note": [{"text": "n"}], "referenceRange": [{"text": "r"}], "component": [component],
    }  # fmt: skip
    assert summary(observation) == {
        "resourceType": "Observation", "id": "o", "meta": TAGGED, "status": "final", "code": {"text": "BP"},
        "component": [{"code": {"text": "systolic"}, "valueQuantity": {"value": 120, "unit": "mmHg"}}],
    }  # fmt: skip


def test_inside_a_datatype_only_what_its_own_definition_leaves_out_goes() -> None:
    attachment = {"id": "x", "contentType": "image/png", "data": "AAAA", "title": "t"}
    media = {"resourceType": "Media", "id": "m", "meta": META, "status": "completed", "content": attachment}
    assert summary(media)["content"] == {"id": "x", "contentType": "image/png", "title": "t"}


def test_an_object_of_which_nothing_would_be_left_stays_whole() -> None:
    # ele-1: "All FHIR elements must have a @value or children"; content is mandatory.
    media = {"resourceType": "Media", "id": "m", "meta": META, "status": "completed", "content": {"data": "AAAA"}}
    assert summary(media)["content"] == {"data": "AAAA"}
    media["content"] = {"id": "x", "data": "AAAA"}
    assert summary(media)["content"] == {"id": "x", "data": "AAAA"}


def test_a_recursive_backbone_element_is_cut_at_every_depth() -> None:
    inner = {"name": "b", "part": [{"name": "c", "valueString": "x"}]}
    parameters = {"resourceType": "Parameters", "id": "p", "meta": META, "parameter": [{"name": "a", "part": [inner]}]}
    assert summary(parameters)["parameter"] == parameters["parameter"]
    inner["extension"] = [{"url": "http://example.org/e"}]
    assert summary(parameters)["parameter"][0]["part"][0].keys() == {"name", "part"}


def test_a_stored_bundle_keeps_the_resources_in_it_whole() -> None:
    bundle = {"resourceType": "Bundle", "id": "b", "meta": META, "type": "collection", "entry": [{"resource": PATIENT}]}
    assert summary(bundle)["entry"] == [{"resource": PATIENT}]


def test_the_text_summary_keeps_the_narrative_and_what_must_be_there() -> None:
    assert cut(PATIENT, Subset("text")) == {
        "resourceType": "Patient", "id": "a", "meta": TAGGED, "text": PATIENT["text"],
    }  # fmt: skip
    observation = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "issued": "2026"}
    assert cut(observation, Subset("text")).keys() == {"resourceType", "id", "meta", "status", "code"}


def test_the_data_summary_keeps_all_but_the_narrative() -> None:
    left = cut(PATIENT, Subset("data"))
    assert left == {**{name: value for name, value in PATIENT.items() if name != "text"}, "meta": TAGGED}
    assert list(left) == [name for name in PATIENT if name != "text"]


# --- _elements


def test_elements_keep_what_is_listed_and_what_modifies() -> None:
    assert elements(PATIENT, "birthDate", "contact") == {
        "resourceType": "Patient",
        "id": "a",
        "meta": TAGGED,
        "modifierExtension": PATIENT["modifierExtension"],
        "active": True,
        "birthDate": "1990-01-02",
        "_birthDate": PATIENT["_birthDate"],
        "deceasedBoolean": False,
        "contact": PATIENT["contact"],
    }


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation", "id": "o", "meta": META, "status": "final", "code": {"text": "x"},
    "valueQuantity": {"value": 1, "unit": "g", "code": "g"}, "issued": "2026-01-01T00:00:00Z",
}  # fmt: skip


def test_elements_keep_what_is_mandatory() -> None:
    assert elements(OBSERVATION, "issued").keys() == {"resourceType", "id", "meta", "status", "code", "issued"}


@pytest.mark.parametrize("name", ["value", "valueQuantity", "value[x]"])
def test_a_choice_is_named_by_its_base_name_or_in_full(name: str) -> None:
    assert elements(OBSERVATION, name)["valueQuantity"] == OBSERVATION["valueQuantity"]
    assert "valueQuantity" not in elements(OBSERVATION, "valueString")


def test_a_path_keeps_a_part_of_an_element_and_the_whole_wins() -> None:
    # HumanName.use is a modifier: "old" must not be read as current.
    assert elements(PATIENT, "name.family")["name"] == [{"use": "old", "family": "Essai"}]
    assert elements(PATIENT, "name.family", "name.given")["name"] == [{"use": "old", "family": "Essai", "given": ["A"]}]
    assert elements(PATIENT, "name.family", "name")["name"] == PATIENT["name"]
    assert elements(OBSERVATION, "value.unit")["valueQuantity"] == {"unit": "g"}


def test_names_with_a_type_are_for_that_type_and_leave_others_whole() -> None:
    assert elements(OBSERVATION, "Patient.name") == OBSERVATION
    assert "contact" not in elements(PATIENT, "Patient.name", "Observation.code")
    assert elements(OBSERVATION, "Patient.name", "issued").keys() == elements(OBSERVATION, "issued").keys()


def test_mandatory_elements_stay_inside_what_is_asked_for_by_path() -> None:
    patient = {**PATIENT, "link": [{"id": "l", "other": {"reference": "Patient/b"}, "type": "seealso"}]}
    assert elements(patient, "link.type")["link"] == [{"other": {"reference": "Patient/b"}, "type": "seealso"}]


def test_names_without_a_type_do_not_apply_to_included_resources() -> None:
    # "The list of elements does not apply to resources returned as a result of _include/_revinclude."
    assert elements(PATIENT, "name", included=True) == PATIENT
    assert "contact" not in elements(PATIENT, "Patient.name", included=True)


# --- the tag, and what is kept as it is


def test_the_tag_is_added_once_beside_others() -> None:
    other = {"system": "http://example.org", "code": "x"}
    tagged = {**PATIENT, "meta": {**META, "tag": [other]}}
    assert summary(tagged)["meta"] == {**META, "tag": [other, TAG]}
    assert summary(summary(tagged)) == summary(tagged)
    assert not is_subset(tagged)
    assert is_subset(summary(tagged))
    assert not is_subset({"resourceType": "Patient", "meta": {"tag": [{"code": CODE}]}})


def test_numbers_and_texts_are_kept_as_written() -> None:
    body = (
        b'{"resourceType":"Observation","id":"o","meta":{},"status":"final","code":{"text":"\\u00e9"},'
        b'"valueQuantity":{"value":1.10},"component":[{"code":{"text":"c"},"valueQuantity":{"value":2.0e1}}]}'
    )
    left = R4.subsets.cut(body, "Observation", Subset("true"))
    assert b'"valueQuantity":{"value":1.10}' in left
    assert b'"value":2.0e1' in left
    assert b'"text":"\\u00e9"' in left


# --- what the two parameters say together


def asked(summary: str | None, elements: str | None, *types: str) -> Asked:
    return R4.subsets.asked(summary, elements, types or ("Patient",))


def test_values_that_leave_nothing_out_are_no_subset() -> None:
    assert asked("false", None) == asked(None, None) == Asked()
    assert asked("count", None) == Asked(count=True)
    assert asked("false", "name") == Asked(Subset(elements=("name",)), elements="name")
    assert asked("data", None) == Asked(Subset("data"))


@pytest.mark.parametrize("value", ["yes", "", "True", "true,data"])
def test_another_summary_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        asked(value, None)
    assert [issue.complaint.detail for issue in refusal.value.issues] == ["summary-invalid"]


@pytest.mark.parametrize("value", ["true", "text", "data"])
def test_a_summary_and_elements_together_are_refused(value: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        asked(value, "name")
    assert [issue.complaint.detail for issue in refusal.value.issues] == ["summary-with-elements"]


def test_every_name_that_is_no_element_is_told_with_its_type_and_passed_over() -> None:
    found = asked(None, "name,colour,name.size,Patient.shape,birthDate.x,contained.id,,*,Xyzzy.name")
    assert found.elements == "name"
    assert found.subset == Subset(elements=("name",))
    assert {issue.complaint.detail for issue in found.unknown} == {"element-unknown"}
    texts = [issue.text() for issue in found.unknown]
    assert texts[0].startswith("_elements: colour is no element of Patient.")
    assert texts[2].startswith("_elements: Patient.shape is no element of Patient.")
    assert len(texts) == 8
    assert asked(None, "colour").subset is None


def test_paths_and_lists_are_as_long_as_they_cost_little() -> None:
    longest = "extension.value.extension.value"
    assert asked(None, f"{longest},{longest}.extension").elements == longest
    table = R4.subsets._table("Patient", Subset(elements=(longest,)), False)
    assert table is not None
    assert "extension" in table
    with pytest.raises(InvalidRequest) as refusal:
        asked(None, ",".join(f"x{number}" for number in range(1001)))
    assert [issue.complaint.detail for issue in refusal.value.issues] == ["elements-too-many"]


def test_a_name_needs_to_be_an_element_of_one_of_the_types_only() -> None:
    assert asked(None, "name,code,id,meta,resourceType", "Patient", "Observation").unknown == ()
    unknown = asked(None, "gender", "Observation", "Encounter").unknown
    assert "Observation, Encounter" in unknown[0].text()
    assert asked(None, "Observation.code", "Patient").unknown == ()


# --- the official examples


@pytest.mark.parametrize("value", ["true", "text", "data"])
def test_what_a_summary_leaves_of_every_official_example_is_a_resource(value: Any) -> None:
    """Of its type, with all that is mandatory: the structure check and an independent model say so."""
    faults: dict[str, str] = {}
    types = set()
    for name, body in official_examples():
        resource = json.loads(body)
        left = R4.subsets.cut(body, resource["resourceType"], Subset(value))
        if name in KNOWN_FAULTS:
            continue
        found = check(decode(left), R4.types).issues
        if found:
            faults[name] = found[0].text()
        elif (reason := _refused_only(body, left)) is not None:
            faults[name] = reason
        types.add(resource["resourceType"])
    assert faults == {}
    assert len(types) > 100


def _refused_only(whole: bytes, left: bytes) -> str | None:
    """Return why the witness refuses a subset of a resource that it takes whole; None: it does not, or neither."""
    try:
        parse(json.loads(left))
    except ValueError as error:
        if _parses(whole):
            return str(error)[:300]
    return None


def _parses(body: bytes) -> bool:
    try:
        parse(json.loads(body))
    except ValueError:
        return False
    return True


def test_a_summary_of_every_type_keeps_all_that_is_marked_at_its_top(
    record_property: Callable[[str, object], None],
) -> None:
    """Against the StructureDefinitions as published, not against the compiled marks."""
    kept = 0
    for definition in R4.resources("StructureDefinition"):
        type = definition["type"]
        if definition["kind"] != "resource" or definition["abstract"] or definition["derivation"] != "specialization":
            continue
        names = {
            element["path"].partition(".")[2].removesuffix("[x]")
            for element in definition["snapshot"]["element"]
            if element["path"].count(".") == 1
            and (element.get("isSummary") or element.get("isModifier") or element["min"])
        }
        table = R4.subsets._table(type, Subset("true"), False)
        assert table is not None
        elements = R4.types.types[type].elements
        assert {elements[name].definition.removesuffix("[x]") for name in table if name in elements} == names
        kept += len(names)
    record_property("summary-elements", kept)
    assert kept > 1000
