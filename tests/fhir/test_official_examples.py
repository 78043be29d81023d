"""Every official example is taken as it is, and is the same resource after a journey through XML.

Source: FHIR R4, the examples of hl7.fhir.r4.examples 4.0.1; JSON and XML Representation of Resources.
"""

from __future__ import annotations

from fhir_gateway.fhir import json, xml
from fhir_gateway.fhir.duplicates import duplicate_keys
from fhir_gateway.fhir.structure import check
from fhir_gateway.fhir.types import Types
from tests.fhir.examples import official_examples

# The published definition has an id of 67 characters; the type id has 64 at most.
KNOWN_FAULTS = {
    "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json": ["invalid-id"]
}


def test_every_official_example_passes_the_structure_check(types: Types):
    faults = {}
    for name, body in official_examples():
        findings = check(json.decode(body), types)
        issues = findings.issues + duplicate_keys(body, findings.keys, types)
        if issues and [issue.complaint.detail for issue in issues] != KNOWN_FAULTS.get(name):
            faults[name] = [(issue.expression, issue.text()) for issue in issues]
    assert faults == {}
    assert len(official_examples()) > 700


def test_every_official_example_is_the_same_after_json_xml_json(types: Types):
    changed = []
    for name, body in official_examples():
        resource = json.decode(body)
        if json.canonical(xml.from_xml(xml.to_xml(resource, types), types)) != json.canonical(resource):
            changed.append(name)
    assert changed == []
