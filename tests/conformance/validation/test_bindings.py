"""Coded values are held to their code systems, and to the value sets that profiles bind them to.

Source: FHIR R4, Terminologies, "Binding Strengths"; Coding; Quantity; FHIRPath, "memberOf", "subsumes".
"""

from __future__ import annotations

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.validation.validator import Validator
from fhir_gateway.conformance.validation.walk import Wishes
from fhir_gateway.fhir.fhirpath import Node
from fhir_gateway.terminology.library import Library
from tests.conformance.validation.definition_lookup import DefinitionLookup
from tests.conformance.validation.judging import errors, judged, told

UCUM = "http://unitsofmeasure.org"
FRANCE = {"system": "urn:iso:std:iso:3166", "code": "FR", "display": "France"}
SYSTEM = "http://codes.test/animals"
ANIMALS = {
    "resourceType": "CodeSystem",
    "url": SYSTEM,
    "version": "1.0",
    "content": "complete",
    "concept": [
        {"code": "dog", "display": "Dog"},
        {"code": "dodo", "display": "Dodo", "property": [{"code": "inactive", "valueBoolean": True}]},
    ],
}
PETS = {
    "resourceType": "ValueSet",
    "url": "http://sets.test/pets",
    "name": "Pets",
    "compose": {"include": [{"system": SYSTEM, "concept": [{"code": "dog"}]}]},
}


def basic(**more):
    return {"resourceType": "Basic", "code": {"text": "x"}, **more}


def coded(*codings, **more):
    return basic(code={"coding": list(codings), **more})


def animal(code="dog", **more):
    return {"system": SYSTEM, "code": code, **more}


def bound(strength, path="Basic.code", extension=(), type="CodeableConcept"):
    """A profile of Basic that binds its code to the pets."""
    binding = {"strength": strength, "valueSet": PETS["url"], "extension": list(extension)}
    elements = [
        {"id": "Basic", "path": "Basic", "min": 0, "max": "*"},
        {"id": path, "path": path, "min": 0, "max": "1", "type": [{"code": type}], "binding": binding},
    ]
    return {
        "resourceType": "StructureDefinition",
        "url": "http://profiles.test/p",
        "kind": "resource",
        "type": "Basic",
        "derivation": "constraint",
        "snapshot": {"element": elements},
    }


def found(resource, profile, *severities):
    claimed = {**resource, "meta": {"profile": [profile["url"]]}}
    return told(judged(claimed, ANIMALS, PETS, profile), *severities)


# --- value sets


def test_a_code_outside_a_required_value_set_has_no_system_and_no_place_there():
    patient = {"resourceType": "Patient", "gender": "femme"}
    place = "Patient.gender"
    assert errors(patient) == [("code-system-undetermined", place), ("code-required", place)]
    assert errors({"resourceType": "Patient", "gender": "female"}) == []


def test_a_required_code_cannot_be_left_to_an_extension():
    absent = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    allergy = {
        "resourceType": "AllergyIntolerance",
        "patient": {"display": "x"},
        "_category": [{"extension": [absent]}],
    }
    assert ("code-missing", "AllergyIntolerance.category[0]") in errors(allergy)


@pytest.mark.parametrize(
    ("strength", "severity", "detail"),
    [
        ("required", "error", "codings-required"),
        ("extensible", "warning", "codings-extensible"),
        ("preferred", "information", "codings-preferred"),
    ],
)
def test_a_strength_decides_how_grave_a_code_outside_is(strength, severity, detail):
    outside = coded({"system": "http://hl7.org/fhir/administrative-gender", "code": "other"})
    assert (detail, "Basic.code") in found(outside, bound(strength), severity)
    assert (detail, "Basic.code") not in found(coded(animal()), bound(strength), severity)


def test_an_example_binding_asks_for_nothing():
    outside = coded({"system": "http://hl7.org/fhir/administrative-gender", "code": "other"})
    assert found(outside, bound("example"), "error", "warning", "information") == []


def test_one_coding_inside_is_enough():
    both = coded({"system": "http://hl7.org/fhir/administrative-gender", "code": "other"}, animal())
    assert found(both, bound("required")) == []


def test_text_alone_is_no_code():
    assert found(basic(), bound("required")) == [("code-missing", "Basic.code")]
    assert found(basic(), bound("extensible"), "warning") == [("code-should", "Basic.code")]


def test_a_code_of_an_unknown_system_is_a_warning_even_where_a_value_set_is_required():
    foreign = coded({"system": "http://codes.test/none", "code": "x"})
    nested = {**PETS, "compose": {"include": [{"system": "http://codes.test/none"}, *PETS["compose"]["include"]]}}
    claimed = {**foreign, "meta": {"profile": ["http://profiles.test/p"]}}
    findings = judged(claimed, ANIMALS, nested, bound("required"))
    assert told(findings) == []
    assert told(findings, "warning") == [("code-system-unknown", "Basic.code.coding[0].system")]


