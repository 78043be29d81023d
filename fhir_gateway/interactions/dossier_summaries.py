"""What statistics need of each dossier, kept in the store and brought up to date after the writes, never with them.

In the background what was written since the mark is noted, and the summaries that it concerns are made again, a few at
a time. `facts` tells all of a snapshot exactly: what is kept and holds, and the rest made there and then.

Source: `fhir_gateway/store/dossier_summary.py`, how no change is missed; `fhir_gateway/dossier/statistics.py`.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from fhir_gateway import dossier as rules
from fhir_gateway.dossier import codes
from fhir_gateway.dossier.dossier import Dossier
from fhir_gateway.dossier.membership import is_member
from fhir_gateway.dossier.statistics import Facts, facts_of, holds_until
from fhir_gateway.fhir.json import decode, encode
from fhir_gateway.fhir.outcome import Complaint, TooCostly
from fhir_gateway.fhir.primitives import instant_text
from fhir_gateway.interactions import dossier_gathering as gathering
from fhir_gateway.interactions.access import seeing
from fhir_gateway.interactions.dossier_marks import carries
from fhir_gateway.interactions.gateway import Gateway
from fhir_gateway.store import dossier_summary as store
from fhir_gateway.store.contract import Key, Read, Version
from fhir_gateway.store.dossier_erased import REQUEST, SPEAKING
from fhir_gateway.store.dossier_summary import ASKING, MEMBER, NEVER, PERSON, Made, State
from fhir_gateway.store.index.hashing import rk_of

Resource = dict[str, Any]

BATCH: Final = 50  # summaries made in one commit
NOTED: Final = 1_000  # resources taken note of in one commit
FEW: Final = 50  # due summaries, and ten times as many resources, that are looked at while somebody waits
SECONDS: Final = 30.0  # that who asks waits until what is behind has been made
_IDLE_SECONDS: Final = 5.0  # between looks for what was written
_REST: Final = 1.0  # how long to rest after a batch, in proportion to what the batch took
_AT_ONCE: Final = 200  # dossiers gathered together while somebody waits
# Where a request names whom statistics look at; who performs may be contained.
_NAMING: Final = ("subject", "performer", "specimen", "contained")

# Of two who make the same summaries one works in vain; other processes find out when they write.
_working = threading.Lock()

BEHIND = Complaint(
    "dossier-summaries-behind",
    "too-costly",
    "After large imports the figures of all dossiers are made anew; {number} dossiers are still to be looked at. "
    "Ask again in a minute: what is made is kept.",
    "Après un import important, les chiffres de tous les dossiers sont refaits ; il en reste {number} à regarder. "
    "Redemandez dans une minute : ce qui est fait est gardé.",
)


class _Behind(NamedTuple):
    """What was written or erased since the mark, and what it concerns."""

    dks: set[int]
    requests: dict[int, list[Version]]  # those written, by dossier
    gone: list[tuple[Any, ...]]
    mark: int  # how far this goes
    looked_at: int  # resources


# --- beside the requests


def step(gateway: Gateway) -> float:
    """Note some of what was written, or make some summaries: a background step."""
    if not _working.acquire(blocking=False):
        return _IDLE_SECONDS  # somebody who waits is at it
    try:
        begun = time.monotonic()
        if not _advance(gateway):
            return _IDLE_SECONDS
        return (time.monotonic() - begun) * _REST
    finally:
        _working.release()


def be_current(gateway: Gateway) -> None:
    """Make what is behind but for a little, before a view is opened to ask for `facts`.

    Raises: TooCostly when it takes longer than `SECONDS`; what is made is kept.
    """
    whole = gateway.everything
    deadline = time.monotonic() + SECONDS
    while not _little_is_behind(whole):
        if time.monotonic() > deadline:
            raise TooCostly(BEHIND.at(number=_number_behind(whole)))
        with _working:
            _advance(whole)


def _advance(gateway: Gateway) -> bool:
    """Go one commit on; return False where nothing is behind."""
    with gateway.store.read() as view:
        seen, made_by = store.state(view), _made_by(gateway)
        anew = seen.made_by != made_by
        behind = None if anew else _behind(gateway, view, seen, view.certain[0], NOTED)
        nothing = behind is not None and not (behind.looked_at or behind.gone)
        made = _due(gateway, view) if nothing else []
    if anew:
        gateway.store.write(lambda tx: store.begin_anew(tx, seen, made_by))
    elif behind is not None and not nothing:
        asking = [(rk_of(*each.key), dk) for dk, versions in behind.requests.items() for each in versions]
        gateway.store.write(lambda tx: store.note(tx, seen, behind.mark, behind.dks, asking, behind.gone))
    elif made:
        gateway.store.write(lambda tx: store.keep(tx, seen, made))
    else:
        return False
    return True


def _due(gateway: Gateway, view: Read) -> list[Made]:
    now = gateway.registry.now()
    dks = store.due(view, now, BATCH)
    return list(_made(gateway, view, _requests(view, dks, {}), now)) if dks else []


def _little_is_behind(gateway: Gateway) -> bool:
    with gateway.store.read(feed=False) as view:
        seen = store.state(view)
        if seen.made_by != _made_by(gateway):
            return False
        changed, _ = store.written(view, seen.mark, limit=10 * FEW)
        return len(changed) < 10 * FEW and len(store.due(view, gateway.registry.now(), FEW)) < FEW


def _number_behind(gateway: Gateway) -> int:
    with gateway.store.read(feed=False) as view:
        return len(store.due(view, gateway.registry.now()))


# --- what is told


def facts(gateway: Gateway, view: Read, now: int) -> Iterator[Facts]:
    """Yield the facts of each dossier that has people, as a view of everything sees them at an instant (µs)."""
    seen = store.state(view)
    behind = _behind(gateway, view, seen, NEVER, None)
    late = {*behind.dks, *store.due(view, NEVER if seen.made_by != _made_by(gateway) else now)}
    for dk, kept in store.facts(view, now):
        if kept and dk not in late:
            yield _told(kept)
    left = iter(sorted(late))
    while some := list(islice(left, _AT_ONCE)):
        for each in _made(gateway, view, _requests(view, some, behind.requests), now):
            if each.facts:
                yield _told(each.facts)


def _told(kept: bytes) -> Facts:
    parcours, preindication, platform, etape, created, delays = decode(kept)
    return Facts(parcours, preindication, tuple(platform), etape, created, delays)


def _kept(told: Facts) -> bytes:
    held = [told.parcours, told.preindication, list(told.platform), told.etape, told.created, dict(told.delays)]
    return encode(held)


# --- what was written


def _behind(gateway: Gateway, view: Read, seen: State, before: int, limit: int | None) -> _Behind:
    """Return what was written since the mark and before an instant, about `limit` resources of it."""
    changed, mark = store.written(view, seen.mark, before, limit)
    gone = store.erased(view)
    asking = store.versions(view, [each.rid for each in changed if each.type == REQUEST and not each.deleted])
    requests: dict[int, list[Version]] = {}
    for version in asking:
        if (number := _number(version)) is not None:
            requests.setdefault(store.key_of_number(number), []).append(version)
    return _Behind({*store.concerned(view, changed, gone), *requests}, requests, gone, mark, len(changed))


def _number(version: Version) -> str | None:
    """Return the number of the dossier that a request belongs to; None for one of no dossier."""
    if not carries(version):
        return None
    request = decode(version.body)
    return codes.token(request.get("requisition")) if is_member(request) else None


def _requests(view: Read, dks: Sequence[int], written: Mapping[int, Sequence[Version]]) -> dict[int, list[Resource]]:
    """Return the requests of each dossier, in the order in which they came: those noted, and those just written."""
    found: dict[int, dict[int, Version]] = {dk: {each.rid: each for each in written.get(dk, ())} for dk in dks}
    for dk, version in store.requests(view, dks):
        found[dk][version.rid] = version
    held: dict[int, list[Resource]] = {}
    for dk, versions in found.items():
        resources = [decode(versions[rid].body) for rid in sorted(versions)]
        held[dk] = [each for each in resources if is_member(each) and _key_of(each) == dk]
    return held


def _key_of(request: Resource) -> int | None:
    number = codes.token(request.get("requisition"))
    return None if number is None else store.key_of_number(number)


# --- what is made


class _Gathered:
    """Dossiers while they are gathered: of each its resources, and the keys of what it is made of."""

    def __init__(self, dks: Iterable[int]) -> None:
        self.resources: dict[int, dict[Key, Resource]] = {dk: {} for dk in dks}
        self.members: dict[int, dict[int, int]] = {dk: {} for dk in self.resources}

    def name(self, dk: int, key: Key, part: int = MEMBER) -> None:
        members, rk = self.members[dk], rk_of(*key)
        members[rk] = max(part, members.get(rk, MEMBER))

    def add(self, dk: int, key: Key, resource: Resource) -> None:
        self.resources[dk][key] = resource
        self.name(dk, key)


def _made(gateway: Gateway, view: Read, requests: Mapping[int, Sequence[Resource]], now: int) -> Iterator[Made]:
    """Yield the summaries of dossiers, by key given with all their requests."""
    at = instant_text(now)
    gathered = _gathered(gateway, view, requests)
    for dk, asked in requests.items():
        number = codes.token(asked[0].get("requisition")) if asked else None
        dossier = Dossier((), number).with_(*gathered.resources[dk].values())
        due, told = NEVER, b""
        if asked and dossier.people:
            until = holds_until(dossier, at)
            due, told = NEVER if until is None else until, _kept(facts_of(dossier, at))
        yield Made(dk, due, told, gathered.members[dk])


def _gathered(gateway: Gateway, view: Read, requests: Mapping[int, Sequence[Resource]]) -> _Gathered:
    """Gather what statistics look at: less than `dossier_gathering` does, but for these all that it finds."""
    found = _Gathered(requests)
    anchors: dict[Key, set[int]] = {}
    named: dict[Key, set[int]] = {}
    for dk, asked in requests.items():
        for each in asked:
            key: Key = (REQUEST, each["id"])
            found.add(dk, key, each)
            found.name(dk, key, ASKING)
            anchors.setdefault(key, set()).add(dk)
            person = gathering.key_of(gateway, each.get("subject"))
            if person is not None:
                found.name(dk, person, PERSON)
                anchors.setdefault(person, set()).add(dk)
            for other in gathering.references(gateway, [{name: each[name] for name in _NAMING if name in each}]):
                named.setdefault(other, set()).add(dk)
    with seeing(view, None):
        for version, keys in view.referring_to(anchors, SPEAKING) if anchors else ():
            resource = decode(version.body)
            for dk in {dk for key in keys for dk in anchors[key]}:
                found.add(dk, version.key, resource)
        # Who performs may be a role, whose structure counts.
        _add_named(gateway, view, found, _add_named(gateway, view, found, named))
    return found


def _add_named(gateway: Gateway, view: Read, found: _Gathered, named: Mapping[Key, set[int]]) -> dict[Key, set[int]]:
    """Add what dossiers name, there or not; return the structures that the roles among it are of."""
    there = view.current_of(named) if named else {}
    structures: dict[Key, set[int]] = {}
    for key, dks in named.items():
        version = there.get(key)
        resource = None if version is None or version.deleted else decode(version.body)
        for dk in dks:
            found.name(dk, key)
            if resource is not None:
                found.resources[dk].setdefault(key, resource)
        if resource is not None and key[0] == "PractitionerRole":
            structure = gathering.key_of(gateway, resource.get("organization"))
            if structure is not None:
                structures.setdefault(structure, set()).update(dks)
    return structures


def _made_by(gateway: Gateway) -> str:
    return f"{gateway.software_version} {_rules()}"


@cache
def _rules() -> str:
    """Return a digest of what facts are made by, so that other rules make all of them again."""
    files = [*sorted(Path(rules.__file__).parent.glob("*.py")), Path(__file__)]
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()[:16]
