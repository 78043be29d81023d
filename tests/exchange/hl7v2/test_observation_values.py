"""What becomes of each type that OBX-2 may name: no value is lost without being told.

Source: HL7 v2.5.1, chapter 2A and 7.4.2.2 (OBX-2, OBX-5); HL7 v2-to-FHIR, OBX[Observation], rows 5 and 6.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from fhir_gateway.fhir.json import decode, encode

UCUM = "http://unitsofmeasure.org"
HEAD = (
    "MSH|^~\\&|LABO|HOP ESSAI|PFMG|PFMG|20260302101500||ORU^R01^ORU_R01|1|P|2.5",
    "PID|1||471^^^HOP ESSAI&990000017&N^PI||FICTIVE^ZOE",
    "OBR|1||F-1^LABO|1^Examen^L" + "|" * 21 + "F",
)


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def observed(convert: Converter, obx: str) -> tuple[dict[str, Any], Conversion]:
    (found,) = convert.convert_all("\r".join((*HEAD, obx, "")).encode())
    assert isinstance(found, Conversion)
    assert found.result is not None
    made = next(each.resource for each in found.result.instances if each.resource["resourceType"] == "Observation")
    assert [one.issue.text() for one in r4_validator().validate(made) if one.is_error] == []
    return dict(decode(encode(made))), found


@pytest.mark.parametrize(
    ("kind", "value", "units", "element", "expected"),
    [
        ("NM", "5.10", "g/L", "valueQuantity", {"value": "5.10", "unit": "g/L"}),
        ("NM", "<5", "g/L", "valueString", "<5"),
        ("SN", ">^10", "g/L", "valueQuantity", {"comparator": ">", "value": "10", "unit": "g/L"}),
        ("SN", "^2^-^5", "g", "valueRange", {"low": {"value": "2", "unit": "g"}, "high": {"value": "5", "unit": "g"}}),
        ("SN", "^1^:^128", "", "valueRatio", {"numerator": {"value": "1"}, "denominator": {"value": "128"}}),
        ("SN", "<>^5", "g/L", "valueString", "<> 5 g/L"),
        ("SN", "^5^+", "", "valueString", "5+"),
        ("NR", "1^3", "g^g^UCUM", "valueRange", {
            "low": {"value": "1", "unit": "g", "code": "g", "system": UCUM},
            "high": {"value": "3", "unit": "g", "code": "g", "system": UCUM},
        }),
        ("MO", "12.50^EUR", "", "valueQuantity", {"value": "12.50", "unit": "EUR"}),
        ("CP", "12.50&EUR^UP", "", "valueQuantity", {"value": "12.50", "unit": "EUR"}),
        ("CQ", "12^mL&&UCUM", "", "valueQuantity", {"value": "12", "unit": "mL", "code": "mL", "system": UCUM}),
        ("DT", "202601", "", "valueDateTime", "2026-01"),
        ("DTM", "20260102", "", "valueDateTime", "2026-01-02"),
        ("TM", "0930", "", "valueTime", "09:30:00"),
        ("TS", "hier", "", "valueString", "hier"),
        ("DR", "20260101^20260102", "", "valuePeriod", {"start": "2026-01-01", "end": "2026-01-02"}),
        ("VR", "1^5", "", "valueString", "1-5"),
        ("ST", "un~deux", "", "valueString", "un\ndeux"),
        ("", "sans type", "", "valueString", "sans type"),
        ("XPN", "FICTIVE^ZOE", "", "valueString", "ZOE FICTIVE"),
        ("XCN", "99^FICTIVE^ZOE", "", "valueString", "ZOE FICTIVE (99)"),
        ("XAD", "1 rue du Test^^VILLE^^99000", "", "valueString", "1 rue du Test, 99000 VILLE"),
        ("CX", "77^^^LABO", "", "valueString", "77"),
        ("CWE", "A^Alpha^L^^^^^^mot d'origine", "", "valueCodeableConcept", {
            "coding": [{"code": "A", "display": "Alpha", "system": "https://pfmg.example.org/fhir/hl7v2/system/L"}],
            "text": "mot d'origine",
        }),
    ],
)  # fmt: skip
def test_a_value_of_each_type_has_its_place(
    convert: Converter, kind: str, value: str, units: str, element: str, expected: Any
) -> None:
    made, found = observed(convert, f"OBX|1|{kind}|1^Mesure^L||{value}|{units}|||||F")
    values = {key: decode(encode(each)) if isinstance(each, dict) else each for key, each in made.items()}
    assert _texts(values[element]) == expected
    assert [key for key in made if key.startswith("value")] == [element]
    assert found.result is not None
    assert "OBX^1^5" not in {each.where for each in found.result.unplaced}


def _texts(value: Any) -> Any:
    """Return a tree with its numbers as the texts that they keep."""
    if isinstance(value, dict):
        return {key: _texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return str(value)


def test_an_array_of_numbers_is_sampled_data_of_which_nobody_says_how_fast(convert: Converter) -> None:
    made, _ = observed(convert, "OBX|1|NA|1^Mesure^L||1^2.5^3|mV|||||F")
    samples = made["valueSampledData"]
    assert (samples["data"], samples["dimensions"], samples["origin"]["unit"]) == ("1 2.5 3", 1, "mV")
    assert samples["_period"]["extension"][0]["valueCode"] == "unknown"


def test_an_array_that_lacks_a_number_is_told_to_have_no_place(convert: Converter) -> None:
    made, found = observed(convert, "OBX|1|NA|1^Mesure^L||1^^3|mV|||||F")
    assert "data" not in made.get("valueSampledData", {})
    assert found.result is not None
    assert "OBX^1^5" in {each.where for each in found.result.unplaced}


def test_each_of_several_codes_is_kept(convert: Converter) -> None:
    made, _ = observed(convert, "OBX|1|CWE|1^Gène^L||A^Alpha^L~B^Beta^L||||||F")
    codes = [each["valueCodeableConcept"]["coding"][0]["code"] for each in made["component"]]
    assert codes == ["A", "B"]
    assert "valueCodeableConcept" not in made


def test_what_stands_after_a_specimen_is_of_it(convert: Converter) -> None:
    made, found = observed(convert, "SPM|1|^T-1&LABO||BLD\rSAC|||C-1\rOBX|1|NM|1^Volume^L||4|mL|||||F\rSAC|||C-2")
    assert found.result is not None
    specimen = next(each for each in found.result.instances if each.resource["resourceType"] == "Specimen")
    assert made["specimen"] == {"reference": specimen.full_url}
    numbers = [each["identifier"][0]["value"] for each in specimen.resource["container"]]
    assert numbers == ["C-1", "C-2"]


def test_a_conclusion_is_of_the_report_of_its_own_order(convert: Converter) -> None:
    """LOINC 55110-1 in words, 51968-6 as a code."""
    _, found = observed(
        convert,
        "OBX|1|FT|55110-1^Conclusion^LN||Première~ligne||||||F\r"
        "OBX|2|CWE|51968-6^Conclusion^LN||LA6576-8^Positive^LN||||||F\r"
        f"OBR|2||F-2^LABO|2^Autre^L{'|' * 21}F\rOBX|1|TX|55110-1^Conclusion^LN||Seconde||||||F",
    )
    assert found.result is not None
    reports = [each.resource for each in found.result.instances if each.id == "report"]
    assert [each["conclusion"] for each in reports] == ["Première\nligne", "Seconde"]
    assert ["conclusionCode" in each for each in reports] == [True, False]
    assert reports[0]["conclusionCode"][0]["coding"][0]["code"] == "LA6576-8"