def test_a_maximum_value_set_holds_beside_a_weaker_binding():
    maximum = {
        "url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet",
        "valueCanonical": PETS["url"],
    }
    outside = coded({"system": "http://hl7.org/fhir/administrative-gender", "code": "other"})
    assert found(outside, bound("preferred", extension=[maximum])) == [("code-maximum", "Basic.code")]


def test_an_additional_binding_holds_as_well():
    parts = [
        {"url": "purpose", "valueCode": "required"},
        {"url": "valueSet", "valueCanonical": PETS["url"]},
    ]
    added = {"url": "http://hl7.org/fhir/tools/StructureDefinition/additional-binding", "extension": parts}
    outside = coded({"system": "http://hl7.org/fhir/administrative-gender", "code": "other"})
    assert found(outside, bound("example", extension=[added])) == [("codings-required", "Basic.code")]
    assert found(coded(animal()), bound("example", extension=[added])) == []


def test_a_value_set_that_is_not_known_is_said():
    profile = bound("required")
    profile["snapshot"]["element"][1]["binding"]["valueSet"] = "http://sets.test/none"
    assert found(coded(animal()), profile, "warning") == [("value-set-unknown", "Basic.code")]


def test_a_unit_is_in_the_value_set_of_its_quantity():
    binding = {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/age-units"}
    profile = bound("required")
    profile["type"] = "Observation"
    profile["snapshot"]["element"] = [
        {"id": "Observation", "path": "Observation", "min": 0, "max": "*"},
        {"id": "Observation.value[x]", "path": "Observation.value[x]", "type": [{"code": "Quantity"}],
         "min": 0, "max": "1", "binding": binding},
    ]  # fmt: skip

    def observed(code):
        value = {"value": 1, "system": UCUM, "code": code}
        return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "valueQuantity": value}

    assert found(observed("mo"), profile) == []
    assert found(observed("kg"), profile) == [("quantity-code", "Observation.value.ofType(Quantity)")]


# --- code systems


def test_every_coding_is_held_to_its_system_bound_or_not():
    assert errors(coded(animal("fish")), ANIMALS) == [("code-unknown", "Basic.code.coding[0].code")]
    tagged = basic(meta={"tag": [animal("fish")]})
    assert errors(tagged, ANIMALS) == [("code-unknown", "Basic.meta.tag[0].code")]


def test_a_display_is_one_that_the_system_has():
    wrong = coded(animal(display="Hound"))
    assert errors(wrong, ANIMALS) == [("display", "Basic.code.coding[0].display")]
    assert errors(coded(animal(display="DOG")), ANIMALS) == []
    lenient = judged(wrong, ANIMALS, wishes=Wishes(wrong_displays="warning"))
    assert told(lenient, "error", "warning") == [("display-warning", "Basic.code.coding[0].display")]


@pytest.mark.parametrize(
    ("coding", "detail", "place"),
    [
        (animal("dodo"), "code-inactive", "Basic.code.coding[0]"),
        ({"code": "dog"}, "coding-system-missing", "Basic.code.coding[0]"),
        ({"system": "http://codes.test/none", "code": "x"}, "code-system-unknown", "Basic.code.coding[0].system"),
        (animal(version="7"), "code-system-version", "Basic.code.coding[0].system"),
    ],
)
def test_what_cannot_be_judged_or_should_be_looked_at_is_a_warning(coding, detail, place):
    findings = judged(coded(coding), ANIMALS)
    assert (told(findings), told(findings, "warning")) == ([], [(detail, place)])


@pytest.mark.parametrize(
    ("system", "detail", "place"),
    [
        ("animals", "code-system-relative", "Basic.code.coding[0]"),
        (PETS["url"], "coding-system-value-set", "Basic.code.coding[0]"),
        ("http://codes.test/more", "code-system-supplement", "Basic.code.coding[0].system"),
    ],
)
def test_what_is_no_code_system_is_an_error(system, detail, place):
    more = {"resourceType": "CodeSystem", "url": "http://codes.test/more", "supplements": SYSTEM}
    found = errors(coded({"system": system, "code": "dog"}), ANIMALS, PETS, more)
    assert found[-1] == (detail, place)


def test_a_unit_is_one_of_ucum():
    def observed(code):
        value = {"value": 1, "system": UCUM, "code": code}
        return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "valueQuantity": value}

    assert errors(observed("mm[Hg]")) == []
    assert errors(observed("mmHg")) == [("code-unknown", "Observation.value.ofType(Quantity).code")]


def test_a_code_is_judged_once_however_many_profiles_look_at_it():
    assert found(coded(animal("fish")), bound("example")) == [("code-unknown", "Basic.code.coding[0].code")]


# --- FHIRPath


