"""Any definition of R4 is found by its type and canonical url, and is read only when it is asked for.

Source: FHIR R4, "Conformance Module"; "Terminology Module".
"""

from __future__ import annotations

from fhir_gateway.conformance.definitions import Definitions, compiled_tables, definitions
from fhir_gateway.conformance.package import R4, Package, data_folder


def test_a_definition_is_found_by_type_and_url():
    gender = definitions().resource("ValueSet", "http://hl7.org/fhir/ValueSet/administrative-gender")
    assert gender is not None
    assert gender["compose"] == {"include": [{"system": "http://hl7.org/fhir/administrative-gender"}]}
    vital_signs = definitions().resource("StructureDefinition", "http://hl7.org/fhir/StructureDefinition/vitalsigns")
    assert vital_signs is not None
    assert "snapshot" in vital_signs
    assert "differential" in vital_signs


def test_an_unknown_url_gives_nothing():
    assert definitions().resource("ValueSet", "http://example.org/unknown") is None
    assert definitions().resource("Patient", "http://hl7.org/fhir/Patient/example") is None


def test_all_definitions_of_a_type_come_in_order_of_their_urls():
    urls = [resource["url"] for resource in definitions().resources("ConceptMap")]
    assert len(urls) == 80
    assert urls == sorted(urls)


def test_nothing_but_tables_is_read_until_somebody_asks():
    package = Package(data_folder("profiles") / R4)
    tables = compiled_tables(package)
    read: list[str] = []

    class Watched(Package):
        def lines(self, member):
            read.append(member)
            return super().lines(member)

    fresh = Definitions(Watched(package.path), tables)
    assert fresh.search_parameters.of("Patient")["name"].branches
    assert read == []
    fresh.resource("ConceptMap", "http://example.org/unknown")
    fresh.resource("ConceptMap", "http://example.org/unknown-too")
    assert read == ["ConceptMap"]
