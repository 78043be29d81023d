"""Concepts numbered so that what stands below one is one run of numbers, or a few.

Each concept follows the first of its parents, and what follows it comes right after it: numbers in this order
(preorder) make every subtree one run. A concept with further parents adds runs to those and to all above them.

Source: Agrawal, Borgida, Jagadish, "Efficient management of transitive relationships in large data and knowledge
bases" (1989), tree cover.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhir_gateway.terminology.spans import Spans

_NONE = 0xFFFF_FFFF


@dataclass(slots=True)
class Hierarchy:
    """The numbers. Entries are places in the release; numbers are places in the order made here."""

    entries: array[int]  # of each number
    numbers: array[int]  # of each entry
    lasts: array[int]  # of each number, the last of its own subtree
    more: dict[int, bytes]  # where there is more below than the own subtree: the spans of all, packed
    children: dict[int, array[int]]  # entries below an entry, of those that have some


def circle(parents: Sequence[Sequence[int]]) -> list[int] | None:
    """Return entries that stand below each other in a circle, the first once more at the end; None when none do."""
    state = bytearray(len(parents))  # 1: on the way, 2: done
    for start in range(len(parents)):
        if state[start]:
            continue
        state[start] = 1
        way: list[tuple[int, Iterator[int]]] = [(start, iter(parents[start]))]
        while way:
            entry, rest = way[-1]
            above = next(rest, None)
            if above is None:
                state[entry] = 2
                way.pop()
            elif state[above] == 1:
                names = [each for each, _ in way]
                return [*names[names.index(above) :], above]
            elif not state[above]:
                state[above] = 1
                way.append((above, iter(parents[above])))
    return None


def numbered(parents: Sequence[Sequence[int]]) -> Hierarchy:
    """Return the numbers of entries, whose parents are entries too and make no circle."""
    count = len(parents)
    children: dict[int, array[int]] = {}
    for entry, above in enumerate(parents):
        for each in above:
            below = children.get(each)
            if below is None:
                below = children[each] = array("I")
            below.append(entry)
    entries, numbers, lasts = array("I"), array("I", bytes(4 * count)), array("I", bytes(4 * count))
    for root in range(count):
        if parents[root]:
            continue
        pending: list[int] = [root]
        while pending:
            entry = pending.pop()
            if entry < 0:
                lasts[numbers[~entry]] = len(entries) - 1
                continue
            numbers[entry] = len(entries)
            entries.append(entry)
            pending.append(~entry)
            pending += [each for each in reversed(children.get(entry, ())) if parents[each][0] == entry]
    return Hierarchy(entries, numbers, lasts, _more(parents, children, numbers, entries, lasts), children)


def _more(
    parents: Sequence[Sequence[int]],
    children: dict[int, array[int]],
    numbers: array[int],
    entries: array[int],
    lasts: array[int],
) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for entry in _upwards(parents, children):
        below = children.get(entry)
        if below is None:
            continue
        own = numbers[entry]
        first, last = own, lasts[own]
        pairs: list[tuple[int, int]] = []
        for each in below:
            number = numbers[each]
            if not first <= number <= last:
                pairs.append((number, lasts[number]))
            extra = found.get(number)
            if extra is not None:
                pairs += [pair for pair in Spans.unpacked(extra).pairs if pair[0] < first or pair[1] > last]
        if pairs:
            found[own] = Spans.of([(first, last), *pairs]).packed()
    return found


def _upwards(parents: Sequence[Sequence[int]], children: dict[int, array[int]]) -> Iterator[int]:
    """Yield entries, each after all that stand below it."""
    waiting = array("I", (len(children.get(entry, ())) for entry in range(len(parents))))
    ready = [entry for entry in range(len(parents)) if not waiting[entry]]
    while ready:
        entry = ready.pop()
        yield entry
        for above in parents[entry]:
            waiting[above] -= 1
            if not waiting[above]:
                ready.append(above)