def test_member_of_and_subsumes_ask_the_same_terminology():
    tree = {**ANIMALS, "concept": [{"code": "animal", "concept": [{"code": "dog"}]}]}
    lookup = DefinitionLookup(definitions(), {each["url"]: each for each in (tree, PETS)})
    bindings = Validator(definitions().types, lookup, Library(lookup))._knowledge.bindings
    dog, whole = Node(animal(), "Coding"), Node(animal("animal"), "Coding")
    assert (bindings.member_of(dog, PETS["url"]), bindings.member_of(whole, PETS["url"])) == (True, False)
    assert bindings.member_of(dog, "http://sets.test/none") is None
    assert (bindings.subsumes(whole, dog), bindings.subsumes(dog, whole)) == (True, False)
    assert bindings.subsumes(dog, Node({"code": "dog"}, "Coding")) is False


def test_the_display_of_a_country_is_held_to_the_language_of_the_resource():
    wrong = [("display", "Basic.code.coding[0].display")]
    assert errors({**coded(FRANCE), "language": "fr-FR"}) == wrong
    assert errors({**coded({**FRANCE, "display": "France (la)"}), "language": "fr-FR"}) == []
    for language in ("en", "de", "en-US"):
        assert errors({**coded(FRANCE), "language": language}) == []
    assert errors(coded(FRANCE)) == []


def test_a_name_of_a_country_that_iso_does_not_have_is_wrong_in_french_only():
    usa = coded({**FRANCE, "code": "US", "display": "USA"})
    assert errors({**usa, "language": "fr"}) == [("display", "Basic.code.coding[0].display")]
    assert told(judged({**usa, "language": "en"}), "error", "warning") == []
    assert told(judged(usa), "error", "warning") == []


def test_a_resource_without_a_language_has_that_of_the_one_it_is_in_else_the_one_wished_for():
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": coded(FRANCE)}]}
    displays = [("display", "Bundle.entry[0].resource/*Basic/null*/.code.coding[0].display")]
    assert [each for each in errors({**bundle, "language": "fr"}) if each[0] == "display"] == displays
    assert [each for each in errors(bundle) if each[0] == "display"] == []
    inner = {**bundle, "entry": [{"resource": {**coded(FRANCE), "language": "fr"}}]}
    assert [each for each in errors(inner) if each[0] == "display"] == displays
    french = Wishes(language="fr-FR")
    assert errors(coded(FRANCE), wishes=french) == [("display", "Basic.code.coding[0].display")]
    assert errors({**coded(FRANCE), "language": "en"}, wishes=french) == []


def test_a_contained_resource_has_a_language_of_its_own():
    inner = {"resourceType": "Basic", "id": "a", "language": "fr", "code": {"coding": [FRANCE]}}
    outer = basic(contained=[inner], subject={"reference": "#a"})
    found = [each for each in errors(outer) if each[0] == "display"]
    assert found == [("display", "Basic.contained[0]/*Basic/a*/.code.coding[0].display")]


def test_displays_in_several_languages_are_right_in_the_language_of_the_resource():
    both = {**ANIMALS, "language": "en"}
    both["concept"] = [{"code": "dog", "display": "Dog", "designation": [{"language": "fr", "value": "Chien"}]}]
    for language, right, wrong in (("fr", "Chien", "Dog"), ("en", "Dog", "Chien")):
        assert errors({**coded(animal(display=right)), "language": language}, both) == []
        told_of = errors({**coded(animal(display=wrong)), "language": language}, both)
        assert told_of == [("display", "Basic.code.coding[0].display")]
    assert errors({**coded(animal(display="Dog")), "language": "de"}, both) == []
    assert errors(coded(animal(display="Chien")), both) == []


def test_without_terminology_nothing_is_said_of_codes():
    lookup = DefinitionLookup(definitions())
    validator = Validator(definitions().types, lookup)
    assert told(validator.validate({"resourceType": "Patient", "gender": "femme"})) == []


def test_a_required_code_has_a_system_and_one_of_its_names():
    assert found(coded({"code": "dog"}), bound("required")) == [("codings-required", "Basic.code")]
    assert found(coded(animal(display="dog")), bound("required")) == []
    misnamed = found(coded(animal(display="Cat")), bound("required"))
    assert sorted(misnamed) == [("codings-required", "Basic.code"), ("display", "Basic.code.coding[0].display")]


def test_an_empty_code_is_no_code():
    found = errors({"resourceType": "Patient", "gender": ""})
    assert ("code-missing", "Patient.gender") in found
    assert ("code-required", "Patient.gender") not in found


def test_text_alone_is_no_code_of_a_maximum_value_set():
    url = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
    maximum = {"url": url, "valueCanonical": PETS["url"]}
    assert found(basic(), bound("extensible", extension=[maximum])) == [("code-missing-maximum", "Basic.code")]
