"""What is asked to be written: golden pairs of what is sent, and Bundles that somebody wants to see written.

    golden/out/<what it shows>.json    event, recipient, control, at, about, resources; document and replaces of MDM
                                       of an answer: answers (the order's segments), code, control, at, and of each of
                                       its orders, in its order: order (as it is stored), done, left
    golden/out/<what it shows>.hl7     the message

Source: mappings/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fhir_gateway.exchange.hl7v2.acknowledgement import Code
from fhir_gateway.exchange.hl7v2.convert import known_sites, shipped_mappings
from fhir_gateway.exchange.hl7v2.envelope import envelope_of
from fhir_gateway.exchange.hl7v2.er7 import Message, Segment, read
from fhir_gateway.exchange.hl7v2.golden import Judged, OutPair
from fhir_gateway.exchange.hl7v2.order_answers import ANSWERED, Ordered, order_answer
from fhir_gateway.exchange.hl7v2.sending import Recipient, composed, document_number, events_for
from fhir_gateway.exchange.hl7v2.sending_rules import SendingRules, sending_rules
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE, PLACEHOLDER
from fhir_gateway.fhir.json import decode
from fhir_gateway.fhir.outcome import FhirError, Issue
from fhir_gateway.transform.differences import Difference
from fhir_gateway.transform.writers import Writers, Wrote

Resource = dict[str, Any]
REPORT = "DiagnosticReport"


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that is asked for; see `sending.composed`."""

    event: str
    about: Resource
    resources: tuple[Resource, ...]
    recipient: Recipient
    control: str
    at: datetime
    document: str = ""
    replaces: str = ""

    @property
    def receiving(self) -> tuple[str, str]:
        return self.recipient.receiving

    def written(
        self, rules: Writers | None = None, trace: list[Wrote] | None = None
    ) -> tuple[bytes, tuple[Issue, ...]]:
        """Return the message and what was warned of. Raises: CannotBeWritten, ValueError."""
        made, issues = composed(
            self.event, self.about, self.resources, self.recipient, control=self.control, at=self.at,
            document=self.document, replaces=self.replaces, rules=rules, trace=trace,
        )  # fmt: skip
        return made.written(), issues


@dataclass(frozen=True, slots=True)
class AskedAnswer:
    """The answer to an order that is asked for; see `order_answers.order_answer`."""

    order: bytes
    code: Code
    orders: tuple[Mapping[str, Any], ...]
    control: str
    at: datetime

    @property
    def event(self) -> str:
        return ANSWERED.get(envelope_of(self.order).event, "")

    @property
    def about(self) -> Resource:
        return dict(self.orders[0]["order"])

    @property
    def resources(self) -> tuple[Resource, ...]:
        return tuple(each["order"] for each in self.orders)

    @property
    def receiving(self) -> tuple[str, str]:
        """Who ordered: MSH-3 and MSH-4."""
        envelope = envelope_of(self.order)
        application, facility = ("^".join(envelope.part(number, part) for part in (1, 2)) for number in (3, 4))
        return application, facility

    def written(
        self, rules: Writers | None = None, trace: list[Wrote] | None = None
    ) -> tuple[bytes, tuple[Issue, ...]]:
        """Return the answer. Raises: CannotBeWritten; Unreadable for an order that is no message."""
        message = read(self.order)
        groups = zip(_patients(message), message.all("ORC"), self.orders, strict=True)
        ordered = [
            Ordered(each["order"], bool(each["done"]), bool(each.get("left", False)), orc, pid)
            for pid, orc, each in groups
        ]
        made = order_answer(
            envelope_of(self.order), self.code, (), ordered, at=self.at, control=self.control, rules=rules, trace=trace
        )
        return made, ()


def _patients(message: Message) -> Iterator[Segment | None]:
    """Yield the PID that stands before each ORC."""
    patient = None
    for each in message.segments:
        if each.name == "PID":
            patient = each
        elif each.name == "ORC":
            yield patient


def asked(data: bytes) -> Asked | AskedAnswer:
    """Return what the file of a golden pair asks for. Raises: ValueError for what is none."""
    said: Mapping[str, Any] = decode(data.replace(PLACEHOLDER.encode(), CANONICAL_BASE.encode()))
    try:
        if "answers" in said:
            order = "".join(f"{segment}\r" for segment in said["answers"]).encode()
            at = datetime.fromisoformat(said["at"])
            return AskedAnswer(order, said["code"], tuple(said["orders"]), said["control"], at)
        to = said["recipient"]
        about = next(each for each in said["resources"] if f"{each['resourceType']}/{each['id']}" == said["about"])
        recipient = Recipient(tuple(to["sending"]), tuple(to["receiving"]), frozenset(to["systems"]))
        return Asked(
            said["event"], about, tuple(said["resources"]), recipient, said["control"],
            datetime.fromisoformat(said["at"]), said.get("document", ""), said.get("replaces", ""),
        )  # fmt: skip
    except (KeyError, TypeError, StopIteration) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


