"""Compartments: which parameters put a resource into one.

Source: FHIR R4, CompartmentDefinition patient, encounter, relatedPerson, practitioner, device.
"""

from __future__ import annotations

from fhir_gateway.conformance.definitions import definitions

COMPARTMENTS = definitions().compartments


def test_r4_has_five_compartments():
    assert set(COMPARTMENTS) == {"Patient", "Encounter", "RelatedPerson", "Practitioner", "Device"}


def test_a_resource_is_in_a_patients_compartment_by_the_parameters_of_its_definition():
    patient = COMPARTMENTS["Patient"]
    assert patient["Observation"] == ("subject", "performer")
    assert patient["ServiceRequest"] == ("subject", "performer")
    assert patient["Group"] == ("member",)
    assert "Organization" not in patient
    assert len(patient) == 66


def test_the_resource_whose_compartment_it_is_is_in_it():
    for compartment, types in COMPARTMENTS.items():
        assert compartment in types
    assert COMPARTMENTS["Encounter"]["Encounter"] == ()
    assert COMPARTMENTS["Patient"]["Patient"] == ("link",)


def test_every_parameter_of_a_compartment_is_a_search_parameter_of_its_type():
    for types in COMPARTMENTS.values():
        for type, codes in types.items():
            parameters = definitions().search_parameters.of(type)
            assert {code for code in codes if parameters[code].type != "reference"} == set()
