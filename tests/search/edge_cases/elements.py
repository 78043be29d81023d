"""Constants and elements that resources made by hand are put together from.

Source: FHIR R4, Data Types.
"""

from __future__ import annotations

from typing import Any

BASE = "http://gateway.test/fhir"
LOINC, UCUM, SCT = "http://loinc.org", "http://unitsofmeasure.org", "http://snomed.info/sct"
INS, IPP = "urn:oid:1.2.250.1.213.1.4.8", "urn:oid:1.2.3.4"
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
HPO, HGNC = "http://human-phenotype-ontology.org", "http://www.genenames.org/geneId"
PRESCRIPTION = "https://genomics.example/profile/prescription"

Resource = dict[str, Any]


def make(type: str, id: str, /, **elements: Any) -> Resource:
    return {"resourceType": type, "id": id, **elements}


def concept(
    system: str | None = None, code: str | None = None, text: str | None = None, display: str | None = None
) -> Any:
    coding = {
        name: each for name, each in (("system", system), ("code", code), ("display", display)) if each is not None
    }
    return {**({"coding": [coding]} if coding else {}), **({"text": text} if text is not None else {})}


def reference(text: str, **more: Any) -> dict[str, Any]:
    return {"reference": text, **more}


def quantity(value: float, code: str | None = None, unit: str | None = None, **more: Any) -> dict[str, Any]:
    units = {} if code is None else {"system": UCUM, "code": code}
    return {"value": value, **units, **({} if unit is None else {"unit": unit}), **more}


def narrative(text: str) -> dict[str, str]:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'}
