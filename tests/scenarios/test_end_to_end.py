"""A trio from the hospital's order to the collector's acknowledgements, a tumour from its platform's file: end to end.

Source: HL7 v2.5.1, chapters 4 (OML) and 7 (ORU); `profiles/pfmg/input/fsh/operations.fsh` ($dossier, $import-result,
$suivi); `fhir_gateway/interactions/deposits.py`; GIP-CAD, ser_client-api (SPICE, AURAGEN, ACK).
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import requests

from fhir_gateway.demo.driver import ADMINISTRATOR, Player
from fhir_gateway.demo_dossiers.acts import Write
from fhir_gateway.demo_dossiers.dossiers import dossiers
from fhir_gateway.demo_dossiers.submission import directory, transaction
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.dossier.codes import concept
from fhir_gateway.dossier.timeline import MILESTONES
from fhir_gateway.exchange.auragen.people import CASE, LIBRARY
from fhir_gateway.exchange.cad.files import DIGEST, SIZE
from fhir_gateway.exchange.files import Formats, Wish
from fhir_gateway.exchange.hl7v2.er7 import read
from fhir_gateway.exchange.seqoia import keys as seqoia
from fhir_gateway.policy.builtin_issuer import BuiltinIssuer, kept_key
from tests.delivery.ftps_server import Authority, Server
from tests.delivery.receiver import Receiver
from tests.dossier import family
from tests.exchange.cad.deposits import answer
from tests.exchange.seqoia.dossiers_at_seqoia import TABLES
from tests.interactions.operations.test_dossier_import import libraries, vcf
from tests.issued import Issued
from tests.mllp.feed import answered
from tests.postgres import free_port
from tests.scenarios.test_collector import collectors, wait_for
from tests.scenarios.test_mllp import Sender
from tests.scenarios.test_report_goes_home import (
    BIOLOGIST,
    SYSTEM,
    TRIO,
    House,
    closed,
    completed,
    decided_and_finalised,
    embedded,
    form,
    order,
    partner,
    pdf,
)
from tests.served import serve

Resource = dict[str, Any]
CASE_NUMBER = "MR-0000042"
LIBRARIES = ("LIB20260001", "LIB20260002", "LIB20260003")
FILLER = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "FILL"}]}
SEQOIA = family.OTHER_PLATFORM.rpartition("|")[2]
TUMOUR, SPICE_NUMBER = "KC-012-00002", f"{1:024x}"
READS = {LIBRARIES[0]: b"1", LIBRARIES[2]: b"22"}  # data files that the laboratory lays down: the child's, the father's


class Region:
    """A gateway between a hospital, two platforms and the collector; what is configured for them lies in a folder."""

    def __init__(self, folder: Path, hospital: Receiver, collector: Server) -> None:
        self.folder, self.hospital = folder, hospital
        self.database = f"sqlite:///{folder / 'gateway.sqlite'}"
        self.ports = free_port(), free_port()
        partners, keys, tables = (folder / name for name in ("partners.toml", "keys", "tables.toml"))
        partners.write_text(partner(hospital.port, "ORU"))
        keys.write_text(f"2026 {base64.b64encode(b'k' * 32).decode()}\n")
        tables.write_text('[auragen-indications]\n"F-45" = "IMR0045"\n')
        laboratory = {"resourceType": "ServiceRequest", "performer": [family.named(family.PLATFORM)]}
        depots = collectors(folder, collector.authority, collector, [laboratory])
        # The collector knows people by the hospital's numbers, which is how the order names them.
        depots.write_text(f'{depots.read_text()}numbers = ["{SYSTEM}"]\nseconds = 0.2\n')
        self.arguments = ("--partners", str(partners), "--mllp-port", str(self.ports[1]))
        self.environment = {
            "FHIR_GATEWAY_BUILTIN_ISSUER": "true",
            "FHIR_GATEWAY_ISSUER_KEY": str(folder / "issuer-key.pem"),
            "FHIR_GATEWAY_PSEUDONYM_KEYS": str(keys),
            "FHIR_GATEWAY_PLATFORM_TABLES": str(tables),
            "FHIR_GATEWAY_FILE_HOSTS": "donnees.example.org",
            "FHIR_GATEWAY_COLLECTORS": str(depots),
        }

    @contextmanager
    def open(self) -> Iterator[House]:
        """Give the gateway as it runs. It looks five times a second at what is to be deposited, and was answered."""
        with serve(self.database, *self.arguments, port=self.ports[0], environment=self.environment) as served:
            issuer = BuiltinIssuer(f"{served.base}/auth", served.base, kept_key(self.folder / "issuer-key.pem"))
            yield House(Issued(served, issuer, self.folder), self.ports[1], self.hospital)
            assert served.stop() == 0


def test_a_trio_and_a_tumour_go_the_whole_way(tmp_path: Path) -> None:
    home = tmp_path / "depots"
    home.mkdir()
    with Receiver() as hospital, Server(home, Authority(tmp_path)) as collector:
        region = Region(tmp_path, hospital, collector)
        with region.open() as house:
            ordered(house)
            completed(house)
            permitted(house)
            decided_and_finalised(house)
            pulled(house)
            returned(house)
            reported(house)
            restituted(house)
            told_by_spice(house, *taken_by_seqoia(house))
            lay_reads(home)
            deposited(house, home)
            answer(home, CASE_NUMBER, "AA")
            acknowledged(house, home)
            followed(house)
        with region.open() as house:
            amended(house, home)


# --- the trio, at AURAGEN


def ordered(house: House) -> None:
    with closing(Sender(house.port)) as sender:
        assert answered(sender.send(order()))[:2] == ("AA", "OML-1")
    assert [house.request(place)["status"] for place in range(3)] == ["draft"] * 3
    assert house.found(family.PLATEFORME, "ServiceRequest") == []


def permitted(house: House) -> None:
    """Everyone permits research with their data, without which nothing is deposited."""
    scope = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}]}
    for each in house.found(family.PRESCRIPTEUR, "Consent"):
        research = {name: value for name, value in each.items() if name not in ("id", "meta", "text")}
        house.of(family.PRESCRIPTEUR).create(
            {
                **research,
                "scope": scope,
                "provision": {"provision": [family.provision("recherche-donnees", "permit")]},
            }
        )


def pulled(house: House) -> None:
    """AURAGEN writes its number, receives the tubes, makes libraries, and pulls the case as its software reads it."""
    request = house.request(0)
    number = {"type": FILLER, "system": CASE, "value": CASE_NUMBER}
    house.put(family.PLATEFORME, request, identifier=[*request["identifier"], number])
    tubes = house.found(family.PLATEFORME, "Specimen")
    assert len(tubes) == 3
    for tube in tubes:
        house.put(family.PLATEFORME, tube, status="available", receivedTime="2026-01-22T09:00:00+01:00")
    assert house.through(family.PLATEFORME, "reception-prelevement") == 3
    for place, library in enumerate(LIBRARIES):
        own = house.request(place)
        (tube,) = (each for each in tubes if each["subject"]["reference"] == own["subject"]["reference"])
        house.of(family.PLATEFORME).create(
            {
                "resourceType": "Specimen",
                "identifier": [{"system": LIBRARY, "value": library}],
                "status": "available",
                "type": tube["type"],
                "subject": own["subject"],
                "request": [{"reference": f"ServiceRequest/{own['id']}"}],
                "parent": [{"reference": f"Specimen/{tube['id']}"}],
            }
        )
    found = asked(house, family.PLATEFORME, "GET", "ServiceRequest/$dossier?format=auragen-mr&status=active")
    (case,) = [each for each in map(json.loads, found.text.splitlines()) if "case_id" in each]
    assert (case["case_id"], case["indication_code"], case["index_case"]) == (CASE_NUMBER, "IMR0045", LIBRARIES[0])
    assert case["hpo_terms"] == ["HP:0001250"]
    assert {(each["lib_id"], each["sex"], each["birth_year"]) for each in case["individuals"]} == {
        (library, {"F": "female", "M": "male"}[sex], int(birth[:4]))
        for library, (_, _, sex, birth, *_) in zip(LIBRARIES, TRIO, strict=True)
    }
    child = next(each for each in case["individuals"] if each["lib_id"] == LIBRARIES[0])
    assert {child["parent1"], child["parent2"]} == set(LIBRARIES[1:])
    # Pseudonymous: nobody's name or number goes with it.
    assert not any(each in found.text for each in ("ZELIE", "MAUD", "ELOI", "1001", "PRE-1"))
    nothing = asked(house, family.OTHER_PLATEFORME, "GET", "ServiceRequest/$dossier?format=auragen-mr&status=active")
    assert CASE_NUMBER not in nothing.text


def asked(house: House, who: Acting, method: str, url: str, data: Any = None, kind: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {house.gateway.token(who)}", "Accept": "application/x-ndjson"}
    if method == "POST":
        headers |= {"Content-Type": kind, "Accept": "application/fhir+json"}
    base = house.gateway.served.base
    found = requests.request(method, f"{base}/{url}", data=data, headers=headers, timeout=60)
    assert found.status_code == 200, found.text
    return found


def returned(house: House) -> None:
    """AURAGEN's files come back: libraries, then variants with the announcement of the reads."""
    url = "ServiceRequest/$import-result"
    asked(house, family.PLATEFORME, "POST", f"{url}?nom=libraries.json", libraries(), "application/json")
    for code in ("preparation", "sequencage"):
        assert house.through(family.PLATEFORME, code) == 3, code
    [task] = house.found(family.PLATEFORME, "Task", code=f"{codes.TACHE}|analyse-bioinfo", status="requested")
    for status in ("accepted", "in-progress"):
        task = house.put(family.PLATEFORME, task, status=status, owner=family.named(family.PLATFORM))
    data = vcf(LIBRARIES[0], 30)
    reads = [
        {
            "extension": [
                {"url": DIGEST, "valueString": sha256(data).hexdigest()},
                {"url": SIZE, "valueDecimal": len(data)},
            ],
            "title": f"{library}.bam",
            "url": f"https://donnees.example.org/{library}.bam",
        }
        for library, data in READS.items()
    ]
    file = {"resourceType": "Binary", "contentType": "text/plain", "data": base64.b64encode(data).decode()}
    given = [
        {"name": "fichier", "resource": file},
        {"name": "nom", "valueString": "child.vcf"},
        {"name": "empreinte", "valueString": sha256(data).hexdigest()},
        *({"name": "annonce", "valueAttachment": each} for each in reads),
    ]
    body = json.dumps({"resourceType": "Parameters", "parameter": given})
    found = asked(house, family.PLATEFORME, "POST", url, body, "application/fhir+json").json()["parameter"]
    made = [each["valueReference"]["reference"].split("/")[0] for each in found if each["name"] == "ressource"]
    assert {kind: made.count(kind) for kind in ("Observation", "DiagnosticReport", "DocumentReference")} == {
        "Observation": 30,
        "DiagnosticReport": 1,
        "DocumentReference": 2,
    }
    assert house.of(family.PLATEFORME).read("Task", task["id"])["status"] == "completed"
    assert house.through(BIOLOGIST, "interpretation") == 1


