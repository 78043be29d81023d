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
from functools import lru_cache

from fhir_gateway.store.contract import EVERYONE, Narrowing, Read
from fhir_gateway.store.index.access import DIRECTORY
from fhir_gateway.store.index.condition import Condition, Keys, Listed, Value, condition
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.search.criterion import Criterion, Shape, on_columns
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.search.statement import KEPT, Dialect, on, probe_text, set_text, spelled

NAME = "(access)"  # of the criterion, where the operator is told how a search was run
ARMS = 8  # parties times types up to which their rows are merged in the order of rid

_BY_ONE = "{{some}}SELECT 1 FROM i_access a WHERE a.rid = {{rid}} AND a.party = ?{{/some}}"
_BY_PARTIES = _BY_ONE.replace("a.party = ?", "{{+}}a.party{{+0}} {{among {parties}}}")
_AND_TYPE = " AND {{+}}a.rtype {{among {types}}}{{/some}}"
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
    parties = _parties_about(narrowing.parties, types)
    text = _BY_ONE if len(parties) == 1 else _BY_PARTIES
    which = parties[0] if len(parties) == 1 else Listed(parties)
    if seen_types is None:
        return Sight(text.format(parties=len(parties)), (which,))
    text = text.replace("{{/some}}", _AND_TYPE)
    return Sight(text.format(parties=len(parties), types=len(seen_types)), (which, seen_types))


def _parties_about(parties: Sequence[int], types: Sequence[str]) -> Sequence[int]:
    """Return those of the parties that there are rows of some of these types for (none: of all types).

    Everyone has rows of the directory alone, and so mostly one party is left, whose row of a resource is one look-up of
    its whole key.
    """
    if not types or not DIRECTORY.isdisjoint(types):
        return parties
    return [party for party in parties if party != EVERYONE] or parties


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
    parties = _parties_about(narrowing.parties, types)
    one = len(parties) == 1
    which: Value = parties[0] if one else Keys(parties)
    searched = rtypes
    if rtypes is None and types:
        searched = Keys(sorted(registry.rtypes[type] for type in types))
    scan, scanned = ("", ()) if searched is None else ("{rtype} {any}", (searched,))
    test, tested = ((), ()) if rtypes is None else (("{+}{rtype} {any}",), (rtypes,))
    if one and searched is not None and len(searched) == 1:
        shape = Shape("i_access", "one party", test, ("{rtype} = ?",), False, True)
        return Criterion(NAME, shape, (which, *tested), (which, searched[0]))
    arms = tuple((party, rtype) for party in parties for rtype in searched or ())
    if len(arms) > ARMS:
        arms = ()
    shape = Shape("i_access", "one party" if one else "party", test, (scan,), False, False, arms=len(arms))
    return Criterion(NAME, shape, (which, *tested), (which, *scanned), arms=arms)


def access_in(criteria: Sequence[Criterion]) -> Criterion | None:
    """Return the criterion of who has access, if there is one."""
    return next((criterion for criterion in criteria if criterion.shape.table == "i_access"), None)


def seen_of(criterion: Criterion, access: Criterion, dialect: Dialect) -> Criterion | None:
    """Return the criterion that leads to those resources a criterion leads to that may be seen; None where it is as
    well to test each.

    PostgreSQL takes all rids together through the key of i_access, page by page of the index, instead of looking each
    up: 0.1 to 0.9 µs a row instead of 1.3. A join costs SQLite a third less than a test, where one row is all there
    may be. In sets made of sets its parser would go too deep.
    """
    shape = criterion.shape
    if dialect == "sqlite" and (access.shape.pids != "one party" or shape.table == "set"):
        return None
    made = _seen_of(shape, access.shape, dialect)
    values = access.scan_values if dialect == "postgresql" else access.test_values
    return Criterion(criterion.name, made, (), (*criterion.scan_values, *values), criterion.few)


@lru_cache(KEPT)
def _seen_of(shape: Shape, access: Shape, dialect: Dialect) -> Shape:
    gathered = set_text(shape)
    if dialect == "postgresql":
        text = _together(access, gathered)
    else:
        tests = "".join(f" AND {on('a', where)}" for where in access.wheres)
        # The rid of `a`: what is tested beside is tested of what may be seen only.
        text = f"SELECT a.rid FROM ({gathered}) i {{join}} i_access a ON a.rid = i.rid AND a.party = ?{tests}"
    return Shape("set", "none", (), (text,), False, False, narrowed=shape.narrowed, distinct=True)


@lru_cache(KEPT)
def seen_counts_text(shape: Shape, access: Shape, limit: int, dialect: Dialect) -> str:
    """Return the statement of how many resources a criterion leads to, up to a limit, and how many of them may be seen.

    Its values: of the criterion's scans, then those of the access's scan on PostgreSQL, of its test on SQLite.
    """
    gathered = f"{set_text(shape)} LIMIT {limit}"
    if dialect == "postgresql":
        seen = f"SELECT count(*) FROM ({_together(access, 'SELECT c.rid FROM c')}) s"
        return spelled(
            f"WITH c AS MATERIALIZED ({gathered}) SELECT (SELECT count(*) FROM c), ({seen})",
            dialect,
        )
    if access.pids == "one party":
        tests = "".join(f" AND {on('a', where)}" for where in access.wheres)
        seen = f"count(a.rid) FROM ({gathered}) i LEFT JOIN i_access a ON a.rid = i.rid AND a.party = ?{tests}"
    else:
        probe = probe_text(access, "c.rid", "", ranged=False)
        return spelled(f"WITH c AS ({gathered}) SELECT count(*), coalesce(sum({probe}), 0) FROM c", dialect)
    return spelled(f"SELECT count(*), {seen}", dialect)


def _together(access: Shape, rids: str) -> str:
    """Return the SELECT, for PostgreSQL, of those of some rids that may be seen, each once."""
    (rows,) = access.scans
    once, party = ("", "= ?") if access.pids == "one party" else ("DISTINCT ", "{any}")
    scan = f" AND {on('a', rows)}" if rows else ""
    return f"SELECT {once}a.rid FROM i_access a WHERE a.rid = ANY(ARRAY({rids})) AND a.party {party}{scan}"


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
