"""An order of a hospital becomes a dossier, and the report goes home: every step through the door that people use.

Source: HL7 v2.5.1, chapters 3 (ADT), 4 (OML), 7 (ORU), 9 (MDM); PFMG care pathway; `fhir_gateway/dossier/states.py`.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import hl7
import pytest
import requests

from fhir_gateway.client import Gateway
from fhir_gateway.demo.driver import ADMINISTRATOR
from fhir_gateway.demo_dossiers.invented import ins_for_tests
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.actor import Acting
from fhir_gateway.dossier.codes import concept
from fhir_gateway.policy.builtin_issuer import BuiltinIssuer, kept_key
from tests.conftest import Engine
from tests.delivery.receiver import Receiver, control_id_of, eventually
from tests.dossier import family
from tests.issued import Issued
from tests.mllp.feed import answered, message, msh
from tests.postgres import free_port
from tests.scenarios.test_mllp import Sender
from tests.served import serve

Resource = dict[str, Any]
NUMBER = family.HOSPITAL.rpartition("|")[2]
SYSTEM = f"https://pfmg.example.org/fhir/hl7v2/finess/{NUMBER}"
AUTHORITY = f"HOP EPREUVE&{NUMBER}&N"
FACILITY = f"HOP EPREUVE^{NUMBER}^M"
BIOLOGIST = Acting("biologiste-lbm", family.PLATFORM, "99000000007")
# IPP, name, sex, birth, tube, serial of the INS.
TRIO = (
    ("1001", "EPREUVE^ZELIE", "F", "2018-03-04", "TUBE-1", 1),
    ("1002", "EPREUVE^MAUD", "F", "1985-01-01", "TUBE-2", 2),
    ("1003", "EPREUVE^ELOI", "M", "1984-01-01", "TUBE-3", 3),
)
PRESCRIBER = "99000000001^PRESCRIPTEUR^ALIX^^^DR^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"
ORDERED_BY = f"HOP EPREUVE^^^^^FINESS&1.2.250.1.71.4.2.2&ISO^FINEG^^^{NUMBER}"


def pid(number: int, ipp: str, name: str, sex: str, birth: str, serial: int) -> str:
    ins = ins_for_tests("male" if sex == "M" else "female", birth, serial)
    held = f"{ipp}^^^{AUTHORITY}^PI~{ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS^^20240101"
    names = f"{name}^{name.partition('^')[2]}^^^^L"
    place = "^^^^^^BDL^^99999"
    return f"PID|{number}||{held}||{names}||{birth.replace('-', '')}|{sex}|||{place}|" + "|" * 20 + "VALI"


def identity() -> bytes:
    ipp, name, sex, birth, _, serial = TRIO[0]
    head = msh("ADT^A28^ADT_A05", "ADT-1", sender="DPI|HOP EPREUVE")
    return message(head, "EVN||20260119080000", pid(1, ipp, name, sex, birth, serial), "PV1|1|N")


def order(sender: str = "DPI") -> bytes:
    """Return the order of a trio: the child's, then those of the parents, under one number."""
    segments = [msh("OML^O21^OML_O21", "OML-1", sender=f"{sender}|HOP EPREUVE", version="2.5.1")]
    for number, (ipp, name, sex, birth, tube, serial) in enumerate(TRIO, 1):
        segments.append(pid(number, ipp, name, sex, birth, serial))
        if number == 1:
            for place, role in ((1, "MTH"), (2, "FTH")):
                relative = TRIO[place]
                born = relative[3].replace("-", "")
                who = f"NK1|{place}|{relative[1]}|{role}^^v3-RoleCode{'|' * 12}{relative[2]}|{born}"
                segments.append(f"{who}{'|' * 17}{relative[0]}^^^{AUTHORITY}^PI")
        placed = f"ORC|NW|PRE-{number}^{FACILITY}||GRP-77^{FACILITY}|||||20260120093000"
        segments.append(f"{placed}|||{PRESCRIBER}{'|' * 9}{ORDERED_BY}")
        asked = f"OBR|{number}|PRE-{number}^{FACILITY}||wgs-trio^^PFMG-EXAMEN|R"
        segments.append(f"{asked}{'|' * 8}HP:0001250^Crise épileptique^HPO{'|' * 18}F-45^^PFMG-FILIERE")
        if number == 1:
            segments.append("OBX|1|CE|HP:0001250^Crise épileptique^HPO||Y^^HL70136||||||O|||20260120")
        segments.append(f"SPM|1|{tube}&{AUTHORITY.replace('&N', '&M')}||BLD^^HL70487{'|' * 13}20260120091500")
    return message(*segments)


