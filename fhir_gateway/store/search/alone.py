"""The page of a search by one criterion alone, in the order of rid: its rows gathered in one statement, not counted.

Up to FEW rows are taken, whatever they are, and the page is sorted out of them. That there are more is told by the same
statement, and only then is there anything to plan.

Where the rows are those of a few keys, each key's come in the order of rid: of an OR of codes, of the references to the
few resources that a chain leads to. Then a page's worth is taken of each, however many it has. A key's share ends at
the rid that stands a page on in it, which is a range of the key on both engines; SQLite has no LATERAL.

Within a narrowing the page is taken of those that may be seen, in order, so that no more are tested than a page needs.
Some pages' worth are then taken of each key. All rows are there down to the highest end of a share; if the page is not
full by then, the search is planned.

Source: FHIR R4, Search, "Chained parameters"; this project's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from fhir_gateway.store.contract import Read, Row
from fhir_gateway.store.index.condition import Keys
from fhir_gateway.store.search import plan as plans
from fhir_gateway.store.search.criterion import Criterion, Shape
from fhir_gateway.store.search.narrowing import EVERYTHING, Sight, seen
from fhir_gateway.store.search.order import Place
from fhir_gateway.store.search.plan import Planner
from fhir_gateway.store.search.statement import KEPT, OF_RESOURCE, VERSION, Dialect, bound, scans_text, spelled

# A scan that leaves nothing of the key open but the rid: by one value, by a list of them, or by those of resources.
_KEYED = re.compile(r"\{(h|trk)\} (?:(= \?)|(\{any\})|\{in\}(SELECT t\.rk .*)\{/in\})")
_KEYS = ("CAST(? AS BIGINT) AS k", "q.value AS k FROM {values}", "q.rk AS k FROM ({}) q")


_COLUMNS = VERSION.count(",") + 1
_PAGES = 4  # pages' worth taken of each key within a narrowing, if there are few keys


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where the rows of a page lie. `bounds`: none, or the rid they begin after, and perhaps the one they end at."""

    descends: bool
    bounds: tuple[Place, ...]
    limit: int


def alone(
    read: Read, planner: Planner, criterion: Criterion, stretch: Stretch, sight: Sight = EVERYTHING
) -> list[Row] | None:
    """Return the versions of a page of what meets a criterion, as columns of `resource`; None when it is to be planned:
    its rows come in order by themselves, or are too many to be gathered.

    sight: what may be seen of them.
    """
    shape = criterion.shape
    # Else rows of what is deleted are looked at too, which are not counted.
    bounded = shape.table not in OF_RESOURCE or bool(shape.inner)
    if not criterion.drives or shape.streams or criterion.few is not None or not bounded:
        return None
    keys = _keys(planner, criterion)
    if keys is None:
        return None
    merged = any(map(_keyed, _parts(shape))) and keys * stretch.limit <= plans.MERGED
    most = plans.FEW + (plans.MERGED if merged else 0)
    share = stretch.limit if merged else 0
    values = bound(criterion.scan_values, read.dialect)
    if sight.text:
        share *= _PAGES if keys * share * _PAGES <= plans.MERGED else 1
        text = _seen_page_text(shape, stretch.descends, len(stretch.bounds), most, share, read.dialect, sight.text)
        values += bound(sight.values, read.dialect)
    else:
        text = _page_text(shape, stretch.descends, len(stretch.bounds), most, share, read.dialect)
    found = read.rows(text, [*stretch.bounds, *values, stretch.limit])
    number, end = found[0][0], found[0][1] if sight.text else None
    if number > most:
        planner.note(criterion, plans.FEW)
        return None
    rows = [row[-_COLUMNS:] for row in found if row[-1] is not None]
    return None if end is not None and len(rows) < stretch.limit else rows


def _keys(planner: Planner, criterion: Criterion) -> int | None:
    """Return how many keys a criterion's rows have at most, if they have keys; None when there is much to gather
    before that is known.
    """
    given = len(criterion.shape.scans) + sum(len(value) for value in criterion.scan_values if isinstance(value, Keys))
    if not criterion.shape.inner:
        return given
    inner = planner.inner(criterion, plans.FEW)
    if max(inner) > plans.FEW:
        planner.note(criterion, plans.FEW)
        return None
    return given + sum(inner)


def _parts(shape: Shape) -> tuple[Shape, ...]:
    return shape.parts or (shape,)


def _keyed(shape: Shape) -> bool:
    """Tell whether all rows are those of keys."""
    return shape.pids == "one" and all(_KEYED.fullmatch(scan) for scan in shape.scans)


@lru_cache(KEPT)
def _page_text(shape: Shape, descends: bool, bounds: int, most: int, share: int, dialect: Dialect) -> str:
    """Return the statement of a page; its first column is how many rows there were to gather, more than `most` or not.

    share: how many rows are taken of each key; 0: all there are. Its values: the bounds, those of the scans, and the
    limit.
    """
    limits = "".join(f", CAST(? AS BIGINT) AS {name}" for name in ("after", "until")[:bounds])
    within = _within("c.rid", descends, bounds)
    direction = " DESC" if descends else ""
    rows = " UNION ALL ".join(
        _shares_text(part, descends, bounds, share) if share and _keyed(part) else scans_text(part, " UNION ALL ")
        for part in _parts(shape)
    )
    return spelled(
        f"WITH b AS (SELECT 1 AS one{limits}),"
        f" c AS MATERIALIZED (SELECT i.rid FROM ({rows}) i LIMIT {most + 1}),"
        " n AS MATERIALIZED (SELECT count(*) AS n FROM c)"
        f" SELECT n.n, {VERSION} FROM n"
        f" LEFT JOIN (SELECT DISTINCT c.rid FROM c WHERE (SELECT n.n FROM n) <= {most}{within}"
        f" ORDER BY c.rid{direction} LIMIT ?) k ON 1 = 1"
        f" LEFT JOIN resource r ON r.rid = k.rid ORDER BY k.rid{direction}",
        dialect,
    )


