"""What an import lays beside what is held: whom a name stands for, what differs, what no result is.

Source: `fhir_gateway/interactions/result_merging.py`; `fhir_gateway/store/pseudonyms.py`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_gateway.dossier import codes
from fhir_gateway.exchange.auragen.people import LIBRARY
from fhir_gateway.exchange.files import PSEUDONYM
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from tests.interactions.desk import Desk
from tests.interactions.dossier_people import BIOLOGIST, OTHER_PLATFORM, PLATFORM, PRESCRIBER, Pathway, Resource
from tests.interactions.operations.files_of_platforms import (
    CASE_NUMBER,
    LIBRARIES,
    asked,
    parameters,
    running,
    with_files,
)
from tests.interactions.operations.test_dossier_export import file_of
from tests.interactions.operations.test_dossier_import import (
    counted,
    details,
    imported,
    libraries,
    made,
    refused,
    sent,
    vcf,
)


@pytest.fixture
def house(desk: Desk) -> Desk:
    return with_files(desk)


@pytest.fixture
def pathway(house: Desk) -> Pathway:
    return running(house)


def case(**changes: Any) -> bytes:
    """Return the clinical file of the trio, changed."""
    people = [
        {
            "lib_id": LIBRARIES[0], "sex": "male", "status": "affected", "sample_type": "blood",
            "family": {"link": "index-case"}, "birth_year": 2019, "parent1": LIBRARIES[2], "parent2": LIBRARIES[1],
        },
        {
            "lib_id": LIBRARIES[1], "sex": "female", "status": "unaffected", "sample_type": "blood",
            "family": {"link": "parent", "branch": "maternal"}, "birth_year": None, "parent1": None, "parent2": None,
        },
        {
            "lib_id": LIBRARIES[2], "sex": "male", "status": "unaffected", "sample_type": "blood",
            "family": {"link": "parent", "branch": "paternal"}, "birth_year": None, "parent1": None, "parent2": None,
        },
    ]  # fmt: skip
    tree = {
        "description": "d", "version": "1.0", "case_id": CASE_NUMBER, "indication_code": "IMR0049", "hpo_terms": [],
        "index_case": LIBRARIES[0], "individuals": people, **changes,
    }  # fmt: skip
    return json.dumps(tree).encode()


def told(answer: list[Resource], detail: str) -> list[Resource]:
    (outcome,) = (each["resource"] for each in answer if each["name"] == "outcome")
    return [each for each in outcome["issue"] if each["details"]["coding"][0]["code"] == detail]


def test_a_clinical_file_changes_no_identity_no_prescription_and_no_sign(house: Desk, pathway: Pathway) -> None:
    kinds = ("Patient", "ServiceRequest", "FamilyMemberHistory", "Observation", "Specimen", "Consent")
    before = {(kind, each["id"]): each["meta"]["versionId"] for kind in kinds for each in pathway.all(kind)}
    answer = imported(house, case(hpo_terms=["HP:0012345"]))
    after = {(kind, each["id"]): each["meta"]["versionId"] for kind in kinds for each in pathway.all(kind)}
    assert after == before
    assert [each.split("/")[0] for each in made(answer)] == ["Provenance"]  # that it was imported, nothing of it
    (sign,) = told(answer, "result-sign-not-held")
    assert sign["expression"] == ["/hpo_terms/0"]


def test_what_differs_is_told_with_its_place_and_kept(house: Desk, pathway: Pathway) -> None:
    tree = json.loads(case())
    tree["individuals"][0] |= {"sex": "female", "birth_year": 1950}
    answer = imported(house, json.dumps(tree).encode())
    texts = [each["details"]["text"] for each in told(answer, "result-differs-from-held")]
    assert any("Patient.gender" in each and "female" in each for each in texts)
    assert any("Patient.birthDate" in each and "1950" in each for each in texts)
    patient = house.get(pathway.request()["subject"]["reference"])
    assert patient["gender"] == "male"


def test_libraries_that_are_new_are_taken_by_their_role_where_the_case_number_agrees(house: Desk) -> None:
    pathway = running(house, ())
    answer = imported(house, case())
    tubes = {each["identifier"][0]["value"]: each for each in pathway.all("Specimen") if "identifier" in each}
    people = [pathway.request(person)["subject"] for person in range(3)]
    assert tubes[LIBRARIES[0]]["subject"] == people[0]
    assert {tubes[each]["subject"]["reference"] for each in LIBRARIES[1:]} == {each["reference"] for each in people[1:]}
    assert details(answer).count("result-person-by-role") == 3
    mother = house.get(tubes[LIBRARIES[1]]["subject"]["reference"])
    assert mother["gender"] == "female"


def test_unknown_keys_are_told_with_their_pointer(house: Desk, pathway: Pathway) -> None:
    tree = json.loads(libraries())
    tree["libraries"][0]["robot"] = "R2"
    answer = imported(house, json.dumps(tree).encode())
    (unknown,) = told(answer, "result-key-unknown")
    assert unknown["expression"] == ["/libraries/0/robot"]


def test_a_pseudonym_given_by_a_file_leads_back_to_the_dossier(house: Desk, pathway: Pathway) -> None:
    url = f"ServiceRequest/{pathway.requests[0]}/$dossier?format=ped"
    rows = [line.split("\t") for line in file_of(asked(house, PLATFORM, url)).decode().splitlines()[1:]]
    proband = next(row[1] for row in rows if row[2] != "0")
    answer = imported(house, vcf(proband))
    (report,) = pathway.all("DiagnosticReport")
    assert report["subject"] == pathway.request()["subject"]
    assert "result-imported" in details(answer)
    # To who does not see that person, the pseudonym is as one that never was.
    hidden, never = (
        refused(house, vcf(proband), OTHER_PLATFORM),
        refused(house, vcf("0000000000000000"), OTHER_PLATFORM),
    )
    assert hidden == never == (404, [("result-dossier-not-found", None)])


def test_the_roles_that_the_policy_names_are_told_who_stands_behind_a_pseudonym(house: Desk, pathway: Pathway) -> None:
    asked(house, PLATFORM, f"ServiceRequest/{pathway.requests[0]}/$dossier?format=ped")
    url = f"ServiceRequest/{pathway.requests[0]}/$correspondance"
    for who in (PRESCRIBER, BIOLOGIST):
        found = [{part["name"]: part for part in each["part"]} for each in parameters(asked(house, who, url))]
        assert {each["personne"]["valueReference"]["reference"] for each in found} == {
            pathway.request(person)["subject"]["reference"] for person in range(3)
        }
        assert {each["nom"]["valueIdentifier"]["system"] for each in found} == {PSEUDONYM}
    with pytest.raises(FhirError) as refusal:
        asked(house, PLATFORM, url)
    assert refusal.value.status == 403


def test_a_correspondence_is_about_people_of_the_dossier_only(house: Desk, pathway: Pathway) -> None:
    other = Pathway(house)
    other.submit()
    stranger = other.request()["subject"]["reference"]
    body = sent(vcf())
    said = {"reference": stranger, "identifier": {"system": LIBRARY, "value": "LIB20261234"}}
    body["parameter"].append({"name": "correspondance", "valueReference": said})
    before = counted(house)
    with pytest.raises(FhirError) as refusal:
        house.of(PLATFORM).ask("POST", "ServiceRequest/$import-result", body)
    assert [each.complaint.detail for each in refusal.value.issues] == ["result-library-of-other-dossier"]
    assert counted(house) == before


def test_a_file_of_two_dossiers_is_refused_unless_one_is_asked(house: Desk) -> None:
    first, second = running(house), Pathway(house)
    second.submit()
    second.decide()
    second.finalise()
    order = second.request()
    twin = {
        "resourceType": "Specimen", "identifier": [{"system": LIBRARY, "value": LIBRARIES[0]}], "status": "available",
        "subject": order["subject"], "request": [{"reference": f"ServiceRequest/{order['id']}"}],
    }  # fmt: skip
    house.of(PLATFORM).ask("POST", "Specimen", twin)
    assert refused(house, vcf()) == (409, [("result-dossiers-several", None)])
    assert imported(house, vcf(), at=f"ServiceRequest/{second.requests[0]}")
    (report,) = first.all("DiagnosticReport")
    assert report["subject"] == order["subject"]


def test_a_phenopacket_is_compared_and_says_what_it_does_not_write(house: Desk, pathway: Pathway) -> None:
    url = f"ServiceRequest/{pathway.requests[0]}/$dossier?format=phenopacket"
    packet = file_of(asked(house, PLATFORM, url))
    before = counted(house)
    answer = imported(house, packet)
    assert [each.split("/")[0] for each in made(answer)] == ["Provenance"]
    assert "result-not-written" in details(answer)
    assert counted(house) == {**before, "Provenance": before["Provenance"] + 1}
    signs = [each for each in pathway.all("Observation") if codes.codes(each["code"], codes.HPO)]
    assert signs
    assert told(answer, "result-sign-not-held") == []


def test_who_is_erased_leaves_no_pseudonym(house: Desk, pathway: Pathway) -> None:
    from tests.interactions.people import ADMINISTRATOR

    asked(house, PLATFORM, f"ServiceRequest/{pathway.requests[0]}/$dossier?format=ped")

    def rows() -> int:
        with house.gateway.store.read() as view:
            return int(view.rows("SELECT count(*) FROM pseudonym")[0][0])

    assert rows() == 3
    patient = pathway.request()["subject"]["reference"]
    force = {"resourceType": "Parameters", "parameter": [{"name": "force", "valueBoolean": True}]}
    assert decode(house.of(ADMINISTRATOR).ask("POST", f"{patient}/$purge", force).body or b"")
    assert rows() == 2


def test_a_name_without_system_is_never_a_number_of_the_hospital(house: Desk, pathway: Pathway) -> None:
    patient = house.get(pathway.request()["subject"]["reference"])
    number = "7001"
    pathway.put(PRESCRIBER, patient, identifier=[{"system": "urn:oid:1.2.3", "value": number}])
    assert refused(house, vcf(number)) == (404, [("result-dossier-not-found", None)])
    at = f"ServiceRequest/{pathway.requests[0]}"
    assert refused(house, vcf(number), at=at) == (422, [("result-person-unknown", "#CHROM")])


def test_a_second_report_is_told_of(house: Desk, pathway: Pathway) -> None:
    imported(house, vcf())
    (first,) = pathway.all("DiagnosticReport")
    answer = imported(house, vcf(rows=4))
    (issue,) = told(answer, "result-report-held")
    assert first["id"] in issue["details"]["text"]
    # The three variants that both files have are the same three.
    variants = [each for each in pathway.all("Observation") if "69548-6" in codes.codes(each["code"], codes.LOINC)]
    assert len(variants) == 4
