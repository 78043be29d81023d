"""The page of a narrowed search of many types, in the order of rid: what each party sees of each type, merged.

Of all types together i_access has no order of rid, and who sees little walks past much else. The rows of one party and
one type come by rid: a share of each is taken, and all rows are there down to the highest end of a share. These are
tested in order; where that does not fill the page, longer shares go on from there.

Source: FHIR R4, Search, "Searching across multiple resource types"; this project's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from fhir_gateway.store.contract import Read, Row
from fhir_gateway.store.index.condition import Keys, Value
from fhir_gateway.store.search.criterion import Criterion, Shape
from fhir_gateway.store.search.narrowing import access_in
from fhir_gateway.store.search.order import Place
from fhir_gateway.store.search.statement import COMMITTED, KEPT, VERSION, Dialect, bound, on, probe_text, spelled

_PAGES, _LONGER = 2, 8  # pages' worth of the first shares; how many times longer the next ones are


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is looked for: resources that meet all criteria, one of which is who has access, beyond `bounds` (none, or
    the rid they begin after, and perhaps the one they end at), up to `limit`. `certain`: see `Read.certain`.
    """

    criteria: tuple[Criterion, ...]
    descends: bool
    bounds: tuple[Place, ...]
    limit: int
    certain: tuple[int, int] | None

    @property
    def first_share(self) -> int:
        """Rows of each party and type that are taken at first."""
        return self.limit * _PAGES


def mergeable(criteria: Sequence[Criterion]) -> bool:
    """Tell whether a criterion of who has access has rows in no order, of more types and parties than are merged."""
    access = access_in(criteria)
    return access is not None and not access.shape.streams


def merged(read: Read, sweep: Sweep, reach: int) -> list[Row] | None:
    """Return the versions that a sweep finds, as columns of `resource`; None where the page is not full by so many rows
    of one party and type.
    """
    access = access_in(sweep.criteria)
    assert access is not None
    tests = tuple(criterion for criterion in sweep.criteria if criterion is not access)
    values: list[Value] = [*_parties(access), *access.scan_values[1:]]
    values += chain.from_iterable(criterion.test_values for criterion in tests)
    values += sweep.certain or ()
    tested = bound(values, read.dialect)
    found: list[Row] = []
    bounds, share = sweep.bounds, min(reach, sweep.first_share)
    while True:
        shape = _Shape(
            read.dialect,
            access.shape,
            tuple(criterion.shape for criterion in tests),
            sweep.descends,
            len(bounds),
            sweep.certain is not None,
        )
        rows = read.rows(_text(shape), [*bounds, *tested[:1], share - 1, *tested[1:], sweep.limit - len(found)])
        found += [row[1:] for row in rows if row[-1] is not None]
        end = rows[0][0]
        if end is None or len(found) >= sweep.limit:
            return found
        if share >= reach:
            return None
        bounds, share = (end, *sweep.bounds[1:]), min(share * _LONGER, reach)


def _parties(access: Criterion) -> tuple[Value, ...]:
    which = access.scan_values[0]
    return (which if isinstance(which, Keys) else Keys((which,)),)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Shape:
    dialect: Dialect
    access: Shape
    tests: tuple[Shape, ...]
    descends: bool
    bounds: int
    committed: bool


@lru_cache(KEPT)
def _text(shape: _Shape) -> str:
    """Return the statement; its first column is the rid down to which all rows were looked at, none where all were.

    Its values: the bounds, the parties, how many rows a share passes over, the types if some are searched, those of
    the tests, of what is certain, and the limit.
    """
    direction, sign, last, nearest = (" DESC", ">", -1, "max") if shape.descends else ("", "<", 2**63 - 1, "min")
    limits = "".join(f", CAST(? AS BIGINT) AS {name}" for name in ("after", "until")[: shape.bounds])
    signs = (("<", "after"), (">=", "until")) if shape.descends else ((">", "after"), ("<=", "until"))
    within = "".join(f" AND {{}}.rid {sign} (SELECT {name} FROM b)" for sign, name in signs[: shape.bounds])
    (types,) = shape.access.scans
    of_types = f" AND {on('p', types)}" if types else ""
    # SQLite keeps to the order of a join, and would sort once more what is in order; PostgreSQL may join as it likes.
    ordered = f" ORDER BY q.rid{direction}" if shape.dialect == "postgresql" else ""
    tests = [probe_text(test, "q.rid", "r", ranged=False) for test in shape.tests]
    tests += [COMMITTED] if shape.committed else []
    least = "SELECT min(a.rtype) FROM i_access a WHERE a.party ="
    end = (
        f"SELECT m.rid FROM i_access m WHERE m.party = p.party AND m.rtype = p.rtype{within.format('m', 'm')}"
        f" ORDER BY m.rid{direction} LIMIT 1 OFFSET ?"
    )
    return spelled(
        f"WITH RECURSIVE b AS (SELECT 1 AS one{limits}),"
        # The types that each party sees, one look-up each.
        f" p(party, rtype) AS (SELECT q.value, ({least} q.value) FROM {{values}}"
        f" UNION ALL SELECT p.party, ({least} p.party AND a.rtype > p.rtype) FROM p WHERE p.rtype IS NOT NULL),"
        f" s AS MATERIALIZED (SELECT p.party, p.rtype, ({end}) AS e FROM p WHERE p.rtype IS NOT NULL"
        f"{of_types}),"
        f" h AS MATERIALIZED (SELECT {nearest}(s.e) AS h FROM s),"
        " c AS MATERIALIZED (SELECT DISTINCT i.rid FROM s {join} i_access i ON i.party = s.party AND i.rtype = s.rtype"
        f" AND i.rid {sign}= coalesce((SELECT h.h FROM h), {last}){within.format('i', 'i')}),"
        # The inner LIMIT keeps both engines from testing before the rows are in order.
        f" k AS (SELECT q.rid FROM (SELECT c.rid FROM c ORDER BY c.rid{direction} LIMIT {2**31 - 1}) q"
        f" {{join}} resource r ON r.rid = q.rid{' WHERE ' if tests else ''}{' AND '.join(tests)}{ordered} LIMIT ?)"
        f" SELECT h.h, {VERSION} FROM h LEFT JOIN k ON 1 = 1 LEFT JOIN resource r ON r.rid = k.rid"
        f" ORDER BY k.rid{direction}",
        shape.dialect,
    )
