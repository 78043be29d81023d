"""The types of R4 as flat tables, read against the pages of the standard.

Source: FHIR R4, Patient, Observation, Questionnaire, Extension; Data Types; JSON, "Choice of data types".
"""

from __future__ import annotations

import pytest

from fhir_gateway.conformance.definitions import definitions
from fhir_gateway.fhir.types import Element, Type

TYPES = definitions().types


def element(type: str, name: str) -> Element:
    return TYPES.types[type].elements[name]


def test_r4_has_146_concrete_resource_types_in_alphabetical_order():
    assert len(TYPES.resources) == 146
    assert list(TYPES.resources) == sorted(TYPES.resources)
    assert TYPES.version == "4.0.1"
    assert {"Resource", "DomainResource"} & set(TYPES.resources) == set()
    assert TYPES.types["DomainResource"].kind == "resource"


def test_a_patient_has_the_elements_of_its_page_in_their_order():
    names = list(TYPES.types["Patient"].elements)
    assert names == [
        "id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension",
        "identifier", "active", "name", "telecom", "gender", "birthDate", "deceasedBoolean", "deceasedDateTime",
        "address", "maritalStatus", "multipleBirthBoolean", "multipleBirthInteger", "photo", "contact",
        "communication", "generalPractitioner", "managingOrganization", "link",
    ]  # fmt: skip
    orders = [each.order for each in TYPES.types["Patient"].elements.values()]
    assert orders == sorted(orders)


def test_a_backbone_element_is_a_type_under_its_path():
    assert element("Patient", "contact") == Element("contact", "contact", "Patient.contact", False, True, 20)
    assert TYPES.types["Patient.contact"].kind == "backbone"
    assert element("Patient.contact", "relationship").many
    assert element("Patient.communication", "language").min == 1
    assert TYPES.types["Timing.repeat"].kind == "backbone"


def test_a_choice_has_one_property_a_type():
    values = [e for e in TYPES.types["Observation"].elements.values() if e.definition == "value[x]"]
    assert [(each.name, each.type) for each in values] == [
        ("valueQuantity", "Quantity"),
        ("valueCodeableConcept", "CodeableConcept"),
        ("valueString", "string"),
        ("valueBoolean", "boolean"),
        ("valueInteger", "integer"),
        ("valueRange", "Range"),
        ("valueRatio", "Ratio"),
        ("valueSampledData", "SampledData"),
        ("valueTime", "time"),
        ("valueDateTime", "dateTime"),
        ("valuePeriod", "Period"),
    ]
    assert len({each.order for each in values}) == 1


def test_an_extension_may_have_a_value_of_any_of_50_types():
    assert sum(e.definition == "value[x]" for e in TYPES.types["Extension"].elements.values()) == 50


def test_a_content_reference_has_the_type_it_refers_to():
    assert element("Questionnaire.item", "item").type == "Questionnaire.item"
    assert element("Observation.component", "referenceRange").type == "Observation.referenceRange"
    assert element("Bundle.entry", "link").type == "Bundle.link"


def test_ids_of_elements_and_urls_of_extensions_are_attributes_in_xml_ids_of_resources_are_not():
    assert element("HumanName", "id").attribute
    assert element("HumanName", "id").type == "string"
    assert element("Extension", "url") == Element("url", "url", "uri", True, False, 3, attribute=True, min=1)
    assert not element("Patient", "id").attribute
    attributes = {e.name for type in TYPES.types.values() for e in type.elements.values() if e.attribute}
    assert attributes == {"id", "url"}


@pytest.mark.parametrize("type", TYPES.resources)
def test_the_id_of_a_resource_is_an_id(type: str):
    assert element(type, "id").type == "id"


def test_a_resource_inside_another_has_the_type_resource():
    assert element("Patient", "contained") == Element("contained", "contained", "Resource", False, True, 6)
    assert element("Bundle.entry", "resource").type == "Resource"
    assert element("Parameters.parameter", "resource").type == "Resource"


def test_a_primitive_has_what_stands_beside_its_value():
    assert list(TYPES.types["date"].elements) == ["id", "extension"]
    assert TYPES.types["date"].kind == "primitive"
    assert list(TYPES.types["xhtml"].elements) == ["id"]
    assert element("Narrative", "div").primitive
    primitives = {name for name, type in TYPES.types.items() if type.kind == "primitive"}
    assert primitives == {
        "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant", "integer",
        "markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri", "url", "uuid", "xhtml",
    }  # fmt: skip


def test_a_reference_names_its_targets_and_a_reference_to_anything_none():
    assert element("Patient", "generalPractitioner").targets == ("Organization", "Practitioner", "PractitionerRole")
    assert element("Task", "focus").targets == ()
    assert element("Annotation", "authorReference").targets == (
        "Practitioner",
        "Patient",
        "RelatedPerson",
        "Organization",
    )
    known = set(TYPES.resources)
    assert [e for type in TYPES.types.values() for e in type.elements.values() if set(e.targets) - known] == []


def test_every_element_has_a_type_that_is_there():
    for type in TYPES.types.values():
        for name, each in type.elements.items():
            assert name == each.name
            assert each.type in TYPES.types
            assert each.primitive == (TYPES.types[each.type].kind == "primitive")


def test_logical_models_and_profiles_are_no_types():
    assert {"MetadataResource", "FiveWs", "SimpleQuantity", "vitalsigns"} & set(TYPES.types) == set()


def test_a_type_knows_what_it_specializes():
    assert definitions().bases("Age") == ("Age", "Quantity", "Element")
    assert definitions().bases("canonical") == ("canonical", "uri", "Element")
    assert definitions().bases("Patient") == ("Patient", "DomainResource", "Resource")


def test_tables_hold_every_type_once():
    kinds = {kind: sum(type.kind == kind for type in TYPES.types.values()) for kind in ("complex", "resource")}
    assert kinds == {"complex": 41, "resource": 148}
    assert all(isinstance(type, Type) and type.name == name for name, type in TYPES.types.items())
