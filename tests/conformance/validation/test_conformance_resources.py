"""Code systems, value sets, maps, profiles, search parameters and operations say what they may say.

Source: FHIR R4, CodeSystem; ValueSet; ConceptMap; StructureDefinition; SearchParameter; OperationDefinition.
"""

from __future__ import annotations

import pytest

from fhir_gateway.conformance.validation.walk import Wishes
from tests.conformance.validation.judging import errors, judged, told

SYSTEM = "http://codes.test/s"
PROPERTIES = "http://hl7.org/fhir/concept-properties#"


def code_system(*concepts, **more):
    base = {"resourceType": "CodeSystem", "url": SYSTEM, "status": "active", "content": "complete"}
    return {**base, "concept": list(concepts), **more}


DOG = {"code": "dog", "display": "Dog"}
ANIMALS = code_system(DOG, {"code": "cat"})


def test_a_stated_count_is_that_of_the_concepts():
    nested = {"code": "a", "concept": [{"code": "b"}]}
    assert errors(code_system(nested, count=2)) == []
    assert errors(code_system(nested, count=3)) == [("code-system-count", "CodeSystem.count")]
    fragment = judged(code_system(nested, count=2, content="fragment"))
    assert ("code-system-count-fragment", "CodeSystem.count") in told(fragment, "warning")


def test_a_system_without_content_has_no_concepts():
    found = errors(code_system(DOG, content="not-present"))
    assert found == [("code-system-not-present", "CodeSystem.concept[0]")]


def test_a_code_is_defined_once():
    found = errors(code_system({"code": "a", "concept": [{"code": "a"}]}))
    assert ("code-system-duplicate-code", "CodeSystem.concept[0].concept[0]") in found


def test_a_supplement_says_so_and_adds_to_codes_that_there_are():
    sound = code_system(DOG, url="http://codes.test/more", content="supplement", supplements=SYSTEM)
    assert errors(sound, ANIMALS) == []
    assert ("code-system-supplement-content", "CodeSystem.content") in errors({**sound, "content": "complete"}, ANIMALS)
    wrong = {**sound, "concept": [{"code": "fish"}]}
    assert errors(wrong, ANIMALS) == [("code-system-supplement-code", "CodeSystem.concept[0]")]
    lost = code_system(DOG, content="supplement")
    nameless = [("code-system-supplement-of-nothing", "CodeSystem.content")]
    assert errors(lost) == [*nameless, ("code-system-supplement-unnamed", "CodeSystem")]
    sure = {**sound, "caseSensitive": True}
    assert errors(sure, ANIMALS) == [("code-system-supplement-element", "CodeSystem.caseSensitive")]


@pytest.mark.parametrize(
    ("property", "detail"),
    [
        ({"code": "inactive", "uri": f"{PROPERTIES}inactive", "type": "code"}, "code-system-property-uri-type"),
        ({"code": "new", "uri": f"{PROPERTIES}new", "type": "code"}, "code-system-property-hl7"),
        ({"code": "new", "uri": "new", "type": "code"}, "code-system-property-uri"),
    ],
)
def test_a_property_is_declared_as_what_it_is(property, detail):
    assert errors(code_system(DOG, property=[property])) == [(detail, "CodeSystem.property[0]")]


def test_a_known_property_may_have_a_code_of_its_own_but_not_that_of_another():
    named = {"code": "idle", "uri": f"{PROPERTIES}inactive", "type": "boolean"}
    assert errors(code_system(DOG, property=[named])) == []
    named["code"] = "notSelectable"
    assert errors(code_system(DOG, property=[named])) == [("code-system-property-code", "CodeSystem.property[0]")]


def test_a_property_of_a_concept_has_a_value():
    found = errors(code_system({**DOG, "property": [{"code": "a"}]}, property=[{"code": "a", "type": "string"}]))
    place = "CodeSystem.concept[0].property[0]"
    assert found == [("min", place), ("code-system-property-no-value", place)]


