"""A gateway with keys and private tables, and a trio whose libraries AURAGEN has made.

Source: GIP-CAD, ser_client-api (forms of AURAGEN's numbers).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir_gateway.exchange.auragen.people import CASE, LIBRARY
from fhir_gateway.fhir.json import decode
from fhir_gateway.interactions.interaction import Answer
from fhir_gateway.interactions.perform import perform
from fhir_gateway.interactions.platform_files import PlatformFiles
from fhir_gateway.interactions.urls import interaction_from
from fhir_gateway.policy.actor import Actor
from fhir_gateway.store.pseudonyms import Keyring
from tests.exchange.auragen.dossiers_at_auragen import TABLES
from tests.interactions.desk import BASE, Desk
from tests.interactions.dossier_people import PLATFORM, PRESCRIBER, Pathway, Resource

KEYS = Keyring({"2026": b"k" * 32})
FILL = {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "FILL"}]}}
CASE_NUMBER = "MR-0000042"
LIBRARIES = ("LIB20260001", "LIB20260002", "LIB20260003")


def numbered(case: str, system: str = CASE) -> Resource:
    """Return a platform's number of a dossier."""
    return {**FILL, "system": system, "value": case}


def with_files(desk: Desk, keys: Keyring | None = KEYS, hosts: tuple[str, ...] = ()) -> Desk:
    return Desk(replace(desk.gateway, files=PlatformFiles(TABLES, keys, hosts)), desk.actor)


def asked(desk: Desk, who: Actor, url: str, container: Any = None) -> Answer:
    interaction = interaction_from("GET", url, desk.gateway.resource_types, BASE)
    interaction.base, interaction.container, interaction.safe = BASE, container, True
    return perform(desk.gateway, interaction, who)


def parameters(answer: Answer) -> list[Resource]:
    found: list[Resource] = decode(answer.body or b"").get("parameter", [])
    return found


def parts(parameter: Resource) -> dict[str, Any]:
    return {each["name"]: next(value for key, value in each.items() if key != "name") for each in parameter["part"]}


def running(desk: Desk, libraries: tuple[str, ...] = LIBRARIES, case: str = CASE_NUMBER) -> Pathway:
    """Return a trio that runs, with a case number ("": none), and a library for each of the first people."""
    pathway = Pathway(desk)
    pathway.submit()
    if case:
        request = pathway.request()
        pathway.put(PRESCRIBER, request, identifier=[*request.get("identifier", ()), numbered(case)])
    pathway.decide()
    pathway.finalise()
    for person, number in enumerate(libraries):
        order = pathway.request(person)
        library = {
            "resourceType": "Specimen",
            "identifier": [{"system": LIBRARY, "value": number}],
            "status": "available",
            "subject": order["subject"],
            "request": [{"reference": f"ServiceRequest/{order['id']}"}],
        }
        desk.of(PLATFORM).ask("POST", "Specimen", library)
    return pathway
