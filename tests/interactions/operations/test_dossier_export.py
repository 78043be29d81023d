"""$dossier: files of platforms' formats, of one dossier and of a page, to whom the dossier is shown and nobody else.

Source: `profiles/pfmg/input/fsh/operations.fsh`; FHIR R4, Search; GIP-CAD, ser_client-api.
"""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64decode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from fhir_gateway.dossier.codes import PREINDICATION, codes
from fhir_gateway.exchange.auragen.auragen import Auragen
from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.platform_files import PlatformFiles
from fhir_gateway.policy.actor import Actor
from fhir_gateway.policy.collectors import DepositAddress, collectors_of
from tests.exchange.auragen.dossiers_at_auragen import KC_TABLES, TABLES, at_auragen, cancers_at_auragen
from tests.exchange.cad.deposits import of, one_byte, trio
from tests.exchange.seqoia.dossiers_at_seqoia import TABLES as SEQOIA_TABLES
from tests.interactions.desk import Desk
from tests.interactions.dossier_people import OTHER_PLATFORM, PLATFORM, PRESCRIBER, STRANGER, Resource
from tests.interactions.operations.files_of_platforms import (
    CASE_NUMBER,
    LIBRARIES,
    asked,
    parameters,
    parts,
    running,
    with_files,
)
from tests.interactions.people import ADMINISTRATOR


def refused(desk: Desk, who: Actor, url: str, container: str | None = None) -> tuple[int, list[str]]:
    with pytest.raises(FhirError) as refusal:
        asked(desk, who, url, container)
    return refusal.value.status, [each.complaint.detail for each in refusal.value.issues]


def file_of(answer: Answer) -> bytes:
    (dossier, *_) = parameters(answer)
    return b64decode(parts(dossier)["fichier"]["data"])


def test_the_platform_pulls_a_running_dossier_as_the_file_of_its_own_format(desk: Desk) -> None:
    desk = with_files(desk)
    pathway = running(desk)
    answer = asked(desk, PLATFORM, f"ServiceRequest/{pathway.requests[0]}/$dossier?format=auragen-mr")
    told = parts(parameters(answer)[0])
    data = file_of(answer)
    assert told["empreinte"] == sha256(data).hexdigest()
    assert told["prescription"] == {"reference": f"ServiceRequest/{pathway.requests[0]}"}
    assert told["fichier"]["contentType"] == "application/json"
    tree = json.loads(data)
    assert tree["case_id"] == CASE_NUMBER
    assert tree["index_case"] == LIBRARIES[0]
    assert {each["lib_id"] for each in tree["individuals"]} == set(LIBRARIES)
    assert Auragen(TABLES).check(data) == []


def test_a_relative_request_leads_to_the_same_dossier(desk: Desk) -> None:
    desk = with_files(desk)
    pathway = running(desk)
    answers = [asked(desk, PLATFORM, f"ServiceRequest/{each}/$dossier?format=auragen-mr") for each in pathway.requests]
    assert len({file_of(each) for each in answers}) == 1


@pytest.mark.parametrize("who", [STRANGER, OTHER_PLATFORM])
def test_who_does_not_see_the_request_is_told_there_is_none(desk: Desk, who: Actor) -> None:
    desk = with_files(desk)
    pathway = running(desk)
    url = f"ServiceRequest/{pathway.requests[0]}/$dossier?format=auragen-mr"
    assert refused(desk, who, url) == refused(desk, who, "ServiceRequest/never-was/$dossier?format=auragen-mr")
    assert parameters(asked(desk, who, "ServiceRequest/$dossier?format=auragen-mr&status=active")) == []


def test_what_the_one_file_lacks_refuses_it(desk: Desk) -> None:
    desk = with_files(desk)
    pathway = running(desk, LIBRARIES[:2])
    url = f"ServiceRequest/{pathway.requests[0]}/$dossier?format=auragen-mr"
    status, details = refused(desk, PLATFORM, url)
    assert (status, details) == (422, ["auragen-library-absent"])


def test_of_a_page_what_lacks_is_told_beside_and_the_others_come(desk: Desk) -> None:
    desk = with_files(desk)
    whole, poor = running(desk), running(desk, LIBRARIES[:0], "MR-0000043")
    answer = asked(desk, PLATFORM, "ServiceRequest/$dossier?format=auragen-mr&status=active")
    by_id = {parts(each)["prescription"]["reference"].split("/")[1]: parts(each) for each in parameters(answer)}
    assert set(by_id) == {whole.requests[0], poor.requests[0]}
    assert "fichier" in by_id[whole.requests[0]]
    assert "fichier" not in by_id[poor.requests[0]]
    outcome = by_id[poor.requests[0]]["outcome"]
    assert outcome["id"] == poor.requests[0]
    assert "auragen-library-absent" in {each["details"]["coding"][0]["code"] for each in outcome["issue"]}


