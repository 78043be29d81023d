"""A dossier: the resources of one prescription, found by role and by person, wherever they were gathered from.

One ServiceRequest a person, all with the same `requisition`; what else belongs is found by who it speaks of.

Source: FHIR R4, ServiceRequest, "requisition"; Bundle, "Resolving references in Bundles"; References.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from fhir_gateway.dossier import codes
from fhir_gateway.dossier.codes import Element, Resource
from fhir_gateway.dossier.membership import is_member
from fhir_gateway.fhir.references import parse

GONE = frozenset({"entered-in-error"})
ENDED = frozenset({"entered-in-error", "revoked"})
CLOSED = frozenset({"completed", "revoked"})


@dataclass(frozen=True, slots=True)
class Held:
    """A resource, where it stands, and the names that references may give it (`key` is the first of them).

    `place`: a FHIRPath expression, "Bundle.entry[2].resource" or "Patient.where(id = '1')".
    """

    resource: Resource
    place: str
    names: tuple[str, ...]

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])

    @property
    def key(self) -> str:
        return self.names[0] if self.names else self.place

    def at(self, path: str = "") -> str:
        return f"{self.place}.{path}" if path else self.place


@dataclass(frozen=True, slots=True)
class Person:
    """One person of a dossier: the request, who it is for (`key`), and the Patient where it was gathered.

    `number`: 0 for a proband, relatives count from 1.
    """

    request: Held
    key: str
    patient: Held | None
    is_proband: bool
    number: int

    @property
    def french(self) -> str:
        return "le cas index" if self.is_proband else f"l'apparenté n° {self.number}"

    @property
    def english(self) -> str:
        return "the proband" if self.is_proband else f"relative no. {self.number}"


class Dossier:
    """One dossier, immutable. `number`: its requisition as "system|value"; None as long as it has none.

    `resources`: all that was gathered. What does not speak of a person of this dossier (another one's requests in the
    same Bundle) is left out of the accessors.
    """

    def __init__(self, resources: Iterable[Held], number: str | None = None) -> None:
        self.resources = tuple(resources)
        self.number = number
        self._by_name: dict[str, Held] = {}
        self._by_token: dict[tuple[str, str], Held] = {}
        for held in self.resources:
            for name in held.names:
                self._by_name.setdefault(name, held)
            for each in codes.tokens(held.resource):
                self._by_token.setdefault((held.type, each), held)

    # --- references

    def resolve(self, reference: Element | None, holder: Resource | None = None) -> Held | None:
        """Return what a Reference names, by its url, its conditional query or its identifier; None when not here.

        `holder`: the resource that has it, so that "#role" finds what it contains.
        """
        if not reference:
            return None
        text = reference.get("reference")
        if isinstance(text, str) and text.startswith("#"):
            return _contained(holder or {}, text)
        if isinstance(text, str) and (held := self._named(text)) is not None:
            return held
        logical = codes.token(reference.get("identifier"))
        if logical is None:
            return None
        kinds = (
            (reference["type"],) if "type" in reference else {kind for kind, each in self._by_token if each == logical}
        )
        return next(
            (self._by_token[kind, logical] for kind in sorted(kinds) if (kind, logical) in self._by_token), None
        )

    def _named(self, text: str) -> Held | None:
        return self._by_name.get(text) or self._by_name.get(_name_of(text)) or self._conditional(text)

    def _conditional(self, text: str) -> Held | None:
        parsed = parse(text, "")
        if parsed.form != "conditional" or parsed.query is None or parsed.type is None:
            return None
        query = parse_qsl(parsed.query)
        if len(query) == 1 and query[0][0] == "identifier":
            return self._by_token.get((parsed.type, query[0][1]))
        return None

    def key(self, reference: Element | None) -> str:
        """Return what tells two references to the same thing apart from others: a name, a token, or ""."""
        held = self.resolve(reference)
        if held is not None:
            return held.key
        if not reference:
            return ""
        if isinstance(reference.get("reference"), str):
            return _name_of(reference["reference"])
        return codes.token(reference.get("identifier")) or ""

    def of_type(self, kind: str) -> tuple[Held, ...]:
        return self._by_type.get(kind, ())

    @cached_property
    def _by_type(self) -> Mapping[str, tuple[Held, ...]]:
        found: dict[str, list[Held]] = {}
        for held in self.resources:
            found.setdefault(held.type, []).append(held)
        return {kind: tuple(each) for kind, each in found.items()}

    # --- who

    @cached_property
    def requests(self) -> tuple[Held, ...]:
        """The ServiceRequests of this dossier, also revoked ones; none that was entered in error."""
        return tuple(
            held
            for held in self.of_type("ServiceRequest")
            if is_member(held.resource)
            and held.resource.get("status") not in GONE
            and codes.token(held.resource.get("requisition")) == self.number
        )

    @cached_property
    def people(self) -> tuple[Person, ...]:
        """Who takes part: one for each request that is neither revoked nor entered in error, probands first."""
        live = [held for held in self.requests if held.resource.get("status") not in ENDED]
        return tuple(self._people(live or list(self.requests)))

    def _people(self, requests: list[Held]) -> Iterator[Person]:
        number = 0
        for held in sorted(requests, key=lambda each: not is_proband(each.resource)):
            proband = is_proband(held.resource)
            number += not proband
            subject = held.resource.get("subject")
            patient = self.resolve(subject)
            yield Person(held, self.key(subject), patient, proband, 0 if proband else number)

    @property
    def probands(self) -> tuple[Person, ...]:
        return tuple(each for each in self.people if each.is_proband)

    @property
    def proband(self) -> Person | None:
        """The proband; None when there is none, the first when there are several."""
        return next(iter(self.probands), None)

    @property
    def relatives(self) -> tuple[Person, ...]:
        return tuple(each for each in self.people if not each.is_proband)

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(self.key(held.resource.get("subject")) for held in self.requests)

    def person(self, key: str) -> Person | None:
        return next((each for each in self.people if each.key == key), None)

    # --- what speaks of a person

    def about(self, kind: str, element: str, key: str | None = None) -> tuple[Held, ...]:
        """Return the resources of a type whose reference `element` names a person (`key`; None: any of the dossier)."""
        wanted = self._keys if key is None else frozenset({key})
        return tuple(
            held
            for held in self.of_type(kind)
            if self.key(held.resource.get(element)) in wanted and held.resource.get("status") not in GONE
        )

    def consents(self, key: str | None = None) -> tuple[Held, ...]:
        """Consents of a person; those that name requests as their data count when one of them is of this dossier.

        For a reanalysis those to the request it is based on count too: it goes on with what they permitted.
        """
        mine = {held.key for held in self.requests}
        mine |= {self.key(each) for held in self.requests for each in held.resource.get("basedOn", ())}
        return tuple(
            held
            for held in self.about("Consent", "patient", key)
            if not (named := list(self._requests_named(held.resource))) or any(each in mine for each in named)
        )

    def _requests_named(self, consent: Resource) -> Iterator[str]:
        for data in consent.get("provision", {}).get("data", ()):
            reference = data.get("reference", {})
            held = self.resolve(reference)
            if held is not None and held.type == "ServiceRequest":
                yield held.key
            elif held is None and "ServiceRequest/" in str(reference.get("reference", "")):
                yield self.key(reference)

    def specimens(self, key: str | None = None) -> tuple[Held, ...]:
        """Specimens of a person that were taken for this dossier, or that one of its requests names."""
        mine = {held.key for held in self.requests}
        named = {self.key(each) for held in self.requests for each in held.resource.get("specimen", ())}
        return tuple(
            held
            for held in self.about("Specimen", "subject", key)
            if held.key in named
            or not (wanted := held.resource.get("request"))
            or any(self.key(each) in mine for each in wanted)
        )

    def edges(self) -> tuple[Held, ...]:
        return self.about("FamilyMemberHistory", "patient")

    def observations(self, key: str | None = None) -> tuple[Held, ...]:
        return self.about("Observation", "subject", key)

    def documents(self) -> tuple[Held, ...]:
        return self.about("DocumentReference", "subject")

    def reports(self) -> tuple[Held, ...]:
        mine = {held.key for held in self.requests}
        return tuple(
            held
            for held in self.about("DiagnosticReport", "subject")
            if "basedOn" not in held.resource or any(self.key(each) in mine for each in held.resource["basedOn"])
        )

    def tasks(self, code: str | None = None) -> tuple[Held, ...]:
        """Tasks of this dossier (of one code of pfmg-tache): those whose focus is one of its requests."""
        return self._tasks if code is None else tuple(each for each in self._tasks if task_code(each.resource) == code)

    @cached_property
    def _tasks(self) -> tuple[Held, ...]:
        mine = {held.key for held in self.requests}
        return tuple(
            held
            for held in self.of_type("Task")
            if self.key(held.resource.get("focus")) in mine and held.resource.get("status") not in GONE
        )

    def provenances(self, target: Held) -> tuple[Held, ...]:
        return tuple(
            held
            for held in self.of_type("Provenance")
            if any(self.key(each) == target.key for each in held.resource.get("target", ()))
        )

    # --- what the requests say

    @property
    def parcours(self) -> str | None:
        """The pathway of the proband, else of the first request that says one: MR, OC or KC."""
        said = (codes.code(each.request.resource.get("category"), codes.PARCOURS) for each in self.people)
        return next((each for each in said if each is not None), None)

    @property
    def preindication(self) -> str | None:
        """The code of the préindication as the proband's request has it, else as the first that has one."""
        said = (codes.code(each.request.resource.get("reasonCode"), codes.PREINDICATION) for each in self.people)
        return next((each for each in said if each is not None), None)

    @property
    def examen(self) -> str | None:
        said = (codes.code(each.request.resource.get("code"), codes.EXAMEN) for each in self.people)
        return next((each for each in said if each is not None), None)

    @property
    def platform(self) -> frozenset[str]:
        """The identifiers of the platform that performs; empty when none is assigned."""
        for each in self.people:
            if found := self.performers(each.request.resource):
                return found
        return frozenset()

    @property
    def is_draft(self) -> bool:
        return all(each.request.resource.get("status") == "draft" for each in self.people)

    @property
    def is_closed(self) -> bool:
        """Whether it has come to its end: every request completed or revoked. It lacks nothing any more."""
        statuses = {each.resource.get("status") for each in self.requests}
        return bool(statuses) and statuses <= CLOSED

    # --- structures and professionals

    def organisations(self, reference: Element | None, holder: Resource | None = None) -> frozenset[str]:
        """Return all identifiers of the structure that a reference names, directly or by a PractitionerRole."""
        if not reference:
            return frozenset()
        held = self.resolve(reference, holder)
        if held is not None and held.type == "PractitionerRole":
            return self.organisations(held.resource.get("organization"), holder)
        own = codes.token(reference.get("identifier"))
        found = frozenset() if own is None or own.startswith(f"{codes.RPPS}|") else frozenset({own})
        return found | codes.tokens(held.resource) if held is not None and held.type == "Organization" else found

    def rpps(self, reference: Element | None, holder: Resource | None = None) -> str | None:
        """Return the RPPS of the professional that a reference names, directly or by a PractitionerRole."""
        if not reference:
            return None
        identifier = reference.get("identifier", {})
        if identifier.get("system") == codes.RPPS and "value" in identifier:
            return str(identifier["value"])
        held = self.resolve(reference, holder)
        if held is None:
            return None
        if (own := _rpps(held.resource)) is not None:
            return own
        return self.rpps(held.resource.get("practitioner"), holder) if held.type == "PractitionerRole" else None

    def requester_rpps(self, request: Resource) -> str | None:
        """Return the RPPS of who prescribes a request."""
        return self.rpps(request.get("requester"), request)

    def performers(self, request: Resource) -> frozenset[str]:
        """Return all identifiers of the structures that perform a request."""
        return frozenset(each for one in request.get("performer", ()) for each in self.organisations(one, request))

    def without(self, names: Iterable[str]) -> Dossier:
        """Return this dossier without the resources of some names ("Type/id")."""
        gone = frozenset(names)
        return Dossier([held for held in self.resources if gone.isdisjoint(held.names)], self.number)

    def with_(self, *resources: Resource) -> Dossier:
        """Return this dossier after writes: each resource in place of the one it is a new version of, or added."""
        written = [_stored(resource) for resource in resources]
        names = {name for held in written for name in held.names}
        kept = [held for held in self.resources if not names & set(held.names)]
        return Dossier([*kept, *written], self.number)


