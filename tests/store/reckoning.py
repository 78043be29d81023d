"""Who has access to what, reckoned from the resources alone: slowly, in words, and apart from the code that is tested.

Source: fhir_gateway/store/README.md, "Who sees what".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from fhir_gateway.store.contract import Key, Read
from fhir_gateway.store.index import access
from fhir_gateway.store.index.hashing import h64, joined_key

Resource = Mapping[str, Any]
Rows = dict[Key, dict[int, int]]  # of each resource, by party, why

_NAMES = {
    "Patient": ("managingOrganization",),
    "Encounter": ("serviceProvider",),
    "Observation": ("performer",),
    "ServiceRequest": ("requester",),
    "Task": ("requester",),
    "PractitionerRole": ("organization",),
}
_ADDRESSES = {"ServiceRequest": "performer", "Task": "owner"}
_ABOUT = {
    "Patient": (),
    "Encounter": ("subject",),
    "Observation": ("subject", "performer"),
    "ServiceRequest": ("subject", "performer"),
    "Task": ("for",),
    "Organization": (),
    "PractitionerRole": (),
}
_FOR_EVERYBODY = ("Organization", "PractitionerRole")


class Reckoning:
    """`resources`: the current ones by key; `owners`: the party that owns each and each deleted one, 0 for nobody."""

    def __init__(self, resources: Mapping[Key, Resource], owners: Mapping[Key, int]) -> None:
        self.resources = resources
        self.owners = owners

    def rows(self) -> Rows:
        found: Rows = {}
        shares = self._shares()
        for key, resource in self.resources.items():
            why: dict[int, int] = defaultdict(int)
            if key[0] in _FOR_EVERYBODY:
                why[0] |= access.NAMED
            for element in _NAMES.get(key[0], ()):
                for text in _references(resource, element):
                    self._add(why, text, access.NAMED, access.ROLE)
            for text in self._addressed_texts(key):
                self._add(why, text, access.ADDRESSED, access.ROLE_ADDRESSED)
            if key[0] == "Organization":
                for party in _identities(resource):
                    why[party] |= access.IDENTITY
            owner = self.owners[key]
            if owner:
                why[owner] |= access.OWNER
                for patient in self._patients(key):
                    for party in shares.get((patient, owner), ()):
                        why[party] |= access.SHARED
            found[key] = dict(why)
        return {key: why for key, why in found.items() if why}

    def _add(self, why: dict[int, int], text: str, direct: int, by_role: int) -> None:
        if text.startswith("PractitionerRole/"):
            why[h64(text)] |= by_role
            for party in self._of_role(text):
                why[party] |= access.RESOLVED
        elif (party := _party(text)) is not None:
            why[party] |= direct

    def _of_role(self, text: str) -> list[int]:
        role = self.resources.get(("PractitionerRole", text.partition("/")[2]))
        if role is None:
            return []
        return [party for each in _references(role, "organization") if (party := _party(each)) is not None]

    def _addressed_texts(self, key: Key) -> list[str]:
        type, resource = key[0], self.resources[key]
        if type == "ServiceRequest" and resource["status"] not in ("active", "on-hold", "completed", "revoked"):
            return []
        if type == "Task" and resource["status"] in ("draft", "entered-in-error"):
            return []
        return list(_references(resource, _ADDRESSES[type])) if type in _ADDRESSES else []

    def _shares(self) -> dict[tuple[str, int], set[int]]:
        """With whom is shared what is about a patient ("Patient/id") and owned by a party."""
        shares: dict[tuple[str, int], set[int]] = defaultdict(set)
        for key in self.resources:
            owner = self.owners[key]
            if not owner:
                continue
            addressed: set[int] = set()
            for text in self._addressed_texts(key):
                if text.startswith("PractitionerRole/"):
                    addressed.update(self._of_role(text))
                elif (party := _party(text)) is not None:
                    addressed.add(party)
            for party in addressed:
                same = {party} | self._identities_of(party)
                if owner not in same:
                    for patient in self._patients(key):
                        shares[patient, owner].add(party)
                        if self.owners.get(("Patient", patient.partition("/")[2])) == owner:
                            for each in same:
                                shares[patient, each].add(owner)
        return shares

    def _identities_of(self, party: int) -> set[int]:
        for (type, id), resource in self.resources.items():
            if type == "Organization" and h64(f"{type}/{id}") == party:
                return set(_identities(resource))
        return set()

    def _patients(self, key: Key) -> set[str]:
        type, id = key
        found = {f"Patient/{id}"} if type == "Patient" else set()
        for element in _ABOUT[type]:
            for text in _references(self.resources[key], element):
                if text.startswith("Patient/"):
                    found.add(text.partition("/_history/")[0])
        return found


def _references(resource: Resource, element: str) -> Iterator[str]:
    """Yield what an element refers to: Type/id, or identifier|system|value."""
    value = resource.get(element, [])
    for each in value if isinstance(value, list) else [value]:
        if "reference" in each:
            yield each["reference"]
        if "identifier" in each:
            yield f"identifier|{each['identifier']['system']}|{each['identifier']['value']}"


def _party(text: str) -> int | None:
    if text.startswith("Organization/"):
        return h64(text)
    if text.startswith("identifier|"):
        return joined_key(*text.split("|")[1:])
    return None


def _identities(organization: Resource) -> list[int]:
    return [joined_key(each["system"], each["value"]) for each in organization.get("identifier", [])]


def stored_rows(read: Read, names: Mapping[int, str]) -> Rows:
    """Return the rows that the store has; `names`: of resource types, by number."""
    found: Rows = {}
    for rtype, id, party, why, deleted in read.rows(
        "SELECT a.rtype, r.fhir_id, a.party, a.why, r.deleted FROM i_access a JOIN resource r ON r.rid = a.rid"
    ):
        assert deleted == 0
        found.setdefault((names[rtype], id), {})[party] = why
    assert read.rows("SELECT count(*) FROM i_access a WHERE a.rid NOT IN (SELECT rid FROM resource)") == [(0,)]
    return found
