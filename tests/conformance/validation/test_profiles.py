"""What profiles demand besides slices: values, types, invariants, other profiles.

Source: FHIR R4, ElementDefinition; Profiling; StructureDefinition.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.fhir.json import decode
from tests.conformance.validation.profiling import BASE, OWN, broken, part_of, profile, slice_of, sliced


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **more}


def observation(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **more}


NAMED = profile("named", "Patient", {"path": "Patient.name", "min": 1})
MALE = profile("male", "Patient", {"path": "Patient.gender", "min": 1, "fixedCode": "male"})


# --- fixed values and patterns


@pytest.mark.parametrize(
    ("kind", "address", "wanted"),
    [
        ("fixed", {"city": "C", "line": ["1", "2"]}, []),
        ("fixed", {"city": "D", "line": ["1", "2"]}, [("fixed", "Patient.address[0].city")]),
        ("fixed", {"line": ["1", "3"]}, [("fixed-part-absent", ".city"), ("fixed", ".line[1]")]),
        ("fixed", {"city": "C", "line": ["1"]}, [("fixed-part-count", "")]),
        ("fixed", {"city": "C", "line": ["1", "2"], "state": "S"}, [("fixed-part-extra", ".state")]),
        ("pattern", {"city": "C", "line": ["2", "1", "0"], "state": "S"}, []),
        ("pattern", {"city": "C", "line": ["1", "3"]}, [("pattern-part", "")]),
    ],
)
def test_each_part_that_differs_is_told_at_its_place(
    kind: str, address: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    value = {"city": "C", "line": ["1", "2"]}
    asked = profile(f"{kind}-address", "Patient", {"path": "Patient.address", f"{kind}Address": value})
    places = [(code, place if place.startswith("Patient") else f"Patient.address[0]{place}") for code, place in wanted]
    assert broken(patient(address=[address]), asked) == places


def test_one_coding_of_a_concept_follows_the_pattern() -> None:
    pattern = {"coding": [{"system": "urn:s", "code": "a"}]}
    asked = profile("coded", "Observation", {"path": "Observation.code", "patternCodeableConcept": pattern})
    coding, other = {"system": "urn:s", "code": "a", "display": "A"}, {"system": "urn:s", "code": "b"}
    assert broken(observation(code={"coding": [other, coding]}), asked) == []
    assert broken(observation(code={"coding": [other]}), asked) == [("pattern-part", "Observation.code")]
    assert broken(observation(), asked) == [("fixed-part-count", "Observation.code")]


def test_a_fixed_decimal_has_its_precision() -> None:
    fixed = decode(b'{"value": 1.0, "unit": "mg"}')
    asked = profile("mg", "Observation", {"path": "Observation.valueQuantity", "fixedQuantity": fixed})
    assert broken(observation(valueQuantity=decode(b'{"value": 1.0, "unit": "mg"}')), asked) == []
    assert broken(observation(valueQuantity=decode(b'{"value": 1, "unit": "mg"}')), asked) == [
        ("fixed", "Observation.value.ofType(Quantity).value")
    ]


def test_an_element_that_must_have_a_value() -> None:
    must = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.mustHaveValue"
    asked = profile(
        "valued", "Patient", {"path": "Patient.birthDate", "extension": [{"url": must, "valueBoolean": True}]}
    )
    absent = {"extension": [{"url": f"{BASE}data-absent-reason", "valueCode": "unknown"}]}
    assert broken(patient(_birthDate=absent), asked) == [("value-required", "Patient.birthDate")]
    assert broken(patient(birthDate="2000"), asked) == []


def test_an_extension_that_may_stand_for_a_value() -> None:
    instead = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.valueAlternatives"
    reason = f"{BASE}data-absent-reason"
    asked = profile(
        "instead", "Patient", {"path": "Patient.birthDate", "extension": [{"url": instead, "valueCanonical": reason}]}
    )
    other = {"extension": [{"url": "http://example.org/x", "valueCode": "unknown"}]}
    assert broken(patient(_birthDate=other), asked) == [("value-alternative-required", "Patient.birthDate")]
    assert broken(patient(_birthDate={"extension": [{"url": reason, "valueCode": "unknown"}]}), asked) == []


# --- types


def test_a_type_that_a_choice_does_not_allow() -> None:
    types = [{"code": "Quantity"}]
    several = profile("several", "Observation", {"path": "Observation.value[x]", "type": [*types, {"code": "string"}]})
    assert broken(observation(valueInteger=1), several) == [("type", "Observation")]
    single = profile("single", "Observation", {"path": "Observation.value[x]", "type": types})
    assert broken(observation(valueInteger=1), single) == [("type", "Observation.value.ofType(integer)")]


def test_a_choice_of_the_wrong_type_is_no_slice_either() -> None:
    path = "Observation.value[x]"
    asked = profile(
        "quantity",
        "Observation",
        sliced(path, "type", "$this", "closed"),
        slice_of(path, "valueQuantity", type=[{"code": "Quantity"}], min=1),
    )
    value = "Observation.value.ofType(string)"
    assert sorted(broken(observation(valueString="x"), asked)) == [
        ("slice-closed", value), ("slice-missing", "Observation"), ("type", value)
    ]  # fmt: skip


def test_one_of_several_profiles_of_a_type_is_enough() -> None:
    official = profile("official", "HumanName", {"path": "HumanName.use", "min": 1, "fixedCode": "official"})
    written = profile("written", "HumanName", {"path": "HumanName.text", "min": 1})
    types = [{"code": "HumanName", "profile": [OWN + "official", OWN + "written"]}]
    asked = profile("either", "Patient", {"path": "Patient.name", "type": types})
    assert broken(patient(name=[{"text": "x"}]), asked, official, written) == []
    assert broken(patient(name=[{"family": "x", "use": "usual"}]), asked, official, written) == [
        ("type-profile", "Patient.name[0]"),
        ("fixed", "Patient.name[0].use"),
        ("min", "Patient.name[0]"),
    ]


def test_a_profile_of_an_element_of_another_profile() -> None:
    library = profile(
        "library",
        "Composition",
        sliced("Composition.section", "value", "title"),
        slice_of("Composition.section", "a"),
        part_of("Composition.section", "a", "title", min=1, fixedString="A"),
        part_of("Composition.section", "a", "focus", min=1),
    )
    element = {"url": f"{BASE}elementdefinition-profile-element", "valueString": "Composition.section:a"}
    types = [{"code": "BackboneElement", "profile": [OWN + "library"], "_profile": [{"extension": [element]}]}]
    asked = profile("document", "Composition", {"path": "Composition.section", "type": types})
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
    composition = {
        "resourceType": "Composition", "status": "final", "type": {"text": "t"}, "date": "2020", "title": "t",
        "author": [{"display": "a"}], "section": [{"title": "A", "text": text}],
    }  # fmt: skip
    assert broken(composition, asked, library) == [("min", "Composition.section[0]")]


def test_what_has_the_content_of_an_element_has_not_its_profile() -> None:
    asked = profile("texts", "Questionnaire", {"path": "Questionnaire.item.text", "min": 1})
    inner = {"linkId": "2", "type": "display"}
    item = {"linkId": "1", "type": "group", "item": [inner]}
    questionnaire = {"resourceType": "Questionnaire", "status": "draft", "item": [item]}
    assert broken(questionnaire, asked) == [("min", "Questionnaire.item[0]")]


# --- invariants


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("name.exists((", "invariant-unreadable"),
        ("name.nothing()", "invariant-unreadable"),
        ("name.given.single() = 'x'", "invariant-undecided"),
        ("name.nothing.exists()", "invariant"),
        ("name.given", None),
    ],
)
def test_a_rule_that_cannot_be_asked_does_not_hold(expression: str, code: str | None) -> None:
    constraint = {"key": "k-1", "severity": "error", "human": "x", "expression": expression}
    asked = profile("ruled", "Patient", {"path": "Patient", "constraint": [constraint]})
    wanted = [] if code is None else [(code, "Patient")]
    assert broken(patient(name=[{"given": ["a", "b"]}]), asked) == wanted


# --- which profiles


def test_an_imposed_profile_holds_as_well() -> None:
    imposed = {"url": f"{BASE}structuredefinition-imposeProfile", "valueCanonical": OWN + "named"}
    asked = {**profile("imposing", "Patient", {"path": "Patient.gender", "min": 1}), "extension": [imposed]}
    assert broken(patient(gender="male"), asked, NAMED) == [("min", "Patient")]
    assert broken(patient(gender="male", name=[{"text": "x"}]), asked, NAMED) == []


def test_the_global_profiles_of_a_guide_hold_for_every_resource_of_their_type() -> None:
    guide = {
        "resourceType": "ImplementationGuide",
        "url": "http://profiles.test/ImplementationGuide/g",
        "global": [{"type": "Patient", "profile": OWN + "named"}],
    }
    assert broken(patient(), guide, NAMED) == [("min", "Patient")]
    assert broken(observation(), guide, NAMED) == []


def test_a_contained_resource_is_of_a_type_that_the_profile_allows() -> None:
    asked = profile("held", "Observation", {"path": "Observation.contained", "type": [{"code": "Patient"}]})
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True}
    place = "Observation.contained[0]/*Group/g*/"
    assert broken(observation(contained=[group], subject={"reference": "#g"}), asked) == [
        ("resource-type", place), ("type", place)
    ]  # fmt: skip


def test_a_profile_that_is_wrong_in_part_is_followed_in_the_rest() -> None:
    asked = profile(
        "flawed", "Patient", {"path": "Patient.gender", "min": 1}, {"path": "Patient.nothing", "min": 1},
        {"path": "Patient.birthDate", "max": "*"},
    )  # fmt: skip
    assert broken(patient(), asked) == [("min", "Patient")]


def test_a_profile_without_a_base_is_told_and_nothing_breaks() -> None:
    asked = {**profile("lost", "Patient"), "baseDefinition": "http://profiles.test/nowhere"}
    assert broken(patient(), asked) == [("profile-unusable", "Patient")]
