"""People of every kind of name, date and identifier; all are invented.

Source: FHIR R4, Patient; HumanName, Address, Identifier.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.search.edge_cases.elements import INS, IPP, V2_0203, Resource, concept, make, narrative, reference


def patients() -> Iterator[Resource]:
    def patient(id: str, family: str | None = None, given: list[str] | None = None, **more: Any) -> Resource:
        name = {**({} if family is None else {"family": family}), **({} if given is None else {"given": given})}
        return make("Patient", id, **({"name": [name]} if name else {}), **more)

    ins = {"system": INS, "value": "299017512345678", "type": concept(V2_0203, "NH", "Matricule INS")}
    ipp = {"system": IPP, "value": "8000|1", "type": concept(V2_0203, "PI", "IPP")}
    yield patient(
        "index",
        "Dupont-Lefèvre",
        ["Éloïse", "Marie"],
        gender="female",
        birthDate="1999-01-07",
        active=True,
        identifier=[ins, ipp],
        meta={"profile": ["http://fr.example/fr-patient|2.1"]},
        address=[{"line": ["12 rue de l'Œuvre"], "city": "Saint-Étienne", "postalCode": "42000", "country": "FR"}],
        telecom=[
            {"system": "phone", "value": "+33 6 00 00 00 01"},
            {"system": "email", "value": "eloise@mail.example"},
        ],
        text=narrative("<p>Patiente suivie pour une <b>cardiomyopathie</b> hypertrophique</p>"),
        communication=[{"language": concept("urn:ietf:bcp:47", "fr", "français")}],
    )
    yield patient(
        "mother",
        "Dupont",
        ["Anne"],
        gender="female",
        birthDate="1968-02",
        active=True,
        identifier=[{"system": IPP, "value": "8000-2"}],
        deceasedBoolean=False,
        link=[{"other": reference("Patient/index"), "type": "seealso"}],
        address=[{"city": "Saint Étienne", "text": "chez  M.  Martin"}],
    )
    yield patient(
        "father",
        "DUPONT",
        ["Jean", "Œdipe"],
        gender="male",
        birthDate="1965",
        active=False,
        identifier=[{"system": IPP, "value": "8000-3"}, {"value": "sans-espace"}],
        deceasedDateTime="2020-03-01",
        maritalStatus=concept(None, None, "marié"),
    )
    yield patient("dupond", "Dupond", ["Tryphon"], gender="other", birthDate="1999-01-08", active=True)
    yield patient("accents", "Nuñez Ångström", ["Øystein", "Łukasz"], birthDate="2000-02-29", gender="unknown")
    yield patient(
        "escapes", "O'Neil, de la Tour", ["a$b", "c|d", "e\\f"], identifier=[{"system": "http://a|b", "value": "x,y"}]
    )
    yield patient("upper", "MARTIN", ["anne"], birthDate="1999", identifier=[{"system": "http://a", "value": "b|x"}])
    yield patient(
        "lower", "martin", ["Anne-Laure"], birthDate="1999-12-31", generalPractitioner=[reference("Practitioner/d1")]
    )
    yield patient(
        "martinez", "Martinez", ["Anna"], birthDate="2000", generalPractitioner=[reference("Organization/hospital")]
    )
    yield patient("nobody")
    yield patient("inactive", active=False, telecom=[{"system": "phone", "value": "8000-2", "use": "home"}])
    yield patient("long", "L" * 60 + "ongue-Famille-Très-Compliquée-" + "z" * 40, ["B"])
    yield patient("spaces", "  Le   Goff ", ["Ma\tëlle"], birthDate="1970-06-15")
    yield patient(
        "two-names",
        None,
        None,
        name=[
            {"use": "official", "family": "Abel", "given": ["Zoé"]},
            {"use": "maiden", "family": "Zola", "given": ["Émile"]},
        ],
        birthDate="1980-01-01",
        managingOrganization=reference("Organization/hospital"),
    )
    yield patient(
        "tagged",
        "Tag",
        meta={
            "tag": [{"system": "http://tags", "code": "urgent", "display": "Très urgent"}, {"code": "bare"}],
            "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}],
            "profile": ["http://fr.example/fr-patient"],
            "source": "urn:sih:a#1",
        },
    )
    yield patient("multi", "Multi", ["A", "B", "C"], multipleBirthInteger=2, photo=[{"title": "x"}])
