"""What a message that goes out is made of: a report as it was at the version that is to be told, and all it leads to.

Source: FHIR R4, DiagnosticReport; `fhir_gateway/exchange/hl7v2/sending.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fhir_gateway.delivery.complaints import told
from fhir_gateway.delivery.lines import Unwritable
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import Complaint
from fhir_gateway.fhir.references import parse
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.message_orders import RulesOf, shipped_only
from fhir_gateway.policy.destinations import Destination
from fhir_gateway.store.contract import Key
from fhir_gateway.store.outbox import Entry, Written

if TYPE_CHECKING:
    from fhir_gateway.exchange.hl7v2.sending import Recipient

Resource = dict[str, Any]

GONE = Complaint(
    "outgoing-subject-gone",
    "not-found",
    "{subject}, version {version}, is not stored any more; nothing can be said of it.",
    "{subject}, version {version}, n'est plus conservée ; rien ne peut en être dit.",
)
DESTINATION_GONE = Complaint(
    "outgoing-destination-gone",
    "not-found",
    "The partners file has no destination {destination} any more. Put it back, or set the message aside.",
    "Le fichier des partenaires n'a plus de destination {destination}. Remettez-la, ou écartez le message.",
)

_FOLLOWED: Final = frozenset(
    {
        "Patient", "ServiceRequest", "Encounter", "Account", "Observation", "Binary", "PractitionerRole",
        "Practitioner", "Organization", "Specimen", "DocumentReference", "Location",
    }
)  # fmt: skip
_STEPS: Final = 3  # from the report: its request, who asked for it, whose employee that is


def gathered(gateway: Gateway, entry: Entry) -> tuple[Resource, list[Resource]]:
    """Return the subject of an entry at its version, and the resources it leads to, as they are now.

    Raises: Unwritable when the version is not there any more.
    """
    type, _, id = entry.subject.partition("/")
    with gateway.everything.store.read() as view:
        version = view.version(type, id, entry.vid)
        if version is None or version.deleted:
            raise Unwritable(told(GONE.at(None, subject=entry.subject, version=entry.vid)))
        report: Resource = decode(version.body)
        del version  # its bytes are as long as the document that it holds
        found: dict[Key, Resource] = {}
        last = [report]
        for _ in range(_STEPS):
            wanted = {key for key in _named(gateway, last) if key not in found and key[0] in _FOLLOWED}
            there = view.current_of(wanted) if wanted else {}
            last = [decode(each.body) for each in there.values() if not each.deleted]
            found |= {(each["resourceType"], each["id"]): each for each in last}
            if not last:
                break
    return report, [*found.values()]


def _named(gateway: Gateway, resources: Iterable[Resource]) -> Iterator[Key]:
    listed = list(resources)
    yield from gathering.references(gateway, listed)
    for each in listed:  # a document may lie in a Binary, which an Attachment names by its url
        forms = [*each.get("presentedForm", ()), *(part.get("attachment", {}) for part in each.get("content", ()))]
        for form in forms:
            parsed = parse(form["url"], gateway.registry.base or "") if "url" in form else None
            if parsed is not None and parsed.form == "local" and parsed.type == "Binary" and parsed.id:
                yield parsed.type, parsed.id


def writer(gateway: Gateway, rules_of: RulesOf = shipped_only) -> Callable[[Entry], Written]:
    """Return what makes the bytes of an entry, in any thread. It raises Unwritable.

    `rules_of`: the rules in force, by sites.
    """

    def write(entry: Entry) -> Written:
        from fhir_gateway.exchange.hl7v2.sending import CannotBeWritten, written

        destination = gateway.destinations.by_name.get(entry.destination)
        if destination is None:
            raise Unwritable(told(DESTINATION_GONE.at(None, destination=entry.destination)))
        report, resources = gathered(gateway, entry)
        rules = rules_of(destination.sites).to(*destination.receiving)
        try:
            data = written(
                entry.event, report, resources, recipient_of(destination), control=entry.control_id,
                at=datetime.now(UTC), document=entry.document, replaces=entry.replaces,
                rules=rules,
            )  # fmt: skip
        except CannotBeWritten as refusal:
            raise Unwritable(told(*refusal.issues)) from refusal
        return Written(data, rules.version)

    return write


def recipient_of(destination: Destination) -> Recipient:
    """Return a destination as messages to it are addressed."""
    from fhir_gateway.exchange.hl7v2.sending import Recipient

    return Recipient(
        sending=destination.sending, receiving=destination.receiving, systems=destination.systems,
        charset=destination.charset, country=destination.country, version=destination.version,
        processing=destination.processing,
    )  # fmt: skip