class House:
    """A gateway with tokens, which listens for the hospital's messages and sends reports to its listener."""

    def __init__(self, gateway: Issued, port: int, hospital: Receiver) -> None:
        self.gateway, self.port, self.hospital = gateway, port, hospital

    def of(self, who: Acting) -> Gateway:
        return self.gateway.of(who)

    def found(self, who: Acting, type: str, **asked: str) -> list[Resource]:
        return list(self.of(who).search(type, {**asked, "_count": "100"}))

    def request(self, place: int) -> Resource:
        [made] = self.found(family.PRESCRIPTEUR, "ServiceRequest", identifier=f"{SYSTEM}|PRE-{place + 1}")
        return made

    def put(self, who: Acting, resource: Resource, **elements: Any) -> Resource:
        return self.of(who).update({**resource, **elements}, if_match=resource["meta"]["versionId"])

    def through(self, who: Acting, code: str) -> int:
        """Take all Tasks of a code that an actor sees to their end, and return how many those were."""
        asked = {"code": f"{codes.TACHE}|{code}", "status": "requested"}
        tasks = self.found(who, "Task", **asked)
        for task in tasks:
            for status in ("accepted", "in-progress", "completed"):
                task = self.put(who, task, status=status, owner=family.named(str(who.organisation)))
        return len(tasks)

    def outgoing(self, **asked: str) -> list[Resource]:
        """Return what the log says went out, the oldest first."""
        headers = {"Authorization": f"Bearer {self.gateway.token(ADMINISTRATOR)}"}
        answer = requests.get(f"{self.gateway.served.root}/hl7v2/outgoing", asked, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        listed: list[Resource] = answer.json()["messages"]
        return listed[::-1]

    def arrived(self, number: int) -> list[Any]:
        """Return what the hospital's listener has, as its own software reads it, once it is so many messages."""
        assert eventually(lambda: len(self.hospital.received) >= number), self.outgoing()
        assert len(self.hospital.received) == number
        return [hl7.parse(each.decode()) for each in self.hospital.received]


def partner(port: int, *kinds: str) -> str:
    """Return the table of a hospital whose system listens at a port of this machine for some kinds of messages."""
    return f"""
[chu]
sending = ["DPI|HOP EPREUVE"]
organisation = "{family.HOSPITAL}"
[chu.destination]
host = "127.0.0.1"
port = {port}
tls = false
kinds = {list(kinds)}
receiving = "DPI|HOP EPREUVE"
systems = ["{SYSTEM}"]
"""


@pytest.fixture
def house(engine: Engine, clean_database: str, tmp_path: Path) -> Iterator[House]:
    port, key = free_port(), tmp_path / "issuer-key.pem"
    environment = {"FHIR_GATEWAY_BUILTIN_ISSUER": "true", "FHIR_GATEWAY_ISSUER_KEY": str(key)}
    partners = tmp_path / "partners.toml"
    with Receiver() as hospital:
        partners.write_text(partner(hospital.port, "ORU", "MDM"))
        arguments = ("--partners", str(partners), "--mllp-port", str(port))
        with serve(clean_database, *arguments, environment=environment) as served:
            issuer = BuiltinIssuer(f"{served.base}/auth", served.base, kept_key(key))
            yield House(Issued(served, issuer, tmp_path), port, hospital)


def test_an_order_becomes_a_dossier_and_its_report_goes_home(house: House) -> None:
    ordered(house)
    completed(house)
    decided_and_finalised(house)
    pulled(house)
    report = reported(house)
    corrected = amended(house, report)
    withdrawn(house, corrected)


def ordered(house: House) -> None:
    """The hospital tells an identity, then orders for a trio: it stands as a draft, which only the hospital sees."""
    with closing(Sender(house.port)) as sender:
        assert answered(sender.send(identity())) == ("AA", "ADT-1", [])
        assert answered(sender.send(order()))[:2] == ("AA", "OML-1")
    made = [house.request(place) for place in range(3)]
    assert [each["status"] for each in made] == ["draft"] * 3
    assert {each["requisition"]["value"] for each in made} == {"GRP-77"}
    assert len(house.found(family.PRESCRIPTEUR, "Patient", identifier=f"{SYSTEM}|1001")) == 1
    for stranger in (family.PLATEFORME, family.STRANGER):
        assert house.found(stranger, "ServiceRequest") == []


def completed(house: House) -> None:
    """Over HTTP the prescriber names the platform and adds what an order has no place for: the signed consents."""
    made = [house.request(place) for place in range(3)]
    for each in made:
        house.put(family.PRESCRIPTEUR, each, performer=[family.named(family.PLATFORM)])
    relatives = house.found(family.PRESCRIPTEUR, "RelatedPerson")
    parents = [f"RelatedPerson/{each['id']}" for each in relatives]
    assert len(parents) == 2
    prescriber = house.of(family.PRESCRIPTEUR)
    for place, each in enumerate(made):
        person = each["subject"]["reference"]
        scan = prescriber.create(
            {
                "resourceType": "DocumentReference",
                "status": "current",
                "type": concept(codes.DOCUMENT, "consentement"),
                "subject": {"reference": person},
                "content": [{"attachment": {"contentType": "application/pdf", "data": pdf(1, 100)}}],
                "context": {"related": [{"reference": f"ServiceRequest/{each['id']}"}]},
            }
        )
        form, signers = ("mr-mineur", parents) if place == 0 else ("tiers-apparente", [])
        consent = {
            **family.consent("-", person.partition("/")[2], form, *signers),
            "policyRule": concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN"),
            "sourceReference": {"reference": f"DocumentReference/{scan['id']}"},
        }
        del consent["id"]
        prescriber.create(consent)


def decided_and_finalised(house: House) -> None:
    [task] = house.found(family.PRESCRIPTEUR, "Task", code=f"{codes.TACHE}|rcp-amont")
    house.put(family.PRESCRIPTEUR, task, owner=family.named(family.RCP))
    assert house.through(family.COORDONNATEUR, "rcp-amont") == 1
    house.put(family.PRESCRIPTEUR, house.request(0), status="active")
    assert [house.request(place)["status"] for place in range(3)] == ["active"] * 3


def pulled(house: House) -> None:
    """The platform takes its work from the gateway: the requests, then what there is to do, tube by tube."""
    asked = house.found(family.PLATEFORME, "ServiceRequest", status="active")
    assert {each["requisition"]["value"] for each in asked} == {"GRP-77"}
    for tube in house.found(family.PLATEFORME, "Specimen"):
        house.put(family.PLATEFORME, tube, status="available", receivedTime="2026-01-22T09:00:00+01:00")
    for code in ("reception-prelevement", "preparation", "sequencage"):
        assert house.through(family.PLATEFORME, code) == 3, code
    assert house.through(family.PLATEFORME, "analyse-bioinfo") == 1
    assert house.through(BIOLOGIST, "interpretation") == 1


def pdf(seed: int, size: int) -> str:
    return base64.b64encode(b"%PDF-1.4\n" + random.Random(seed).randbytes(size)).decode()


def form(document: str) -> list[Resource]:
    return [{"contentType": "application/pdf", "data": document, "title": "Compte rendu"}]


def reported(house: House) -> Resource:
    """The biologist's report arrives at the hospital, under its own numbers, with the signed document as it is."""
    document = pdf(2, 300_000)
    report = house.of(BIOLOGIST).create(
        {
            "resourceType": "DiagnosticReport",
            "identifier": [{"system": "https://platform.example.org/report", "value": "CR-1"}],
            "status": "final",
            "code": concept(codes.LOINC, "51969-4"),
            "subject": house.request(0)["subject"],
            "basedOn": [{"reference": f"ServiceRequest/{house.request(place)['id']}"} for place in range(3)],
            "performer": [family.named(family.PLATFORM)],
            "issued": "2026-05-10T10:00:00+02:00",
            "presentedForm": form(document),
        }
    )
    result, told = house.arrived(2)
    assert [str(each.segment("MSH")[9]) for each in (result, told)] == ["ORU^R01^ORU_R01", "MDM^T02^MDM_T02"]
    for each in (result, told):
        assert str(each.segment("PID")[3]).startswith(f"1001^^^HOP EPREUVE&{NUMBER}")
        assert base64.b64decode(embedded(each)) == base64.b64decode(document)
    # Nothing of the parents, whom the same report is about, goes with it.
    assert not any(each in data for each in (b"MAUD", b"ELOI", b"1002", b"PRE-2") for data in house.hospital.received)
    assert str(result.segment("ORC")[2]).startswith("PRE-1^")
    assert (str(result.segment("OBR")[25]), str(told.segment("TXA")[12][0][0])) == ("F", "CR-1-1")
    closed(house, 2)
    return report


def embedded(parsed: Any) -> str:
    """Return OBX-5.5, the document in base64."""
    [first, *_] = parsed.segments("OBX")
    assert str(first[2]) == "ED"
    assert [str(first[5][0][at]) for at in (1, 2, 3)] == ["application", "pdf", "Base64"]
    return str(first[5][0][4])


def closed(house: House, number: int) -> None:
    """The hospital's acknowledgements have closed every entry of the outgoing queue."""
    assert eventually(lambda: [each["state"] for each in house.outgoing()] == ["acknowledged"] * number)
    sent = {each["control_id"] for each in house.outgoing()}
    assert sent == {control_id_of(each) for each in house.hospital.received}


def amended(house: House, report: Resource) -> Resource:
    document = pdf(3, 5_000)
    corrected = house.put(BIOLOGIST, report, status="amended", presentedForm=form(document))
    result, told = house.arrived(4)[2:]
    assert [str(each.segment("MSH")[9]) for each in (result, told)] == ["ORU^R01^ORU_R01", "MDM^T10^MDM_T02"]
    assert [embedded(each) for each in (result, told)] == [document] * 2
    assert (str(result.segment("OBR")[25]), str(result.segments("OBX")[0][11])) == ("C", "C")
    assert [str(told.segment("TXA")[at][0][0]) for at in (12, 13)] == ["CR-1-2", "CR-1-1"]
    closed(house, 4)
    return corrected


def withdrawn(house: House, report: Resource) -> None:
    house.put(BIOLOGIST, report, status="entered-in-error")
    result, told = house.arrived(6)[4:]
    assert [str(each.segment("MSH")[9]) for each in (result, told)] == ["ORU^R01^ORU_R01", "MDM^T04^MDM_T02"]
    assert str(result.segment("OBR")[25]) == "X"
    assert [str(told.segment("TXA")[at][0][0]) for at in (12, 13)] == ["CR-1-2", "CR-1-2"]
    assert str(told.segments("OBX")[0][11]) == "D"
    closed(house, 6)