@lru_cache(KEPT)
def _seen_page_text(
    shape: Shape, descends: bool, bounds: int, most: int, share: int, dialect: Dialect, sight: str
) -> str:
    """Return the same statement within a narrowing; its second column is the rid down to which all rows are there, none
    where all rows are. Its values: the bounds, those of the scans, of what may be seen, and the limit.
    """
    limits = "".join(f", CAST(? AS BIGINT) AS {name}" for name in ("after", "until")[:bounds])
    within = _within("c.rid", descends, bounds)
    direction, sign, last, nearest = (" DESC", ">", -1, "max") if descends else ("", "<", 2**63 - 1, "min")
    parts: list[str] = []
    rows: list[str] = []
    ends: list[str] = []
    for part in _parts(shape):
        keyed = share > 0 and _keyed(part)
        for scan in part.scans if keyed else ("",):
            name = f"s{len(parts)}"
            # As few as may be inside each other: SQLite's parser does not go deep.
            if not keyed:
                parts.append(f"{name} AS ({scans_text(part, ' UNION ALL ')} LIMIT {most + 1})")
                rows.append(f"SELECT i.rid FROM {name} i")
                continue
            at, end = _share_end(part, scan, descends, bounds, share)
            parts.append(f"k{name} AS ({_keys_text(scan)})")
            parts.append(f"{name} AS MATERIALIZED (SELECT k.pid, k.k, ({end}) AS e FROM k{name} k)")
            rows.append(
                f"SELECT i.rid FROM {name} k {{join}} {part.table} i ON {at.format('i', 'i')}"
                f" AND i.rid {sign}= coalesce(k.e, {last}){_within('i.rid', descends, bounds)}"
            )
            ends.append(f"SELECT e FROM {name}")
    ended = f"SELECT {nearest}(x.e) AS h FROM ({' UNION ALL '.join(ends)}) x" if ends else "SELECT NULL AS h"
    all_there = f" AND c.rid {sign}= coalesce((SELECT h.h FROM h), {last})" if ends else ""
    # The inner LIMIT keeps both engines from testing what may be seen before the rows are in order.
    return spelled(
        f"WITH b AS (SELECT 1 AS one{limits}), {', '.join(parts)},"
        f" c AS MATERIALIZED (SELECT i.rid FROM ({' UNION ALL '.join(rows)}) i LIMIT {most + 1}),"
        f" n AS MATERIALIZED (SELECT count(*) AS n FROM c), h AS MATERIALIZED ({ended})"
        f" SELECT n.n, h.h, {VERSION} FROM n {{join}} h ON 1 = 1"
        f" LEFT JOIN (SELECT q.rid FROM (SELECT DISTINCT c.rid FROM c WHERE (SELECT n.n FROM n) <= {most}"
        f"{all_there}{within} ORDER BY c.rid{direction} LIMIT {most}) q WHERE 1 = 1{seen(sight, 'q.rid')} LIMIT ?) k"
        f" ON 1 = 1 LEFT JOIN resource r ON r.rid = k.rid ORDER BY k.rid{direction}",
        dialect,
    )


def _shares_text(shape: Shape, descends: bool, bounds: int, share: int) -> str:
    """Return the SELECT of the rids that stand next in each of a criterion's keys."""
    sign, last = (">", -1) if descends else ("<", 2**63 - 1)
    texts = []
    for scan in shape.scans:
        at, end = _share_end(shape, scan, descends, bounds, share)
        texts.append(
            f"SELECT i.rid FROM ({_keys_text(scan)}) k {{join}} {shape.table} i ON {at.format('i', 'i')}"
            f" AND i.rid {sign}= coalesce(({end}), {last}){_within('i.rid', descends, bounds)}"
        )
    return " UNION ALL ".join(texts)


def _share_end(shape: Shape, scan: str, descends: bool, bounds: int, share: int) -> tuple[str, str]:
    """Return the clause that a row has a key k, and the SELECT of the rid at which that key's share ends, if any."""
    found = _KEYED.fullmatch(scan)
    assert found is not None
    at = f"{{}}.{found[1]} = k.k AND {{}}.pid = k.pid"
    end = (
        f"SELECT m.rid FROM {shape.table} m WHERE {at.format('m', 'm')}{_within('m.rid', descends, bounds)}"
        f" ORDER BY m.rid{' DESC' if descends else ''} LIMIT 1 OFFSET {share - 1}"
    )
    return at, end


def _keys_text(scan: str) -> str:
    """Return the SELECT of the parameter and the keys of a scan."""
    found = _KEYED.fullmatch(scan)
    assert found is not None
    _, one, many, of_resources = found.groups()
    keys = _KEYS[0] if one else _KEYS[1] if many else _KEYS[2].format(of_resources)
    return f"SELECT CAST(? AS INTEGER) AS pid, {keys}"


def _within(rid: str, descends: bool, bounds: int) -> str:
    signs = (("<", "after"), (">=", "until")) if descends else ((">", "after"), ("<=", "until"))
    return "".join(f" AND {rid} {sign} (SELECT {name} FROM b)" for sign, name in signs[:bounds])
