"""From a resource to those it refers to, and to those that refer to it, as conditions.

A literal reference leads to a resource by the resource's key; a canonical by the url the resource gives itself, and by
its version where the canonical names one; a reference to a contained resource by rows of its container's own. Each has
two texts: a set, which begins with all that meet the inner criterion, and a test, which begins with the one resource
tested and costs the same however many resources there are.

Whatever is led through must be seen: each text ends in the test of that (`narrowing.Sight`), "" where all may be seen.

Aliases carry the depth, since a text inside another must not take its column for its own.

Source: FHIR R4, Search, "Chained parameters", "Reverse Chaining"; References, "Canonical URLs".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from fhir_gateway.conformance.search_parameter import SearchParameter
from fhir_gateway.store.index.condition import Condition, Keys, Scan, Value, of_keys
from fhir_gateway.store.index.contained import contained_key, through
from fhir_gateway.store.search.criterion import Criterion, Shape, on_rows, on_set
from fhir_gateway.store.search.narrowing import EVERYTHING, Sight, joined, seen
from fhir_gateway.store.search.registry import Registry
from fhir_gateway.store.search.statement import OF_RESOURCE, probe_text, set_text

_TEXTS = 4096
# What is found in contained resources, and (where that is that they lack something) that there are such resources.
Inside = tuple[Criterion, Criterion | None]
_URIS = frozenset({"canonical", "uri", "url", "oid", "uuid"})


@dataclass(frozen=True, slots=True)
class Means:
    """How a reference parameter's values lead to a resource: as references, as canonicals (url), or either."""

    literal: bool
    canonical: bool

    @property
    def steps(self) -> int:
        """How many of the references that one criterion may follow it counts for: a canonical takes two look-ups."""
        return 2 if self.canonical else 1


def means(parameters: Sequence[SearchParameter]) -> Means:
    """Return how the values of reference parameters lead to a resource."""
    types = {branch.type for parameter in parameters for branch in parameter.branches}
    return Means(not types <= _URIS, bool(types & _URIS))


def url_pids(registry: Registry, types: tuple[str, ...]) -> Keys:
    """Return the numbers of the parameters by which resources of these types give their canonical url."""
    found = ((type, registry.parameter(type, "url")) for type in types)
    return Keys(sorted(registry.pids[type, "url"] for type, url in found if url is not None and url.type == "uri"))


# --- a reference leads to a resource that meets the inner criterion


def referring(
    registry: Registry,
    inner: Criterion,
    targets: tuple[str, ...],
    by: Means,
    depth: int,
    sight: Sight = EVERYTHING,
) -> Iterator[Condition]:
    """Yield the conditions of rows of i_ref: one for literal references, one for canonicals, where there can be any.

    sight: what may be seen of the resources referred to.
    """
    shape = inner.shape
    if by.literal:
        rtypes = Keys(registry.rtypes[target] for target in targets)
        set_values = (*inner.scan_values, *sight.values)
        scans = (Scan(_literal_set(shape, sight.text), set_values),) if inner.drives else ()
        found = (*(() if _of_rows(shape) else (rtypes,)), *inner.test_values, *sight.values)
        yield Condition(_literal_test(shape, depth, sight.text), found, scans)
    urls = url_pids(registry, targets) if by.canonical else Keys()
    if urls:
        set_values = (*inner.scan_values, urls, *sight.values)
        scans = (Scan(_canonical_set(shape, sight.text), set_values),) if inner.drives else ()
        found = (urls, *inner.test_values, *sight.values)
        yield Condition(_canonical_test(shape, depth, sight.text), found, scans)


@lru_cache(_TEXTS)
def _literal_set(shape: Shape, sight: str) -> str:
    found = f"{{of resource}}{_set(shape)}{{/of resource}}{joined(sight, 't.rid')}"
    return f"{{trk}} {{in}}SELECT t.rk {found}{{/in}}"


@lru_cache(_TEXTS)
def _literal_test(shape: Shape, depth: int, sight: str) -> str:
    t = f"t{depth}"
    if _of_rows(shape):
        # Only a current resource of the right type has the rows, so that its number is all there is to know of it.
        rid = f"(SELECT {t}.rid FROM resource {t} WHERE {t}.rk = {{trk}})"
        # Alternatives among alternatives: SQLite's parser does not go deep, and parentheses are depth.
        if not shape.implies:
            return f"{_tested(shape, rid, depth)}{seen(sight, rid)}"
        return f"({_wheres(shape, rid)}){seen(sight, rid)}" if sight else _wheres(shape, rid)
    found = f"SELECT 1 FROM resource {t} WHERE {t}.rk = {{trk}} AND {t}.rtype {{any}} AND {t}.deleted = 0"
    tested = f"{probe_text(shape, f'{t}.rid', t, ranged=False)}{seen(sight, f'{t}.rid')}"
    return f"{{some}}{found} AND {tested}{{/some}}"


