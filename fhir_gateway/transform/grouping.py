"""Groups of segments: which segment belongs to which, told by the order they come in.

A segment goes to the innermost open group that has a place for it: as its body, as the next of its head, or as the
head of a group within, which it opens. What has no place stays with the group at hand: nothing is lost, nothing is
refused for its order.

Source: HL7 v2.5.1, chapter 2, 2.12 (message structures, segment groups).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fhir_gateway.transform.rules import Group
from fhir_gateway.transform.source import Scope, Segment


class Misplaced(NamedTuple):
    """A segment that stands where no group has a place for it. `heads`: whether it begins a group of its own, of which
    nobody can tell what it is about.
    """

    segment: Segment
    heads: bool


class Grouping:
    """Groups of a kind of message, as tables."""

    def __init__(self, root: Group) -> None:
        self._root = _Node(root, None)
        self._heads, self._known = _names_of(root)

    def names(self) -> set[str]:
        """Return the names of all groups."""
        found, waiting = set(), [self._root]
        while waiting:
            node = waiting.pop()
            found.add(node.name)
            waiting += node.within
        return found

    def scopes(self, segments: Iterable[Segment], misplaced: list[Misplaced] | None = None) -> Scope:
        """Return the groups of a message, the whole first. `misplaced`: segments that have no place are added to it."""
        node = self._root
        scope = root = Scope(node.name)
        steps: dict[int, int] = {}  # how far into its head each group is
        for segment in segments:
            name = segment.name
            at: _Node | None = node
            here: Scope | None = scope
            while at is not None and here is not None:
                if name in at.plain:
                    break
                place = at.head.get(name)
                if place is not None and place >= steps.get(id(here), 0) and not here.children:
                    steps[id(here)] = place + (name not in at.repeating)
                    break
                if name in at.body:
                    break
                inner = at.opens.get(name)
                if inner is not None:
                    opened = Scope(inner.name, here, inner.own)
                    here.children.append(opened)
                    steps[id(opened)] = inner.head[name] + 1
                    at, here = inner, opened
                    break
                at, here = at.parent, here.parent
            if at is not None and here is not None:
                node, scope = at, here
            elif misplaced is not None and name in self._known and (scope is not root or name in self._heads):
                misplaced.append(Misplaced(segment, name in self._heads))
            same = scope.segments.get(name)
            if same is None:
                scope.segments[name] = [segment]
            else:
                same.append(segment)
        return root


def _names_of(group: Group) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of segments that begin the groups within a group, and of all that belong to them."""
    heads, known = frozenset[str](), frozenset[str]()
    for each in group.groups:
        inner, own = _names_of(each)
        heads |= inner | frozenset(each.head)
        known |= own | frozenset((*each.head, *each.body))
    return heads, known


class _Node:
    __slots__ = ("body", "head", "name", "opens", "own", "parent", "plain", "repeating", "within")

    def __init__(self, group: Group, parent: _Node | None) -> None:
        self.name = group.name
        self.parent = parent
        self.head = {name: place for place, name in enumerate(group.head)}
        self.body = frozenset(group.body)
        self.own = self.body | frozenset(group.head)
        self.plain = self.body - frozenset(group.head)
        self.repeating = self.body & frozenset(group.head)
        self.within = [_Node(each, self) for each in group.groups]
        self.opens: dict[str, _Node] = {}
        for each in self.within:
            for name in each.head:
                self.opens.setdefault(name, each)
