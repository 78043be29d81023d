"""history: the versions of a resource, of a type, of everything, the newest first.

Source: FHIR R4, RESTful API, "history", "Paging".
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import cast

from fhir_gateway.conformance.subset import Asked, Subset
from fhir_gateway.fhir.bundle import HistoryEntry
from fhir_gateway.fhir.bundle import history as history_bundle
from fhir_gateway.fhir.outcome import InvalidRequest, Issue, NotFound
from fhir_gateway.fhir.primitives import Interval, instant_of, interval_of
from fhir_gateway.interactions import complaints, subset
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.interactions.interaction import Answer, Interaction, Parameters
from fhir_gateway.interactions.search import url_of
from fhir_gateway.store.contract import HistoryQuery, Narrowing, Read, Version
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.search.order import SortKey
from fhir_gateway.store.search.paging import sign, verify
from fhir_gateway.store.search.query import PAGE, Position, SearchQuery

_KNOWN = ("_since", "_at", "_count", *subset.PARAMETERS, PAGE)
_ORDER = tuple(SortKey(column, descends=True) for column in ("last_updated", "rid", "vid"))


def history(gateway: Gateway, view: Read, interaction: Interaction) -> Answer:
    """Answer with a page of versions, deletions among them, as a history Bundle.

    Raises: InvalidRequest with all that is wrong with the parameters; NotFound when a resource never was.
    """
    read = _Reading(gateway, interaction, view.narrowing)
    query = read.query()
    if query.id is not None and query.type is not None and view.current(query.type, query.id) is None:
        raise NotFound(complaints.NOT_FOUND.at(type=query.type, id=query.id))
    page = view.history(query)
    place = "/".join([interaction.base, *(part for part in (query.type, query.id) if part is not None), "_history"])
    shown = interaction.presentation
    links = [("self", url_of(place, [*read.applied, *shown])), ("first", url_of(place, [*read.without_page, *shown]))]
    if page.next is not None:
        following = [*read.without_page, (PAGE, sign(Position(page.next, page.next), read.walk, gateway.signing_key))]
        links.append(("next", url_of(place, [*following, *shown])))
    bodies = [_body(gateway, version, read.asked.subset) for version in page.versions]
    entries = [_entry(interaction.base, *each) for each in zip(page.versions, bodies, strict=True)]
    body = history_bundle(entries, links, page.total, gateway.new_id(), gateway.registry.now())
    return Answer(200, body, shown=[version.rid for version in page.versions])


class _Reading:
    """The parameters of a history while they are read. `walk` is what its page tokens belong to."""

    def __init__(self, gateway: Gateway, interaction: Interaction, narrowing: Narrowing | None) -> None:
        self.gateway = gateway
        self.interaction = interaction
        self.issues: list[Issue] = []
        self.applied: Parameters = []
        self.without_page: Parameters = []
        self.walk = SearchQuery(gateway.registry, (), narrowing=narrowing)
        self.asked = Asked()

    def query(self) -> HistoryQuery:
        """Return what to ask the store; refuses all that is wrong at once."""
        given = dict(self.interaction.parameters)
        lenient = self.interaction.prefer.handling == "lenient"
        for name, times in Counter(name for name, _ in self.interaction.parameters).items():
            if name not in _KNOWN:
                if not lenient:
                    self.issues.append(complaints.HISTORY_PARAMETER.at(name=name))
            elif times > 1 and name not in subset.PARAMETERS:
                # "Each of these parameters SHALL NOT appear more than once."
                self.issues.append(complaints.PARAMETER_TWICE.at(name=name))
        since = self._instant(given)
        at = self._interval(given)
        count = self._count(given)
        self._part()
        self.applied = self._applied(count)
        self.without_page = [pair for pair in self.applied if pair[0] != PAGE]
        act = self.interaction
        asked = f"history {act.type} {act.id} {given.get('_since')} {given.get('_at')}"
        self.walk = replace(self.walk, order=_ORDER, key=h64(asked))
        after = self._after(given)
        if self.issues:
            raise InvalidRequest(*self.issues)
        low, high = (None, None) if at is None else (at.low, at.high)
        return HistoryQuery(act.type, act.id, since, low, high, count, after)

    def _part(self) -> None:
        type = self.interaction.type
        try:
            types = self.gateway.definitions.types.resources if type is None else (type,)
            self.asked = subset.asked(self.gateway, self.interaction, types)
        except InvalidRequest as refusal:
            self.issues += refusal.issues

    def _applied(self, count: int) -> Parameters:
        """Return what was done of what was asked: known parameters, `_count` as far as it goes, elements there are."""
        done = {"_count": str(count), "_elements": self.asked.elements}
        told = [(name, done.get(name, value)) for name, value in self.interaction.parameters if name in _KNOWN]
        return [(name, value) for name, value in told if value is not None]

    def _instant(self, given: dict[str, str]) -> int | None:
        try:
            return instant_of(given["_since"]) if "_since" in given else None
        except InvalidRequest as refusal:
            self.issues += refusal.issues
            return None

    def _interval(self, given: dict[str, str]) -> Interval | None:
        try:
            return interval_of(given["_at"]) if "_at" in given else None
        except InvalidRequest as refusal:
            self.issues += refusal.issues
            return None

    def _count(self, given: dict[str, str]) -> int:
        limits = self.gateway.registry.limits
        sent = given.get("_count")
        if sent is None:
            return limits.default_count
        if not (sent.isascii() and sent.isdigit() and len(sent) < 10):
            self.issues.append(complaints.COUNT_MALFORMED.at(sent=sent))
            return 0
        return min(int(sent), limits.max_count)

    def _after(self, given: dict[str, str]) -> tuple[int, int, int] | None:
        if PAGE not in given:
            return None
        try:
            found = verify(given[PAGE], self.walk, self.gateway.signing_key)
        except InvalidRequest as refusal:
            self.issues += refusal.issues
            return None
        return cast("tuple[int, int, int]", found.key)  # nobody but this server signs tokens of a history


def _body(gateway: Gateway, version: Version, part: Subset | None) -> bytes:
    if part is None or version.deleted:
        return version.body
    return gateway.definitions.subsets.cut(version.body, version.type, part)


def _entry(base: str, version: Version, body: bytes) -> HistoryEntry:
    """Return a version as the act that made it: "conditional creates, updates and deletes are converted to direct
    updates and deletes in a history list"."""
    url = f"{version.type}/{version.id}"
    place = f"{base}/{url}"
    if version.deleted:
        return HistoryEntry(place, None, "DELETE", url, "204 No Content", version.vid, version.last_updated)
    if version.vid == 1:
        at = version.last_updated
        return HistoryEntry(place, body, "POST", version.type, "201 Created", version.vid, at)
    return HistoryEntry(place, body, "PUT", url, "200 OK", version.vid, version.last_updated)