@lru_cache(_TEXTS)
def _canonical_set(shape: Shape, sight: str) -> str:
    # The row of a reference that has a text (`s`) is the one of its whole key, version included.
    urls = f"SELECT t.h {{of i_token}}{_set(shape)}{{/of i_token}} AND t.pid {{any}}{joined(sight, 't.rid')}"
    return f"({{trk}} {{in}}{urls}{{/in}} AND ({{+}}{{s}}) IS NOT NULL)"


@lru_cache(_TEXTS)
def _canonical_test(shape: Shape, depth: int, sight: str) -> str:
    u = f"u{depth}"
    found = f"SELECT 1 FROM i_token {u} WHERE {u}.h = {{trk}} AND {u}.pid {{any}}"
    tested = f"{_tested(shape, f'{u}.rid', depth)}{seen(sight, f'{u}.rid')}"
    return f"({{s}} IS NOT NULL AND {{some}}{found} AND {tested}{{/some}})"


# --- a resource that meets the inner criterion is contained in this one


def inside(
    inner: Criterion, references: Sequence[int], parameters: Sequence[int], types: Sequence[str]
) -> Inside | None:
    """Return the criterion that a contained resource to which one of `references` leads meets `inner`.

    parameters: the numbers that `inner` is about, of `types`. None where it is about no rows of parameters: contained
    resources have no ids of their own, and nothing else refers to them.
    """
    if inner.of is None:
        return None
    found = inner.of([through(reference, own) for reference in references for own in parameters])
    if not inner.shape.negated:
        return found, None
    kinds = [of_keys("{h}", [contained_key(type) for type in types])]
    return found, on_rows(inner.name, "i_token", [through(reference, 0) for reference in references], kinds)


def either(
    name: str, outside: Criterion, insides: Sequence[Inside], inner: Sequence[Criterion], depth: int
) -> Criterion:
    """Return the criterion that a chain holds: outside, in the resource referred to, or in a contained one."""
    shapes = tuple((found.shape, None if there is None else there.shape) for found, there in insides)
    all_found = [outside, *(found for found, _ in insides)]
    values = list(outside.test_values)
    for found, there in insides:
        values += (*(there.test_values if there is not None else ()), *found.test_values)
    drives = all(each.drives for each in all_found)
    criterion = on_set(
        name,
        _either_set(outside.shape, shapes) if drives else "",
        [value for each in all_found for value in each.scan_values],
        _either_test(outside.shape, shapes, depth),
        values,
        inner=inner if drives else (),
    )
    parts = tuple(each.shape for each in all_found) if drives else ()
    return replace(criterion, of=outside.of, shape=replace(criterion.shape, implies=True, parts=parts))


_Shapes = tuple[tuple[Shape, Shape | None], ...]


@lru_cache(_TEXTS)
def _either_set(outside: Shape, insides: _Shapes) -> str:
    return " UNION ALL ".join(set_text(shape) for shape in (outside, *(found for found, _ in insides)))


@lru_cache(_TEXTS)
def _either_test(outside: Shape, insides: _Shapes, depth: int) -> str:
    def probe(shape: Shape) -> str:
        return probe_text(shape, "{rid}", "", ranged=False, alias=f"p{depth}")

    tests = [probe(outside)]
    tests += [probe(found) if there is None else f"({probe(there)} AND {probe(found)})" for found, there in insides]
    return " OR ".join(tests)


# --- a resource that meets the inner criterion refers to this one


def referred(
    registry: Registry,
    name: str,
    inner: Criterion,
    pid: int,
    types: tuple[str, ...],
    by: Means,
    depth: int,
    sight: Sight = EVERYTHING,
) -> Criterion:
    """Return the criterion that a resource that meets `inner` refers, by parameter `pid`, to this one of `types`.

    sight: what may be seen of the resources that refer.
    """
    rtypes = Keys(registry.rtypes[type] for type in types)
    urls = url_pids(registry, types) if by.canonical else Keys()
    sets: list[tuple[str, tuple[Value, ...]]] = []
    tests: list[tuple[str, tuple[Value, ...]]] = []
    shape = inner.shape
    test_values, set_values = (pid, *inner.test_values, *sight.values), (*inner.scan_values, pid, *sight.values)
    if by.literal or not urls:
        tests.append((_referred_test(shape, depth, sight.text), test_values))
        if inner.drives:
            sets.append((_referred_set(shape, depth, sight.text), (*set_values, rtypes)))
    if urls:
        tests.append((_referred_by_url_test(shape, depth, sight.text), (urls, *test_values)))
        if inner.drives:
            sets.append((_referred_by_url_set(shape, depth, sight.text), (urls, *set_values, rtypes)))
    return on_set(
        name,
        " UNION ALL ".join(text for text, _ in sets),
        [value for _, values in sets for value in values],
        " OR ".join(text for text, _ in tests),
        [value for _, values in tests for value in values],
        inner=(inner,),
    )


