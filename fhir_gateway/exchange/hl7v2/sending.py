"""Messages that go out: a report and what it leads to as ORU^R01 or MDM.

What stands in them is data (`mappings/hl7v2/out`); here are their headers, what the rules may ask by name, and which
event tells what became of a report.

Source: HL7 v2.5.1, chapters 2 (MSH), 7 (ORU), 9 (MDM); PAM France 2.11; CI-SIS, Transmission de
documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fhir_gateway.exchange.hl7v2.outgoing import Outgoing, OutgoingSegment
from fhir_gateway.exchange.hl7v2.places import Er7Spot
from fhir_gateway.exchange.hl7v2.sending_rules import shipped_writers
from fhir_gateway.exchange.hl7v2.values import PARIS
from fhir_gateway.fhir.fhirpath import Hooks, Node
from fhir_gateway.fhir.outcome import FhirError, Issue
from fhir_gateway.transform.writers import Spot, Writers, Wrote

Resource = dict[str, Any]
Kind = Literal["ORU", "MDM"]

_STRUCTURES = {
    "ORU^R01": ("ORU^R01^ORU_R01", "2.5"),
    "MDM^T02": ("MDM^T02^MDM_T02", "2.6"),
    "MDM^T04": ("MDM^T04^MDM_T02", "2.6"),
    "MDM^T10": ("MDM^T10^MDM_T02", "2.6"),
}
_VALID = frozenset({"final", "amended", "corrected", "appended"})
_WITHDRAWN = frozenset({"cancelled", "entered-in-error"})


class CannotBeWritten(FhirError):
    """A message that its receiver could do nothing with, such as one without an identifier of the patient there."""

    status = 422


@dataclass(frozen=True, slots=True)
class Recipient:
    """A hospital's system, as messages to it are addressed.

    `sending`, `receiving`: MSH-3 and 4, MSH-5 and 6, each "name^oid^ISO". `systems`: of the identifiers that the
    hospital knows its patients and visits by (IPP, NDA). `version`: "" for the one that the event is sent in.
    """

    sending: tuple[str, str]
    receiving: tuple[str, str]
    systems: frozenset[str]
    charset: str = "UNICODE UTF-8"
    country: str = "FRA"
    version: str = ""
    processing: Literal["P", "T", "D"] = "P"


def events_for(status: str, sent: str | None, kinds: Sequence[Kind] = ("ORU", "MDM")) -> tuple[str, ...]:
    """Return the events that tell a recipient what became of a report; none where there is nothing to tell.

    `status`: DiagnosticReport.status as it is; `sent`: as it was when it was last sent to them, None: it never was. A
    report that is no longer final nor withdrawn tells nothing: what was sent stands until it is replaced.
    """
    known = sent in _VALID
    if status in _VALID:
        document = "MDM^T10" if known else "MDM^T02"
    elif status in _WITHDRAWN and known:
        document = "MDM^T04"
    else:
        return ()
    return tuple({"ORU": "ORU^R01", "MDM": document}[kind] for kind in kinds)


def document_number(report: Mapping[str, Any]) -> str:
    """Return the number that a version of a report has as a document (TXA-12): its own number and its version."""
    number = next((each["value"] for each in report.get("identifier", ()) if "value" in each), report.get("id", ""))
    version = report.get("meta", {}).get("versionId", "")
    return f"{number}-{version}" if version else str(number)


def written(
    event: str, about: Resource, resources: Iterable[Resource], recipient: Recipient, *, control: str, at: datetime,
    document: str = "", replaces: str = "", rules: Writers | None = None,
) -> bytes:  # fmt: skip
    """Return the bytes of a message, without framing; see `composed`."""
    made, _ = composed(
        event, about, resources, recipient, control=control, at=at, document=document, replaces=replaces, rules=rules
    )
    return made.written()


def composed(
    event: str, about: Resource, resources: Iterable[Resource], recipient: Recipient, *, control: str, at: datetime,
    document: str = "", replaces: str = "", rules: Writers | None = None, trace: list[Wrote] | None = None,
) -> tuple[Outgoing, tuple[Issue, ...]]:  # fmt: skip
    """Return a message about a report, to be written piece by piece, with what was warned of.

    `resources`: all that the report leads to; references among them are followed. `control`: MSH-10. `document`:
    TXA-12, by default `document_number`; `replaces`: TXA-13, the number that was last sent. `rules`: by default those
    that ship. `trace`: which rule wrote what is added to it.
    Raises: CannotBeWritten with all that its receiver could not do without; MappingError where rules are wrong;
    ValueError for an event that is not sent.
    """
    writer = (rules or shipped_writers()).of(event)
    if writer is None or event not in _STRUCTURES:
        raise ValueError(f"{event} is not sent: {', '.join(sorted(_STRUCTURES))}")
    message = Outgoing(recipient.charset)
    _head(message.head, event, recipient, control, at)
    known = Known((about, *resources))
    variables: dict[str, Any] = {
        **asked_for(event, recipient.sending[1] or recipient.sending[0], recipient.systems),
        "at": _moment(at),
        "document": document or document_number(about),
        "replaces": replaces,
        **known.of_report(about),
    }
    issues = writer.write(about, _Message(message), variables, Hooks(resolve=known.resolved), trace)
    return message, judged(issues)


def asked_for(event: str, facility: str, systems: frozenset[str]) -> dict[str, Any]:
    """Return what rules may ask by name, whatever the message; texts that say nothing are empty."""
    nobody: list[Any] = []
    return {
        "event": event, "facility": facility.split("^")[0], "systems": sorted(systems), "at": "", "answer": "",
        "document": "", "replaces": "", "report": nobody, "patient": nobody, "order": nobody, "encounter": nobody,
    }  # fmt: skip


def judged(issues: Sequence[Issue]) -> tuple[Issue, ...]:
    """Return what was warned of. Raises: CannotBeWritten with all that is an error."""
    wrong = [each for each in issues if each.severity == "error"]
    if wrong:
        raise CannotBeWritten(*wrong)
    return tuple(issues)


def _head(head: OutgoingSegment, event: str, recipient: Recipient, control: str, at: datetime) -> None:
    kind, version = _STRUCTURES[event]
    for number, name in zip((3, 4, 5, 6), (*recipient.sending, *recipient.receiving), strict=True):
        for component, text in enumerate(name.split("^"), start=1):
            if text:
                head.set(number, 1, component, 1, text)
    head.put("7", _moment(at))
    for component, text in enumerate(kind.split("^"), start=1):
        head.set(9, 1, component, 1, text)
    head.put("10", control)
    head.put("11", recipient.processing)
    head.put("12", recipient.version or version)
    head.put("17", recipient.country)


def _moment(at: datetime) -> str:
    return at.astimezone(ZoneInfo(PARIS)).strftime("%Y%m%d%H%M%S%z")


# --- what a report leads to


class Known:
    """Resources by their references."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._nodes: dict[str, Node] = {}
        for each in resources:
            if "id" in each:
                self._nodes[f"{each['resourceType']}/{each['id']}"] = Node(each, each["resourceType"])

    def node(self, resource: Resource) -> Node:
        found = self._nodes.get(f"{resource['resourceType']}/{resource.get('id')}")
        return found if found is not None else Node(resource, resource["resourceType"])

    def resolved(self, reference: str, _holder: Node | None = None) -> Node | None:
        """Return the resource that a reference names, versioned or with a base before it too; None: it is not here."""
        parts = reference.split("/_history/")[0].split("/")
        return self._nodes.get("/".join(parts[-2:]))

    def of_report(self, report: Resource) -> dict[str, list[Node]]:
        """Return the report, its patient, the order that is of this patient (the first where none is), its visit."""
        subject = report.get("subject", {}).get("reference", "")
        patient = self.resolved(subject)
        based_on = (self.resolved(each.get("reference", "")) for each in report.get("basedOn", ()))
        orders = [each for each in based_on if each is not None and each.type == "ServiceRequest"]
        own = [each for each in orders if patient is not None and self._patient_of(each) is patient]
        order = next(iter(own or orders), None)
        visit = report.get("encounter") or (order.value.get("encounter") if order is not None else None) or {}
        encounter = self.resolved(visit.get("reference", ""))
        found = {"report": self.node(report), "patient": patient, "order": order, "encounter": encounter}
        return {name: [each] if each is not None else [] for name, each in found.items()}

    def _patient_of(self, order: Node) -> Node | None:
        return self.resolved(order.value.get("subject", {}).get("reference", ""))


# --- lines


class _Message:
    """The segments of a message, as what rules write."""

    def __init__(self, message: Outgoing) -> None:
        self._message = message

    def line(self, name: str) -> Spot:
        return Er7Spot(self._message.segment(name))

    def drop(self) -> None:
        self._message.segments.pop()
