"""$import-result: a platform's file finds its dossier and makes results in one transaction, or nothing at all.

Source: `profiles/pfmg/input/fsh/operations.fsh`; issue of platform formats, "How it is judged".
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from fhir_gateway.dossier import codes
from fhir_gateway.exchange.auragen.people import LIBRARY
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from tests.interactions.desk import Desk
from tests.interactions.dossier_people import OTHER_PLATFORM, PLATFORM, PRESCRIBER, Pathway, Resource
from tests.interactions.operations.files_of_platforms import CASE_NUMBER, LIBRARIES, running, with_files

GENES = "##contig=<ID=chr7,length=159345973,assembly=GRCh38>"


def libraries(case: str = CASE_NUMBER, names: tuple[str, ...] = LIBRARIES) -> bytes:
    step = {"instrument": "Hamilton", "kit": "QIAsymphony"}
    each = {
        "seq_type": "wgs", "sample_type": "normal", "sample_tissue": "blood", "sample_storage": None,
        "extraction": step, "qualification": {**step, "din": "8.1", "rin": None, "gqn": None, "rqn": None},
        "quantification": {**step, "concentration": "54 ng/ul"}, "preplib": step,
    }  # fmt: skip
    tree = {"description": "d", "version": "1.0", "case_id": case, "libraries": [{"lib_id": n, **each} for n in names]}
    return json.dumps(tree).encode()


def vcf(sample: str = LIBRARIES[0], rows: int = 3) -> bytes:
    head = f"##fileformat=VCFv4.3\n{GENES}\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}\n"
    lines = (f"chr7\t{140_753_000 + n}\t.\tA\tT\t50\tPASS\t.\tGT\t0/1\n" for n in range(rows))
    return (head + "".join(lines)).encode()


def sent(data: bytes, **more: str) -> Resource:
    binary = {"resourceType": "Binary", "contentType": "application/octet-stream", "data": b64encode(data).decode()}
    others = [{"name": name, "valueString": value} for name, value in more.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "fichier", "resource": binary}, *others]}


def imported(desk: Desk, data: bytes, who: Any = PLATFORM, at: str = "ServiceRequest", **more: str) -> list[Resource]:
    answer = desk.of(who).ask("POST", f"{at}/$import-result", sent(data, **more))
    found: list[Resource] = decode(answer.body or b"")["parameter"]
    return found


def refused(desk: Desk, data: bytes, who: Any = PLATFORM, at: str = "ServiceRequest", **more: str) -> Any:
    with pytest.raises(FhirError) as refusal:
        imported(desk, data, who, at, **more)
    return refusal.value.status, [(each.complaint.detail, each.expression) for each in refusal.value.issues]


def made(parameters: list[Resource]) -> list[str]:
    return [each["valueReference"]["reference"] for each in parameters if each["name"] == "ressource"]


def details(parameters: list[Resource]) -> list[str]:
    (outcome,) = (each["resource"] for each in parameters if each["name"] == "outcome")
    return [each["details"]["coding"][0]["code"] for each in outcome["issue"]]


def counted(desk: Desk) -> dict[str, int]:
    kinds = ("Specimen", "Observation", "Procedure", "DiagnosticReport", "Provenance", "DocumentReference")
    return {kind: desk.get(f"{kind}?_summary=count")["total"] for kind in kinds}


@pytest.fixture
def house(desk: Desk) -> Desk:
    return with_files(desk)


@pytest.fixture
def pathway(house: Desk) -> Pathway:
    return running(house)


def test_a_vcf_finds_its_dossier_by_the_library_and_becomes_a_report_with_variants(
    house: Desk, pathway: Pathway
) -> None:
    answer = imported(house, vcf())
    kinds = [each.split("/")[0] for each in made(answer)]
    assert (kinds.count("Observation"), kinds.count("DiagnosticReport"), kinds.count("Provenance")) == (3, 1, 1)
    (report,) = pathway.all("DiagnosticReport")
    proband = pathway.request()
    assert report["status"] == "preliminary"
    assert report["subject"] == proband["subject"]
    assert len(report["result"]) == 3
    assert {each["reference"] for each in report["basedOn"]} == {f"ServiceRequest/{each}" for each in pathway.requests}
    variant = house.get(report["result"][0]["reference"])
    assert variant["subject"] == proband["subject"]
    source = next(each for each in variant["component"] if each["code"]["coding"][0]["code"] == "48002-0")
    assert source["valueCodeableConcept"]["coding"][0]["code"] == "LA6683-2"


def test_libraries_find_their_dossier_by_the_case_number_and_what_is_held_stays(house: Desk, pathway: Pathway) -> None:
    before = {each["id"]: each["meta"]["versionId"] for each in pathway.all("Specimen")}
    answer = imported(house, libraries())
    assert {each["id"]: each["meta"]["versionId"] for each in pathway.all("Specimen")} == before
    steps = pathway.all("Procedure")
    assert len(steps) == 12
    people = {each["subject"]["reference"] for each in steps}
    assert people == {pathway.request(person)["subject"]["reference"] for person in range(3)}
    assert all(each["basedOn"][0]["reference"].split("/")[1] in pathway.requests for each in steps)
    assert "result-imported" in details(answer)


def test_the_trace_names_the_file_and_the_version_of_the_rules(house: Desk, pathway: Pathway) -> None:
    data = libraries()
    imported(house, data, nom="libraries.json")
    trace = next(each for each in pathway.all("Provenance") if each.get("activity", {}).get("text") == "import-result")
    assert trace["entity"][0]["what"]["identifier"]["value"] == sha256(data).hexdigest()
    assert trace["entity"][0]["what"]["display"] == "libraries.json"
    rules = trace["agent"][1]["who"]["identifier"]["value"]
    assert rules.startswith("auragen/libraries ")
    assert len(trace["target"]) == len({each["reference"] for each in trace["target"]}) > 12


def test_an_import_appears_in_the_timeline(house: Desk, pathway: Pathway) -> None:
    data = vcf()
    imported(house, data, nom="result.vcf")
    answer = decode(house.of(PRESCRIBER).ask("GET", f"ServiceRequest/{pathway.requests[0]}/$suivi").body or b"")
    (told,) = (each["part"] for each in answer["parameter"] if each["name"] == "import")
    values = {each["name"]: next(value for key, value in each.items() if key != "name") for each in told}
    assert (values["fichier"], values["empreinte"], values["format"]) == ("result.vcf", sha256(data).hexdigest(), "vcf")
    assert values["source"]["reference"].startswith("Provenance/")


def test_the_same_file_again_makes_nothing_new(house: Desk, pathway: Pathway) -> None:
    imported(house, vcf())
    imported(house, libraries())
    before = counted(house)
    assert made(imported(house, vcf())) == []
    assert "result-nothing-new" in details(imported(house, libraries()))
    assert counted(house) == before


def test_a_wrong_case_number_is_refused_with_its_place_and_nothing_stays(house: Desk, pathway: Pathway) -> None:
    before = counted(house)
    at = f"ServiceRequest/{pathway.requests[0]}"
    assert refused(house, libraries("MR-0000043"), at=at) == (422, [("result-case-other", "/case_id")])
    assert refused(house, libraries("MR-0000043")) == (422, [("result-case-other", "/case_id")])
    assert counted(house) == before


def test_a_library_of_another_dossier_is_refused_with_its_place_and_nothing_stays(
    house: Desk, pathway: Pathway
) -> None:
    other = Pathway(house)
    other.submit()
    other.decide()
    other.finalise()
    order = other.request()
    library = {
        "resourceType": "Specimen", "identifier": [{"system": LIBRARY, "value": "LIB20269999"}], "status": "available",
        "subject": order["subject"], "request": [{"reference": f"ServiceRequest/{order['id']}"}],
    }  # fmt: skip
    house.of(PLATFORM).ask("POST", "Specimen", library)
    before = counted(house)
    data = libraries(names=(*LIBRARIES[:2], "LIB20269999"))
    wanted = (422, [("result-library-of-other-dossier", "/libraries/2/lib_id")])
    assert refused(house, data) == wanted
    assert counted(house) == before


def test_a_library_that_nobody_knows_is_refused_unless_the_sender_says_whose_it_is(
    house: Desk, pathway: Pathway
) -> None:
    new = "LIB20267777"
    data = libraries(names=(*LIBRARIES[:2], new))
    assert refused(house, data) == (422, [("result-person-unknown", "/libraries/2/lib_id")])
    body = sent(data)
    father = pathway.request(2)["subject"]["reference"]
    said = {"reference": father, "identifier": {"system": LIBRARY, "value": new}}
    body["parameter"].append({"name": "correspondance", "valueReference": said})
    house.of(PLATFORM).ask("POST", "ServiceRequest/$import-result", body)
    tube = next(each for each in pathway.all("Specimen") if each.get("identifier", [{}])[0].get("value") == new)
    assert tube["subject"]["reference"] == father
    # The table of pseudonyms knows it now.
    assert imported(house, vcf(new))


def test_a_checksum_that_differs_is_refused(house: Desk, pathway: Pathway) -> None:
    before = counted(house)
    assert refused(house, vcf(), empreinte="0" * 64)[1][0][0] == "result-checksum-mismatch"
    assert counted(house) == before
    assert made(imported(house, vcf(), empreinte=sha256(vcf()).hexdigest()))


def test_truncated_json_and_what_is_no_result_are_refused_with_the_reason(house: Desk, pathway: Pathway) -> None:
    assert refused(house, libraries()[:-20])[1][0][0] == "result-file-unknown"
    assert refused(house, b"%PDF-1.7")[1][0][0] == "result-file-unknown"
    assert refused(house, b"[]")[1][0][0] == "result-file-unknown"
    assert refused(house, b'{"a": 1}')[1][0][0] == "result-file-unknown"
    assert refused(house, libraries(), format="vcf")[1][0][0] == "result-file-other-format"


def test_two_index_cases_are_refused(house: Desk, pathway: Pathway) -> None:
    person = {
        "sex": "male", "status": None, "sample_type": "blood", "family": {"link": "index-case"}, "birth_year": 2019,
        "parent1": None, "parent2": None,
    }  # fmt: skip
    tree = {
        "description": "d", "version": "1.0", "case_id": CASE_NUMBER, "indication_code": "IMR0049", "hpo_terms": [],
        "index_case": LIBRARIES[0],
        "individuals": [{"lib_id": LIBRARIES[0], **person}, {"lib_id": LIBRARIES[1], **person}],
    }  # fmt: skip
    assert refused(house, json.dumps(tree).encode())[1] == [("auragen-no-index-case", "/index_case")]


def test_who_does_not_see_the_dossier_is_told_there_is_none(house: Desk, pathway: Pathway) -> None:
    assert refused(house, vcf(), OTHER_PLATFORM)[0] == 404
    assert refused(house, libraries(), OTHER_PLATFORM)[0] == 404
    assert refused(house, vcf(), PRESCRIBER)[0] == 403


def test_a_task_in_progress_is_completed_and_of_another_it_is_told_where_it_stands(
    house: Desk, pathway: Pathway
) -> None:
    pathway.move(PLATFORM, "reception-prelevement", "accepted", "in-progress")
    tube = next(each for each in pathway.all("Specimen") if each["subject"] == pathway.request()["subject"])
    output = [{"type": {"text": "tube"}, "valueReference": {"reference": f"Specimen/{tube['id']}"}}]
    pathway.put(PLATFORM, pathway.task("reception-prelevement"), status="completed", output=output)
    pathway.move(PLATFORM, "preparation", "accepted", "in-progress")
    answer = imported(house, libraries())
    prepared = [each for each in pathway.all("Task") if "preparation" in codes.codes(each["code"], codes.TACHE)]
    assert [each["status"] for each in prepared].count("completed") == 1
    assert details(answer).count("result-step-stands") == len(prepared) - 1
    (done,) = (each for each in prepared if each["status"] == "completed")
    assert done["executionPeriod"]["end"]


def test_files_are_announced_with_their_digest_and_never_carried(house: Desk, pathway: Pathway) -> None:
    base = codes.PROFILE.removesuffix("pfmg-")
    digest = {"url": f"{base}empreinte-sha256", "valueString": "a" * 64}
    size = {"url": f"{base}taille-octets", "valueDecimal": 123456789012}
    file = {"extension": [digest, size], "title": f"{LIBRARIES[0]}.bam", "url": "https://files.test/a.bam"}

    def send(desk: Desk, attachment: Resource) -> Any:
        body = sent(vcf())
        body["parameter"].append({"name": "annonce", "valueAttachment": attachment})
        return desk.of(PLATFORM).ask("POST", "ServiceRequest/$import-result", body)

    for wrong in (file, {**file, "data": "aaaa"}, {"title": "x", "contentType": "a/b"}):
        with pytest.raises(FhirError):
            send(house, wrong)
    send(with_files(house, hosts=("files.test",)), file)
    (document,) = [each for each in pathway.all("DocumentReference") if each["content"][0]["attachment"].get("url")]
    assert document["content"][0]["attachment"]["extension"] == [digest, size]
