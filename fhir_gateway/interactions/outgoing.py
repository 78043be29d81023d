"""What is to go out because of a write: noted in its own commit, for each destination that it concerns.

A report of a dossier goes to the hospitals that asked for it, when it becomes final, is amended or withdrawn; which
message says that is known to `exchange/hl7v2/sending.py`. Where no destination is configured nothing is looked at.

Source: HL7 v2.5.1, chapter 7, 7.3.1 (ORU), chapter 9, 9.5 (MDM); `fhir_gateway/dossier/membership.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.membership import is_member
from fhir_gateway.fhir.json import decode
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions.access import seeing
from fhir_gateway.interactions.entry import Done
from fhir_gateway.policy.destinations import Destination
from fhir_gateway.store import outbox
from fhir_gateway.store.contract import Version, Write
from fhir_gateway.store.outbox import Item

if TYPE_CHECKING:
    from fhir_gateway.interactions.gateway import Gateway

Resource = dict[str, Any]
REPORT: Final = "DiagnosticReport"
_FEED: Final = "flux-hospitalier"


def note(gateway: Gateway, tx: Write, done: Sequence[Done]) -> None:
    """Lay down what is to go out because of what was staged, after all else is."""
    if not gateway.destinations:
        return
    written = [
        each.version
        for each in done
        if each.version is not None and each.version.type == REPORT and each.outcome in ("created", "updated")
    ]
    if written:
        with seeing(tx, None):
            outbox.add(tx, [item for version in written for item in _items(gateway, tx, version)])


def _items(gateway: Gateway, tx: Write, version: Version) -> Iterator[Item]:
    from fhir_gateway.exchange.hl7v2.sending import document_number, events_for  # only where something goes out

    report: Resource = decode(version.body)
    subject, status = f"{REPORT}/{version.id}", str(report["status"])
    document = document_number(report)
    for destination in gateway.destinations.of(_requesters(gateway, tx, report)):
        if _came_from(gateway, destination):
            continue
        earlier = outbox.last_of(tx, destination.name, subject)
        for kind in destination.kinds:
            last = next((each for each in earlier if each.event.startswith(kind)), None)
            for event in events_for(status, None if last is None else last.why, (kind,)):
                sent = "" if last is None else last.document
                own = sent if event == "MDM^T04" else document  # what is withdrawn keeps its number
                yield Item(destination.name, event, status, subject, version.vid, own, sent)


def _came_from(gateway: Gateway, destination: Destination) -> bool:
    """Tell whether the destination's own feed writes this: it need not be told what it has just said."""
    access = gateway.access
    if access is None or access.actor.role != _FEED:
        return False
    return access.actor.organisation == destination.organisation


def _requesters(gateway: Gateway, tx: Write, report: Resource) -> set[str]:
    """Return the organisations that asked for what a report of a dossier is about; none for any other report."""
    named = [gateway_key for each in report.get("basedOn", ()) if (gateway_key := gathering.key_of(gateway, each))]
    found = tx.current_of([key for key in named if key[0] == "ServiceRequest"])
    requests: list[Resource] = [decode(each.body) for each in found.values() if not each.deleted]
    members = [each for each in requests if is_member(each)]
    numbers = {number for each in members if (number := codes.token(each.get("requisition"))) is not None}
    dossiers = gathering.dossiers_numbered(gateway, tx, numbers, about=())
    asked: set[str] = set()
    for each in members:
        dossier = dossiers.get(codes.token(each.get("requisition")) or "")
        if dossier is not None:
            asked |= {name for name in dossier.organisations(each.get("requester"), each) if not name.startswith("|")}
    return asked