def test_lines_are_files_each_followed_by_what_is_to_be_said_of_it(desk: Desk) -> None:
    desk = with_files(desk)
    pathway = running(desk)
    answer = asked(desk, PLATFORM, "ServiceRequest/$dossier?format=auragen-mr", "ndjson")
    assert answer.media_type == "application/x-ndjson"
    lines = [json.loads(line) for line in (answer.body or b"").splitlines()]
    assert lines[0]["case_id"] == CASE_NUMBER
    assert (lines[1]["resourceType"], lines[1]["id"]) == ("OperationOutcome", pathway.requests[0])
    assert len(lines) == 2


def test_a_zip_has_the_files_and_the_outcomes_and_is_the_same_each_time(desk: Desk) -> None:
    desk = with_files(desk)
    pathway = running(desk)
    url = "ServiceRequest/$dossier?format=auragen-libraries"
    answer = asked(desk, PLATFORM, url, "zip")
    assert answer.body == asked(desk, PLATFORM, url, "zip").body
    number = pathway.request()["requisition"]["value"]
    with zipfile.ZipFile(io.BytesIO(answer.body or b"")) as archive:
        outcome = json.loads(archive.read("outcome.ndjson").splitlines()[0])
        assert outcome["id"] == pathway.requests[0]
        file = json.loads(archive.read(f"{number}.libraries.json"))
        assert {each["lib_id"] for each in file["libraries"]} == set(LIBRARIES)


def test_pages_follow_each_other_and_each_dossier_comes_once(desk: Desk) -> None:
    desk = with_files(desk)
    held: list[list[Resource]] = list(at_auragen(12, 5))[:5]
    desk.seed(*{(each["resourceType"], each["id"]): each for one in held for each in one}.values())
    seen: list[str] = []
    url: str | None = "ServiceRequest/$dossier?format=auragen-mr&_count=2"
    pages = 0
    while url is not None:
        answer = asked(desk, ADMINISTRATOR, url.removeprefix("http://gateway.test/fhir/"))
        seen += [parts(each)["numero"]["value"] for each in parameters(answer) if each["name"] == "dossier"]
        url = answer.next
        pages += 1
    assert pages == 3
    assert sorted(seen) == sorted(
        {each["requisition"]["value"] for one in held for each in one if "requisition" in each}
    )
    assert len(seen) == 5


def test_a_page_is_of_who_asked_and_what(desk: Desk) -> None:
    desk = with_files(desk)
    for case in ("MR-0000001", "MR-0000002"):
        running(desk, case=case)
    url = asked(desk, PLATFORM, "ServiceRequest/$dossier?format=auragen-mr&_count=1").next
    assert url is not None
    place = url.removeprefix("http://gateway.test/fhir/")
    assert refused(desk, OTHER_PLATFORM, place)[0] == 400
    assert len(parameters(asked(desk, PLATFORM, place))) == 1


def test_unknown_formats_and_parameters_are_refused_with_those_there_are(desk: Desk) -> None:
    desk = with_files(desk)
    pathway = running(desk)
    one = f"ServiceRequest/{pathway.requests[0]}/$dossier"
    assert refused(desk, PLATFORM, f"{one}?format=hygen") == (400, ["file-format-unknown"])
    assert refused(desk, PLATFORM, one) == (400, ["operation-input-missing"])
    assert refused(desk, PLATFORM, f"{one}?format=ped&status=active") == (400, ["operation-input-unknown"])
    page = "ServiceRequest/$dossier?format=auragen-mr"
    assert refused(desk, PLATFORM, f"{page}&_include=ServiceRequest:subject") == (400, ["file-search-parameter"])
    assert refused(desk, PLATFORM, f"{page}&colour=blue")[0] == 400
    assert refused(desk, PLATFORM, "ServiceRequest/$dossier?format=ped", "ndjson") == (406, ["file-format-not-lines"])


@pytest.mark.parametrize("format", ["phenopacket", "ped"])
def test_a_pseudonymous_file_names_nobody_and_the_same_people_the_same_way(desk: Desk, format: str) -> None:
    desk = with_files(desk)
    pathway = running(desk)
    url = f"ServiceRequest/{pathway.requests[0]}/$dossier?format={format}"
    first, again = file_of(asked(desk, PLATFORM, url)), file_of(asked(desk, PRESCRIBER, url))
    for each in pathway.all("Patient"):
        assert each["id"].encode() not in first
        assert each["birthDate"].encode() not in first
    if format == "ped":
        assert first == again
        rows = [line.split(b"\t") for line in first.splitlines()[1:]]
        assert len(rows) == 3
        assert len({row[1] for row in rows}) == 3
        assert all(len(row[1]) == 16 for row in rows)


def test_without_a_key_a_pseudonymous_format_is_refused_with_the_reason(desk: Desk) -> None:
    desk = with_files(desk, keys=None)
    pathway = running(desk)
    url = f"ServiceRequest/{pathway.requests[0]}/$dossier?format=ped"
    assert refused(desk, PLATFORM, url) == (422, ["pseudonym-no-keys"])