def reported(house: House) -> None:
    """The biologist signs the report that the file made; it arrives at the hospital as it is, and is acknowledged."""
    document = pdf(2, 300_000)
    [report] = house.found(BIOLOGIST, "DiagnosticReport")
    assert (report["status"], len(report["result"])) == ("preliminary", 30)
    signed = {
        "status": "final",
        "issued": "2026-05-10T10:00:00+02:00",
        "identifier": [{"system": "https://platform.example.org/report", "value": "CR-1"}],
        "resultsInterpreter": [{"identifier": {"system": codes.RPPS, "value": BIOLOGIST.rpps}}],
        "conclusionCode": [concept(codes.LOINC, "LA9633-4")],
        "presentedForm": form(document),
    }
    assert house.put(BIOLOGIST, report, **signed)["status"] == "final"
    (result,) = house.arrived(1)
    assert str(result.segment("MSH")[9]) == "ORU^R01^ORU_R01"
    assert str(result.segment("PID")[3]).startswith("1001^^^HOP EPREUVE&")
    assert str(result.segment("ORC")[2]).startswith("PRE-1^")
    assert str(result.segment("OBR")[25]) == "F"
    assert embedded(result) == document
    closed(house, 1)


def restituted(house: House) -> None:
    [report] = house.found(BIOLOGIST, "DiagnosticReport", **{"based-on": f"ServiceRequest/{house.request(0)['id']}"})
    [task] = house.found(family.PLATEFORME, "Task", code=f"{codes.TACHE}|restitution")
    output = [{"type": {"text": "compte rendu"}, "valueReference": {"reference": f"DiagnosticReport/{report['id']}"}}]
    for status in ("accepted", "in-progress", "completed"):
        last = {"output": output} if status == "completed" else {}
        task = house.put(family.PLATEFORME, task, status=status, owner=family.named(family.PLATFORM), **last)
    for place in range(3):
        house.put(family.PRESCRIPTEUR, house.request(place), status="completed")
    assert deposit_of(house)["status"] in ("requested", "accepted")
    assert waits(suivi(house)) == {"rcp-aval", "depot-cad"}