_OF_TYPES = "{{+}}{t}.rtype {{any}} AND {{+}}{t}.deleted = 0"


@lru_cache(_TEXTS)
def _referred_set(shape: Shape, depth: int, sight: str) -> str:
    t = f"t{depth}"
    keys = f"SELECT t.trk {{of i_ref}}{_set(shape)}{{/of i_ref}} AND t.pid = ?{joined(sight, 't.rid')}"
    return f"SELECT {t}.rid FROM resource {t} WHERE {t}.rk {{in}}{keys}{{/in}} AND {_OF_TYPES.format(t=t)}"


@lru_cache(_TEXTS)
def _referred_test(shape: Shape, depth: int, sight: str) -> str:
    h = f"h{depth}"
    found = f"SELECT 1 FROM i_ref {h} WHERE {h}.trk = {{rk}} AND {h}.pid = ?"
    return f"{{some}}{found} AND {_tested(shape, f'{h}.rid', depth)}{seen(sight, f'{h}.rid')}{{/some}}"


@lru_cache(_TEXTS)
def _referred_by_url_set(shape: Shape, depth: int, sight: str) -> str:
    t, u = f"t{depth}", f"u{depth}"
    keys = f"SELECT t.trk {{of i_ref}}{_set(shape)}{{/of i_ref}} AND t.pid = ?"
    keys += f" AND ({{+}}t.s) IS NOT NULL{joined(sight, 't.rid')}"
    urls = f"SELECT {u}.rid FROM i_token {u} WHERE {u}.pid {{any}} AND {u}.h {{in}}{keys}{{/in}}"
    return f"SELECT {t}.rid FROM resource {t} WHERE {t}.rid {{in}}{urls}{{/in}} AND {_OF_TYPES.format(t=t)}"


@lru_cache(_TEXTS)
def _referred_by_url_test(shape: Shape, depth: int, sight: str) -> str:
    u, h = f"u{depth}", f"h{depth}"
    found = (
        f"SELECT 1 FROM i_ref {h} WHERE {h}.trk = {u}.h AND {h}.pid = ? AND {h}.s IS NOT NULL"
        f" AND {_tested(shape, f'{h}.rid', depth)}{seen(sight, f'{h}.rid')}"
    )
    urls = f"SELECT 1 FROM i_token {u} WHERE {u}.rid = {{rid}} AND {u}.pid {{any}}"
    return f"{{some}}{urls} AND {{some}}{found}{{/some}}{{/some}}"


def _tested(shape: Shape, rid: str, depth: int) -> str:
    """Return the test that the resource of a rid meets a criterion; its own row is read only if need be."""
    if shape.table not in OF_RESOURCE:
        return probe_text(shape, rid, "", ranged=False, alias=f"p{depth + 1}")
    if _by_rid_alone(shape):
        return f"{'NOT ' if shape.negated else ''}({_wheres(shape, rid)})"
    r = f"r{depth}"
    found = f"SELECT 1 FROM resource {r} WHERE {r}.rid = {rid} AND {probe_text(shape, f'{r}.rid', r, ranged=False)}"
    return f"{{some}}{found}{{/some}}"


def _wheres(shape: Shape, rid: str) -> str:
    return " OR ".join(shape.wheres).replace("{rid}", rid)


def _by_rid_alone(shape: Shape) -> bool:
    return shape.table == "set" and not any("{rk}" in where or "{rtype}" in where for where in shape.wheres)


def _of_rows(shape: Shape) -> bool:
    """Tell whether only resources that have rows of some parameters pass."""
    return not shape.negated and (shape.table not in OF_RESOURCE or shape.implies)


def _set(shape: Shape) -> str:
    """Return the rids that a criterion leads to, for a set to be made of them; SQLite's parser does not go deep."""
    return shape.scans[0] if shape.table == "set" else set_text(shape)
