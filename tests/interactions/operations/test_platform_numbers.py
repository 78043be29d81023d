"""A platform's own number of a dossier: written by it, at its request or by an import, and by nobody on two dossiers.

Source: `fhir_gateway/policy/politique.yaml`, plateforme; `fhir_gateway/interactions/dossier_numbers.py`.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fhir_gateway.exchange.auragen.people import CASE, LIBRARY
from fhir_gateway.exchange.seqoia import keys as seqoia
from fhir_gateway.fhir.outcome import FhirError
from tests.interactions.desk import Desk, Refused
from tests.interactions.dossier_people import BIOLOGIST, OTHER_PLATFORM, PLATFORM, PRESCRIBER, Pathway, Resource
from tests.interactions.operations.files_of_platforms import (
    CASE_NUMBER,
    FILL,
    LIBRARIES,
    asked,
    numbered,
    running,
    with_files,
)
from tests.interactions.operations.test_dossier_export import file_of
from tests.interactions.operations.test_dossier_import import details, imported, libraries, made, refused, sent, vcf


@pytest.fixture
def house(desk: Desk) -> Desk:
    return with_files(desk)


def number_of(pathway: Pathway, person: int = 0) -> list[tuple[str, str]]:
    identifiers = pathway.request(person).get("identifier", ())
    return [(each["system"], each["value"]) for each in identifiers if each.get("type") == FILL["type"]]


def write(pathway: Pathway, case: str, who: Any = PLATFORM, person: int = 0) -> Resource:
    request = pathway.request(person)
    return pathway.put(who, request, identifier=[*request.get("identifier", ()), numbered(case)])


def refusal_of(ask: Any) -> Refused:
    with pytest.raises(FhirError) as refusal:
        ask()
    issues = tuple((each.complaint.detail, each.expression) for each in refusal.value.issues)
    return Refused(refusal.value.status, issues)


# --- at the request


def test_a_platform_writes_its_number_and_pulls_the_dossier_under_it(house: Desk) -> None:
    pathway = running(house, case="")
    url = f"ServiceRequest/{pathway.requests[0]}/$dossier?format=auragen"
    before = refusal_of(lambda: asked(house, PLATFORM, url))
    assert before.status == 422
    write(pathway, CASE_NUMBER)
    assert json.loads(file_of(asked(house, PLATFORM, url)))["case_id"] == CASE_NUMBER
    assert pathway.statuses() == ["active"] * 3


def test_a_platform_changes_nothing_else_of_the_request_and_no_number_of_the_hospital(house: Desk) -> None:
    pathway = running(house, case="")
    request = pathway.request()
    own = numbered(CASE_NUMBER)
    placer = [each for each in request.get("identifier", ()) if each.get("type") != FILL["type"]]
    untyped = {name: value for name, value in own.items() if name != "type"}
    for wrong in (
        {"identifier": [own]} if placer else {"identifier": [{"value": "1"}, own]},
        {"identifier": [*placer, untyped]},
        {"identifier": [*placer, own], "priority": "stat"},
        {"identifier": [*placer, own], "status": "completed"},
    ):
        told = refusal_of(lambda change=wrong: pathway.put(PLATFORM, request, **change))
        assert told.status == 403
        assert {detail for detail, _ in told.issues} == {"element-not-changeable"}
    assert refusal_of(lambda: write(pathway, CASE_NUMBER, OTHER_PLATFORM)).status == 405
    assert refusal_of(lambda: write(pathway, CASE_NUMBER, BIOLOGIST)).status == 403
    assert number_of(pathway) == []


@pytest.mark.parametrize("who", [PLATFORM, PRESCRIBER])
def test_the_number_of_another_dossier_is_refused_with_its_path(house: Desk, who: Any) -> None:
    first, second = running(house), running(house, (), case="")
    place = len(second.request().get("identifier", ()))
    told = refusal_of(lambda: write(second, CASE_NUMBER, who))
    assert told == Refused(422, (("dossier-filler-of-other", f"ServiceRequest.identifier[{place}].value"),))
    assert (number_of(second), number_of(first)) == ([], [(CASE, CASE_NUMBER)])
    # Its own relatives have the same number: the case is the family's.
    write(first, CASE_NUMBER, who, person=1)
    assert number_of(first, 1) == [(CASE, CASE_NUMBER)]


def test_of_two_dossiers_that_are_given_one_number_at_once_one_has_it(house: Desk) -> None:
    both = [running(house, (), case="") for _ in range(2)]

    def attempt(pathway: Pathway) -> int:
        try:
            write(pathway, CASE_NUMBER)
        except FhirError as refusal:
            return refusal.status
        return 200

    with ThreadPoolExecutor(2) as threads:
        outcomes = sorted(threads.map(attempt, both))
    assert outcomes == [200, 422]
    assert sum(number_of(each) == [(CASE, CASE_NUMBER)] for each in both) == 1


# --- by an import


def test_an_import_writes_the_number_that_the_dossier_does_not_have_and_finds_it_by_that_later(house: Desk) -> None:
    pathway = running(house, case="")
    at = f"ServiceRequest/{pathway.requests[0]}"
    answer = imported(house, libraries(), at=at)
    assert "result-case-recorded" in details(answer)
    assert at in made(answer)
    assert number_of(pathway) == [(CASE, CASE_NUMBER)]
    trace = next(each for each in pathway.all("Provenance") if each.get("activity", {}).get("text") == "import-result")
    assert {"reference": at} in [{"reference": each["reference"].partition("/_history")[0]} for each in trace["target"]]
    # By the number alone: the libraries are new.
    more = json.loads(libraries())
    more["libraries"] = more["libraries"][:1]
    assert "result-case-recorded" not in details(imported(house, json.dumps(more).encode()))
    url = f"{at}/$dossier?format=auragen-mr"
    assert json.loads(file_of(asked(house, PLATFORM, url)))["case_id"] == CASE_NUMBER


def test_who_may_not_write_it_imports_the_rest_and_is_told(house: Desk) -> None:
    pathway = running(house, case="")
    answer = imported(house, libraries(), BIOLOGIST, f"ServiceRequest/{pathway.requests[0]}")
    assert "result-case-not-held" in details(answer)
    assert number_of(pathway) == []
    assert pathway.all("Procedure")


def test_a_number_of_another_platform_is_not_written_beside_the_one_that_is_held(house: Desk) -> None:
    pathway = running(house, case="")
    request = pathway.request()
    other = numbered("0" * 24, seqoia.CASE)
    pathway.put(PLATFORM, request, identifier=[*request.get("identifier", ()), other])
    answer = imported(house, libraries(), at=f"ServiceRequest/{pathway.requests[0]}")
    assert "result-case-not-held" in details(answer)
    assert number_of(pathway) == [(seqoia.CASE, "0" * 24)]


def test_a_case_of_another_dossier_is_refused_and_neither_has_changed(house: Desk) -> None:
    first, second = running(house), running(house, (), case="")
    before = [pathway.request()["meta"]["versionId"] for pathway in (first, second)]
    status, issues = refused(house, libraries(names=()), at=f"ServiceRequest/{second.requests[0]}")
    assert (status, issues) == (422, [("result-case-of-other-dossier", "/case_id")])
    assert [pathway.request()["meta"]["versionId"] for pathway in (first, second)] == before


# --- announced files


def announced(desk: Desk, pathway: Pathway, *files: dict[str, str]) -> list[tuple[str, str | None]]:
    """Announce files beside a VCF of the proband, and return what is told of them."""
    extensions = "https://pfmg.example.org/fhir/StructureDefinition"
    body = sent(vcf())
    for number, each in enumerate(files):
        digest = {"url": f"{extensions}/empreinte-sha256", "valueString": f"{number + 1:064x}"}
        size = {"url": f"{extensions}/taille-octets", "valueDecimal": 1000 + number}
        body["parameter"].append({"name": "annonce", "valueAttachment": {"extension": [digest, size], **each}})
    answer = desk.of(PLATFORM).ask("POST", f"ServiceRequest/{pathway.requests[0]}/$import-result", body)
    parameters = json.loads(answer.body or b"")["parameter"]
    (outcome,) = (each["resource"] for each in parameters if each["name"] == "outcome")
    told = [(each["details"]["coding"][0]["code"], each.get("expression", [None])[0]) for each in outcome["issue"]]
    return [each for each in told if each[0].startswith("announced")]


def owners(pathway: Pathway) -> list[tuple[str, list[str]]]:
    """Return of each announced file whose it is, and to which requests it belongs, in the order of their sizes."""
    files = [each for each in pathway.all("DocumentReference") if "taille-octets" in str(each)]
    files.sort(key=lambda each: str(each["content"][0]["attachment"]["extension"]))
    return [(each["subject"]["reference"], [one["reference"] for one in each["context"]["related"]]) for each in files]


HOST = "https://files.test"


@pytest.mark.parametrize(
    ("file", "people"),
    [
        ({"title": f"{LIBRARIES[1]}.bam", "url": f"{HOST}/a"}, [1]),
        ({"title": "reads.bam", "url": f"{HOST}/{LIBRARIES[2]}/reads.bam"}, [2]),
        ({"title": f"run_{LIBRARIES[0]}_R1.fastq.gz"}, [0]),
        ({"title": f"{LIBRARIES[0]}.{LIBRARIES[1]}.{LIBRARIES[2]}.vcf.gz"}, [0, 1, 2]),
        ({"title": f"{LIBRARIES[2]}_{LIBRARIES[1]}.vcf.gz"}, [1, 2]),
        # What names nobody, or only seems to, is nobody's.
        ({"title": "child.bam"}, []),
        ({"title": f"{LIBRARIES[0]}9.bam"}, []),
        ({"title": f"X{LIBRARIES[0]}.bam"}, []),
        ({"title": f"{LIBRARIES[0]}-2.bam"}, []),
        ({"title": "LIB20269999.bam"}, []),
        ({"title": f"{CASE_NUMBER}.bam"}, []),
    ],
)
def test_an_announced_file_is_whose_name_it_has_and_nobodys_where_it_has_none(
    desk: Desk, file: dict[str, str], people: list[int]
) -> None:
    house = with_files(desk, hosts=("files.test",))
    pathway = running(house)
    told = announced(house, pathway, file)
    requests = [pathway.request(person) for person in people]
    if people:
        assert told == []
        related = [f"ServiceRequest/{each['id']}" for each in requests]
        assert owners(pathway) == [(requests[0]["subject"]["reference"], related)]
    else:
        assert told == [("announced-file-names-nobody", "Parameters.parameter.where(name = 'annonce')[0]")]
        assert owners(pathway) == []


def test_a_file_is_of_whom_a_pseudonym_names_or_the_sender_says(desk: Desk) -> None:
    house = with_files(desk, hosts=("files.test",))
    pathway = running(house)
    url = f"ServiceRequest/{pathway.requests[0]}/$dossier?format=ped"
    rows = [line.split("\t") for line in file_of(asked(house, PLATFORM, url)).decode().splitlines()[1:]]
    mother = next(row[3] for row in rows if row[3] != "0")
    assert announced(house, pathway, {"title": f"{mother}.cram"}) == []
    ((subject, _),) = owners(pathway)
    assert house.get(subject)["gender"] == "female"


def test_a_number_that_two_people_have_names_neither(desk: Desk) -> None:
    house = with_files(desk, hosts=("files.test",))
    pathway = running(house)
    for person in (1, 2):
        order = pathway.request(person)
        tube = {
            "resourceType": "Specimen", "identifier": [{"system": "urn:tubes", "value": "T-4711"}],
            "status": "available", "subject": order["subject"],
            "request": [{"reference": f"ServiceRequest/{order['id']}"}],
        }  # fmt: skip
        house.of(PLATFORM).ask("POST", "Specimen", tube)
    assert announced(house, pathway, {"title": "T-4711.bam"}, {"title": f"{LIBRARIES[1]}.bam"}) == [
        ("announced-file-names-nobody", "Parameters.parameter.where(name = 'annonce')[0]")
    ]
    assert len(owners(pathway)) == 1


def test_a_library_that_the_sender_says_names_the_files_of_that_person_too(desk: Desk) -> None:
    house = with_files(desk, hosts=("files.test",))
    pathway = running(house)
    new, father = "LIB20267777", pathway.request(2)["subject"]["reference"]
    body = sent(vcf())
    said = {"reference": father, "identifier": {"system": LIBRARY, "value": new}}
    extensions = "https://pfmg.example.org/fhir/StructureDefinition"
    digest = {"url": f"{extensions}/empreinte-sha256", "valueString": "b" * 64}
    size = {"url": f"{extensions}/taille-octets", "valueDecimal": 5}
    body["parameter"] += [
        {"name": "correspondance", "valueReference": said},
        {"name": "annonce", "valueAttachment": {"extension": [digest, size], "title": f"{new}.cram"}},
    ]
    house.of(PLATFORM).ask("POST", f"ServiceRequest/{pathway.requests[0]}/$import-result", body)
    ((subject, _),) = owners(pathway)
    assert subject == father