# --- the tumour, at SeqOIA


def taken_by_seqoia(house: House) -> tuple[str, bytes, int]:
    """Bring a tumour's dossier through all its actors to SeqOIA's interpretation. It has no number of SPICE's yet.

    Return the id of its request, the file that SPICE writes of it with results, and how many variants that tells.
    """
    house.of(ADMINISTRATOR).transaction(transaction(directory()))
    dossier = next(each for each in dossiers(60, 12) if each.number == TUMOUR)
    player = Player(house.gateway.connections(), TUMOUR)
    acts = list(dossier.acts)
    report = next(at for at, act in enumerate(acts) if isinstance(act.deed, Write) and act.deed.what == "report")
    for act in acts[:report]:
        player.do(act)
    finalised = next(act for act in acts if isinstance(act.deed, Write) and act.deed.what == "finalise")
    (id,) = (place.split("/")[1] for place in player.places.values() if place.startswith("ServiceRequest/"))
    request = house.of(finalised.actor).read("ServiceRequest", id)
    assert [each["identifier"]["value"] for each in request["performer"]] == [SEQOIA]
    spice = {"type": FILLER, "system": seqoia.CASE, "value": SPICE_NUMBER}
    held = copy.deepcopy(dossier.resources())
    for each in held:
        if each["resourceType"] == "ServiceRequest":
            each["identifier"].append(spice)
    file = Formats(TABLES).write("seqoia", held, Wish("2026-11-22T10:00:00Z"))
    assert file.data is not None, [each.text() for each in file.issues]
    return id, file.data, sum(is_variant(each) for each in held)