def collector_of(folder: Path, organisation: str) -> tuple[DepositAddress, ...]:
    names = ("laboratory", "facility", "legal", "application", "collector")
    lines = {
        **dict.fromkeys(names, "Structure fictive|990000200"), "organisation": organisation, "host": "depot.test",
        "user": "lab", **dict.fromkeys(("password_file", "certificate", "key", "authority"), "absent.pem"),
    }  # fmt: skip
    path = folder / "collectors.toml"
    path.write_text("[lab]\n" + "".join(f'{name} = "{value}"\n' for name, value in lines.items()))
    return collectors_of(path)


def deposited(desk: Desk, folder: Path) -> tuple[Desk, list[Resource]]:
    """Return a desk that makes deposits of a laboratory, and a dossier with a report there."""
    held = one_byte(trio())
    identifier = of(held, "ServiceRequest")[0]["performer"][0]["identifier"]
    collectors = collector_of(folder, f"{identifier['system']}|{identifier['value']}")
    desk = Desk(replace(desk.gateway, files=PlatformFiles(collectors=collectors)), desk.actor)
    desk.seed(*held)
    return desk, held


def test_a_dossier_is_given_as_the_message_that_the_collector_would_get(desk: Desk, tmp_path: Path) -> None:
    desk, held = deposited(desk, tmp_path)
    request = next(each for each in of(held, "ServiceRequest") if "proband" in str(each["category"]))
    answer = asked(desk, ADMINISTRATOR, f"ServiceRequest/{request['id']}/$dossier?format=cad")
    told = parts(parameters(answer)[0])
    data = file_of(answer)
    assert (told["fichier"]["contentType"], told["nom"].endswith(".hl7")) == ("x-application/hl7-v2+er7", True)
    message = read(data)
    assert [message.get(f"MSH-9.{part}") for part in (1, 2, 3)] == ["ORU", "R01", "ORU_R01"]
    assert message.get("MSH-3") == "Structure fictive"
    report = desk.get(f"DiagnosticReport/{of(held, 'DiagnosticReport')[0]['id']}")
    assert message.control_id == f"{report['id']}-{report['meta']['versionId']}"
    # The files are announced: their paths and digests, not one byte of them.
    announced = [each for each in of(held, "DocumentReference") if "empreinte-sha256" in str(each)]
    assert data.count(b"|RP|") == 2 * len(announced) > 0
    assert data == file_of(asked(desk, ADMINISTRATOR, f"ServiceRequest/{request['id']}/$dossier?format=cad"))
    assert refused(desk, ADMINISTRATOR, f"ServiceRequest/{request['id']}/$dossier?format=cad", "ndjson")[0] == 406


def test_a_dossier_without_report_or_of_a_laboratory_that_is_not_known_is_no_message(
    desk: Desk, tmp_path: Path
) -> None:
    known, held = deposited(desk, tmp_path)
    request = of(held, "ServiceRequest")[0]
    url = f"ServiceRequest/{request['id']}/$dossier?format=cad"
    assert refused(with_files(desk), ADMINISTRATOR, url) == (422, ["file-no-collector"])
    report = of(held, "DiagnosticReport")[0]
    known.seed({**report, "status": "preliminary"})
    status, details = refused(known, ADMINISTRATOR, url)
    assert status == 422
    assert "cad-no-report" in details


def test_auragen_is_the_clinical_file_that_fits_each_dossier_and_spice_another_name_of_seqoia(desk: Desk) -> None:
    rare, cancer = next(at_auragen(12, 5)), next(cancers_at_auragen(40, 3))
    own = {code for each in of(cancer, "ServiceRequest") for code in codes(each["reasonCode"], PREINDICATION)}
    tumours = {code: KC_TABLES["auragen-indications"][code] for code in own}
    tables = {**SEQOIA_TABLES, "auragen-indications": {**TABLES["auragen-indications"], **tumours}}
    desk = Desk(replace(desk.gateway, files=PlatformFiles(tables)), desk.actor)
    desk.seed(*{(each["resourceType"], each["id"]): each for each in (*rare, *cancer)}.values())
    answer = asked(desk, ADMINISTRATOR, "ServiceRequest/$dossier?format=auragen")
    found = [parts(each) for each in parameters(answer)]
    assert len(found) == 2
    for each in found:
        issues = [one["details"]["text"] for one in each["outcome"]["issue"]]
        assert "nom" in each, issues
        kind = json.loads(b64decode(each["fichier"]["data"]))["case_id"][:2]
        assert each["nom"].endswith("clinic_kc.json" if kind == "KC" else "clinic_mr.json")
    one = f"ServiceRequest/{of(cancer, 'ServiceRequest')[0]['id']}/$dossier"
    same = [outcome(desk, f"{one}?format={name}") for name in ("spice", "seqoia")]
    assert same[0] == same[1]


def outcome(desk: Desk, url: str) -> object:
    try:
        return file_of(asked(desk, ADMINISTRATOR, url))
    except FhirError as refusal:
        return [each.complaint.detail for each in refusal.issues]
