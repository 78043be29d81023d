"""Documents, who they are from and for, what keeps them from somebody; what belongs to which group.

Source: CI-SIS, "Transmission de documents CDA-R2 en HL7v2"; HL7 v2.5.1, chapters 7 and 9; FR Core 2.2.0.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter

PID = "PID|1||1^^^H&1.2.3&ISO^PI||ESSAI^ZOE^^^^^L"
DOCUMENT = "OBX|1|ED|18748-4^CR^LN||^text^XML^Base64^PGE+PC9hPg==||||||{code}"


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def made(convert: Converter, event: str, *segments: str) -> dict[str, list[dict[str, Any]]]:
    head = f"MSH|^~\\&|RIS|HOP|PFMG|PFMG|20260502090000||{event}|1|P|2.6|||||FRA|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2"
    (found,) = convert.convert_all("\r".join((head, *segments)).encode())
    assert isinstance(found, Conversion)
    assert found.result is not None
    kinds: dict[str, list[dict[str, Any]]] = {}
    for each in found.result.instances:
        kinds.setdefault(each.resource["resourceType"], []).append(each.resource)
    return kinds


def flag(number: int, code: str, answer: str) -> str:
    return f"OBX|{number}|CWE|{code}^{code}^MetaDMPMSS||{answer}^^HL70136||||||F"


TXA = "TXA|1|18748-4|TEXT|20260502083000||||||||1.2.250.1.999.1^HOP|{parent}||||LA"


def letter(convert: Converter, event: str, *more: str, parent: str = "", code: str = "F") -> dict[str, Any]:
    found = made(convert, event, PID, TXA.format(parent=parent), DOCUMENT.format(code=code), *more)
    (document,) = found["DocumentReference"]
    return document


def test_a_flag_that_hides_a_document_is_a_security_label(convert: Converter) -> None:
    document = letter(convert, "MDM^T02", flag(2, "MASQUE_PS", "Y"), flag(3, "INVISIBLE_PATIENT", "N"))
    assert [each["coding"][0]["code"] for each in document["securityLabel"]] == ["MASQUE_PS"]


def test_a_flag_that_says_what_to_do_is_a_tag(convert: Converter) -> None:
    document = letter(convert, "MDM^T02", flag(2, "DESTDMP", "Y"), flag(3, "ACK_RECEPTION", "N"))
    assert [each["code"] for each in document["meta"]["tag"]] == ["DESTDMP"]
    assert "securityLabel" not in document


def test_flags_are_no_observations(convert: Converter) -> None:
    found = made(convert, "MDM^T02", PID, TXA.format(parent=""), DOCUMENT.format(code="F"), flag(2, "DESTDMP", "Y"))
    assert "Observation" not in found


@pytest.mark.parametrize(
    ("event", "code", "status"),
    [("MDM^T02", "F", "current"), ("MDM^T10", "C", "current"), ("MDM^T04", "D", "entered-in-error")],
)
def test_a_document_is_current_until_it_is_withdrawn(convert: Converter, event: str, code: str, status: str) -> None:
    assert letter(convert, event, code=code)["status"] == status


def test_what_replaces_a_document_names_it(convert: Converter) -> None:
    document = letter(convert, "MDM^T10", parent="1.2.250.1.999.0^HOP", code="C")
    assert [each["code"] for each in document["relatesTo"]] == ["replaces"]
    assert document["relatesTo"][0]["target"]["identifier"]["value"] == "urn:oid:1.2.250.1.999.0"


def test_a_document_is_withdrawn_without_being_sent_again(convert: Converter) -> None:
    found = made(convert, "MDM^T04", PID, TXA.format(parent=""))
    (document,) = found["DocumentReference"]
    assert document["status"] == "entered-in-error"
    assert document["identifier"][0]["value"] == "urn:oid:1.2.250.1.999.1"


def test_what_a_sender_asks_for_is_a_draft_of_a_request(convert: Converter) -> None:
    sender = "PRT||UC||SB^^HL70912|99000000001^ESSAI^ALIX^^^^^^PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"
    patient = "PRT||UC||RCT^^HL70912|1^ESSAI^ZOE^^^^^^^L^^^INS||||||||||^^X.400^zoe@patient.exemple"
    found = made(convert, "MDM^T02", PID, TXA.format(parent=""), DOCUMENT.format(code="F"), sender, patient)
    (request,) = found["CommunicationRequest"]
    assert request["status"] == "draft"
    assert len(request["recipient"]) == 1
    assert [each["name"][0]["family"] for each in found["Practitioner"]] == ["ESSAI"]
    assert found["Practitioner"][0]["identifier"][0]["value"] == "99000000001"


@pytest.mark.parametrize(
    ("number", "system"),
    [("99000000001", "https://rpps.esante.gouv.fr"), ("899000000001", "urn:oid:1.2.250.1.71.4.2.1")],
)
def test_a_number_of_the_register_has_eleven_digits(convert: Converter, number: str, system: str) -> None:
    who = f"PRT||UC||SB^^HL70912|{number}^ESSAI^ALIX^^^^^^PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"
    found = made(convert, "MDM^T02", PID, TXA.format(parent=""), DOCUMENT.format(code="F"), who)
    assert found["Practitioner"][0]["identifier"][0]["system"] == system


def test_a_note_belongs_to_what_stands_before_it_alone(convert: Converter) -> None:
    found = made(
        convert, "ORU^R01", PID, "OBR|1|P1^H^1.2.4^ISO||1^A^L", "NTE|1||de la demande", "OBX|1|ST|a^A^L||x||||||F",
        "OBX|2|ST|b^B^L||y||||||F", "NTE|1||du résultat~en deux lignes",
    )  # fmt: skip
    notes = [[note["text"] for note in each.get("note", ())] for each in found["Observation"]]
    assert notes == [[], ["du résultat\nen deux lignes"]]
    assert [note["text"] for note in found["ServiceRequest"][0]["note"]] == ["de la demande"]


def test_a_site_is_known_by_its_finess(convert: Converter) -> None:
    visit = "PV1|1|I|^^^HOP&990000015&M|||||||||||||||" + "|77^^^H&1.2.5&ISO^VN"
    found = made(convert, "ADT^A01", PID, visit)
    (place,) = found["Location"]
    assert place["identifier"] == [{"value": "990000015", "system": "https://finess.esante.gouv.fr"}]


def test_a_document_that_cannot_be_read_is_an_error_and_stored_by_no_half(convert: Converter) -> None:
    head = "MSH|^~\\&|A|H|P|P|20260502||ORU^R01|1|P|2.5"
    segments = (head, PID, "OBR|1|||1^A^L", "OBX|1|ED|a^A^L||^text^XML^Base64^PGE+P||||||F")
    (found,) = convert.convert_all("\r".join(segments).encode())
    assert isinstance(found, Conversion)
    assert found.result is not None
    assert "Binary" not in [each.resource["resourceType"] for each in found.result.instances]
    assert [each.complaint.detail for each in found.issues if each.severity == "error"] == ["mapping-needed"]


def test_components_of_one_finding_are_its_members(convert: Converter) -> None:
    lines = [f"OBX|{n}|ST|{code}^{code}^L|{sub}|{code}||||||F" for n, (code, sub) in enumerate(
        (("gene", "1a"), ("hgvs", "1a"), ("gene", "1b"), ("zygosity", "1a"), ("note", "")), 1)]  # fmt: skip
    found = made(convert, "ORU^R01", PID, "OBR|1|P1^H^1.2.4^ISO||1^A^L", *lines)
    members = [len(each.get("hasMember", ())) for each in found["Observation"]]
    assert members == [2, 0, 0, 0, 0]


@pytest.mark.parametrize(("event", "status"), [("ADT^A05", "planned"), ("ADT^A01", "active")])
def test_a_bed_of_a_stay_to_come_is_planned(convert: Converter, event: str, status: str) -> None:
    found = made(convert, event, PID, "PV1|1|I|A^B^C" + "|" * 16 + "77^^^H&1.2.5&ISO^VN")
    assert {each["status"] for each in found["Encounter"][0]["location"]} == {status}
