"""What somebody may see, as a test of each resource that a statement comes upon, and as a criterion of its own.

A row of i_access says that a party has access to a current resource: one look-up by its rid tells, and the rows of a
party and a type come in the order of rid. So it is tested like any criterion and may lead like one. Which types are
searched at a place is known when a search is read; where all of them may be seen, the type is not asked for.

Source: this project's own; `contract.Narrowing`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fhir_gateway.store.contract import Narrowing, Read
from fhir_gateway.store.index.condition import Condition, Keys, Listed, Value, condition
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.search.criterion import Criterion, Shape, on_columns
from fhir_gateway.store.search.registry import Registry

NAME = "(access)"  # of the criterion, where the operator is told how a search was run
ARMS = 8  # parties times types up to which their rows are merged in the order of rid

_BY_PARTY = "{{some}}SELECT 1 FROM i_access a WHERE a.rid = {{rid}} AND {{+}}a.party{{+0}} {{among {parties}}}{{/some}}"
_BY_BOTH = _BY_PARTY.replace("{{/some}}", " AND {{+}}a.rtype {{among {types}}}{{/some}}")
_BY_TYPE = "{{some}}SELECT 1 FROM resource a WHERE a.rid = {{rid}} AND {{+}}a.rtype {{among {types}}}{{/some}}"
_SOME = re.compile(r"\{some\}SELECT 1 FROM (\w+) a WHERE (.*)\{/some\}")


class NotOfThisView(Exception):
    """A search was read for another narrowing than that of the view it is asked of: a defect, never an answer."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The test that a resource may be seen: an expression over `{rid}`, "" where all may, and its values."""

    text: str = ""
    values: tuple[Value, ...] = ()

    def of(self, rid: str) -> str:
        """Return the clause " AND …" about a rid, "" where all may be seen."""
        return seen(self.text, rid)


EVERYTHING = Sight()


def seen(sight: str, rid: str) -> str:
    """Return the clause " AND …" of a sight's text about a rid, "" where that is empty."""
    return f" AND {sight.replace('{rid}', rid)}" if sight else ""


def joined(sight: str, rid: str) -> str:
    """Return the same behind a join of rows t (`statement`, "{of …}"): of what is seen each may come several times."""
    found = _SOME.fullmatch(sight)
    return f"{{with {found[1]}}}{found[2].replace('{rid}', rid)}{{/with}}" if found is not None else ""


def sight_of(registry: Registry, narrowing: Narrowing | None, types: Sequence[str] = ()) -> Sight:
    """Return what may be seen of resources that are of some of `types`; of any type where none is given."""
    if narrowing is None:
        return EVERYTHING
    rtypes = _numbers_seen(registry, narrowing, types)
    seen_types = None if rtypes is None else Listed(rtypes or (0,))  # 0 is the number of no type
    if narrowing.parties is None:
        return EVERYTHING if seen_types is None else Sight(_BY_TYPE.format(types=len(seen_types)), (seen_types,))
    parties = Listed(narrowing.parties)
    if seen_types is None:
        return Sight(_BY_PARTY.format(parties=len(parties)), (parties,))
    return Sight(_BY_BOTH.format(parties=len(parties), types=len(seen_types)), (parties, seen_types))


def sight(read: Read, registry: Registry, types: Sequence[str] = ()) -> Sight:
    """Return the same for the narrowing of a view."""
    return sight_of(registry, read.narrowing, types)


def access(registry: Registry, narrowing: Narrowing | None, types: Sequence[str]) -> Criterion | None:
    """Return the criterion that a resource of the types searched (none: of all) may be seen; None where all may."""
    if narrowing is None:
        return None
    rtypes = _numbers_seen(registry, narrowing, types)
    if rtypes == ():
        return on_columns(NAME, [condition("1 = 0")])
    if narrowing.parties is None:
        return None if rtypes is None else on_columns(NAME, [Condition("{rtype} {any}", (rtypes,), ())])
    which = Keys(narrowing.parties)
    searched = rtypes
    if rtypes is None and types:
        searched = Keys(sorted(registry.rtypes[type] for type in types))
    scan, scanned = ("", ()) if searched is None else ("{rtype} {any}", (searched,))
    test, tested = ((), ()) if rtypes is None else (("{+}{rtype} {any}",), (rtypes,))
    arms = tuple((party, rtype) for party in which for rtype in searched or ())
    if len(arms) > ARMS:
        arms = ()
    shape = Shape("i_access", "party", test, (scan,), False, False, arms=len(arms))
    return Criterion(NAME, shape, (which, *tested), (which, *scanned), arms=arms)


def types_seen(registry: Registry, narrowing: Narrowing | None, types: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the types searched (none: all) that may be seen; `types` itself where all or none of them may.

    And where most of all may: all resources are walked past then in the order of rid, which those of many types have to
    be sorted for, and `access` tests the type of each.
    """
    if narrowing is None or narrowing.types is None:
        return types
    found = tuple(type for type in types or registry.types if type in narrowing.types)
    if not types and len(found) * 2 > len(registry.types):
        return types
    return found if 0 < len(found) < len(types or registry.types) else types


def _numbers_seen(registry: Registry, narrowing: Narrowing, types: Sequence[str]) -> Keys | None:
    """Return the numbers of those types that may be seen; None where all of them may."""
    if narrowing.types is None:
        return None
    asked = types or registry.types
    found = [type for type in asked if type in narrowing.types]
    return None if len(found) == len(asked) else Keys(sorted(registry.rtypes[type] for type in found))


def require(read: Read, narrowing: Narrowing | None) -> None:
    """Raises: NotOfThisView when what is searched is narrowed in another way than the view."""
    if read.narrowing is not narrowing and read.narrowing != narrowing:
        raise NotOfThisView("the search was read for another narrowing than the view's")


def bound_to(narrowing: Narrowing | None, key: int) -> int:
    """Return the number of a question, as somebody of this narrowing asks it."""
    if narrowing is None:
        return key
    parties = "" if narrowing.parties is None else ",".join(map(str, narrowing.parties))
    types = "*" if narrowing.types is None else ",".join(sorted(narrowing.types))
    return h64(f"{key}\x1f{parties}\x1f{types}")
