"""Sets of concept numbers as spans: pairs (first, last), ascending, that neither touch nor overlap.

In a system whose concepts are numbered in the order of its hierarchy, what lies below a concept is one span, and some
more where concepts stand below several: a set of a hundred thousand is a few pairs.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

Pairs = Sequence[tuple[int, int]]


class Spans:
    """A set of numbers. Immutable."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, firsts: array[int], lasts: array[int]) -> None:
        self._firsts = firsts
        self._lasts = lasts

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> Spans:
        """Return the set of all numbers of pairs (first, last), in any order."""
        firsts, lasts = array("I"), array("I")
        for first, last in sorted(pairs):
            if lasts and first <= lasts[-1] + 1:
                lasts[-1] = max(lasts[-1], last)
            else:
                firsts.append(first)
                lasts.append(last)
        return cls(firsts, lasts)

    @classmethod
    def numbers(cls, numbers: Iterable[int]) -> Spans:
        """Return the set of these numbers."""
        return cls.of((number, number) for number in numbers)

    @classmethod
    def unpacked(cls, packed: bytes) -> Spans:
        """Return a set from its bytes, see `packed`."""
        both = array("I", packed)
        half = len(both) // 2
        return cls(both[:half], both[half:])

    def packed(self) -> bytes:
        """Return all firsts, then all lasts, of four bytes each."""
        return (self._firsts + self._lasts).tobytes()

    @property
    def pairs(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int) or number < 0:
            return False
        place = bisect_right(self._firsts, number)
        return place > 0 and number <= self._lasts[place - 1]

    def __len__(self) -> int:
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.pairs:
            yield from range(first, last + 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spans) and self._firsts == other._firsts and self._lasts == other._lasts

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Spans) -> Spans:
        return Spans.of([*self.pairs, *other.pairs])

    def __and__(self, other: Spans) -> Spans:
        few, many = (self, other) if len(self._firsts) <= len(other._firsts) else (other, self)
        firsts, lasts = array("I"), array("I")
        for first, last in few.pairs:
            # From the span of the other set that holds `first`, or the one after it.
            at = max(0, bisect_right(many._firsts, first) - 1)
            end = bisect_right(many._firsts, last)
            if at + 1 < end:  # several: all but the outermost lie within as they are
                firsts += many._firsts[at:end]
                lasts += many._lasts[at:end]
                begin = len(firsts) - (end - at)
                firsts[begin], lasts[-1] = max(firsts[begin], first), min(lasts[-1], last)
                if firsts[begin] > lasts[begin]:
                    del firsts[begin], lasts[begin]
            elif at < end and many._lasts[at] >= first:
                firsts.append(max(first, many._firsts[at]))
                lasts.append(min(last, many._lasts[at]))
        return Spans(firsts, lasts)

    def __sub__(self, other: Spans) -> Spans:
        found: list[tuple[int, int]] = []
        taken = list(other.pairs)
        at = 0
        for first, last in self.pairs:
            while at < len(taken) and taken[at][1] < first:
                at += 1
            here = at
            while here < len(taken) and taken[here][0] <= last:
                if taken[here][0] > first:
                    found.append((first, taken[here][0] - 1))
                first = max(first, taken[here][1] + 1)
                here += 1
            if first <= last:
                found.append((first, last))
        return Spans.of(found)

    def sliced(self, offset: int, count: int) -> Spans:
        """Return the numbers of a page: `count` of them after the first `offset`."""
        found: list[tuple[int, int]] = []
        for first, last in self.pairs:
            size = last - first + 1
            if offset >= size:
                offset -= size
                continue
            begin = first + offset
            end = min(last, begin + count - 1)
            if end >= begin:
                found.append((begin, end))
                count -= end - begin + 1
            offset = 0
            if count <= 0:
                break
        return Spans.of(found)

    def parts(self, size: int) -> Iterator[Spans]:
        """Yield the numbers in order as sets of at most `size` each, the first ones small: often a few suffice."""
        firsts, lasts = array("I"), array("I")
        room = most = min(size, 100)
        for first, last in self.pairs:
            while first <= last:
                end = min(last, first + room - 1)
                firsts.append(first)
                lasts.append(end)
                room -= end - first + 1
                first = end + 1
                if not room:
                    yield Spans(firsts, lasts)
                    firsts, lasts = array("I"), array("I")
                    room = most = min(size, 2 * most)
        if firsts:
            yield Spans(firsts, lasts)


def all_of(count: int) -> Spans:
    """Return the set of the numbers below `count`."""
    return Spans.of([(0, count - 1)] if count else [])
