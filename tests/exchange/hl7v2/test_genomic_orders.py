"""Orders of genomic examinations become drafts of dossiers: who takes part, what was asked for, signs, tubes, papers.

Source: mappings/hl7v2/fr (OBR-Genomics); profiles/pfmg; fhir_gateway/dossier/rules.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_gateway.conformance.validators import r4_validator
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier, submitted
from fhir_gateway.dossier.membership import is_member
from fhir_gateway.dossier.pedigree import edges
from fhir_gateway.dossier.rules import gaps, refusing
from fhir_gateway.exchange.hl7v2.convert import Conversion, Converter, converter
from fhir_gateway.fhir.data_folder import data_folder

GOLDEN = data_folder("mappings") / "hl7v2" / "golden"
AT = "2026-06-01"


@pytest.fixture(scope="module")
def convert() -> Converter:
    return converter()


def bundle(convert: Converter, data: bytes) -> dict[str, Any]:
    (found,) = convert.convert_all(data)
    assert isinstance(found, Conversion)
    assert found.result is not None
    assert [each for each in found.issues if each.severity == "error"] == []
    return found.result.bundle()


def golden(convert: Converter, name: str) -> dict[str, Any]:
    return bundle(convert, (GOLDEN / f"{name}.hl7").read_bytes())


def of_type(made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each["resource"] for each in made["entry"] if each["resource"]["resourceType"] == kind]


def dossier_of(made: dict[str, Any]) -> Dossier:
    (dossier,) = submitted(made)
    return dossier


def test_a_trio_in_one_message_is_one_dossier_of_three_people(convert: Converter) -> None:
    dossier = dossier_of(golden(convert, "oml_o21_trio"))
    assert [each.is_proband for each in dossier.people] == [True, False, False]
    assert dossier.is_draft
    assert dossier.number == "https://pfmg.example.org/fhir/hl7v2/finess/990000015|GRP-77"


def test_the_trio_stands_as_a_draft_nothing_refuses_it(convert: Converter) -> None:
    assert refusing(gaps(dossier_of(golden(convert, "oml_o21_trio")), "draft", AT)) == ()


def test_what_the_trio_still_lacks_are_its_consents(convert: Converter) -> None:
    """Numbers of INS in golden data are impossible on purpose, which is told too."""
    found = gaps(dossier_of(golden(convert, "oml_o21_trio")), "draft", AT)
    texts = {each.issue().text() for each in found}
    assert all("consent" in each or "INS number" in each for each in texts), texts


def test_the_requests_claim_the_profile_of_a_prescription_and_hold_it(convert: Converter) -> None:
    requests = of_type(golden(convert, "oml_o21_trio"), "ServiceRequest")
    assert len(requests) == 3
    for each in requests:
        assert each["status"] == "draft"
        assert each["meta"]["profile"] == ["https://pfmg.example.org/fhir/StructureDefinition/pfmg-service-request"]
        assert list(codes.codes(each["category"], codes.PARCOURS)) == ["MR"]
        assert [found.issue.text() for found in r4_validator().validate(each) if found.is_error] == []


@pytest.mark.parametrize("kind", ["Specimen", "Observation", "FamilyMemberHistory"])
def test_tubes_signs_and_links_claim_their_profiles_and_hold_them(convert: Converter, kind: str) -> None:
    made = of_type(golden(convert, "oml_o21_trio"), kind)
    assert made
    for each in made:
        assert each["meta"]["profile"]
        assert [found.issue.text() for found in r4_validator().validate(each) if found.is_error] == []


def test_a_sign_is_present_or_absent_as_the_message_says(convert: Converter) -> None:
    signs = of_type(golden(convert, "oml_o21_trio"), "Observation")
    told = {each["code"]["coding"][0]["code"]: each["valueCodeableConcept"]["coding"][0]["code"] for each in signs}
    assert told == {"HP:0001250": "LA9633-4", "HP:0001263": "LA9633-4", "HP:0000252": "LA9634-2"}


def test_a_tube_of_blood_is_not_yet_received(convert: Converter) -> None:
    tubes = of_type(golden(convert, "oml_o21_trio"), "Specimen")
    assert [each["status"] for each in tubes] == ["unavailable"] * 3
    assert {code for each in tubes for code in codes.codes(each["type"], codes.NATURE)} == {"sang"}


def test_the_sheet_of_the_rcp_is_a_piece_of_the_dossier(convert: Converter) -> None:
    (paper,) = of_type(golden(convert, "oml_o21_trio"), "DocumentReference")
    assert is_member(paper)
    (proband, *_) = of_type(golden(convert, "oml_o21_trio"), "ServiceRequest")
    made = golden(convert, "oml_o21_trio")
    (url,) = (each["fullUrl"] for each in made["entry"] if each["resource"]["resourceType"] == "DocumentReference")
    assert {"reference": url} in proband["supportingInfo"]


def test_parents_are_found_by_their_numbers(convert: Converter) -> None:
    dossier = dossier_of(golden(convert, "oml_o21_trio"))
    proband, *parents = (each.key for each in dossier.people)
    assert [(each.source, each.target, each.role) for each in edges(dossier)] == [
        (proband, parents[0], "MTH"),
        (proband, parents[1], "FTH"),
    ]


def test_an_order_of_an_older_version_is_a_draft_too(convert: Converter) -> None:
    dossier = dossier_of(golden(convert, "orm_o01_genome_solo"))
    assert (dossier.is_draft, len(dossier.people)) == (True, 1)
    assert refusing(gaps(dossier, "draft", AT)) == ()


@pytest.mark.parametrize("control", ["NW", "XO", "RF", "XX"])
def test_no_order_of_a_genomic_examination_is_ever_active(convert: Converter, control: str) -> None:
    data = (GOLDEN / "oml_o21_trio.hl7").read_bytes().replace(b"ORC|NW|", f"ORC|{control}|".encode())
    assert {each["status"] for each in of_type(bundle(convert, data), "ServiceRequest")} == {"draft"}


def test_an_order_of_something_else_belongs_to_no_dossier(convert: Converter) -> None:
    data = (GOLDEN / "oml_o21_trio.hl7").read_bytes().replace(b"PFMG-EXAMEN", b"L").replace(b"PFMG-FILIERE", b"L")
    assert not any(is_member(each) for each in of_type(bundle(convert, data), "ServiceRequest"))


def test_results_do_not_begin_a_dossier(convert: Converter) -> None:
    made = golden(convert, "oru_r01_trio_cad")
    assert not any(is_member(each) for each in of_type(made, "ServiceRequest"))
    assert len(of_type(made, "DiagnosticReport")) == 3
