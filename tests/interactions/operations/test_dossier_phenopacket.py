"""Phenopackets through the doors: what an interpretation names becomes results of the dossier, and goes out again.

Source: GA4GH Phenopacket Schema 2.0, "Interpretation"; `fhir_gateway/exchange/phenopacket/README.md`.
"""

from __future__ import annotations

import json
from typing import Any

from tests.exchange.phenopacket.test_interpretations import INTERPRETATION
from tests.interactions.desk import Desk
from tests.interactions.dossier_people import PLATFORM
from tests.interactions.operations.files_of_platforms import asked, parameters, parts, running, with_files
from tests.interactions.operations.test_dossier_export import file_of
from tests.interactions.operations.test_dossier_import import details, imported, made


def interpreted(packet: dict[str, Any]) -> bytes:
    """Return a Family with an interpretation of the proband and a key that nobody knows."""
    proband = packet["proband"]
    proband["mood"] = {"x": None}
    proband["interpretations"] = [INTERPRETATION]
    (one,) = INTERPRETATION["diagnosis"]["genomicInterpretations"]
    own = {**one, "subjectOrBiosampleId": proband["subject"]["id"]}
    proband["interpretations"] = [
        {**INTERPRETATION, "diagnosis": {**INTERPRETATION["diagnosis"], "genomicInterpretations": [own]}}
    ]
    return json.dumps(packet).encode()


def test_an_interpretation_becomes_variant_implication_and_report_once(desk: Desk) -> None:
    desk = with_files(desk)
    pathway = running(desk)
    url = f"ServiceRequest/{pathway.requests[0]}/$dossier?format=phenopacket"
    packet = interpreted(json.loads(file_of(asked(desk, PLATFORM, url))))
    answer = imported(desk, packet)
    held = [desk.get(each) for each in made(answer)]
    variant = next(each for each in held if "69548-6" in str(each.get("code")))
    implication = next(each for each in held if "diagnostic-implication" in str(each.get("code")))
    report = next(each for each in held if each["resourceType"] == "DiagnosticReport")
    assert implication["derivedFrom"] == [{"reference": f"Observation/{variant['id']}"}]
    assert variant["subject"] == implication["subject"] == report["subject"] == pathway.request()["subject"]
    assert {each["reference"] for each in report["result"]} == {
        f"Observation/{variant['id']}",
        f"Observation/{implication['id']}",
    }
    assert [each["component"][0]["code"]["text"] for each in held if "cle-inconnue" in str(each.get("code"))] == [
        "/proband/mood/x"
    ]
    assert "result-nothing-new" in details(imported(desk, packet))
    told = parts(parameters(asked(desk, PLATFORM, url))[0])
    assert told["fichier"]["contentType"] == "application/json"
    (again,) = json.loads(file_of(asked(desk, PLATFORM, url)))["proband"]["interpretations"]
    (one,) = again["diagnosis"]["genomicInterpretations"]
    assert again["diagnosis"]["disease"] == INTERPRETATION["diagnosis"]["disease"]
    assert one["variantInterpretation"]["variationDescriptor"]["vcfRecord"]["pos"] == "48537629"
    assert one["variantInterpretation"]["acmgPathogenicityClassification"] == "LIKELY_PATHOGENIC"
