"""Which entries of a write are under the rules of a dossier, of which dossiers, and the number of a new one.

Plain R4 resources pay for one test: of the profiles and codes that they bring, and of the bytes that are stored.

Source: FHIR R4, ServiceRequest, "requisition"; `fhir_gateway/dossier/membership.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.guards import FINAL
from fhir_gateway.dossier.membership import is_member
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.json import decode
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.store.contract import Key, Read, Version

if TYPE_CHECKING:
    from fhir_gateway.interactions.entry import Entry, Identity
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.interactions.plan import Plan

Resource = dict[str, Any]

NUMBER_SYSTEM: Final = f"{CANONICAL_BASE}/identifier/dossier"
# What a stored body must contain somewhere to carry a mark: the profiles and code systems of PFMG have the first in
# their urls, its préindications the second.
_OWN, _PREINDICATION = b"/pfmg-", codes.PREINDICATION.encode()
# Whose write may make an error of a dossier that runs, or move a Task of it, beside its requests and Tasks, and reports
# that are valid, which may have to be deposited again. What is observed and documented does neither.
OF_PEOPLE: Final = frozenset({"Consent", "Specimen", "FamilyMemberHistory", "RelatedPerson"})


def mark(gateway: Gateway, view: Read | None, planned: Plan) -> None:
    """Note which entries are under the rules, and which dossiers they concern; give new requests their number."""
    seen, resources = planned.seen, planned.resources
    for index, identity in enumerate(planned.identities):
        sent = resources.get(index)
        if (sent is None or not is_member(sent)) and not (seen and _was_member(planned, identity)):
            continue
        if sent is not None or planned.entries[index].act.code == "delete":  # else nothing is written
            _note(planned, index, identity)
    if planned.members:
        _number(gateway, planned)
        planned.dossiers = frozenset(_numbers(gateway, view, planned))


def _was_member(planned: Plan, identity: Identity) -> bool:
    return any(key in planned.seen and carries(planned.seen[key]) for key in identity.keys)


def _note(planned: Plan, index: int, identity: Identity) -> None:
    planned.members.append(index)
    planned.decided.update(identity.keys)
    if identity.state != "new":
        planned.named.update(identity.keys)
    for key in identity.keys:
        if key in planned.seen:
            planned.patched[key] = planned.seen[key]  # the decision rests on this version


def carries(version: Version) -> bool:
    """Tell whether a stored version may carry a mark: whether one stands anywhere in its bytes."""
    return _OWN in version.body or _PREINDICATION in version.body


def _number(gateway: Gateway, planned: Plan) -> None:
    """Give requests without requisition one: that of the version before, or a new one, the same for all of them."""
    lacking: list[tuple[Entry, Resource]] = []
    for index in planned.members:
        sent = planned.resources.get(index)
        if sent is None or sent["resourceType"] != "ServiceRequest" or "requisition" in sent or not is_member(sent):
            continue
        seen = planned.seen.get(planned.identities[index].keys[0])
        before = {} if seen is None or seen.deleted else decode(seen.body)
        if "requisition" in before:
            sent["requisition"] = before["requisition"]
        else:
            lacking.append((planned.entries[index], sent))
    if not lacking:
        return
    made = next((entry.made_number for entry, _ in lacking if entry.made_number), "") or gateway.new_id().upper()
    for entry, sent in lacking:
        entry.made_number = made
        sent["requisition"] = {"system": NUMBER_SYSTEM, "value": made}


def _numbers(gateway: Gateway, view: Read | None, planned: Plan) -> set[str]:
    concerned = [each for index in planned.members if (each := planned.resources.get(index)) is not None]
    for index in planned.members:
        versions = (planned.seen.get(key) for key in planned.identities[index].keys)
        concerned += [decode(each.body) for each in versions if each is not None and not each.deleted]
    if view is not None:
        return numbers_of(gateway, view, concerned)
    with gateway.everything.store.read() as opened:
        return numbers_of(gateway, opened, concerned)


def numbers_of(gateway: Gateway, view: Read, resources: Iterable[Resource]) -> set[str]:
    """Return the numbers of the dossiers that writes of resources concern, as `view` has them."""
    numbers: set[str | None] = set()
    people: set[Key] = set()
    requests: set[Key] = set()
    for each in resources:
        kind = each["resourceType"]
        if kind == "ServiceRequest":
            numbers.add(codes.token(each.get("requisition")))
        elif kind == "Task":
            numbers.add(codes.token(each.get("groupIdentifier")))
            requests |= _named(gateway, each.get("focus"))
        elif kind == "DiagnosticReport" and each.get("status") in FINAL:
            named = gathering.references(gateway, each.get("basedOn", ()))
            requests |= {key for key in named if key[0] == "ServiceRequest"}
        elif kind in OF_PEOPLE:
            people |= {key for key in gathering.references(gateway, [each]) if key[0] == "Patient"}
        elif kind == "Patient" and "id" in each:
            people.add((kind, each["id"]))
    found = gathering.numbers_of_people(gateway, view, people) | gathering.numbers_of_requests(view, requests)
    return found | {each for each in numbers if each is not None}


def _named(gateway: Gateway, reference: Any) -> set[Key]:
    key = gathering.key_of(gateway, reference)
    return set() if key is None else {key}
