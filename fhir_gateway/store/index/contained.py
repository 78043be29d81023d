"""Contained resources, as the index knows them: that there are some of a type, and what references to them lead to.

A contained resource has no rows of its own. Its container has, in i_token under `UNSEARCHED`, the key of its type, and
of any type. A reference to it ("#m1") by a search parameter gives the container all rows that the contained resource
would have, under numbers made of that parameter's and their own (`through`): a chain looks for those.

Source: FHIR R4, Search, "Contained resources": "A chained condition will be evaluated inside contained resources";
References, "Contained Resources".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fhir_gateway.store.contract import Row
from fhir_gateway.store.index.hashing import h64
from fhir_gateway.store.index.reference import TARGETLESS, UNSEARCHED
from fhir_gateway.store.index.rows import Rows

_PARAMETERS = 1 << 15  # numbers of parameters that two fit into one of 32 bits


class Leading(NamedTuple):
    """A branch of a reference parameter, by which a resource may lead to what it contains."""

    pid: int
    first: str  # property of the resource
    select: Callable[[Any], list[Any]]
    target: str | None  # only references to this resource type


def contained_key(type: str) -> int:
    """Return the key of resources that contain one of a type, of any where it is ""."""
    return h64(f"contained|{type}")


def through(reference: int, parameter: int) -> int:
    """Return the number of a parameter of contained resources that a reference parameter leads to, below 0.

    parameter 0: not a parameter, but that there is such a resource (`contained_key`).
    Raises: OverflowError from number 32,768 on; R4 has some 4,000.
    """
    if max(reference, parameter) >= _PARAMETERS:
        raise OverflowError("too many search parameters to number those of contained resources")
    return -(reference * _PARAMETERS + parameter)


def take(
    resource: Mapping[str, Any],
    leading: Iterable[Leading],
    collect: Callable[[Mapping[str, Any], Rows], None],
    rows: Rows,
) -> None:
    """Append the rows of a resource's contained ones. `collect` appends those a resource has by itself."""
    inside = resource["contained"]
    kinds = {"", *(each["resourceType"] for each in inside)}
    rows.token.extend([(UNSEARCHED, contained_key(kind), None) for kind in kinds])
    by_reference = {f"#{each['id']}": each for each in inside if "id" in each}
    for reference, pids in _led_to(resource, leading, by_reference).items():
        own = Rows()
        collect(by_reference[reference], own)
        key = contained_key(by_reference[reference]["resourceType"])
        for pid in pids:
            # The type of what "#m1" means is known here only: a parameter of that type is not missing.
            rows.ref.append((TARGETLESS, pid, None))
            rows.token.append((through(pid, 0), key, None))
            _append(own, pid, rows)


def _led_to(
    resource: Mapping[str, Any], leading: Iterable[Leading], by_reference: Mapping[str, Mapping[str, Any]]
) -> dict[str, set[int]]:
    """Return for each contained resource that is referred to the parameters that refer to it."""
    found: dict[str, set[int]] = {}
    for pid, first, select, target in leading:
        for value in select(resource[first]) if first in resource else ():
            inside = by_reference.get(value.get("reference"))
            if inside is not None and target in (None, inside["resourceType"]):
                found.setdefault(value["reference"], set()).add(pid)
    return found


def _append(own: Rows, pid: int, rows: Rows) -> None:
    # Nothing is ordered by rows of contained resources, so tokens need no text.
    rows.token.extend([(through(pid, row[0]), row[1], None) for row in own.token])
    rows.ref.extend([(row[0], through(pid, row[1]), row[2]) for row in own.ref])
    tables: tuple[tuple[list[Row], Sequence[Row]], ...] = (
        (rows.date, own.date),
        (rows.num, own.num),
        (rows.qty, own.qty),
        (rows.str, own.str),
        (rows.comp, own.comp),
    )
    for table, added in tables:
        table.extend([(through(pid, row[0]), *row[1:]) for row in added])
