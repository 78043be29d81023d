"""The act of a message: what it was mapped to becomes the entries of one transaction, which also marks it applied.

What is found by an identifier is laid over what is there (`message_laying`); what has none is known by its content or
by its place in the patient's record, so that a snapshot sent again makes nothing new. A patient who was merged is
updated in the one that stays. Older data never take the place of newer, nor early results that of final ones.

Source: HL7 v2-to-FHIR; HL7 v2.5.1, chapter 3, 3.3.40 (A40); architecture law "Stored before understood".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from fhir_gateway.exchange.hl7v2.clocks import Clocks, clocks_of
from fhir_gateway.fhir import structure
from fhir_gateway.fhir.canonical_base import CANONICAL_BASE
from fhir_gateway.fhir.json import encode
from fhir_gateway.fhir.outcome import FhirError, InvalidRequest, Issue, NotFound
from fhir_gateway.interactions import message_complaints as complaints
from fhir_gateway.interactions.access import require_each
from fhir_gateway.interactions.commit import commit
from fhir_gateway.interactions.contention import IdentitiesChanged
from fhir_gateway.interactions.entry import Done, Entry
from fhir_gateway.interactions.interaction import Answer, Conditions, Interaction
from fhir_gateway.interactions.message_laying import laid
from fhir_gateway.interactions.message_patients import Merge, Merged, Surviving
from fhir_gateway.interactions.refusals import Refusals
from fhir_gateway.interactions.urls import criteria_from
from fhir_gateway.interactions.validation import NotValid
from fhir_gateway.interactions.write import prepare
from fhir_gateway.policy.partners import Partner
from fhir_gateway.store import messages
from fhir_gateway.store.contract import Key, Read, Write
from fhir_gateway.store.messages import Outcome, State
from fhir_gateway.store.writer import Writer

if TYPE_CHECKING:
    from fhir_gateway.exchange.hl7v2.convert import Conversion
    from fhir_gateway.interactions.gateway import Gateway
    from fhir_gateway.interactions.validation import Glance
    from fhir_gateway.transform.run import Instance

PART = f"{CANONICAL_BASE}/hl7v2/part"  # system of identifiers of what a message tells without one
MESSAGE = f"{CANONICAL_BASE}/hl7v2/message"
MAPPING = f"{CANONICAL_BASE}/hl7v2/mapping"

_LEFT_OUT = frozenset({"MessageHeader"})  # the log of messages has the whole of it
_FINAL = frozenset({"final", "amended", "corrected", "appended"})
_EARLY = frozenset({"registered", "partial", "preliminary", "unknown"})
_NO_DRAFT = frozenset({"active", "on-hold", "unknown"})
_ENDED = frozenset({"revoked", "entered-in-error"})  # what a person does: a feed is told that it was not done
# Of these there is one for each patient; what an OBX tells is known by its place in its order.
_ALONE = frozenset({"dmp-feeding", "dmp-consulting"})
_BY_PLACE = frozenset({"Observation", "DocumentReference"})
# Who a patient is and where is told by ADT; what others say of that, and results of their orders, only fills a gap.
_NO_ADT = frozenset({"Patient", "Encounter", "Account"})
_ONLY_CREATED = (
    ("ADT", frozenset[str]()),
    ("ORU", _NO_ADT | {"ServiceRequest"}),
    ("MDM", _NO_ADT | {"ServiceRequest"}),
)
_ASSEMBLER = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": "assembler"}]
}
_URN = re.compile(rb"urn:uuid:[0-9a-f-]{36}")


class DryRun(FhirError):
    """What a message would do, told by undoing it. `done`: what would have become of each entry."""

    status = 200  # for the trace

    def __init__(self, act: MessageAct, done: Sequence[Done]) -> None:
        super().__init__()
        self.act = act
        self.done = done


@dataclass(slots=True)
class MessageAct:
    """A message ready to be carried out.

    `mid`, `was`: its row in the log, and the state it had; mid 0: none, for a dry run. `conclude`: what the log will
    say of it, asked in the transaction, when all warnings are known.
    """

    conversion: Conversion
    partner: Partner
    mapping: str
    conclude: Callable[[Sequence[Issue]], Outcome]
    mid: int = 0
    was: State = "received"
    base: str = ""
    dry: bool = False
    warnings: list[Issue] = field(default_factory=list)  # what the last plan left as it was, and why
    instances: list[Instance] = field(default_factory=list)  # by number of entry
    seen: dict[int, int] = field(default_factory=dict)  # measures that the last plan rests on: µs, 0 for none
    measures: dict[int, int] = field(default_factory=dict)  # what they will be
    left: set[str] = field(default_factory=set)  # what the last plan left as it was, by fullUrl
    done: Sequence[Done] = ()
    is_settled: bool = False  # whether the log says so

    def told(self) -> dict[str, str]:
        """Return what the trace tells of it."""
        message = self.conversion.message
        return {"event": self.conversion.event, "control_id": message.control_id[:200], "partner": self.partner.name}

    def warn(self, issue: Issue) -> None:
        if issue not in self.warnings:
            self.warnings.append(issue)


def carry_out(gateway: Gateway, act: MessageAct) -> Answer:
    """Write what a message says and mark it applied, all or nothing.

    Raises: one FhirError with every problem of a stage, expressions from "Bundle.entry[n]"; SettledMeanwhile; DryRun.
    """
    entries = _entries(gateway, act)
    require_each(gateway, entries)

    def concluded(view: Read, done: list[Done]) -> Answer:
        act.done = done
        if act.dry:
            raise DryRun(act, done)
        if not isinstance(view, Writer):
            return Answer(200)  # its mapping makes nothing that is new, not even a Provenance
        tx: Write = view
        if act.seen and messages.as_of(tx, act.seen) != {key: at for key, at in act.seen.items() if at}:
            raise IdentitiesChanged
        messages.advance(tx, _advanced(act, entries, done))
        messages.settle(tx, act.mid, act.was, act.conclude(act.warnings))
        act.is_settled = True
        return Answer(200)

    return commit(gateway, entries, concluded)


def _advanced(act: MessageAct, entries: Sequence[Entry], done: Sequence[Done]) -> dict[int, int]:
    """Return the measures of what was written; of what is new they are known only now."""
    found = dict(act.measures)
    for entry, each in zip(entries, done, strict=True):
        if each.outcome == "created" and isinstance(entry.onto, _Laying) and each.version is not None:
            for clock, instant in entry.onto.clocks:
                found[messages.measure(each.version.type, each.version.id, clock)] = instant
    return found


# --- from instances to entries


def _entries(gateway: Gateway, act: MessageAct) -> list[Entry]:
    result = act.conversion.result
    assert result is not None
    left_out = {each.full_url for each in result.instances if each.resource["resourceType"] in _LEFT_OUT}
    instances = [each for each in result.instances if each.full_url not in left_out]
    # Patients first: what a merge is about must be known before the one that goes.
    instances.sort(key=lambda each: each.id != "patient")
    merge = Merge(act)
    refusals = Refusals()
    entries: list[Entry] = []
    parts = _Parts(instances, act.conversion.event)
    within = {each.full_url: each.resource for each in instances}
    glance = gateway.validation.at_a_glance(gateway, act.base, within)
    act.instances = instances
    for number, instance in enumerate(instances):
        resource = instance.resource
        if resource["resourceType"] == "Provenance":
            _tell(act, resource, left_out)
        elif resource["resourceType"] == "ServiceRequest" and resource.get("status") in _NO_DRAFT:
            # An order of a feed is never active before a person has looked at it.
            resource["status"] = "draft"
        if act.partner.namespaces:
            _name_systems(instance, act.partner.namespaces)
        entry = _entry(act, number, instance, parts.known_by(instance), merge)
        refusals.add(NotValid, *map(entry.moved, _looked_at(gateway, entry, resource, glance)))
        refusals.add(InvalidRequest, *prepare(gateway, entry))
        entries.append(entry)
    refusals.raise_any()
    return entries


def _looked_at(gateway: Gateway, entry: Entry, resource: dict[str, Any], glance: Glance) -> Sequence[Issue]:
    """Note the links of a resource, and what is known to be wrong with all that are like it; return what is wrong with
    its structure."""
    known = glance(resource)
    if known is not None:
        entry.judged = known.issues
        if known.links is not None:
            entry.links = structure.links_at(resource, known.links)
            return ()
    found = structure.check(resource, gateway.definitions.types)
    entry.links = found.links.get(id(resource))
    if known is not None and entry.links is not None:
        known.links = structure.places_of(resource, entry.links)
    return found.issues


@dataclass(frozen=True, slots=True)
class _Known:
    """How something is found: the search, "" for none; whether what is there is updated."""

    criteria: str
    update: bool


def _entry(act: MessageAct, number: int, instance: Instance, known: _Known, merge: Merge) -> Entry:
    resource = instance.resource
    kind: str = resource["resourceType"]
    is_update = known.update and bool(known.criteria)
    interaction = Interaction("update" if is_update else "create", kind, resource=resource, base=act.base)
    if is_update:
        interaction.parameters = criteria_from(known.criteria)
    elif known.criteria:
        interaction.conditions = Conditions(if_none_exist=known.criteria)
    entry = Entry(interaction, number, f"Bundle.entry[{number}]", instance.full_url)
    if kind == "Patient" and known.criteria:
        choice = Merged(merge, instance) if instance.id == "merged" else Surviving(merge, instance)
        entry.onto = _Laying(act, instance, choice)
    elif is_update:
        entry.onto = _Laying(act, instance, None)
    return entry


class _Laying:
    """How an instance finds what it is about and is laid over it: see `Onto`."""

    __slots__ = ("_act", "_choice", "_instance", "clocks")

    def __init__(self, act: MessageAct, instance: Instance, choice: Surviving | Merged | None) -> None:
        self._act = act
        self._instance = instance
        self._choice = choice
        kind = instance.resource["resourceType"]
        self.clocks: Clocks = clocks_of(act.conversion.message, kind, instance.segment)

    def chosen(self, view: Read, found: list[Key]) -> list[Key]:
        return found if self._choice is None else self._choice.chosen(view, found)

    def laid(self, view: Read | None, key: Key, stored: dict[str, Any] | None) -> dict[str, Any]:
        act, made = self._act, self._instance.resource
        act.left.discard(self._instance.full_url)
        if stored is None:
            if _is_order(made) and made.get("status") in _ENDED:
                raise NotFound(complaints.ORDER_UNKNOWN.at(None))
            return made
        if stored.get("status") in _ENDED and stored.get("status") == made.get("status") and _is_order(made):
            return stored
        if self._choice is not None:
            self._choice.check(stored)
            made = self._choice.linked(made)
        if (issue := self._not_to_be_laid(view, key, stored)) is not None:
            act.warn(issue)
            act.left.add(self._instance.full_url)
            return stored
        result = laid(stored, made, self._instance.deleted)
        return stored if result == stored else result

    def _not_to_be_laid(self, view: Read | None, key: Key, stored: Mapping[str, Any]) -> Issue | None:
        made, kind = self._instance.resource, key[0]
        was, now = stored.get("status", ""), made.get("status", "")
        if kind in ("DiagnosticReport", "Observation") and was in _FINAL and now in _EARLY:
            return complaints.NOT_FINAL.at(None, type=kind, status=was, sent=now)
        if _is_order(made) and was not in ("", now) and (now == "draft" or now in _ENDED):
            return complaints.NOT_FINAL.at(None, type=kind, status=was, sent=now)
        measures = {messages.measure(*key, clock): (clock, instant) for clock, instant in self.clocks}
        known = {} if view is None else messages.as_of(view, measures)
        act = self._act
        for each in measures:
            act.measures.pop(each, None)
        act.seen |= {measure: known.get(measure, 0) for measure in measures}
        decisive = next((each for each in measures if each in known), None)
        if decisive is not None and measures[decisive][1] < known[decisive]:
            return complaints.OLDER.at(None, type=kind, clock=measures[decisive][0])
        act.measures |= {each: max(instant, known.get(each, 0)) for each, (_, instant) in measures.items()}
        return None


def _is_order(resource: Mapping[str, Any]) -> bool:
    return bool(resource["resourceType"] == "ServiceRequest")


class _Parts:
    """What the instances of a message are known by."""

    def __init__(self, instances: Sequence[Instance], event: str) -> None:
        self._only_created = next((types for kind, types in _ONLY_CREATED if event.startswith(kind)), _NO_ADT)
        self._criteria = {each.full_url.encode(): each.criteria.encode() for each in instances if each.criteria}
        self._patients = [each.criteria for each in instances if each.id == "patient"]
        self._reports = {
            id(each.scope): each.criteria for each in instances if each.id in ("report", "order") and each.criteria
        }
        self._met: dict[str, int] = {}

    def known_by(self, instance: Instance) -> _Known:
        if instance.criteria:
            is_told = instance.resource["resourceType"] not in self._only_created
            return _Known(instance.criteria, is_told and instance.request != "create")
        if instance.request != "part":
            return _Known("", False)
        resource = instance.resource
        if instance.id in _ALONE:
            return self._named(instance, _bytes(f"{self._patients[:1]}"), True)
        place = self._place(instance) if resource["resourceType"] in _BY_PLACE else ""
        if place:
            self._met[place] = self._met.get(place, 0) + 1
            return self._named(instance, _bytes(f"{place}#{self._met[place]}"), True)
        text = encode(resource)
        if b"urn:uuid:" in text:
            text = _URN.sub(lambda found: self._criteria.get(found[0], b""), text)
        return self._named(instance, text, False)

    def _place(self, instance: Instance) -> str:
        """Return the place of what an OBX tells: its order, OBX-3 and OBX-4; "" where it stands in no order."""
        scope, segment = instance.scope, instance.segment
        while scope is not None and id(scope) not in self._reports:
            scope = scope.parent
        if scope is None or segment is None or segment.name != "OBX":
            return ""
        return f"{self._reports[id(scope)]} {segment.field(3)} {segment.field(4)}"

    def _named(self, instance: Instance, text: bytes, update: bool) -> _Known:
        digest = blake2b(_bytes(f"{instance.id} "), digest_size=16)
        digest.update(text)  # it may have a document of many megabytes
        value = digest.hexdigest()
        resource = instance.resource
        resource["identifier"] = [*resource.get("identifier", ()), {"system": PART, "value": value}]
        return _Known(f"identifier={PART}|{value}", update)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _tell(act: MessageAct, provenance: dict[str, Any], left_out: set[str]) -> None:
    """Say in the Provenance which message it was and by which rules it was read."""
    if left_out:
        provenance["target"] = [each for each in provenance["target"] if each.get("reference") not in left_out]
    what = {"identifier": {"system": MESSAGE, "value": str(act.mid)}, "display": act.conversion.event}
    provenance["entity"] = [*provenance.get("entity", ()), {"role": "source", "what": what}]
    who = {"identifier": {"system": MAPPING, "value": act.mapping}, "display": "HL7 v2"}
    provenance["agent"] = [*provenance.get("agent", ()), {"type": _ASSEMBLER, "who": who}]


def _name_systems(instance: Instance, namespaces: Mapping[str, str]) -> None:
    """Give identifiers the systems that a partner's namespaces (CX.4.1) stand for."""
    made = {f"{CANONICAL_BASE}/hl7v2/{kind}/{name}": system for name, system in namespaces.items() for kind in _KINDS}
    for identifier in _identifiers(instance.resource):
        system = identifier.get("system")
        if system in made:
            identifier["system"] = made[system]
            instance.criteria = instance.criteria.replace(f"={system}|", f"={made[system]}|")


_KINDS = ("authority", "finess")


def _identifiers(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "identifier":
                yield from each if isinstance(each, list) else (each,)
            yield from _identifiers(each)
    elif isinstance(value, list):
        for each in value:
            yield from _identifiers(each)