def is_variant(resource: Resource) -> bool:
    return resource["resourceType"] == "Observation" and "69548-6" in str(resource["code"])


def told_by_spice(house: House, request: str, data: bytes, variants: int) -> None:
    """SPICE's file is sent to its dossier, whose number it tells, and makes the report with its variants, once."""
    assert variants > 0
    first = f"ServiceRequest/{request}/$import-result?nom=spice.json"
    found = asked(house, family.OTHER_PLATEFORME, "POST", first, data, "application/json").json()["parameter"]
    numbers = house.of(family.OTHER_PLATEFORME).read("ServiceRequest", request)["identifier"]
    assert [each["value"] for each in numbers if each.get("system") == seqoia.CASE] == [SPICE_NUMBER]
    url = "ServiceRequest/$import-result?nom=spice.json"  # found by the number from now on
    made = [each["valueReference"]["reference"] for each in found if each["name"] == "ressource"]
    [report] = [each for each in made if each.startswith("DiagnosticReport/")]
    platform = house.of(family.OTHER_PLATEFORME)
    assert f"ServiceRequest/{request}" in str(platform.read(*report.split("/"))["basedOn"])
    observations = [platform.read(*each.split("/")) for each in made if each.startswith("Observation/")]
    assert sum(map(is_variant, observations)) == variants
    told = platform.operation("suivi", "ServiceRequest", request)
    (line,) = (parts(each) for each in told["parameter"] if each["name"] == "import")
    assert (line["format"], line["fichier"], line["empreinte"]) == ("seqoia", "spice.json", sha256(data).hexdigest())
    again = asked(house, family.OTHER_PLATEFORME, "POST", url, data, "application/json").json()["parameter"]
    assert not [each for each in again if each["name"] == "ressource"]


def parts(parameter: Resource) -> Resource:
    return {each["name"]: next(value for key, value in each.items() if key != "name") for each in parameter["part"]}


# --- the collector