# --- pairs


def out_pairs(folder: Path | None = None) -> list[OutPair]:
    """Return the pairs that ship, those of an operator's folder and those of each site."""
    places = [each for each in (shipped_mappings(), folder) if each is not None]
    found = [OutPair(path) for place in places for path in sorted((place / "golden" / "out").glob("*.json"))]
    for site in known_sites(folder):
        for place in places:
            golden = place / "sites" / site / "golden" / "out"
            found += (OutPair(path, site) for path in sorted(golden.glob("*.json")))
    return found


def judged_out(folder: Path | None = None, chosen: Sequence[OutPair] | None = None) -> Iterator[Judged]:
    """Yield what becomes of each pair by the rules that ship, with a folder's laid over them. Raises: MappingError."""
    rules: dict[str, SendingRules] = {}
    for pair in out_pairs(folder) if chosen is None else chosen:
        if pair.site not in rules:
            rules[pair.site] = sending_rules((pair.site,) if pair.site else (), folder)
        made = message_of(rules[pair.site], pair)
        if isinstance(made, str):
            yield Judged(pair, problem=made)
        elif not pair.expected.is_file():
            yield Judged(pair, problem=f"{pair.expected.name} is not there")
        else:
            yield Judged(pair, tuple(_differences(pair.expected.read_bytes(), made)))


def message_of(rules: SendingRules, pair: OutPair) -> bytes | str:
    """Return the message that a pair asks for, or why there is none."""
    try:
        wanted = asked(pair.ask.read_bytes())
        return wanted.written(rules.to(*wanted.receiving))[0]
    except FhirError as refusal:
        return "; ".join(each.text() for each in refusal.issues)
    except ValueError as error:
        return str(error)


def _differences(expected: bytes, made: bytes) -> Iterator[Difference]:
    """Yield where two messages differ: segments by their place in the message, fields by their number."""
    lines = [each.decode("utf-8", "replace").split("\r") for each in (expected.rstrip(b"\r"), made.rstrip(b"\r"))]
    for number in range(max(map(len, lines))):
        theirs, ours = (each[number] if number < len(each) else None for each in lines)
        if theirs is None or ours is None or theirs[:3] != ours[:3]:
            if theirs != ours:
                yield Difference(f"#{number + 1}", theirs, ours)
            continue
        fields = [each.split("|") for each in (theirs, ours)]
        offset = int(theirs.startswith("MSH"))
        for at in range(max(map(len, fields))):
            one, other = (each[at] if at < len(each) else "" for each in fields)
            if one != other:
                yield Difference(f"#{number + 1} {theirs[:3]}-{at + offset}", one, other)


# --- Bundles


def asked_of(bundle: Resource, event: str = "", recipient: Recipient | None = None) -> list[Asked]:
    """Return what the reports of a Bundle would be told by; where no event is named, by all that tell of their status.

    `recipient`: None: one that knows every system of identifiers that there is.
    """
    resources = _local(bundle)
    known = recipient or Recipient(("PASSERELLE", "PFMG"), ("", ""), frozenset(_systems(resources)))
    return [
        Asked(each, report, tuple(resources), known, "1", datetime.now(UTC),
              replaces=document_number(report) if each in ("MDM^T10", "MDM^T04") else "")
        for report in resources
        if report["resourceType"] == REPORT
        for each in ([event] if event else _events(str(report.get("status", ""))))
    ]  # fmt: skip


def _events(status: str) -> tuple[str, ...]:
    """Return what tells of a status, as if what is withdrawn had been sent before."""
    return events_for(status, None) or events_for(status, "final")


def _local(bundle: Resource) -> list[Resource]:
    """Return the resources of a Bundle, those without an id under that of their fullUrl, references to them with it."""
    names: dict[str, str] = {}
    found: list[Resource] = []
    for entry in bundle.get("entry", ()):
        resource, url = entry.get("resource"), str(entry.get("fullUrl", ""))
        if not isinstance(resource, dict) or "resourceType" not in resource:
            continue
        if "id" not in resource and url:
            resource = {**resource, "id": url.rpartition(":" if url.startswith("urn:") else "/")[2]}
        if "id" in resource:
            names[url] = f"{resource['resourceType']}/{resource['id']}"
        found.append(resource)
    return [_renamed(each, names) for each in found]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def _systems(resources: Iterable[Resource]) -> Iterator[str]:
    for each in resources:
        for identifier in each.get("identifier", ()) if isinstance(each.get("identifier"), list) else ():
            if "system" in identifier:
                yield identifier["system"]