def test_a_property_is_declared_once_and_used_with_its_type():
    twice = [{"code": "a", "type": "code"}, {"code": "a", "type": "code"}]
    found = errors(code_system(DOG, property=twice))
    assert found == [("code-system-property-code-twice", "CodeSystem.property[1]")]
    used = {**DOG, "property": [{"code": "a", "valueInteger": 1}]}
    found = errors(code_system(used, property=twice[:1]))
    assert found == [("code-system-property-type", "CodeSystem.concept[0].property[0]")]


def test_a_parent_is_a_code_of_the_system():
    below = {"code": "dog", "property": [{"code": "parent", "valueCode": "animal"}]}
    parent = [{"code": "parent", "uri": f"{PROPERTIES}parent", "type": "code"}]
    found = errors(code_system(below, property=parent))
    assert found == [("code-system-property-reference", "CodeSystem.concept[0].property[0]")]
    assert errors(code_system(below, {"code": "animal"}, property=parent)) == []


def test_the_value_set_of_all_codes_is_one_include_of_the_system():
    def all_codes(**include):
        value_set = {"resourceType": "ValueSet", "url": "http://sets.test/all", "status": "active"}
        return {**value_set, "compose": {"include": [include]}}

    naming = code_system(DOG, valueSet="http://sets.test/all")
    assert errors(naming, all_codes(system=SYSTEM)) == []
    assert [detail for detail, _ in errors(naming, all_codes(system="http://codes.test/other"))] == [
        "code-system-value-set-system"
    ]
    details = errors(naming, all_codes(system=SYSTEM, concept=[{"code": "dog"}]))
    assert [detail for detail, _ in details] == ["code-system-value-set-details"]


# --- ValueSet


def value_set(*includes, **more):
    base = {"resourceType": "ValueSet", "url": "http://sets.test/s", "status": "active"}
    return {**base, "compose": {"include": list(includes)}, **more}


def filtered(property, op, value):
    return {"system": SYSTEM, "filter": [{"property": property, "op": op, "value": value}]}


FILTERABLE = code_system(
    DOG,
    property=[{"code": "legs", "type": "integer"}, {"code": "kin", "type": "Coding"}],
    filter=[{"code": "sound", "description": "x", "operator": ["="], "value": "x"}],
)


@pytest.mark.parametrize(
    ("include", "detail", "place"),
    [
        ({"system": "animals"}, "value-set-system-absolute", "include[0]"),
        ({"system": "#animals"}, "value-set-system-fragment", "include[0]"),
        ({"system": f"{SYSTEM}|1"}, "value-set-system-version", "include[0]"),
        ({"system": "http://sets.test/s"}, "value-set-system-value-set", "include[0]"),
        ({"system": SYSTEM, "concept": [DOG, {"code": "fish"}]}, "value-set-code", "include[0].concept[1]"),
        (filtered("legs", "=", "many"), "value-set-filter-value", "include[0].filter[0]"),
        (filtered("concept", "is-a", "fish"), "value-set-filter-code", "include[0].filter[0]"),
        (filtered("kin", "=", f"{SYSTEM}#fish"), "value-set-filter-coding", "include[0].filter[0]"),
        (filtered("kin", "=", "dog"), "value-set-filter-value", "include[0].filter[0]"),
        (filtered("sound", "regex", ".*"), "value-set-filter-operator", "include[0].filter[0]"),
        (filtered("legs", "exists", "perhaps"), "value-set-filter-value", "include[0].filter[0]"),
        (filtered("legs", "is-a", "dog"), "value-set-filter-value", "include[0].filter[0]"),
        (filtered("code", "in", "dog,fish"), "value-set-filter-code", "include[0].filter[0]"),
        (filtered("code", "regex", "(("), "value-set-filter-regex", "include[0].filter[0]"),
        (filtered("concept", "exists", "true"), "value-set-filter-operator", "include[0].filter[0]"),
    ],
)
def test_an_include_names_systems_codes_and_filters_that_there_are(include, detail, place):
    other = value_set({"system": SYSTEM})
    assert errors(value_set(include), FILTERABLE, other) == [(detail, f"ValueSet.compose.{place}")]


