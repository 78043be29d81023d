"""$everything: the record of a patient, whole.

Order: the patient, the resources of its compartment in the order they were created, then what those refer to outside
of it (practitioners, organizations, locations, medications …), as includes. Each resource comes once, over all pages.

Source: FHIR R4, Patient, "$everything"; RESTful API, "Paging".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from fhir_gateway.fhir.bundle import SearchEntry, searchset
from fhir_gateway.fhir.outcome import InvalidRequest, Issue, TooCostly
from fhir_gateway.fhir.primitives import instant_of, interval_of
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer, Parameters
from fhir_gateway.interactions.operations import complaints
from fhir_gateway.interactions.operations.operation import Call
from fhir_gateway.interactions.read import answer_with
from fhir_gateway.interactions.search import url_of
from fhir_gateway.store.contract import Read
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.search.order import Order, SortKey
from fhir_gateway.store.search.paging import sign, verify
from fhir_gateway.store.search.query import PAGE, Position, SearchQuery
from fhir_gateway.store.search.record import (
    Member,
    Span,
    care_dates,
    members_of,
    referred_from,
    versions_of,
)

WHOLE = 5_000  # resources that come in one Bundle when no _count was asked for; beyond it there are pages
LARGEST = 100_000  # resources of a record
_ORDER: Order = (SortKey("phase", False), SortKey("rid", False))
_PATIENT, _COMPARTMENT, _INCLUDED = range(3)

Place = tuple[int, int]  # phase and rid: where a resource stands in the record


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is wanted of a record. `since`: µs; `care`: the span that care must touch; `types`: empty for all."""

    care: Span | None
    since: int | None
    types: frozenset[int]
    count: int


def everything(gateway: Gateway, view: Read, call: Call) -> Answer:
    """Answer with a patient's record, or a page of it, as a searchset.

    `start` and `end`: care given in that time, by the clinical dates of each resource; what has no such date stays.
    `_type`: of these types only. `_since`: what was changed since, and what the changed resources refer to.
    Bundle.meta.lastUpdated, the same on all pages, is what to give as `_since` next time: no change before it is
    missing.

    Raises: NotFound, Gone for the patient; InvalidRequest; TooCostly for a record too large, or without a patient.
    """
    act = call.interaction
    if act.type is None or act.id is None:
        raise TooCostly(complaints.EVERYTHING_OF_ALL.at())
    patient = view.current(act.type, act.id)
    answer_with(patient, act.type, act.id)
    assert patient is not None
    asked = _asked(gateway, call)
    walk = _walk(gateway, view, call)
    token = call.inputs.one(PAGE)
    after: Place | None = None
    horizon = min(view.certain[0], gateway.registry.now())
    if token is not None:
        position = verify(token, walk, gateway.signing_key)
        phase, rid = position.key
        after, horizon = (int(phase or 0), int(rid or 0)), position.before
    own = Member(patient.rid, gateway.registry.rtypes[act.type], patient.last_updated)
    record = _Record(gateway, view, (act.type, act.id), own, asked, horizon)
    places: list[Place] = [(_PATIENT if each is own else _COMPARTMENT, each.rid) for each in record.matches]
    first = 0 if after is None else bisect_right(places, after)
    if first + asked.count >= len(places):
        # What is referred to is looked for on the pages that come to it.
        places += [(_INCLUDED, each.rid) for each in record.includes()]
        first = 0 if after is None else bisect_right(places, after)
    page = places[first : first + asked.count]
    place = "/".join((act.base, act.type, act.id, "$everything"))
    plain = [*_given(call), *act.presentation]
    links = [("self", url_of(place, [*_given(call, page=True), *act.presentation])), ("first", url_of(place, plain))]
    if first + len(page) < len(places):
        following = sign(Position(page[-1], page[-1], before=horizon), walk, gateway.signing_key)
        links.append(("next", url_of(place, [*plain, (PAGE, following)])))
    entries = _entries(gateway, view, act.base, page)
    body = searchset(entries, links, len(record.matches), gateway.new_id(), horizon)
    return Answer(200, body, shown=[rid for _, rid in page])