def lay_reads(home: Path) -> None:
    for library, data in READS.items():
        folder = home / CASE_NUMBER / TRIO[LIBRARIES.index(library)][0]
        folder.mkdir(parents=True)
        (folder / f"{library}.bam").write_bytes(data)


def deposit_of(house: House) -> Resource:
    """Return the Task of the deposit that was asked for last."""
    found = house.found(family.PLATEFORME, "Task", code=f"{codes.TACHE}|depot-cad")
    return max(found, key=lambda each: str(each["authoredOn"]))


def deposited(house: House, home: Path) -> None:
    """What was due at the start lies on the collector's server, the mark last, and the Task says it is under way."""
    wait_for(lambda: bool(deposit_of(house)["status"] == "in-progress"))
    folder = home / CASE_NUMBER
    assert (folder / f"{CASE_NUMBER}.hl7.ok").read_bytes() == b""
    for library, data in READS.items():
        person = TRIO[LIBRARIES.index(library)][0]
        assert (folder / person / f"{library}.bam.sha256").read_text().startswith(sha256(data).hexdigest())
    data = (folder / f"{CASE_NUMBER}.hl7").read_bytes()
    # The same as whoever asks is given of it.
    platform, id = house.of(family.PLATEFORME), house.request(0)["id"]
    told = platform.operation("dossier", "ServiceRequest", id, parameters={"format": "cad"})
    file = parts(told["parameter"][0])["fichier"]
    assert base64.b64decode(file["data"]) == data
    assert [read(data).get(f"MSH-9.{part}") for part in (1, 2, 3)] == ["ORU", "R01", "ORU_R01"]
    assert (data.count(b"\rPID|"), data.count(b"\rCON|")) == (3, 3)


def acknowledged(house: House, home: Path) -> None:
    wait_for(lambda: bool(deposit_of(house)["status"] == "completed"))
    said = deposit_of(house)["output"][-1]
    assert codes.code(said["type"], codes.PIECE) == "accuse-cad"
    laid = (home / CASE_NUMBER / f"{CASE_NUMBER}.hl7.ack").read_bytes()
    assert base64.b64decode(said["valueAttachment"]["data"]) == laid


def followed(house: House) -> None:
    """The hospital reads in one place all that happened to its order, and what is still to be done."""
    told = suivi(house)
    assert next(each["valueCode"] for each in told if each["name"] == "statut") == "completed"
    imports = [parts(each) for each in told if each["name"] == "import"]
    assert [(each["format"], each["fichier"]) for each in imports] == [
        ("auragen-libraries", "libraries.json"),
        ("vcf", "child.vcf"),
    ]
    milestones = [parts(each) for each in told if each["name"] == "etape"]
    assert [each["code"]["code"] for each in milestones] == list(MILESTONES)
    assert all("source" in each for each in milestones)
    assert waits(told) == {"rcp-aval"}


def amended(house: House, home: Path) -> None:
    """The biologist amends the report; it is deposited again by itself, under another number, and acknowledged."""
    before = deposit_of(house)
    [report] = house.found(BIOLOGIST, "DiagnosticReport", **{"based-on": f"ServiceRequest/{house.request(0)['id']}"})
    house.put(BIOLOGIST, report, status="amended", issued="2026-06-10T10:00:00+02:00")
    wait_for(lambda: bool(deposit_of(house)["status"] == "in-progress"))
    again = deposit_of(house)
    assert again["id"] != before["id"]
    assert again["reasonReference"]["reference"] == f"DiagnosticReport/{report['id']}"
    assert reached(house) == list(MILESTONES)[:-1]
    answer(home, CASE_NUMBER, "AA")
    wait_for(lambda: bool(deposit_of(house)["status"] == "completed"))
    assert reached(house) == list(MILESTONES)


def reached(house: House) -> list[str]:
    return [parts(each)["code"]["code"] for each in suivi(house) if each["name"] == "etape"]


def suivi(house: House) -> list[Resource]:
    found: list[Resource] = house.of(family.PRESCRIPTEUR).operation("suivi", "ServiceRequest", house.request(0)["id"])[
        "parameter"
    ]
    return found


def waits(told: list[Resource]) -> set[str]:
    return {parts(each)["code"]["coding"][0]["code"] for each in told if each["name"] == "attente"}