@pytest.mark.parametrize(
    "include",
    [
        {"system": SYSTEM},
        {"system": SYSTEM, "concept": [DOG]},
        filtered("legs", "=", "4"),
        filtered("legs", "=", "lt4"),
        filtered("kin", "=", f"{SYSTEM}#dog"),
        filtered("concept", "is-a", "dog"),
        filtered("code", "in", "dog,dog"),
        filtered("sound", "=", "bark"),
        {"system": "http://codes.test/none", "concept": [{"code": "x"}]},
        {"valueSet": ["http://sets.test/none"]},
    ],
)
def test_a_sound_include_gives_no_error(include):
    assert errors(value_set(include), FILTERABLE) == []


def test_what_cannot_be_checked_is_said():
    found = judged(value_set({"system": "http://codes.test/none", "concept": [{"code": "x"}]}))
    assert ("value-set-system-unknown", "ValueSet.compose.include[0]") in told(found, "warning")
    assert told(found) == []
    found = judged(value_set({"valueSet": ["http://sets.test/none"]}))
    assert ("value-set-import-unknown", "ValueSet.compose.include[0].valueSet[0]") in told(found, "warning")


# --- ConceptMap


def test_a_map_leads_from_codes_of_one_system_to_codes_of_another():
    def mapped(source, target):
        element = {"code": source, "target": [{"code": target, "equivalence": "equal"}]}
        group = {"source": SYSTEM, "target": SYSTEM, "element": [element]}
        return {"resourceType": "ConceptMap", "status": "active", "group": [group]}

    assert errors(mapped("dog", "cat"), ANIMALS) == []
    place = "ConceptMap.group[0].element[0]"
    assert errors(mapped("fish", "cat"), ANIMALS) == [("concept-map-source-code", f"{place}.code")]
    assert errors(mapped("dog", "fish"), ANIMALS) == [("concept-map-target-code", f"{place}.target[0].code")]
    assert errors(mapped("fish", "fish")) == []


# --- StructureDefinition


def profile(*elements, **more):
    base = {
        "resourceType": "StructureDefinition",
        "url": "http://profiles.test/p",
        "name": "P",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
    }
    listed = [{"id": "Patient", "path": "Patient"}, *elements]
    return {**base, "differential": {"element": listed}, **more}


def element(path, **more):
    return {"id": path, "path": path, **more}


@pytest.mark.parametrize(
    ("definition", "detail", "place"),
    [
        (profile(type="Person"), "definition-type", "StructureDefinition.type"),
        (profile(kind="complex-type"), "definition-kind", "StructureDefinition.kind"),
        (profile(context=[{"type": "element", "expression": "Patient"}]), "definition-context", "StructureDefinition"),
        (
            profile(element("Patient.name", type=[{"code": "HumanName", "targetProfile": ["http://profiles.test/x"]}])),
            "definition-target",
            "StructureDefinition.differential.element[1].type[0]",
        ),
        (
            profile(
                element(
                    "Patient.name",
                    type=[{"code": "HumanName", "profile": ["http://hl7.org/fhir/StructureDefinition/Count"]}],
                )
            ),
            "definition-profile-type",
            "StructureDefinition.differential.element[1].type[0].profile[0]",
        ),
        (
            profile(element("Patient.active", type=[{"code": "boolean"}], fixedString="x")),
            "definition-value-type",
            "StructureDefinition.differential.element[1]",
        ),
        (
            profile(
                element(
                    "Patient.name", constraint=[{"key": "n", "severity": "error", "human": "x", "expression": "given."}]
                )
            ),
            "definition-constraint",
            "StructureDefinition.differential.element[1].constraint[0]",
        ),
        (
            profile(element("Person.name")),
            "definition-path",
            "StructureDefinition.differential.element[1]",
        ),
    ],
)
def test_a_profile_says_nothing_that_its_base_and_its_types_forbid(definition, detail, place):
    assert (detail, place) in errors(definition)


