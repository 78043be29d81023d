"""A gateway on a fresh SQLite file with ids that count up, and short ways to ask it.

The store gives the instants; tests compare whole answers with them taken from what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fhir_gateway.fhir import structure
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import FhirError
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions.draft import draft
from fhir_gateway.interactions.gateway import Gateway, Limits
from fhir_gateway.interactions.interaction import ANONYME, Actor, Answer, Conditions, Preferences
from fhir_gateway.interactions.perform import perform
from fhir_gateway.interactions.urls import interaction_from
from fhir_gateway.store.contract import Put

BASE = "http://gateway.test/fhir"
SYSTEM = "urn:oid:1.2.3"


class Ids:
    """Ids in the order they are asked for: id-1, id-2 …"""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"id-{self.count}"


@dataclass(frozen=True)
class Refused:
    """A refusal as a test compares it: the status, and of each issue its detail code and expression."""

    status: int
    issues: tuple[tuple[str, str | None], ...]
    texts: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refused) and (self.status, self.issues) == (other.status, other.issues)

    def __hash__(self) -> int:
        return hash((self.status, self.issues))


class Desk:
    """The gateway and its callers: nobody in particular, or one actor."""

    def __init__(self, gateway: Gateway, actor: Actor = ANONYME) -> None:
        self.gateway = gateway
        self.actor = actor

    def limited(self, **limits: Any) -> Desk:
        """Return the same desk under other limits."""
        return Desk(replace(self.gateway, limits=Limits(**limits)), self.actor)

    def of(self, actor: Actor) -> Desk:
        """Return the same desk for another actor."""
        return Desk(self.gateway, actor)

    def ask(
        self,
        method: str,
        url: str,
        resource: Mapping[str, Any] | None = None,
        *,
        patch: Any = None,
        prefer: str | None = None,
        lenient: bool = False,
        language: Any = "en",
        base: str = BASE,
        **conditions: str,
    ) -> Answer:
        """Ask as a door would: the resource decoded afresh and checked."""
        interaction = interaction_from(method, url, self.gateway.resource_types, base)
        interaction.base, interaction.language = base, language
        interaction.conditions = Conditions(**conditions)
        interaction.prefer = Preferences(prefer, "lenient" if lenient else None)  # type: ignore[arg-type]
        interaction.patch = None if patch is None else decode(encode(patch))
        if resource is not None:
            interaction.resource = decode(encode(resource))
            findings = structure.check(interaction.resource, self.gateway.definitions.types)
            assert not findings.issues, [issue.text() for issue in findings.issues]
            interaction.links = findings.links
            if interaction.code == "batch":
                # What is no batch is refused as a transaction.
                interaction.code = "batch" if interaction.resource.get("type") == "batch" else "transaction"
        return perform(self.gateway, interaction, self.actor)

    def refused(self, *asked: Any, **more: Any) -> Refused:
        """Ask what must be refused, and return the refusal."""
        try:
            answer = self.ask(*asked, **more)
        except FhirError as refusal:
            return Refused(
                refusal.status,
                tuple((issue.complaint.detail, issue.expression) for issue in refusal.issues),
                tuple(issue.text() for issue in refusal.issues),
            )
        raise AssertionError(f"answered with {answer.status}")

    def get(self, url: str) -> Any:
        """Return the decoded body of a GET."""
        body = self.ask("GET", url).body
        assert body is not None
        return decode(body)

    def post(self, resource: Mapping[str, Any]) -> str:
        """Store a resource under an id of the server's, and return that."""
        location = self.ask("POST", str(resource["resourceType"]), resource).location
        assert location is not None
        return location.split("/")[1]

    def put(self, resource: Mapping[str, Any]) -> Any:
        """Store a resource under its own id, and return it as stored."""
        body = self.ask("PUT", f"{resource['resourceType']}/{resource['id']}", resource).body
        assert body is not None
        return decode(body)

    def seed(self, *resources: Mapping[str, Any]) -> None:
        """Store resources under their ids as they stand, whatever the rules of a dossier say of how they came so."""
        types, indexer = self.gateway.definitions.types, self.gateway.indexer
        drafts = [
            draft(indexer, dict(each), each["resourceType"], each["id"], structure.links(dict(each), types, False))
            for each in resources
        ]
        self.gateway.store.write(lambda tx: tx.stage([Put(each) for each in drafts]))

    def versions(self, type: str, id: str) -> list[str]:
        """Return the versions of a resource, oldest first: "1", "2", "3 deleted"."""
        with self.gateway.store.read() as view:
            newest = view.current(type, id)
            found = [view.version(type, id, vid) for vid in range(1, (newest.vid if newest else 0) + 1)]
        return [f"{version.vid} deleted" if version.deleted else str(version.vid) for version in found if version]

    def transact(self, *entries: Mapping[str, Any], **more: Any) -> Any:
        """Send a transaction and return the decoded response Bundle."""
        body = self.ask("POST", "", bundle(*entries), **more).body
        assert body is not None
        return decode(body)

    def transaction_refused(self, *entries: Mapping[str, Any], **more: Any) -> Refused:
        return self.refused("POST", "", bundle(*entries), **more)


def bundle(*entries: Mapping[str, Any], type: str = "transaction") -> dict[str, Any]:
    sent: dict[str, Any] = {"resourceType": "Bundle", "type": type}
    return {**sent, "entry": list(entries)} if entries else sent


def entry(
    method: str, url: str, resource: Mapping[str, Any] | None = None, full_url: str | None = None, **request: str
) -> dict[str, Any]:
    """Return a Bundle entry; `request` are its conditions by their names there (ifMatch …)."""
    made: dict[str, Any] = {} if full_url is None else {"fullUrl": full_url}
    if resource is not None:
        made["resource"] = dict(resource)
    return {**made, "request": {"method": method, "url": url, **request}}


def patient(id: str | None = None, value: str | None = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceType": "Patient"}
    if id is not None:
        made["id"] = id
    if value is not None:
        made["identifier"] = [{"system": SYSTEM, "value": value}]
    return {**made, **more}


def observation(subject: str, id: str | None = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    if id is not None:
        made["id"] = id
    return {**made, "subject": {"reference": subject}, **more}


def by(value: str) -> str:
    return f"identifier={SYSTEM}|{value}"


def meta(version: int, answer: Answer) -> dict[str, Any]:
    """Return the meta that an answer's resource must have."""
    assert answer.last_updated is not None
    return {"versionId": str(version), "lastUpdated": instant_text(answer.last_updated)}


def statuses(response: Any) -> list[str]:
    return [each["response"]["status"] for each in response["entry"]]
