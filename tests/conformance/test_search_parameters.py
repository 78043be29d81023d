"""R4's 1,400 search parameters compile, each branch to one type; custom ones compile or are refused with the reason.

Source: FHIR R4, SearchParameter; Search, "Search Parameter Types", "Composite Search Parameters".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_gateway.conformance.branches import NAMED, SEARCHABLE
from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.conformance.search_expression import UnsupportedExpression
from fhir_gateway.conformance.search_parameter import Branch, Component, SearchParameter
from fhir_gateway.conformance.search_parameters import NOT_COMPILED
from fhir_gateway.fhir.outcome import Unprocessable

DEFINITIONS = definitions()
RESOURCES = DEFINITIONS.types.resources


def parameter(type: str, code: str) -> SearchParameter:
    return DEFINITIONS.search_parameters.of(type)[code]


def shape(branches: tuple[Branch, ...]) -> list[tuple[str, str]]:
    return [(branch.first, branch.type) for branch in branches]


def values(found: SearchParameter | Component, resource: Mapping[str, Any]) -> list[Any]:
    """Return all that the branches select from a resource (or from a base value, for those that start there)."""
    selected: list[Any] = []
    for branch in found.branches:
        if branch.first == "":
            selected += branch.select(resource)
        elif branch.first in resource:
            selected += branch.select(resource[branch.first])
    return selected


def custom(expression: str, type: str = "string", base: tuple[str, ...] = ("Patient",), **more: Any) -> dict[str, Any]:
    url = "http://example.org/SearchParameter/custom"
    return {"url": url, "code": "custom", "type": type, "base": list(base), "expression": expression, **more}


def compiled(expression: str, type: str = "string", base: str = "Patient") -> SearchParameter:
    return DEFINITIONS.compile(custom(expression, type, (base,)))[base]


# --- R4's own


def test_every_parameter_of_r4_is_compiled_or_listed_with_its_reason():
    published = {resource["url"]: resource for resource in DEFINITIONS.resources("SearchParameter")}
    assert len(published) == 1400
    found = {(each.url, type) for type in RESOURCES for each in DEFINITIONS.search_parameters.of(type).values()}
    missing = {url for url, resource in published.items() if not any((url, type) in found for type in RESOURCES)}
    assert missing == set(NOT_COMPILED)
    abstract = {"Resource", "DomainResource"}
    for url in published.keys() - missing:
        assert {(url, base) for base in published[url]["base"] if base not in abstract} <= found


def test_only_parameters_without_an_expression_have_no_branches():
    for type in RESOURCES:
        for each in DEFINITIONS.search_parameters.of(type).values():
            assert bool(each.branches) == bool(each.expression)
            assert each.base == type


def test_every_branch_begins_at_a_property_of_its_type_and_ends_at_a_type_its_parameter_searches():
    types = DEFINITIONS.types.types
    for type in RESOURCES:
        for each in DEFINITIONS.search_parameters.of(type).values():
            parts = (each, *each.components)
            for part in parts:
                for branch in part.branches:
                    assert branch.first == "" or branch.first in types[type].elements
                    assert branch.type in types
                    if part.type in SEARCHABLE:
                        assert branch.type in SEARCHABLE[part.type] | NAMED.get(part.type, frozenset())


def test_parameters_of_all_resources_are_those_of_each():
    assert {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_content", "_query", "_filter"} <= set(
        DEFINITIONS.search_parameters.of("Binary")
    )
    assert "_text" in DEFINITIONS.search_parameters.of("Patient")
    assert "_text" not in DEFINITIONS.search_parameters.of("Binary")
    assert shape(parameter("Task", "_lastUpdated").branches) == [("meta", "instant")]


def test_an_example_parameter_does_not_take_the_place_of_the_real_one():
    assert parameter("Condition", "subject").url == "http://hl7.org/fhir/SearchParameter/Condition-subject"
    assert parameter("Patient", "_id").url == "http://hl7.org/fhir/SearchParameter/Resource-id"


def test_an_unknown_type_has_no_parameters():
    with pytest.raises(KeyError):
        DEFINITIONS.search_parameters.of("DomainResource")


def test_a_path_selects_through_repeating_elements():
    patient = {"resourceType": "Patient", "name": [{"given": ["Ada", "Maria"]}, {}, {"given": ["Augusta"]}]}
    assert values(parameter("Patient", "given"), patient) == ["Ada", "Maria", "Augusta"]
    assert shape(parameter("Patient", "given").branches) == [("name", "string")]


def test_a_cast_selects_the_property_of_that_type():
    assert shape(parameter("Observation", "value-quantity").branches) == [
        ("valueQuantity", "Quantity"),
        ("valueSampledData", "SampledData"),
    ]
    assert shape(parameter("Condition", "onset-age").branches) == [("onsetAge", "Age"), ("onsetRange", "Range")]


def test_an_open_choice_has_a_branch_for_each_type_its_parameter_can_search():
    assert shape(parameter("Observation", "date").branches) == [
        ("effectiveDateTime", "dateTime"),
        ("effectivePeriod", "Period"),
        ("effectiveTiming", "Timing"),
        ("effectiveInstant", "instant"),
    ]
    assert shape(parameter("Procedure", "date").branches) == [
        ("performedDateTime", "dateTime"),
        ("performedPeriod", "Period"),
    ]


def test_as_takes_specializations_too():
    assert shape(parameter("ConceptMap", "source-uri").branches) == [
        ("sourceUri", "uri"),
        ("sourceCanonical", "canonical"),
    ]
    assert shape(parameter("ConceptMap", "source").branches) == [("sourceCanonical", "canonical")]


def test_where_selects_by_equality():
    telecom = [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}, {"value": "3"}]
    assert values(parameter("Patient", "phone"), {"telecom": telecom}) == [{"system": "phone", "value": "1"}]


def test_where_resolve_is_says_which_references_are_meant():
    (branch,) = parameter("ServiceRequest", "patient").branches
    assert (branch.first, branch.type, branch.target) == ("subject", "Reference", "Patient")
    assert parameter("ServiceRequest", "subject").branches[0].target is None


def test_an_extension_is_searched_by_its_value():
    url = "http://hl7.org/fhir/StructureDefinition/observation-geneticsGene"
    gene = {"coding": [{"code": "HGNC:1100"}]}
    observation = {
        "extension": [{"url": url, "valueCodeableConcept": gene}, {"url": "http://example.org", "valueCode": "x"}]
    }
    assert values(parameter("Observation", "gene-identifier"), observation) == [gene]
    assert {branch.type for branch in parameter("Observation", "gene-identifier").branches} == SEARCHABLE["token"]


def test_has_extension_selects_the_items_that_have_it():
    url = "http://hl7.org/fhir/StructureDefinition/questionnaireresponse-isSubject"
    subject = {"reference": "Patient/1"}
    items = [
        {"extension": [{"url": url, "valueBoolean": True}], "answer": [{"valueReference": subject}]},
        {"extension": [{"url": "http://example.org"}], "answer": [{"valueReference": {"reference": "Patient/2"}}]},
        {"answer": [{"valueReference": {"reference": "Patient/3"}}]},
    ]
    assert values(parameter("QuestionnaireResponse", "item-subject"), {"item": items}) == [subject]


def test_the_first_entry_of_a_bundle_is_selected_as_a_resource():
    composition = {"resourceType": "Composition"}
    bundle = {"entry": [{"resource": composition}, {"resource": {"resourceType": "Patient"}}]}
    assert shape(parameter("Bundle", "composition").branches) == [("entry", "Resource")]
    assert values(parameter("Bundle", "composition"), bundle) == [composition]


@pytest.mark.parametrize(
    ("patient", "deceased"),
    [
        ({}, False),
        ({"deceasedBoolean": False}, False),
        ({"deceasedBoolean": True}, True),
        ({"deceasedDateTime": "2020-01"}, True),
    ],
)
def test_deceased_is_true_or_false_of_every_patient(patient: dict[str, Any], deceased: bool):
    assert values(parameter("Patient", "deceased"), patient) == [deceased]


def test_a_code_with_one_code_system_says_which():
    def system(type: str, code: str) -> str | None:
        return parameter(type, code).branches[0].system

    assert system("Patient", "gender") == "http://hl7.org/fhir/administrative-gender"
    assert system("Task", "status") == "http://hl7.org/fhir/task-status"
    assert system("Appointment", "part-status") == "http://hl7.org/fhir/participationstatus"
    assert system("Patient", "language") is None  # a CodeableConcept brings its own
    assert system("Bundle", "type") == "http://hl7.org/fhir/bundle-type"


def test_a_composite_begins_at_the_resource_or_below_it():
    both = parameter("Observation", "combo-code-value-quantity")
    assert shape(both.branches) == [("", "Observation"), ("component", "Observation.component")]
    code, quantity = both.components
    assert (code.code, code.type, shape(code.branches)) == ("combo-code", "token", [("", "CodeableConcept")])
    assert (quantity.code, quantity.type) == ("combo-value-quantity", "quantity")
    part = {"code": {"text": "systolic"}, "valueQuantity": {"value": 120}}
    observation = {"resourceType": "Observation", "code": {"text": "both"}, "component": [part]}
    assert values(both, observation) == [observation, part]
    assert values(code, part) == [{"text": "systolic"}]
    assert values(quantity, part) == [{"value": 120}]
    assert values(quantity, observation) == []


def test_a_component_may_begin_at_the_resource_again():
    chromosome, start, end = parameter("MolecularSequence", "chromosome-variant-coordinate").components
    assert shape(chromosome.branches) == [("referenceSeq", "CodeableConcept")]
    assert shape(start.branches) == shape(end.branches) == [("", "integer")]
    assert values(start, {"start": 0, "end": 9}) == [0]


def test_the_type_r4_misspells_is_read_as_meant():
    _, value = parameter("Observation", "code-value-date").components
    assert shape(value.branches) == [("", "dateTime"), ("", "Period")]
    assert values(value, {"valueDateTime": "2020"}) == ["2020"]


def test_the_components_r4_confuses_are_those_that_are_meant():
    relation, target = parameter("DocumentReference", "relationship").components
    assert (relation.code, relation.type, shape(relation.branches)) == ("relation", "token", [("", "code")])
    assert (target.code, target.type, shape(target.branches)) == ("relatesto", "reference", [("", "Reference")])


def test_nulls_that_stand_for_extensions_are_not_selected():
    assert values(parameter("Patient", "given"), {"name": [{"given": [None, "Ada"]}]}) == ["Ada"]
    assert values(parameter("MedicinalProduct", "name"), {"name": [{"productName": "x"}]}) == ["x"]
    assert values(parameter("ActivityDefinition", "depends-on"), {"library": [None, "http://a"]}) == ["http://a"]


# --- custom parameters


def test_a_custom_parameter_is_compiled_for_each_of_its_bases():
    found = DEFINITIONS.compile(custom("Patient.name.text | Practitioner.name.text", base=("Patient", "Practitioner")))
    assert set(found) == {"Patient", "Practitioner"}
    assert [shape(each.branches) for each in found.values()] == [[("name", "string")]] * 2
    assert (found["Patient"].code, found["Patient"].base) == ("custom", "Patient")


def test_a_custom_parameter_of_all_domain_resources_is_compiled_for_each():
    found = DEFINITIONS.compile(custom("extension('http://x').value as string", base=("DomainResource",)))
    assert set(found) == set(RESOURCES) - {"Binary", "Bundle", "Parameters"}
    assert values(found["Patient"], {"extension": [{"url": "http://x", "valueString": "y"}]}) == ["y"]


def test_a_custom_composite_names_parameters_that_are_known():
    family = {"definition": "http://hl7.org/fhir/SearchParameter/individual-family", "expression": "family"}
    given_ = {"definition": "http://hl7.org/fhir/SearchParameter/individual-given", "expression": "given"}
    found = DEFINITIONS.compile(custom("Patient.name", "composite", component=[family, given_]))["Patient"]
    assert [component.code for component in found.components] == ["family", "given"]
    assert shape(found.branches) == [("name", "HumanName")]


@pytest.mark.parametrize(
    ("expression", "patient", "selected"),
    [
        ("name.where(use='official' or use='usual').family", {"name": [{"use": "usual", "family": "A"}, {}]}, ["A"]),
        ("name.where(use!='old').family", {"name": [{"family": "A"}, {"use": "old", "family": "B"}]}, []),
        ("name.where(period.empty()).family", {"name": [{"family": "A"}, {"period": {}, "family": "B"}]}, ["A"]),
        ("name.where(given.exists($this='Ada')).family", {"name": [{"given": ["Ada"], "family": "A"}]}, ["A"]),
        ("name.where(given.exists().not()).family", {"name": [{"given": ["Ada"]}, {"family": "B"}]}, ["B"]),
        ("name.given.where($this='Ada')", {"name": [{"given": ["Ada", "Eve"]}]}, ["Ada"]),
        ("name.given.first()", {"name": [{"given": ["Ada", "Eve"]}, {"given": ["Iris"]}]}, ["Ada"]),
        (
            "(name | contact.name).family",
            {"name": [{"family": "A"}], "contact": [{"name": {"family": "B"}}]},
            ["A", "B"],
        ),
        (
            "communication.where(preferred).language.text",
            {"communication": [
                {"preferred": True, "language": {"text": "fr"}},
                {"preferred": False, "language": {"text": "en"}},
                {"language": {"text": "de"}},
            ]},
            ["fr"],
        ),
        (
            "contained.ofType(Organization).name",
            {"contained": [{"resourceType": "Organization", "name": "CHU"}, {"resourceType": "Location", "name": "B"}]},
            ["CHU"],
        ),
    ],
)  # fmt: skip
def test_a_custom_expression_selects(expression: str, patient: dict[str, Any], selected: list[Any]):
    assert values(compiled(expression), patient) == selected


@pytest.mark.parametrize(
    ("expression", "type", "detail", "position"),
    [
        ("Patient.nom", "string", "search-expression-element-unknown", 8),
        ("Patient.name.family.length", "string", "search-expression-unsupported", 20),
        ("Patient.managingOrganization.resolve().name", "string", "search-expression-unsupported", 29),
        ("Patient.name.where(resolve() is Patient)", "string", "search-expression-unsupported", 29),
        ("Patient.name.family.upper()", "string", "search-expression-unsupported", 20),
        ("Patient.name.family.extension('x')", "string", "search-expression-unsupported", 20),
        ("Patient.name is HumanName", "token", "search-expression-unsupported", 13),
        ("'constant'", "string", "search-expression-unsupported", 0),
        ("Patient.deceased[0]", "token", "search-expression-unsupported", 16),
        ("Patient.name.where(family = %resource.id)", "string", "search-expression-unsupported", 38),
        ("Patient.deceased as Quantity", "quantity", "search-expression-element-unknown", 17),
        ("Patient.deceased as Quantite", "quantity", "search-expression-element-unknown", 17),
        ("Patient.name", "date", "search-expression-without-value", 0),
        ("Patient.deceased", "string", "search-expression-without-value", 0),
        ("Observation.code", "token", "search-expression-without-value", 0),
    ],
)
def test_an_expression_that_cannot_be_compiled_is_refused_with_position_and_reason(
    expression: str, type: str, detail: str, position: int
):
    with pytest.raises(UnsupportedExpression) as refusal:
        compiled(expression, type)
    (issue,) = refusal.value.issues
    assert (issue.complaint.detail, refusal.value.position) == (detail, position)
    assert expression in refusal.value.reason
    assert expression in issue.text("fr")


def test_all_that_is_wrong_with_a_parameter_is_said_at_once():
    unknown = {"definition": "http://example.org/none", "expression": "family"}
    wrong = {"definition": "http://hl7.org/fhir/SearchParameter/individual-family", "expression": "famille"}
    with pytest.raises(Unprocessable) as refusal:
        DEFINITIONS.compile(custom("name", "composite", ("Patient", "Malade"), component=[unknown, wrong]))
    assert [issue.complaint.detail for issue in refusal.value.issues] == [
        "search-parameter-component-unknown",
        "search-expression-element-unknown",
        "search-parameter-base-unknown",
    ]


def test_components_that_would_mean_different_things_in_different_bases_are_refused():
    use = {"definition": "http://hl7.org/fhir/SearchParameter/individual-address-use", "expression": "use"}
    with pytest.raises(UnsupportedExpression) as refusal:  # their codes are of different systems
        DEFINITIONS.compile(custom("Patient.name | Patient.address", "composite", component=[use]))
    assert "HumanName ≠ Address" in refusal.value.reason


@pytest.mark.parametrize("missing", ["url", "code", "type"])
def test_a_parameter_that_lacks_what_it_needs_is_refused(missing: str):
    incomplete = {name: value for name, value in custom("Patient.name").items() if name != missing}
    with pytest.raises(Unprocessable) as refusal:
        DEFINITIONS.compile(incomplete)
    assert refusal.value.issues[0].complaint.detail == "search-parameter-incomplete"


WORDS = [
    "Patient", "Practitioner", "name", "given", "deceased", "contact", "value", "telecom", "system", "link", "other",
    "extension('u')", "exists()", "empty()", "not()", "first()", "ofType(string)", "resolve()", "%resource", "$this",
    "hasExtension('u')", "'phone'", "true", "[0]", "1", "contained", "boolean", "as", "is", "and", "or", "=", "!=", "|",
    "where(", "exists(", "(", ")", ".", ".", ".",
]  # fmt: skip
PATIENT = {
    "resourceType": "Patient",
    "name": [{"given": [None, "Ada"], "family": "L"}, {}],
    "telecom": [{"system": "phone", "value": "1"}],
    "deceasedBoolean": True,
    "contact": [{"name": {"given": ["Eve"]}, "telecom": [{}]}],
    "link": [{"other": {"reference": "Patient/2"}}],
    "contained": [{"resourceType": "Organization"}],
    "extension": [{"url": "u", "valueString": "x"}],
}


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9), st.sampled_from(["string", "token", "special"]))
def test_whatever_compiles_never_raises(words: list[str], type: str):
    try:
        found = compiled(" ".join(words), type)
    except Unprocessable:
        return
    assert isinstance(values(found, PATIENT), list)