def _given(call: Call, page: bool = False) -> Parameters:
    """Return the inputs as parameters of a URL, however they were sent; with the page that was asked for or not."""
    values = call.inputs.values
    return [(name, str(value)) for name in values if page or name != PAGE for value in values[name]]


def _walk(gateway: Gateway, view: Read, call: Call) -> SearchQuery:
    """Return what page tokens belong to: this record, asked for in this way."""
    asked = f"everything {call.interaction.type} {call.interaction.id} {sorted(_given(call))}"
    return SearchQuery(gateway.registry, (), order=_ORDER, key=h64(asked), narrowing=view.narrowing)


def _entries(gateway: Gateway, view: Read, base: str, page: Sequence[Place]) -> list[SearchEntry]:
    phases = {rid: phase for phase, rid in page}
    return [
        SearchEntry(f"{base}/{each.type}/{each.id}", each.body, "include" if phases[each.rid] == _INCLUDED else "match")
        for each in versions_of(view, gateway.registry, list(phases))
    ]


def _asked(gateway: Gateway, call: Call) -> _Asked:
    inputs, registry = call.inputs, gateway.registry
    issues: list[Issue] = []
    start, end, since, count = (inputs.one(name) for name in ("start", "end", "_since", "_count"))
    care = None
    if start is not None or end is not None:
        low = interval_of(start).low if start is not None else -(1 << 62)
        high = interval_of(end).high - 1 if end is not None else 1 << 62
        care = (low, high)
        if low > high:
            issues.append(complaints.CARE_ENDS_BEFORE.at(start=start, end=end))
    types = [type for value in inputs.all("_type") for type in value.split(",")]
    unknown = [type for type in types if type not in registry.rtypes]
    issues += [complaints.TYPE_OF_RECORD.at(type=type) for type in unknown]
    if count is not None and count < 1:
        issues.append(complaints.COUNT_OF_RECORD.at(count=count))
    if issues:
        raise InvalidRequest(*issues)
    return _Asked(
        care,
        None if since is None else instant_of(since),
        frozenset(registry.rtypes[type] for type in types),
        WHOLE if count is None else min(count, registry.limits.max_count),
    )


class _Record:
    """What is shown of a record: `matches`, the patient first, and what those refer to outside of the compartment."""

    def __init__(
        self, gateway: Gateway, view: Read, owner: tuple[str, str], own: Member, asked: _Asked, horizon: int
    ) -> None:
        self._view = view
        self._registry = gateway.registry
        self._asked = asked
        self._horizon = horizon
        self._own_instant = view.certain[1]
        self._inside = [own, *members_of(view, gateway.registry, owner, LARGEST)]
        if len(self._inside) > LARGEST:
            raise TooCostly(complaints.RECORD_TOO_LARGE.at(limit=LARGEST))
        told = self._inside if asked.care is None else _in_time(gateway, view, self._inside, asked.care)
        self._told = told
        self._changed = [each for each in told if self._is_new(each)]
        self.matches = self._of_types(self._changed)

    def includes(self) -> list[Member]:
        """Return what is referred to: by what is shown, and what was itself changed; by rid."""
        inside = {each.rid for each in self._inside}
        outside = referred_from(self._view, self._registry, (each.rid for each in self._told))
        found = [each for each in outside if each.rid not in inside]
        if len(self._changed) < len(self._told):
            changed = referred_from(self._view, self._registry, (each.rid for each in self._changed))
            needed = {each.rid for each in changed}
            found = [each for each in found if each.rid in needed or self._is_new(each)]
        return self._of_types(found)

    def _is_new(self, member: Member) -> bool:
        since, at = self._asked.since, member.last_updated
        # What was changed after the first page was read is told by the next poll, whatever its place in the record.
        return since is None or (since <= at and (at < self._horizon or at == self._own_instant))

    def _of_types(self, members: list[Member]) -> list[Member]:
        types = self._asked.types
        return [each for each in members if each.rtype in types] if types else members


def _in_time(gateway: Gateway, view: Read, members: list[Member], care: Span) -> list[Member]:
    dates = care_dates(view, gateway.registry, (each.rid for each in members))
    low, high = care
    return [
        each for each in members if each.rid not in dates or (dates[each.rid][0] <= high and dates[each.rid][1] >= low)
    ]