def is_proband(request: Resource) -> bool:
    return "proband" in codes.codes(request.get("category"), codes.ROLE)


def task_code(task: Resource) -> str | None:
    return codes.code(task.get("code"), codes.TACHE)


def _contained(holder: Resource, text: str) -> Held | None:
    found = (each for each in holder.get("contained", ()) if each.get("id") == text[1:])
    return next((Held(each, text, (text,)) for each in found), None)


def _rpps(resource: Resource) -> str | None:
    return next(
        (
            str(each["value"])
            for each in resource.get("identifier", ())
            if each.get("system") == codes.RPPS and "value" in each
        ),
        None,
    )


def _name_of(text: str) -> str:
    """Return "Type/id" for a literal reference, without base and version; any other text as it is."""
    parsed = parse(text, "")
    return f"{parsed.type}/{parsed.id}" if parsed.type and parsed.id and parsed.form in ("local", "absolute") else text


def _stored(resource: Resource) -> Held:
    kind, id = resource["resourceType"], resource.get("id")
    if id is None:
        return Held(resource, str(kind), ())
    return Held(resource, f"{kind}.where(id = '{id}')", (f"{kind}/{id}",))


def _sent(bundle: Resource) -> Iterator[Held]:
    for number, entry in enumerate(bundle.get("entry", ())):
        resource: Any = entry.get("resource")
        if not isinstance(resource, Mapping) or "resourceType" not in resource:
            continue
        names = [_name_of(entry["fullUrl"])] if "fullUrl" in entry else []
        if "fullUrl" in entry and entry["fullUrl"] not in names:
            names.append(entry["fullUrl"])
        if "id" in resource:
            names.append(f"{resource['resourceType']}/{resource['id']}")
        request = entry.get("request", {})
        if request.get("method") == "PUT" and "/" in request.get("url", ""):
            names.append(request["url"])
        yield Held(resource, f"Bundle.entry[{number}].resource", tuple(dict.fromkeys(names)))


def gathered(resources: Iterable[Resource]) -> tuple[Dossier, ...]:
    """Return the dossiers of resources as a store holds them: one for each requisition, in the order of requests."""
    return _by_number([_stored(resource) for resource in resources])


def submitted(bundle: Resource, known: Iterable[Resource] = ()) -> tuple[Dossier, ...]:
    """Return the dossiers of a submission Bundle. Requests without requisition are one dossier, without number.

    `known`: resources of the store that the entries refer to.
    """
    return _by_number([*_sent(bundle), *map(_stored, known)])


def _by_number(held: list[Held]) -> tuple[Dossier, ...]:
    requests = (each.resource for each in held if each.type == "ServiceRequest" and is_member(each.resource))
    numbers = dict.fromkeys(codes.token(each.get("requisition")) for each in requests)
    return tuple(Dossier(held, number) for number in numbers)
