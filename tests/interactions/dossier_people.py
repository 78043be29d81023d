"""A trio that a hospital submits, and who acts on it: each with a role, a structure and, people, an RPPS.

Source: `tests/dossier/family.py`, whose invented people these are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import concept
from fhir_gateway.fhir.json import decode
from fhir_gateway.policy.actor import Actor, Role
from fhir_gateway.policy.scopes import read
from tests.dossier import family
from tests.interactions.desk import Desk, bundle, entry

Resource = dict[str, Any]
THROUGH = ("accepted", "in-progress", "completed")
PROVENANCE_TYPE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def actor(role: Role, organisation: str, rpps: str | None = None) -> Actor:
    kind = "system" if rpps is None else "person"
    scopes = read(f"{'system' if rpps is None else 'user'}/*.cruds")
    return Actor(role, kind, role, "https://issuer.test", "client", organisation, rpps, scopes)  # type: ignore[arg-type]


PRESCRIBER = actor("prescripteur", family.HOSPITAL, family.PRESCRIBER_RPPS)
ASSISTANT = actor("assistant-prescription", family.HOSPITAL, "99000000003")
STRANGER = actor("prescripteur", family.OTHER_HOSPITAL, "99000000004")
COORDINATOR = actor("coordonnateur-rcp", family.RCP, family.COORDINATOR_RPPS)
SAME_PERSON = replace(COORDINATOR, rpps=family.PRESCRIBER_RPPS)
PLATFORM = actor("plateforme", family.PLATFORM)
BIOLOGIST = actor("biologiste-lbm", family.PLATFORM, "99000000007")
OTHER_PLATFORM = actor("plateforme", family.OTHER_PLATFORM)


def submission(*ids_left_out: str) -> Resource:
    """Return the Bundle of a trio: everything a prescriber has before the RCP, without number."""
    resources = [
        *family.trio(decided=False),
        *(_related(name, person) for name, person in (("mere", "mother"), ("pere", "father"))),
    ]
    urls = {f"{each['resourceType']}/{each['id']}": f"urn:uuid:{_uuid(n)}" for n, each in enumerate(resources)}
    entries = []
    for each in resources:
        if each["id"] in ids_left_out:
            continue
        sent = {name: value for name, value in each.items() if name not in ("id", "requisition", "sourceReference")}
        url = urls[f"{each['resourceType']}/{each['id']}"]
        entries.append(entry("POST", str(each["resourceType"]), _renamed(sent, urls), url))
    return bundle(*entries)


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def _related(name: str, person: str) -> Resource:
    return {"resourceType": "RelatedPerson", "id": name, "patient": {"reference": "Patient/child"}, "active": True}


def _renamed(value: Any, urls: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(each, urls) for each in value]
    if isinstance(value, dict):
        return {name: _renamed(each, urls) for name, each in value.items()}
    return urls.get(value, value) if isinstance(value, str) else value


class Pathway:
    """One dossier on a gateway, asked for by those who act on it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.requests: list[str] = []
        self.response: Any = None

    def submit(self, *ids_left_out: str) -> None:
        body = self.desk.of(PRESCRIBER).ask("POST", "", submission(*ids_left_out)).body
        self.response = decode(body or b"")
        places = [each["response"]["location"].split("/") for each in self.response["entry"]]
        self.requests = [place[1] for place in places if place[0] == "ServiceRequest"]

    def all(self, type: str) -> list[Resource]:
        """Return all resources of a type that are stored, whoever may see them, oldest first."""
        found = [each["resource"] for each in self.desk.get(f"{type}?_count=200").get("entry", ())]
        return found[::-1]

    def request(self, person: int = 0) -> Resource:
        found: Resource = self.desk.get(f"ServiceRequest/{self.requests[person]}")
        return found

    def statuses(self) -> list[str]:
        return [str(self.request(person)["status"]) for person in range(len(self.requests))]

    def task(self, code: str, person: int = 0) -> Resource:
        """Return the open Task of a code and a person's request."""
        (found,) = [
            each
            for each in self.all("Task")
            if code in codes.codes(each["code"], codes.TACHE)
            and each["focus"]["reference"] == f"ServiceRequest/{self.requests[person]}"
            and each["status"] not in ("completed", "failed", "rejected", "cancelled")
        ]
        return found

    def put(self, who: Actor, resource: Resource, **elements: Any) -> Resource:
        """Write a new version as who saw the last one."""
        changed = {**resource, **elements}
        match = f'W/"{resource["meta"]["versionId"]}"'
        url = f"{resource['resourceType']}/{resource['id']}"
        body = self.desk.of(who).ask("PUT", url, changed, if_match=match).body
        stored: Resource = decode(body or b"")
        return stored

    def move(self, who: Actor, code: str, *states: str, person: int = 0, **elements: Any) -> Resource:
        """Take a Task through states; who accepts it names itself."""
        task = self.task(code, person)
        for state in states:
            own = {"owner": family.named(str(who.organisation))} if state in ("accepted", "rejected") else {}
            last = elements if state == states[-1] else {}
            task = self.put(who, task, status=state, **own, **last)
        return task

    def address(self, organisation: str = family.RCP) -> Resource:
        """The hospital says which RCP is asked."""
        return self.put(PRESCRIBER, self.task("rcp-amont"), owner=family.named(organisation))

    def decide(self) -> None:
        self.address()
        self.move(COORDINATOR, "rcp-amont", *THROUGH)

    def finalise(self) -> None:
        self.put(PRESCRIBER, self.request(), status="active")


def why(request: str, reason: str) -> Resource:
    """Return the Provenance that says why a request moves."""
    return {
        "resourceType": "Provenance",
        "target": [{"reference": f"ServiceRequest/{request}"}],
        "recorded": "2026-05-01T09:00:00Z",
        "reason": [concept(codes.MOTIF, reason)],
        "agent": [{"who": {"identifier": {"system": codes.RPPS, "value": family.PRESCRIBER_RPPS}}}],
    }