def test_a_sound_profile_gives_no_error():
    rule = {"key": "n-1", "severity": "error", "human": "x", "expression": "given.exists()"}
    sound = profile(
        element("Patient.name", min=1, type=[{"code": "HumanName"}], constraint=[rule]),
        element("Patient.gender", patternCode="female", type=[{"code": "code"}]),
    )
    assert errors(sound) == []


def test_a_type_of_ones_own_has_a_namespace():
    logical = {
        "resourceType": "StructureDefinition",
        "url": "http://profiles.test/StructureDefinition/Boo",
        "name": "Boo",
        "status": "active",
        "kind": "logical",
        "abstract": False,
        "type": "Boo",
        "derivation": "specialization",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Element",
        "differential": {"element": [{"id": "Boo", "path": "Boo", "definition": "x", "min": 0, "max": "*"}]},
    }
    assert ("definition-type-local", "StructureDefinition.type") in errors(logical)
    assert "definition-type-local" not in dict(errors({**logical, "type": logical["url"]}))


def test_an_obligation_profile_says_nothing_but_obligations():
    marked = {"url": "http://hl7.org/fhir/tools/StructureDefinition/obligation-profile", "valueBoolean": True}
    obliged = profile(
        element("Patient.active", short="changed"),
        element("Patient.maritalStatus", binding={"strength": "example", "description": "x"}),
        extension=[marked],
    )
    found = [detail for detail, _ in errors(obliged)]
    assert [each for each in found if each.startswith("obligation")] == [
        "obligation-property",
        "obligation-strength",
        "obligation-binding-property",
    ]


# --- SearchParameter, OperationDefinition, publication


def search_parameter(**more):
    base = {
        "resourceType": "SearchParameter",
        "url": "http://search.test/p",
        "name": "p",
        "status": "active",
        "description": "x",
        "code": "p",
        "base": ["Patient"],
        "type": "string",
        "expression": "Patient.name",
    }
    return {**base, **more}


@pytest.mark.parametrize(
    ("parameter", "detail", "place"),
    [
        ({"expression": "Patient."}, "search-parameter-expression", "SearchParameter.expression"),
        ({"expression": "Patient.name | Person.name"}, "search-parameter-expression", "SearchParameter.expression"),
        ({"type": "composite"}, "search-parameter-components", "SearchParameter"),
        ({"derivedFrom": "http://search.test/base", "base": ["Person"]}, "search-parameter-base", "SearchParameter"),
        ({"derivedFrom": "http://search.test/base", "type": "token"}, "search-parameter-type", "SearchParameter"),
    ],
)
def test_a_search_parameter_can_be_searched_by(parameter, detail, place):
    base = search_parameter(url="http://search.test/base")
    assert errors(search_parameter()) == []
    assert (detail, place) in errors(search_parameter(**parameter), base)


def test_what_hl7_publishes_names_its_committee():
    published = code_system(DOG, url="http://hl7.org/fhir/test/CodeSystem/x")
    found = told(judged(published, wishes=Wishes(publication=True)))
    assert ("publication-workgroup", "CodeSystem") in found
    assert ("publication-shareable-hl7", "CodeSystem") in found
    assert errors(published) == []
    assert told(judged(code_system(DOG), wishes=Wishes(publication=True))) == []


def test_a_search_parameter_with_a_telling_character_in_its_code_is_a_warning():
    findings = judged(search_parameter(code="a$b"))
    assert told(findings) == []
    assert ("search-parameter-character", "SearchParameter") in told(findings, "warning")
