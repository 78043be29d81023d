"""A gateway that holds the dossiers of the matrix, and asks of it what a case asks.

Source: `matrix.py`; FHIR R4, RESTful API.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_gateway.app import open_gateway
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.policy import scopes
from fhir_gateway.policy.actor import Actor
from fhir_gateway.settings import Settings
from tests.interactions.desk import BASE, Desk, bundle
from tests.policy.matrix import (
    ACTS_FOR,
    DOSSIERS,
    FAR,
    LABORATORY,
    NEAR,
    OTHER_LABORATORY,
    PLACES,
    SEARCHES,
    SYSTEM,
    TYPES,
    Case,
    Dossier,
    Matrix,
    Place,
    before_and_after,
    resource,
)

GRANTED = scopes.read("system/*.cruds")
NEVER = "never-was"
SPECIFIC = frozenset({"patch", "history-type", "history-instance"})  # what a batch cannot hold, or holds otherwise


def actor(role: str, organisation: str | None) -> Actor:
    identifier = None if organisation is None else f"{SYSTEM}|{organisation}"
    return Actor(role, "system", role, "tests", role, identifier, None, GRANTED)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Got:
    """What was answered: status, detail code and texts of a refusal, the decoded body."""

    status: int
    detail: str | None = None
    texts: tuple[str, ...] = ()
    body: Any = None


class World:
    """The gateway, filled; `ask` and `wrong` may be called for any number of cases."""

    def __init__(self, database: str, folder: Path, matrix: Matrix) -> None:
        settings: dict[str, Any] = {"database": database, "public_url": BASE, "data_folder": folder}
        self.desk = Desk(open_gateway(Settings(**settings, validation="structure")))
        self.matrix = matrix
        for organisation in (NEAR, FAR, LABORATORY, OTHER_LABORATORY):
            named = {"resourceType": "Organization", "id": organisation}
            self.writer(None).put({**named, "identifier": [{"system": SYSTEM, "value": organisation}]})
            role = {"resourceType": "PractitionerRole", "id": organisation}
            self.writer(None).put({**role, "organization": {"reference": f"Organization/{organisation}"}})
        for number, dossier in enumerate(DOSSIERS):
            self.writer(dossier.owner).put({"resourceType": "Patient", "id": dossier.name})
            # What is in a dossier is shared whether the order comes before it or after.
            steps = [self.send, self.fill] if number % 2 else [self.fill, self.send]
            for step in steps:
                step(dossier)

    def close(self) -> None:
        self.desk.gateway.store.close()

    def writer(self, organisation: str | None) -> Desk:
        """Return the desk of who may write everything, for an organisation."""
        return self.desk.of(actor("administrateur", organisation))

    def fill(self, dossier: Dossier) -> None:
        for place in PLACES:
            if place.dossier is dossier:
                resources = [{**resource(type, dossier), "id": place.name} for type in TYPES if type != "Patient"]
                entries = [
                    {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{place.name}"}}
                    for each in resources
                ]
                self.writer(place.writer).ask("POST", "", bundle(*entries), prefer="minimal")

    def send(self, dossier: Dossier) -> None:
        """Store the order of a dossier, addressed or not."""
        order = {**resource("ServiceRequest", dossier, "active" if dossier.sent else "draft")}
        if dossier.addressed is not None:
            reference = {
                "identifier": {"identifier": {"system": SYSTEM, "value": dossier.addressed}},
                "organization": {"reference": f"Organization/{dossier.addressed}"},
                "role": {"reference": f"PractitionerRole/{dossier.addressed}"},
            }[dossier.way]
            order["performer"] = [reference]
        self.writer(dossier.owner).put({**order, "id": f"order-{dossier.name}"})

    def wrong(self, case: Case, in_batch: bool) -> str | None:
        """Ask what a case asks, and return what is wrong with the answer: None where it is as expected."""
        expected = self.matrix.expected(case)
        id, request = self.request(case)
        asking = self.desk.of(actor(case.role, ACTS_FOR.get(case.role)))
        together = in_batch and not case.act.startswith("$") and case.act not in SPECIFIC
        got = batched(asking, *request) if together else asked(asking, *request)
        told = f"{case.name}{' in a batch' if together else ''}: {got.status} {got.detail} {' '.join(got.texts)}"
        if (got.status, got.detail) != (expected.status, expected.detail):
            return f"{told}, expected {expected}"
        if expected.found is not None:
            entries = got.body.get("entry", ())
            if (id in {entry["resource"]["id"] for entry in entries if "resource" in entry}) != expected.found:
                return f"{told}, expected {expected}"
            if case.act in SEARCHES and got.body["total"] != int(expected.found):
                return f"{told}: a total of {got.body['total']}"
        if expected.status in (404, 405) and not together:
            method, url, *more = request
            never = asked(asking, method, url.replace(id, NEVER), *_renamed(more))
            if [text.replace(NEVER, id) for text in never.texts] != list(got.texts):
                return f"{told}, but of an id that never was: {never.texts}"
        return self.shows_too_much(case, got) if case.act == "$everything" else None

    def shows_too_much(self, case: Case, got: Got) -> str | None:
        if got.status != 200 or case.role == "administrateur":
            return None
        places = {place.name: place for place in PLACES}
        organisation = ACTS_FOR.get(case.role)
        for entry in got.body["entry"]:
            found: Place | None = places.get(entry["resource"]["id"])
            if found is not None and not found.seen_by(organisation, shared=True):
                return f"{case.name} shows {entry['fullUrl']}"
        return None

    def request(self, case: Case) -> tuple[str, tuple[Any, ...]]:
        """Return the id that a case is about, and what to ask: method, URL, resource, patch."""
        type, act = case.type, case.act
        id = case.place.dossier.name if type == "Patient" else case.place.name
        stored, changed = before_and_after(case, self.matrix.right(case))
        if act in ("delete", "$meta-add", "$purge") or (act in ("update", "patch") and type != "Patient"):
            id = self.writer(case.place.writer).post(stored)
        requests: dict[str, tuple[Any, ...]] = {
            "read": ("GET", f"{type}/{id}"),
            "vread": ("GET", f"{type}/{id}/_history/1"),
            "history-instance": ("GET", f"{type}/{id}/_history"),
            "history-type": ("GET", f"{type}/_history?_count=1000"),
            "search-type": ("GET", f"{type}?_id={id}"),
            "search-compartment": ("GET", f"Patient/{case.place.dossier.name}/{type}?_id={id}"),
            "search-system": ("GET", f"?_type={type}&_id={id}"),
            "create": ("POST", type, changed),
            "update": ("PUT", f"{type}/{id}", {**changed, "id": id}),
            "patch": ("PATCH", f"{type}/{id}", None, _patch(stored, changed)),
            "delete": ("DELETE", f"{type}/{id}"),
            "$meta": ("GET", f"{type}/{id}/$meta"),
            "$everything": ("GET", f"Patient/{id}/$everything?_count=1000"),
            "$validate": ("POST", f"{type}/$validate", stored),
            "$expand": ("GET", f"{type}/{id}/$expand"),
            "$meta-add": ("POST", f"{type}/{id}/$meta-add", _META),
            "$purge": ("POST", f"{type}/{id}/$purge", {"resourceType": "Parameters"}),
            "$reindex": ("GET", "$reindex"),
            "$explain": ("GET", "$explain?search=Patient%3Fname%3Dx"),
        }
        return id, requests[act]


_META = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}]}


def _patch(stored: dict[str, Any], changed: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"op": "add", "path": f"/{name}", "value": value}
        for name, value in changed.items()
        if stored.get(name) != value
    ]


def _renamed(more: list[Any]) -> list[Any]:
    return [{**each, "id": NEVER} if isinstance(each, dict) else each for each in more]


def asked(desk: Desk, method: str, url: str, sent: dict[str, Any] | None = None, patch: Any = None) -> Got:
    try:
        answer = desk.ask(method, url, sent, patch=patch)
    except FhirError as refusal:
        details = {issue.complaint.detail for issue in refusal.issues}
        return Got(refusal.status, ", ".join(sorted(details)), tuple(issue.text() for issue in refusal.issues))
    return Got(answer.status, body=None if answer.body is None else decode(answer.body))


def batched(desk: Desk, method: str, url: str, sent: dict[str, Any] | None = None) -> Got:
    """Ask the same as the one entry of a batch."""
    entry: dict[str, Any] = {"request": {"method": method, "url": url}}
    answer = desk.ask("POST", "", bundle({**entry, **({} if sent is None else {"resource": sent})}, type="batch"))
    response = decode(answer.body or b"")["entry"][0]
    status = int(response["response"]["status"][:3])
    if status < 400:
        return Got(status, body=response.get("resource"))
    issues = response["response"]["outcome"]["issue"]
    details = {issue["details"]["coding"][0]["code"] for issue in issues}
    return Got(status, ", ".join(sorted(details)), tuple(issue["details"]["text"] for issue in issues))
